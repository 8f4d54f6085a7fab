// For each field of a document: the commit that gave it its value.

import { get } from "../../api.js";
import { useData } from "../../data.js";
import { Link, path } from "../../router.js";
import { Ago } from "../../ui/controls.js";
import { html } from "../../ui/html.js";
import { Loaded } from "../../ui/notice.js";
import { Value } from "../../ui/tree.js";

/** @param {{ state: import("../../types.js").State, base: string }} props */
export function Blame({ state, base }) {
  const blame = useData((signal) => get(`${base}/blame`, { query: { canonical: true }, signal }), [base, state.lsn]);
  return html`<${Loaded} from=${blame}>
    ${(/** @type {import("../../types.js").FieldBlame[]} */ rows) => html`<ol class="blame">
      ${rows.map((row) => html`<${FieldRow} key=${row.path} row=${row} state=${state} />`)}
    </ol>`}
  </${Loaded}>`;
}

/** @param {{ row: any, state: import("../../types.js").State }} props */
function FieldRow({ row, state }) {
  const branch = row.branch ?? state.branch?.branch ?? state.revision;
  return html`<li>
    <div class="cut"><span class="mono soft">${row.path}</span> <${Value} value=${row.value} /></div>
    ${
      row.lsn === undefined
        ? html`<div class="faint">at or before ${row.at_or_before}: older commits were collected</div>`
        : html`<div class="faint cut">
            <${Link} to=${path(state.project, `${branch}@${row.lsn}`, "commits", String(row.lsn))}>${branch}@${row.lsn}</${Link}>
            ${" "}${row.actor} · <${Ago} time=${row.time} /> · ${row.message || "no message"}
          </div>`
    }
    ${row.brought_by.map(
      (/** @type {any} */ commit) => html`<div class="faint cut">brought by ${commit.lsn}, ${commit.actor} · <${Ago} time=${commit.time} /> · ${commit.message}</div>`,
    )}
  </li>`;
}
