// The decisions of a plan, which can be changed until it is applied.

import { idText } from "../../ejson.js";
import { act } from "../../ui/act.js";
import { Badge, Button } from "../../ui/controls.js";
import { html } from "../../ui/html.js";
import { Empty } from "../../ui/notice.js";
import { Table } from "../../ui/table.js";
import { Value } from "../../ui/tree.js";
import { CHOICES, decide } from "./decide.js";

/** @typedef {import("../../types.js").Schemas["ShownDecision"]} Decision */

/** How many decisions are drawn. */
const MOST = 500;

/** @param {{ state: import("../../types.js").State, plan: import("../../types.js").Plan, isOpen: boolean, onChange: () => void }} props */
export function Decisions({ state, plan, isOpen, onChange }) {
  if (plan.decisions.length === 0) return html`<${Empty} icon="check" title="No decisions yet" />`;
  /** @param {Decision} row @param {"ours" | "theirs" | "base"} choice */
  const change = (row, choice) =>
    act(async () => {
      await decide(state.project, plan.id ?? "", [row], choice);
      onChange();
    });
  /** @type {import("../../ui/table.js").Column<Decision>[]} */
  const columns = [
    { title: "Collection", cell: (row) => row.collection },
    {
      title: "Document",
      cell: (row) => html`<span class="mono">${row.id === undefined || row.id === null ? "–" : idText(row.id)}</span>`,
    },
    { title: "Path", cell: (row) => html`<span class="mono soft">${row.path}</span>` },
    { title: "Decision", cell: (row) => html`<${Badge} kind="accent">${CHOICES[row.choice]}</${Badge}>` },
    { title: "Value", isWide: true, cell: (row) => row.choice === "value" && html`<${Value} value=${row.value} />` },
  ];
  if (isOpen) {
    columns.push({
      title: "Change it",
      isAction: true,
      cell: (row) => html`<span class="bar">
        ${/** @type {const} */ (["ours", "theirs", "base"]).map(
          (choice) =>
            html`<${Button}
              kind="quiet"
              disabled=${row.choice === choice}
              aria-label=${`${CHOICES[choice]} for ${row.path}`}
              onClick=${() => change(row, choice)}
            >${CHOICES[choice]}</${Button}>`,
        )}
      </span>`,
    });
  }
  return html`<section class="card" aria-label="Decisions">
    <${Table}
      label="Decisions"
      rows=${plan.decisions.slice(0, MOST)}
      rowKey=${(/** @type {Decision} */ row) => JSON.stringify([row.collection, row.id, row.path])}
      columns=${columns}
    />
    ${plan.decisions.length > MOST && html`<p class="inside faint">${plan.decisions.length - MOST} more</p>`}
  </section>`;
}
