// One document: its content, its versions, and who wrote its fields.

import { request, url } from "../../api.js";
import { useData } from "../../data.js";
import { idOf, text } from "../../ejson.js";
import { navigate, path, setQuery, withQuery } from "../../router.js";
import { useKeys } from "../../keys.js";
import { Button, Switch } from "../../ui/controls.js";
import { html } from "../../ui/html.js";
import { Loaded } from "../../ui/notice.js";
import { Blame } from "./blame.js";
import { Content } from "./content.js";
import { Versions } from "./versions.js";

/** @param {any} props */
export function DocumentPanel({ state, route, collection, id, onChange }) {
  const { project, revision } = state;
  const base = url`/v1/projects/${project}/states/${revision}/collections/${collection}/documents/${id}`;
  const document = useData(
    async (signal) => {
      const reply = await request("GET", base, { query: { canonical: true }, signal });
      return { document: await reply.json(), tag: reply.headers.get("ETag") };
    },
    [base, state.lsn],
  );
  const tab = route.query.get("tab") ?? "content";
  const close = () => {
    const query = Object.fromEntries(route.query);
    delete query.tab;
    navigate(withQuery(path(project, revision, "documents", collection), query));
  };
  useKeys([{ keys: "Escape", title: "Close the document", run: close }]);
  const changed = () => {
    document.reload();
    onChange();
  };
  return html`<aside class="panel" aria-label=${`Document ${text(idOf(id))}`}>
    <header>
      <h2 class="cut mono" title=${id}>${text(idOf(id))}</h2>
      <span class="right"><${Button} kind="quiet" icon="close" label="Close" onClick=${close} /></span>
    </header>
    <div class="bar tabs">
      <${Switch}
        label="Parts of the document"
        value=${tab}
        options=${[
          { value: "content", label: "Content" },
          { value: "history", label: "History" },
          { value: "blame", label: "Blame" },
        ]}
        onChange=${(/** @type {string} */ value) => setQuery({ tab: value === "content" ? null : value }, { replace: true })}
      />
    </div>
    <div class="panel-body">
      ${tab === "history" && html`<${Versions} state=${state} base=${base} collection=${collection} id=${id} />`}
      ${tab === "blame" && html`<${Blame} state=${state} base=${base} />`}
      ${
        tab === "content" &&
        html`<${Loaded} from=${document}>
          ${(/** @type {any} */ data) => html`<${Content}
            state=${state}
            collection=${collection}
            id=${id}
            document=${data.document}
            tag=${data.tag}
            onChange=${changed}
            onDelete=${() => {
              onChange();
              close();
            }}
            onReload=${changed}
          />`}
        </${Loaded}>`
      }
    </div>
  </aside>`;
}
