// Documents of the source beside those of the masked branch, one at a time.

import { page, request, url } from "../../api.js";
import { useData, usePages } from "../../data.js";
import { idText, source as jsonOf } from "../../ejson.js";
import { count } from "../../format.js";
import { useKeys } from "../../keys.js";
import { setQuery } from "../../router.js";
import { Badge, Button } from "../../ui/controls.js";
import { html } from "../../ui/html.js";
import { fieldRows } from "../../ui/leaves.js";
import { Empty, Loading, ProblemNotice } from "../../ui/notice.js";
import { Value } from "../../ui/tree.js";

/** @param {{ project: string, source: string, masked: string, collection: string, at: number }} props */
export function Compared({ project, source, masked, collection, at }) {
  const list = usePages(
    (cursor, signal) =>
      page(url`/v1/projects/${project}/states/${source}/collections/${collection}/documents`, {
        query: { canonical: true, cursor, limit: 50 },
        signal,
      }),
    [project, source, collection],
  );
  const document = list.items[at];
  const seen = useData(
    async (signal) => (document ? readMasked(project, masked, collection, document._id, signal) : null),
    [project, masked, collection, document && idText(document._id)],
  );
  /** @param {number} next */
  const go = (next) => {
    if (next < 0 || next >= list.items.length) return;
    if (next >= list.items.length - 2) list.more();
    setQuery({ at: next || null }, { replace: true });
  };
  useKeys([
    { keys: "j", title: "Next document", run: () => go(at + 1) },
    { keys: "k", title: "Document before", run: () => go(at - 1) },
  ]);
  if (list.problem) return html`<${ProblemNotice} problem=${list.problem} onRetry=${list.reload} />`;
  if (!document) return list.isLoading ? html`<${Loading} />` : html`<${Empty} title="No documents" />`;
  const isLeftOut = seen.data === null && !seen.isLoading && !seen.problem;
  return html`<div class="inside compared">
    <div class="bar">
      <span class="faint">Document</span><strong class="mono">${idText(document._id)}</strong>
      ${isLeftOut && html`<${Badge} kind="bad">left out</${Badge}>`}
      <span class="bar right">
        <span class="faint number">${count(at + 1)} of ${count(list.items.length)}${list.next ? "+" : ""}</span>
        <${Button} kind="quiet" icon="back" label="Document before" disabled=${at === 0} onClick=${() => go(at - 1)} />
        <${Button}
          kind="quiet"
          icon="chevron"
          label="Next document"
          disabled=${at >= list.items.length - 1}
          onClick=${() => go(at + 1)}
        />
      </span>
    </div>
    ${seen.problem ? html`<${ProblemNotice} problem=${seen.problem} onRetry=${seen.reload} />` : html`<${Beside}
      original=${document}
      seen=${seen.data ?? undefined}
      isLeftOut=${isLeftOut}
    />`}
  </div>`;
}

/**
 * The document as readers of the masked branch get it; null if it is left out.
 *
 * @param {string} project
 * @param {string} masked
 * @param {string} collection
 * @param {any} id
 * @param {AbortSignal} signal
 */
async function readMasked(project, masked, collection, id, signal) {
  const text = `{"filter":{"_id":${jsonOf(id)}},"canonical":true,"limit":1}`;
  const reply = await request("POST", url`/v1/projects/${project}/states/${masked}/collections/${collection}/find`, {
    text,
    signal,
  });
  return (await reply.json()).items[0] ?? null;
}

/** @param {{ original: any, seen: any, isLeftOut: boolean }} props */
function Beside({ original, seen, isLeftOut }) {
  const rows = fieldRows({ original, seen });
  return html`<div class="scroll sides" tabindex="0" role="region" aria-label="Fields of the document">
    <table>
      <thead><tr><th scope="col">Field</th><th scope="col">Stored</th><th scope="col">What a reader sees</th></tr></thead>
      <tbody>
        ${rows.map((row) => {
          const isSame = JSON.stringify(row.original) === JSON.stringify(row.seen);
          const isGone = row.seen === undefined;
          return html`<tr key=${row.path}>
            <th scope="row" class="mono">${row.path}</th>
            <td>${row.original === undefined ? html`<span class="faint">–</span>` : html`<${Value} value=${row.original} />`}</td>
            <td class=${isSame ? "same" : isGone ? "gone" : "changed"}>
              ${isGone ? html`<span class="faint">${isLeftOut ? "left out" : "–"}</span>` : html`<${Value} value=${row.seen} />`}
            </td>
          </tr>`;
        })}
      </tbody>
    </table>
  </div>`;
}
