// Some commits as a table, such as those of which one chooses.

import { count } from "../format.js";
import { Link, path } from "../router.js";
import { Ago, Button } from "./controls.js";
import { html } from "./html.js";
import { Empty, Loading, ProblemNotice } from "./notice.js";
import { Table } from "./table.js";

/** @typedef {import("../types.js").Commit} Commit */

/**
 * A table of commits. `marks` are the columns before: checkboxes or radio buttons.
 *
 * @param {object} props
 * @param {string} props.label
 * @param {string} props.project
 * @param {string} props.branch
 * @param {any} props.list What `usePages` gives.
 * @param {import("./table.js").Column<Commit>[]} [props.marks]
 * @param {(commit: Commit) => string} [props.rowClass]
 * @param {string} [props.none] What is said without commits.
 */
export function CommitTable({ label, project, branch, list, marks = [], rowClass, none = "No commits" }) {
  if (list.problem) return html`<${ProblemNotice} problem=${list.problem} onRetry=${list.reload} />`;
  if (list.items.length === 0)
    return list.isLoading ? html`<${Loading} />` : html`<${Empty} icon="commit" title=${none} />`;
  return html`<div class="commit-table">
    <${Table}
      label=${label}
      rows=${list.items}
      rowKey=${(/** @type {Commit} */ row) => row.lsn}
      rowClass=${rowClass}
      columns=${[
        ...marks,
        {
          title: "Commit",
          isNumber: true,
          cell: (/** @type {Commit} */ row) =>
            html`<${Link}
              class="mono"
              to=${path(project, `${branch}@${row.lsn}`, "commits", String(row.lsn))}
            >@${row.lsn}</${Link}>`,
        },
        {
          title: "Message",
          isWide: true,
          cell: (/** @type {Commit} */ row) => row.message || html`<span class="faint">no message</span>`,
        },
        { title: "Changes", cell: (/** @type {Commit} */ row) => html`<span class="soft">${changed(row)}</span>` },
        { title: "By", cell: (/** @type {Commit} */ row) => row.actor },
        { title: "When", cell: (/** @type {Commit} */ row) => html`<${Ago} time=${row.time} />` },
      ]}
    />
    ${list.next && html`<div class="more"><${Button}
      kind="quiet"
      disabled=${list.isLoading}
      onClick=${list.more}
    >${list.isLoading ? "Loading …" : "More commits"}</${Button}></div>`}
  </div>`;
}

/** @param {Commit} commit */
function changed({ collections }) {
  const [first, ...others] = collections;
  if (!first) return "";
  return `${first.collection} ${count(first.documents)}${others.length > 0 ? `, ${others.length} more` : ""}`;
}
