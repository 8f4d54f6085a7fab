// The three values of a conflict side by side, field by field.

import { fieldRows } from "../../ui/leaves.js";
import { html } from "../../ui/html.js";
import { Value } from "../../ui/tree.js";

/** @typedef {import("../../types.js").Conflict} Conflict */

/** @param {{ conflict: Conflict, branch: string }} props */
export function Sides({ conflict, branch }) {
  const { base, ours, theirs } = conflict;
  const rows = fieldRows({ base, ours, theirs });
  const hasPaths = rows.length !== 1 || rows[0].path !== "";
  /** @param {any} row @param {"ours" | "theirs"} side */
  const cell = (row, side) => {
    const [now, base, other] = [row[side], row.base, side === "ours" ? row.theirs : row.ours].map((value) =>
      JSON.stringify(value),
    );
    const isSame = now === base || now === other;
    const kind = isSame ? "same" : row[side] === undefined ? "gone" : "changed";
    const none = html`<span class="faint">${missing(conflict, side)}</span>`;
    return html`<td class=${kind}>${row[side] === undefined ? none : html`<${Value} value=${row[side]} />`}</td>`;
  };
  return html`<div class="scroll sides" tabindex="0" role="region" aria-label=${`Values of ${conflict.path}`}>
    <table>
      <thead><tr>
        ${hasPaths && html`<th scope="col">Field</th>`}
        <th scope="col">Base</th><th scope="col">Ours <span class="faint">${branch}</span></th><th scope="col">Theirs</th>
      </tr></thead>
      <tbody>
        ${rows.map(
          (row) => html`<tr key=${row.path}>
            ${hasPaths && html`<th scope="row" class="mono">${row.path}</th>`}
            <td>${row.base === undefined ? html`<span class="faint">–</span>` : html`<${Value} value=${row.base} />`}</td>
            ${cell(row, "ours")} ${cell(row, "theirs")}
          </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

/** What stands where a side has no value. @param {Conflict} conflict @param {"ours" | "theirs"} side */
const missing = (conflict, side) => (conflict[side] === undefined && conflict.base !== undefined ? "deleted" : "–");
