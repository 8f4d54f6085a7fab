// Where a branch has been: every movement of it, and the way back.

import { page, url } from "../../api.js";
import { usePages } from "../../data.js";
import { path, Link, setQuery } from "../../router.js";
import { Ago, Button } from "../../ui/controls.js";
import { html } from "../../ui/html.js";
import { Empty, Loading, ProblemNotice } from "../../ui/notice.js";
import { Table } from "../../ui/table.js";

/** @param {{ state: import("../../types.js").State }} props */
export function Reflog({ state }) {
  const { project, branch, lsn } = state;
  const name = branch?.branch ?? state.revision;
  const list = usePages(
    (cursor, signal) =>
      page(url`/v1/projects/${project}/branches/${name}/reflog`, { query: { cursor, limit: 30 }, signal }),
    [project, name, lsn],
  );
  const none = list.isLoading ? html`<${Loading} />` : html`<${Empty} icon="history" title="Nothing yet" />`;
  return html`<section class="card" aria-label="Reflog">
    <header><h2>Reflog</h2><span class="faint">where ${name} has been</span></header>
    ${list.problem && html`<${ProblemNotice} problem=${list.problem} onRetry=${list.reload} />`}
    ${!list.problem && list.items.length === 0 && none}
    ${list.items.length > 0 && html`<${Table}
      label="Reflog"
      rows=${list.items}
      rowKey=${(/** @type {any} */ row) => row.number}
      columns=${columns(state)}
    />`}
    ${list.next && html`<div class="more"><${Button}
      kind="quiet"
      disabled=${list.isLoading}
      onClick=${list.more}
    >More entries</${Button}></div>`}
  </section>`;
}

/** @param {import("../../types.js").State} state @returns {import("../../ui/table.js").Column<any>[]} */
const columns = (state) => [
  {
    title: "State",
    cell: (row) =>
      row.to
        ? html`<${Link} class="mono" to=${path(state.project, row.state, "documents")}>${row.state}</${Link}>`
        : html`<span class="mono">${row.state}</span>`,
  },
  { title: "Why", isWide: true, cell: (row) => row.why },
  {
    title: "From",
    isNumber: true,
    cell: (row) => html`<span class="mono soft">${row.from ? `@${row.from.lsn}` : "–"}</span>`,
  },
  { title: "To", isNumber: true, cell: (row) => html`<span class="mono">${row.to ? `@${row.to.lsn}` : "–"}</span>` },
  { title: "By", cell: (row) => row.actor },
  { title: "When", cell: (row) => html`<${Ago} time=${row.time} />` },
  {
    title: "Actions",
    isAction: true,
    cell: (row) =>
      row.to &&
      row.number > 0 &&
      html`<${Button}
        kind="quiet"
        icon="history"
        aria-label=${`Reset to ${row.state}`}
        onClick=${() => setQuery({ what: "branch", revision: row.state })}
      >Reset to</${Button}>`,
  },
];
