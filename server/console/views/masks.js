// Masked branches: branches whose documents are changed or left out on every read.

import { Link, path } from "../router.js";
import { Ago } from "../ui/controls.js";
import { html } from "../ui/html.js";
import { Icon } from "../ui/icons.js";
import { Empty } from "../ui/notice.js";
import { Table } from "../ui/table.js";
import { NewMask } from "./masks/create.js";
import { Mask } from "./masks/mask.js";

/** @typedef {import("../types.js").Branch} Branch */

/** @param {{ state: import("../types.js").State, route: import("../router.js").Route }} props */
export default function Masks({ state, route }) {
  const [name] = route.parts;
  if (name === "new") return html`<${NewMask} state=${state} />`;
  const masked = state.branches.filter((one) => one.masked && !one.branch.startsWith("backup/"));
  const branch = masked.find((one) => one.branch === name);
  if (branch) return html`<${Mask} key=${name} state=${state} branch=${branch} route=${route} />`;
  return html`<div class="view">
    <header>
      <h1>Masks</h1>
      <span class="right"><${Link}
        class="button primary"
        to=${path(state.project, state.revision, "masks", "new")}
      ><${Icon} name="plus" />New masked branch</${Link}></span>
    </header>
    <section class="card" aria-label="Masked branches">
      ${
        name
          ? html`<${Empty} icon="mask" title=${`There is no masked branch ${name}`} />`
          : masked.length === 0
            ? html`<${Empty} icon="mask" title="No masked branches">
                A masked branch hashes, redacts, makes up or leaves out values on every read. Nothing is copied.
              </${Empty}>`
            : html`<${Table}
              label="Masked branches"
              rows=${masked}
              rowKey=${(/** @type {Branch} */ row) => row.branch}
              columns=${columns(state)}
            />`
      }
    </section>
  </div>`;
}

/** @param {import("../types.js").State} state @returns {import("../ui/table.js").Column<Branch>[]} */
const columns = (state) => [
  {
    title: "Branch",
    isWide: true,
    cell: (row) =>
      html`<span class="bar"><${Icon} name="mask" />
        <${Link} to=${path(state.project, state.revision, "masks", row.branch)}>${row.branch}</${Link}></span>`,
  },
  {
    title: "Made of",
    cell: (row) => html`<span class="soft">${row.parent}</span><span class="mono faint">@${row.forked_at}</span>`,
  },
  { title: "Created", cell: (row) => html`<${Ago} time=${row.created} />` },
  {
    title: "Actions",
    isAction: true,
    cell: (row) =>
      html`<${Link}
        class="button quiet"
        to=${path(state.project, row.branch, "documents")}
        aria-label=${`Documents of ${row.branch}`}
      >Documents</${Link}>`,
  },
];
