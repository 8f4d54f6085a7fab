// The commits of a state, the newest first.

import { page, url } from "../api.js";
import { usePages } from "../data.js";
import { count } from "../format.js";
import { useNextKeys } from "../keys.js";
import { Link, navigate, path, setQuery, withQuery } from "../router.js";
import { Ago, Badge, Switch } from "../ui/controls.js";
import { html, useMemo } from "../ui/html.js";
import { Empty, Loading, ProblemNotice } from "../ui/notice.js";
import { VirtualList } from "../ui/virtual.js";
import { CommitPanel } from "./commits/panel.js";
import { LogFilter, logQuery } from "./commits/filter.js";
import { Gutter, graphOf } from "./commits/gutter.js";
import { originText } from "./commits/origin.js";

/** The height of a row, in pixels. */
const ROW = 40;
/** How many commits a page has. */
const PAGE = 60;

/** @param {{ state: import("../types.js").State, route: import("../router.js").Route }} props */
export default function Commits({ state, route }) {
  const { project, revision } = state;
  const isGraph = route.query.get("graph") === "1";
  const query = isGraph ? {} : logQuery(route.query);
  const base = url`/v1/projects/${project}/states/${revision}/` + (isGraph ? "graph" : "log");
  const list = usePages(
    (cursor, signal) => (state.lsn === 0 ? Promise.resolve({ items: [], next: null }) : page(base, { query: { ...query, limit: PAGE, cursor }, signal })),
    [base, state.lsn, JSON.stringify(query)],
  );
  const [selected] = route.parts;
  return html`<div class="commits">
    <section class="found" aria-label="Commits">
      <div class="bar toolbar-top">
        <h1>Commits</h1>
        <${Switch}
          label="Which commits"
          value=${isGraph ? "graph" : "log"}
          options=${[
            { value: "log", label: "Branch" },
            { value: "graph", label: "With merged ones" },
          ]}
          onChange=${(/** @type {string} */ value) => setQuery({ graph: value === "graph" ? "1" : null })}
        />
        ${!isGraph && html`<${LogFilter} route=${route} />`}
      </div>
      <div class="found-body">
        <${Rows} list=${list} isGraph=${isGraph} state=${state} route=${route} selected=${selected} />
        ${selected && html`<${CommitPanel} key=${`${revision} ${selected}`} state=${state} route=${route} position=${selected} />`}
      </div>
    </section>
  </div>`;
}

/** @param {any} props */
function Rows({ list, isGraph, state, route, selected }) {
  const graph = useMemo(() => (isGraph ? graphOf(list.items) : null), [isGraph, list.items]);
  const query = Object.fromEntries(route.query);
  /** @param {any} commit */
  const linkOf = (commit) => withQuery(path(state.project, state.revision, "commits", positionOf(commit, state) ?? ""), query);
  const at = list.items.findIndex((/** @type {any} */ commit) => positionOf(commit, state) === selected);
  useNextKeys("commit", list.items.length, at, (to) => positionOf(list.items[to], state) && navigate(linkOf(list.items[to])));
  if (list.problem) return html`<${ProblemNotice} problem=${list.problem} onRetry=${list.reload} />`;
  if (list.items.length === 0) return list.isLoading ? html`<${Loading} />` : html`<${Empty} icon="commit" title="No commits" />`;
  return html`<${VirtualList}
    label="Commits"
    kind="commit-list"
    count=${list.items.length}
    height=${ROW}
    onEnd=${list.more}
    row=${(/** @type {number} */ at) => {
      const commit = list.items[at];
      const documents = commit.collections.reduce((/** @type {number} */ sum, /** @type {any} */ one) => sum + one.documents, 0);
      const names = commit.collections.map((/** @type {any} */ one) => one.collection).join(", ");
      return html`<div class=${`commit-row ${positionOf(commit, state) === selected ? "selected" : ""}`} key=${commit.digest} role="listitem">
        ${graph && html`<${Gutter} row=${graph.rows[at]} lanes=${graph.lanes} height=${ROW} />`}
        <span class="mono faint commit-lsn">${commit.lsn}</span>
        <div class="cut commit-main">
          ${positionOf(commit, state) === null
            ? html`<span class="commit-title" title="No branch has this commit any more">${commit.message || "no message"}</span>`
            : html`<${Link} to=${linkOf(commit)} class="commit-title">${commit.message || "no message"}</${Link}>`}
          ${commit.branches?.map((/** @type {string} */ name) => html` <${Badge} kind="accent" key=${name}>${name}</${Badge}>`)}
          ${commit.origin.kind !== "write" && html` <${Badge}>${originText(commit.origin)}</${Badge}>`}
        </div>
        <span class="faint cut commit-data" title=${names}>${names} · ${count(documents)}</span>
        <span class="soft cut commit-actor">${commit.actor}</span>
        <span class="faint commit-time"><${Ago} time=${commit.time} /></span>
      </div>`;
    }}
  />`;
}

/**
 * The position of a commit; of one that is not of the shown branch, with its branch; null if no branch has it any more.
 * @param {any} commit @param {import("../types.js").State} state
 */
function positionOf(commit, state) {
  if (commit.revision === null) return null;
  const [branch] = (commit.revision ?? "").split("@");
  return branch && branch !== state.branch?.branch ? commit.revision : String(commit.lsn);
}
