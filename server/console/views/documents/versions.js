// The versions of a document, each with what its commit changed.

import { page, url } from "../../api.js";
import { useData, usePages } from "../../data.js";
import { idOf } from "../../ejson.js";
import { Link, path, withQuery } from "../../router.js";
import { revisionAt } from "../../state.js";
import { Ago, Badge, Button } from "../../ui/controls.js";
import { Fields } from "../../ui/fields.js";
import { html, useState } from "../../ui/html.js";
import { Icon } from "../../ui/icons.js";
import { viewOf } from "../../views.js";
import { Empty, Loaded, Loading, ProblemNotice } from "../../ui/notice.js";

/** @param {any} props */
export function Versions({ state, base, collection, id }) {
  const list = usePages((cursor, signal) => page(`${base}/history`, { query: { canonical: true, limit: 50, cursor }, signal }), [base, state.lsn]);
  if (list.problem) return html`<${ProblemNotice} problem=${list.problem} onRetry=${list.reload} />`;
  if (list.items.length === 0) return list.isLoading ? html`<${Loading} />` : html`<${Empty} icon="history" title="No versions" />`;
  return html`<ol class="versions">
      ${list.items.map(
        (/** @type {import("../../types.js").DocumentVersion} */ version) => html`<${Version} key=${version.lsn} version=${version} state=${state} collection=${collection} id=${id} />`,
      )}
    </ol>
    ${list.next && html`<${Button} onClick=${list.more} disabled=${list.isLoading}>Older versions</${Button}>`}`;
}

/** @param {{ version: import("../../types.js").DocumentVersion, state: import("../../types.js").State, collection: string, id: string }} props */
function Version({ version, state, collection, id }) {
  const [isOpen, setOpen] = useState(false);
  const { branch, project, revision } = state;
  const at = branch ? revisionAt(branch, version.lsn) : revision;
  return html`<li class="version">
    <button type="button" class="version-head" aria-expanded=${isOpen ? "true" : "false"} onClick=${() => setOpen(!isOpen)}>
      <${Icon} name=${isOpen ? "down" : "chevron"} />
      <span class="cut">${version.message || html`<span class="faint">no message</span>`}</span>
      ${version.deleted && html`<${Badge} kind="bad">deleted</${Badge}>`}
      <span class="right faint">${version.actor} · <${Ago} time=${version.time} /></span>
    </button>
    ${
      isOpen &&
      html`<div class="version-body">
        <${VersionChange} project=${project} revision=${branch ? `${branch.branch}@${version.lsn}` : revision} collection=${collection} id=${id} />
        <p class="bar">
          <${Link} to=${path(project, branch ? `${branch.branch}@${version.lsn}` : revision, "commits", String(version.lsn))}>Commit ${version.lsn}</${Link}>
          ${!version.deleted && html`<${Link} to=${path(project, at, "documents", collection, id)}>Document at ${at}</${Link}>`}
          ${
            branch &&
            viewOf("restore", false) &&
            html`<${Link} to=${withQuery(path(project, branch.branch, "restore"), { revision: at, collection, id })}>Restore it</${Link}>`
          }
        </p>
      </div>`
    }
  </li>`;
}

/** @param {{ project: string, revision: string, collection: string, id: string }} props */
function VersionChange({ project, revision, collection, id }) {
  const change = useData(
    async (signal) => {
      const query = { detail: "changes", canonical: true, collections: collection, ids: JSON.stringify(idOf(id)) };
      const { items } = await page(url`/v1/projects/${project}/states/${revision}/commit`, { query, signal });
      return items.find((item) => item.kind === "document") ?? null;
    },
    [project, revision, collection, id],
  );
  return html`<${Loaded} from=${change}>
    ${(/** @type {any} */ data) => (data ? html`<${Fields} change=${data} />` : html`<p class="faint">The commit lists no change of it.</p>`)}
  </${Loaded}>`;
}
