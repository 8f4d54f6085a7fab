// The branches of a project over time.

import { plural } from "../format.js";
import { html, useState } from "../ui/html.js";
import { BranchActions, NewBranch } from "./graph/actions.js";
import { Lanes } from "./graph/lanes.js";

/** @param {{ state: import("../types.js").State }} props */
export default function Graph({ state }) {
  const [text, setText] = useState("");
  const [withBackups, setBackups] = useState(true);
  const backups = state.branches.filter((one) => one.branch.startsWith("backup/")).length;
  return html`<div class="view full graph">
    <header>
      <h1>Branches</h1>
      <span class="faint">${plural(state.branches.length - backups, "branch", "branches")}, ${plural(state.pins.length, "pin")}</span>
      <span class="bar right">
        <input type="search" aria-label="Filter branches" placeholder="Filter branches" value=${text} onInput=${(/** @type {any} */ event) => setText(event.target.value)} />
        ${
          backups > 0 &&
          html`<label class="bar"><input type="checkbox" checked=${withBackups} onChange=${() => setBackups(!withBackups)} />Backups (${backups})</label>`
        }
        <${NewBranch} state=${state} />
      </span>
    </header>
    <${Lanes} state=${state} text=${text} withBackups=${withBackups} actions=${(/** @type {any} */ branch) => html`<${BranchActions} state=${state} branch=${branch} />`} />
  </div>`;
}
