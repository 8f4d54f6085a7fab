// One masked branch: its policy, and what a reader sees of its documents.

import { get, url } from "../../api.js";
import { collectionNames } from "../../collections.js";
import { useData } from "../../data.js";
import { Link, path, setQuery } from "../../router.js";
import { Copy } from "../../ui/controls.js";
import { html } from "../../ui/html.js";
import { Icon } from "../../ui/icons.js";
import { withValue } from "../../ui/inputs.js";
import { Empty, Loaded } from "../../ui/notice.js";
import { Compared } from "./compared.js";

/** @param {{ state: import("../../types.js").State, branch: import("../../types.js").Branch, route: import("../../router.js").Route }} props */
export function Mask({ state, branch, route }) {
  const { project } = state;
  const name = branch.branch;
  const source = `${branch.parent}@${branch.forked_at}`;
  const mask = useData(
    (signal) => get(url`/v1/projects/${project}/branches/${name}/mask`, { signal }),
    [project, name],
  );
  const collections = useData((signal) => collectionNames(project, source, signal), [project, source]);
  const collection = route.query.get("collection");
  return html`<div class="view">
    <header>
      <h1><${Link} to=${path(project, state.revision, "masks")}>Masks</${Link}></h1><${Icon} name="chevron" /><strong>${name}</strong>
      <span class="faint">made of ${source}</span>
    </header>
    <section class="card" aria-label="What a reader sees">
      <header>
        <h2>What a reader sees</h2>
        <${Loaded} from=${collections}>
          ${(/** @type {string[]} */ names) => html`<select
            aria-label="Collection"
            value=${collection ?? ""}
            onInput=${withValue((value) => setQuery({ collection: value, at: null }))}
          >
            <option value="">Choose a collection</option>
            ${names.map((one) => html`<option value=${one}>${one}</option>`)}
          </select>`}
        </${Loaded}>
      </header>
      ${
        collection
          ? html`<${Compared}
            key=${collection}
            project=${project}
            source=${source}
            masked=${name}
            collection=${collection}
            at=${Number(route.query.get("at") ?? 0)}
          />`
          : html`<${Empty} icon="eye" title="Choose a collection">
              Its documents are shown as they are stored, beside what readers of ${name} get.
            </${Empty}>`
      }
    </section>
    <section class="card" aria-label="Policy">
      <header><h2>Policy</h2><span class="faint">as TOML, without its key</span>
        <span class="right">${mask.data && html`<${Copy} text=${mask.data.policy} label="Copy the policy" />`}</span></header>
      <${Loaded} from=${mask}>${(/** @type {any} */ data) => 
        html`<pre class="inside" tabindex="0" aria-label="Policy">${data.policy}</pre>`}
      </${Loaded}>
    </section>
  </div>`;
}
