// Choosing what comes into the branch: all of a state, or some of its commits.

import { page, post, url } from "../../api.js";
import { usePages, useWork } from "../../data.js";
import { plural } from "../../format.js";
import { useKeys } from "../../keys.js";
import { chooseState } from "../../picker.js";
import { whyNoMerge } from "../../reasons.js";
import { branchOf } from "../../revision.js";
import { navigate, path, setQuery } from "../../router.js";
import { Reason } from "../../ui/act.js";
import { CommitTable } from "../../ui/commits.js";
import { Button } from "../../ui/controls.js";
import { html, useState } from "../../ui/html.js";
import { Icon } from "../../ui/icons.js";
import { Empty, ProblemNotice } from "../../ui/notice.js";
import { toast } from "../../ui/toast.js";
import { Strategy, strategyOf } from "../../ui/strategy.js";
import { Plans } from "./plans.js";

/** @typedef {import("../../types.js").State} State */

/** @param {{ state: State, route: import("../../router.js").Route }} props */
export function Start({ state, route }) {
  const why = whyNoMerge(state);
  const source = route.query.get("source");
  const into = state.branch?.branch ?? state.revision;
  const pick = async () => {
    const chosen = await chooseState(state, `What comes into ${into}: a branch, a pin, or a revision`);
    if (chosen) setQuery({ source: chosen, pick: null });
  };
  useKeys(why ? [] : [{ keys: "/", title: "Choose what is merged", run: pick }]);
  return html`<div class="view">
    <header><h1>Merge</h1></header>
    <${Reason} why=${why} />
    <section class="card" aria-label="New plan">
      <header>
        <h2>Into ${into}</h2>
        <button
          type="button"
          class="picker"
          disabled=${Boolean(why)}
          onClick=${pick}
          aria-label=${`Source: ${source ?? "Choose a source"}`}
        >
          <${Icon} name="merge" /><span class="cut">${source ?? "Choose a source"}</span><${Icon} name="down" />
        </button>
      </header>
      ${
        source
          ? html`<${Source} key=${source} state=${state} source=${source} route=${route} why=${why} />`
          : html`<${Empty} icon="merge" title="Choose what comes into ${into}">
              A plan shows conflicts and changes. Nothing is committed before it is applied.
            </${Empty}>`
      }
    </section>
    <${Plans} state=${state} isAll=${route.query.get("plans") === "all"} />
  </div>`;
}

/** @param {{ state: State, source: string, route: import("../../router.js").Route, why: string | undefined }} props */
function Source({ state, source, route, why }) {
  const { project, revision, lsn } = state;
  const list = usePages(
    (cursor, signal) =>
      page(url`/v1/projects/${project}/states/${source}/log`, {
        query: { above: revision, cursor, limit: 50 },
        signal,
      }),
    [project, source, revision, lsn],
  );
  const [options, setOptions] = useState({ strategy: "", policy: "" });
  const from = branchOf(state, source);
  const picked = new Set((route.query.get("pick") ?? "").split(",").filter(Boolean).map(Number));
  const work = useWork((signal) =>
    makePlan(
      state,
      source,
      [...picked].map((at) => `${from}@${at}`),
      strategyOf(options),
      signal,
    ),
  );
  /** @param {number} at */
  const toggle = (at) => {
    if (!picked.delete(at)) picked.add(at);
    setQuery({ pick: [...picked].sort((one, other) => one - other).join(",") }, { replace: true });
  };
  const mark = {
    title: "Pick",
    cell: (/** @type {import("../../types.js").Commit} */ row) => html`<input
      type="checkbox"
      aria-label=${`Pick commit ${row.lsn}`}
      checked=${picked.has(row.lsn)}
      onChange=${() => toggle(row.lsn)}
    />`,
  };
  const what = picked.size > 0 ? `Review cherry-pick of ${plural(picked.size, "commit")}` : `Review merge of ${source}`;
  return html`<${CommitTable}
      label="Commits of the source"
      project=${project}
      branch=${from}
      list=${list}
      marks=${[mark]}
      rowClass=${(/** @type {any} */ row) => (picked.has(row.lsn) ? "chosen" : "")}
      none=${`${revision} has all commits of ${source}`}
    />
    <div class="inside form-foot">
      <${Strategy} value=${options} onChange=${setOptions} />
      ${work.problem && html`<${ProblemNotice} problem=${work.problem} />`}
      <div class="bar">
        <${Button}
          kind="primary"
          icon="merge"
          disabled=${Boolean(why) || work.isRunning}
          onClick=${() => work.run()}
        >${what}</${Button}>
        ${work.isRunning && html`<span class="spinner"></span><${Button} onClick=${work.cancel}>Cancel</${Button}>`}
        <span class="faint">
          ${picked.size > 0 ? "Only the picked commits are made again, the oldest first." : "Pick commits to take only those."}
        </span>
      </div>
    </div>`;
}

/**
 * Makes a plan, and goes to it.
 *
 * @param {State} state
 * @param {string} source
 * @param {string[]} revisions The commits to pick; without any, all of the source is merged.
 * @param {object} options
 * @param {AbortSignal} signal
 */
async function makePlan(state, source, revisions, options, signal) {
  const { project, branch } = state;
  const target = url`/v1/projects/${project}/branches/${branch?.branch ?? ""}`;
  const body = { ...options, action: "save", detail: "summary" };
  const done = await (revisions.length > 0
    ? post(`${target}/cherry-pick`, { ...body, revisions }, { signal })
    : post(`${target}/merge`, { ...body, source }, { signal }));
  if (done.outcome === "nothing") toast(`${branch?.branch} has all of that already`);
  else navigate(path(project, branch?.branch ?? "", "merge", done.plan.id));
}
