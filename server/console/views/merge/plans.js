// The plans of a project.

import { get, url } from "../../api.js";
import { useData } from "../../data.js";
import { Link, path, setQuery } from "../../router.js";
import { Ago, Badge, Switch } from "../../ui/controls.js";
import { html } from "../../ui/html.js";
import { Empty, Loaded } from "../../ui/notice.js";
import { Table } from "../../ui/table.js";

/** @typedef {import("../../types.js").ListedPlan} ListedPlan */

/** @type {Record<string, "good" | "accent" | undefined>} */
const KINDS = { open: "accent", applied: "good" };

/** The status of a plan. @param {{ status: string }} props */
export const Status = ({ status }) => html`<${Badge} kind=${KINDS[status]}>${status}</${Badge}>`;

/** @param {{ state: import("../../types.js").State, isAll: boolean }} props */
export function Plans({ state, isAll }) {
  const list = useData(
    (signal) => get(url`/v1/projects/${state.project}/plans`, { query: { all: isAll || undefined }, signal }),
    [state.project, isAll],
  );
  return html`<section class="card" aria-label="Plans">
    <header>
      <h2>Plans</h2>
      <span class="right"><${Switch}
        label="Which plans"
        value=${isAll ? "all" : "open"}
        options=${[
          { value: "open", label: "Open" },
          { value: "all", label: "All" },
        ]}
        onChange=${(/** @type {string} */ value) => setQuery({ plans: value === "all" ? "all" : null })}
      /></span>
    </header>
    <${Loaded} from=${list}>
      ${(/** @type {ListedPlan[]} */ rows) =>
        rows.length === 0
          ? html`<${Empty} icon="merge" title=${isAll ? "No plans yet" : "No open plans"} />`
          : html`<${Table}
            label="Plans"
            rows=${[...rows].reverse()}
            rowKey=${(/** @type {ListedPlan} */ row) => row.id}
            columns=${columns(state)}
          />`}
    </${Loaded}>
  </section>`;
}

/** @param {import("../../types.js").State} state @returns {import("../../ui/table.js").Column<ListedPlan>[]} */
const columns = (state) => [
  {
    title: "Plan",
    cell: (row) =>
      html`<${Link} class="mono" to=${path(state.project, row.branch, "merge", row.id)}>${row.id}</${Link}>`,
  },
  {
    title: "What",
    isWide: true,
    cell: (row) => html`${row.what}${row.message && html` <span class="faint">${row.message}</span>`}`,
  },
  {
    title: "Into",
    cell: (row) => html`<span class="soft">${row.branch}</span><span class="mono faint">@${row.ours}</span>`,
  },
  { title: "Status", cell: (row) => html`<${Status} status=${row.status} />` },
  { title: "Decisions", isNumber: true, cell: (row) => row.decisions },
  {
    title: "Applied",
    isNumber: true,
    cell: (row) =>
      row.applied === null
        ? html`<span class="faint">–</span>`
        : html`<${Link}
          class="mono"
          to=${path(state.project, `${row.branch}@${row.applied}`, "commits", String(row.applied))}
        >@${row.applied}</${Link}>`,
  },
  { title: "By", cell: (row) => row.actor },
  { title: "Created", cell: (row) => html`<${Ago} time=${row.created} />` },
];
