// What all processes have counted on the store, read again every few seconds.

import { get } from "../api.js";
import { useData } from "../data.js";
import { count } from "../format.js";
import { html, useEffect } from "../ui/html.js";
import { Empty, Loaded } from "../ui/notice.js";
import { Table } from "../ui/table.js";

/** How often they are read, in milliseconds. */
const PACE = 5000;

/** The metrics. */
export default function Metrics() {
  const list = useData((signal) => get("/v1/store/metrics", { signal }), []);
  useEffect(() => {
    const timer = setInterval(list.reload, PACE);
    return () => clearInterval(timer);
  }, []);
  return html`<div class="view">
    <header>
      <h1>Metrics</h1>
      <span class="right faint">read every ${PACE / 1000} s; <code>/metrics</code> is for Prometheus</span>
    </header>
    <section class="card" aria-label="Metrics">
      <${Loaded} from=${list}>
        ${(/** @type {any[]} */ rows) =>
          rows.length === 0
            ? html`<${Empty} icon="gauge" title="Nothing was counted yet" />`
            : html`<${Table} label="Metrics" rows=${rows} columns=${COLUMNS}
                rowKey=${(/** @type {any} */ row) => `${row.metric} ${row.command ?? ""}`} />`}
      </${Loaded}>
    </section>
  </div>`;
}

/** A duration of nanoseconds, or a number. @param {any} row @param {number | null | undefined} value */
function shown(row, value) {
  if (value === null || value === undefined) return "";
  if (row.unit !== "ns") return count(value);
  if (value < 1e6) return `${(value / 1e3).toFixed(1)} µs`;
  return value < 1e9 ? `${(value / 1e6).toFixed(1)} ms` : `${(value / 1e9).toFixed(1)} s`;
}

/** @param {string} title @param {string} field @returns {import("../ui/table.js").Column<any>} */
const number = (title, field) => ({ title, isNumber: true, cell: (row) => shown({}, row[field]) });
/** @param {string} title @param {string} field @returns {import("../ui/table.js").Column<any>} */
const measured = (title, field) => ({ title, isNumber: true, cell: (row) => shown(row, row[field]) });

/** @type {import("../ui/table.js").Column<any>[]} */
const COLUMNS = [
  {
    title: "Metric",
    isWide: true,
    cell: (row) => html`<span class="mono">${row.metric}</span> <span class="soft">${row.command ?? ""}</span>`,
  },
  { title: "Count", isNumber: true, cell: (row) => shown({}, row.count ?? row.value) },
  number("Last minute", "last_minute"),
  number("Last hour", "last_hour"),
  measured("p50", "p50"),
  measured("p95", "p95"),
  measured("p99", "p99"),
  measured("Max", "max"),
];
