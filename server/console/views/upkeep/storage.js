// What takes space in the store. It is measured when it is asked for, since it reads the index of all data.

import { get } from "../../api.js";
import { bytes, count, plural } from "../../format.js";
import { html } from "../../ui/html.js";
import { Table } from "../../ui/table.js";
import { Figures, Task } from "./task.js";

/** @type {Record<string, string>} */
const KINDS = { merge_base: "merge base" };

/** The bytes by holder. */
export function Storage() {
  return html`<${Task}
    title="Storage"
    about="Which branches, pins and plans hold data that nothing else needs, and what a garbage collection would free. It takes time in proportion to the store."
    action="Measure"
    icon="gauge"
    doing="Measuring"
    run=${(/** @type {AbortSignal} */ signal) => get("/v1/store/storage", { signal })}
  >
    ${(/** @type {any} */ { holders, stored, shared, retention, chunks, free }) => html`<${Figures}
        of=${[
          ["Stored", bytes(stored)],
          ["Shared by several", bytes(shared)],
          ["Kept by the retention", bytes(retention)],
          ["Snapshots", bytes(chunks)],
          ["Garbage", bytes(free)],
        ]}
      />
      <${Holders} rows=${holders} />`}
  </${Task}>`;
}

/** How many holders are listed. */
const MOST = 200;

/** Those that need bytes of their own. @param {{ rows: { holder: string, kind: string, states: number, bytes: number }[] }} props */
function Holders({ rows }) {
  const shown = rows.filter((row) => row.bytes > 0).slice(0, MOST);
  const others = rows.length - shown.length;
  const less = shown.length < MOST ? "no bytes of their own" : "fewer bytes";
  const most = Math.max(1, ...shown.map((row) => row.bytes));
  return html`<${Table}
      label="Holders of data"
      rows=${shown}
      rowKey=${(/** @type {any} */ row) => `${row.kind} ${row.holder}`}
      columns=${[
        { title: "Holder", cell: (/** @type {any} */ row) => row.holder },
        {
          title: "Kind",
          cell: (/** @type {any} */ row) => html`<span class="soft">${KINDS[row.kind] ?? row.kind}</span>`,
        },
        { title: "States", isNumber: true, cell: (/** @type {any} */ row) => count(row.states) },
        { title: "Only here", isNumber: true, cell: (/** @type {any} */ row) => bytes(row.bytes) },
        {
          title: "Share",
          isWide: true,
          cell: (/** @type {any} */ row) =>
            html`<meter min="0" max=${most} value=${row.bytes} aria-label=${`Bytes of ${row.holder}`}></meter>`,
        },
      ]}
    />
    ${others > 0 && html`<p class="inside faint">${plural(others, "other holder needs", "other holders need")} ${less}.</p>`}`;
}
