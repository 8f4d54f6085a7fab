// A table of some rows; of thousands, see virtual.js.

import { html } from "./html.js";

/**
 * @template T
 * @typedef {object} Column
 * @property {string} title
 * @property {(row: T) => unknown} cell
 * @property {boolean} [isNumber] Whether it is aligned to the right.
 * @property {boolean} [isWide] Whether it takes the room that is left.
 * @property {boolean} [isAction] Whether it has buttons, and no title that is seen.
 */

/**
 * A table.
 *
 * @template T
 * @param {{ label: string, columns: Column<T>[], rows: T[], rowKey: (row: T) => string | number, rowClass?: (row: T) => string }} props
 */
export function Table({ label, columns, rows, rowKey, rowClass }) {
  /** @param {Column<T>} column */
  const kind = (column) =>
    [column.isNumber && "number", column.isWide ? "wide" : "short", column.isAction && "action"].filter(Boolean).join(" ");
  return html`<div class="scroll" tabindex="0" role="region" aria-label=${label}>
    <table>
      <thead>
        <tr>
          ${columns.map(
            (column) => html`<th scope="col" class=${kind(column)}>
              <span class=${column.isAction ? "unseen" : ""}>${column.title}</span>
            </th>`,
          )}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (row) => html`<tr key=${rowKey(row)} class=${rowClass?.(row)}>
            ${columns.map((column) => html`<td class=${kind(column)}>${column.cell(row)}</td>`)}
          </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}
