// Resetting the whole branch: what would change, and the commits that would leave it.

import { page, post, url } from "../../api.js";
import { usePages } from "../../data.js";
import { idText } from "../../ejson.js";
import { plural } from "../../format.js";
import { whyNoReset } from "../../reasons.js";
import { path, setQuery } from "../../router.js";
import { act, Reason } from "../../ui/act.js";
import { Changes, Summary } from "../../ui/changes.js";
import { CommitTable } from "../../ui/commits.js";
import { Button } from "../../ui/controls.js";
import { confirm } from "../../ui/dialog.js";
import { html } from "../../ui/html.js";
import { usePreview } from "./preview.js";

/** @param {string} project @param {string} branch */
const logOf = (project, branch) => url`/v1/projects/${project}/states/${branch}/log`;

/** How many commits a question names. */
const NAMED = 100;

/** @param {{ state: import("../../types.js").State, revision: string }} props */
export function ResetPreview({ state, revision }) {
  const { project, branch, lsn } = state;
  const why = whyNoReset(state);
  const name = branch?.branch ?? "";
  const target = url`/v1/projects/${project}/branches/${name}/reset`;
  const keys = [target, revision, lsn];
  const { list, summary, isNone } = usePreview(target, { revision }, keys);
  const leaving = usePages(
    (cursor, signal) => page(logOf(project, name), { query: { above: revision, cursor, limit: NAMED }, signal }),
    keys,
  );
  const isSame = isNone && summary.commits_left_behind === 0;
  return html`<section class="card" aria-label="Commits that leave the branch">
      <header>
        <h2>Commits that leave ${name}</h2>
        <span class="faint">${summary && plural(summary.commits_left_behind ?? 0, "commit")}</span>
        <span class="right">
          <${Button}
            kind="danger"
            disabled=${Boolean(why) || !summary || leaving.isLoading || isSame}
            onClick=${() => act(() => reset(state, target, revision))}
          >
            Reset ${name}
          </${Button}>
        </span>
      </header>
      ${why && html`<div class="inside"><${Reason} why=${why} /></div>`}
      <${CommitTable}
        label="Commits that leave the branch"
        project=${project}
        branch=${name}
        list=${leaving}
        none="No commit leaves the branch"
      />
    </section>
    <section class="card" aria-label="Preview">
      <header><h2>Preview</h2><${Summary} summary=${summary} /></header>
      <div class="preview-changes">
        <${Changes}
          list=${list}
          linkOf=${(/** @type {string} */ collection, /** @type {any} */ id) => path(project, name, "documents", collection, idText(id))}
        />
      </div>
    </section>`;
}

/**
 * Asks with the commits that leave the branch as it is now, and resets it.
 *
 * @param {import("../../types.js").State} state
 * @param {string} target
 * @param {string} revision
 */
async function reset(state, target, revision) {
  const name = state.branch?.branch ?? "";
  /** @type {any} */
  let done;
  const [log, preview] = await Promise.all([
    page(logOf(state.project, name), { query: { above: revision, limit: NAMED } }),
    page(target, { query: { revision, detail: "summary" } }),
  ]);
  /** @type {import("../../types.js").Commit[]} */
  const commits = log.items;
  const left = preview.items.find((one) => one.kind === "summary").commits_left_behind ?? commits.length;
  const more = left - commits.length;
  const sure = await confirm({
    title: `Reset ${name} to ${revision}?`,
    body:
      left > 0
        ? `${plural(left, "commit leaves", "commits leave")} ${name}; a backup branch keeps ${left === 1 ? "it" : "them"} for the retention time.`
        : "No commit leaves the branch.",
    lost: [
      ...commits.map(
        (one) =>
          html`<span class="mono">@${one.lsn}</span> ${one.message || "no message"} <span class="faint">${one.actor}</span>`,
      ),
      ...(more > 0 ? [`and ${plural(more, "commit")} before`] : []),
    ],
    action: `Reset ${name}`,
    typed: name,
    submit: async (signal) => {
      done = await post(target, { revision }, { signal });
    },
  });
  if (!sure) return null;
  setQuery({ revision: null });
  state.reload();
  return `${done.branch} is at ${done.to}; ${done.backup} keeps ${done.from}`;
}
