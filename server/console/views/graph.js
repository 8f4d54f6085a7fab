// The branches of a project over time.

import { page, url } from "../api.js";
import { useData } from "../data.js";
import { plural } from "../format.js";
import { html, useState } from "../ui/html.js";
import { BranchActions, NewBranch } from "./graph/actions.js";
import { Lanes } from "./graph/lanes.js";

/** How many commits of a branch are searched for merges. */
const MERGES_IN = 100;

/** @param {{ state: import("../types.js").State }} props */
export default function Graph({ state }) {
  const [text, setText] = useState("");
  const [withBackups, setBackups] = useState(true);
  const merges = useData((signal) => mergesOf(state, signal), [state.project, state.branch?.branch, state.branches]);
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
    <${Lanes} state=${state} text=${text} withBackups=${withBackups} merges=${merges.data ?? []} actions=${(/** @type {any} */ branch) => html`<${BranchActions} state=${state} branch=${branch} />`} />
  </div>`;
}

/**
 * The merges among the last commits of the branch that is shown, and of `main`.
 *
 * @param {import("../types.js").State} state
 * @param {AbortSignal} signal
 * @returns {Promise<import("./graph/lane.js").Merge[]>}
 */
async function mergesOf({ project, branch, branches }, signal) {
  const shown = branches.filter((one) => one.lsn > 0 && (one.branch === "main" || one.branch === branch?.branch));
  const found = await Promise.all(
    shown.map(async ({ branch: into }) => {
      const path = url`/v1/projects/${project}/states/${into}/log`;
      const { items } = await page(path, { query: { limit: MERGES_IN }, signal });
      const merges = items.filter((commit) => commit.origin.kind === "merge");
      return merges.map(({ lsn, time, origin }) => ({ into, from: origin.source.split(/[@~]/, 1)[0], lsn, time }));
    }),
  );
  return found.flat();
}
