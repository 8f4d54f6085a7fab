// The branches as lanes over time: where each left its parent, and where its head is.

import { Link, path } from "../../router.js";
import { Ago, Badge } from "../../ui/controls.js";
import { html, useMemo } from "../../ui/html.js";
import { Icon } from "../../ui/icons.js";
import { Empty } from "../../ui/notice.js";
import { VirtualList } from "../../ui/virtual.js";
import { inOrder, scaleOf } from "./layout.js";
import { Lane } from "./lane.js";

/** The height of a row, in pixels. */
export const ROW = 36;

/** @param {any} props */
export function Lanes({ state, text, withBackups, merges, actions }) {
  const rows = useMemo(() => inOrder(state.branches, text, withBackups), [state.branches, text, withBackups]);
  const scale = useMemo(() => scaleOf(rows, state.pins, merges), [rows, state.pins, merges]);
  const places = useMemo(() => new Map(rows.map((row, at) => [row.branch.branch, at])), [rows]);
  if (rows.length === 0) return html`<${Empty} icon="branch" title="No branches" />`;
  return html`<section class="card lanes" aria-label="Branches">
    <${VirtualList}
      label="Branches"
      head=${html`<${Axis} scale=${scale} />`}
      count=${rows.length}
      height=${ROW}
      row=${(/** @type {number} */ at) => {
        const { branch, depth } = rows[at];
        const pins = state.pins.filter((/** @type {any} */ pin) => pin.branch === branch.branch);
        const merged = merges.filter((/** @type {any} */ merge) => merge.into === branch.branch);
        return html`<div class=${`lane-row ${branch.branch === state.branch?.branch ? "selected" : ""}`} key=${branch.branch} role="listitem">
          <div class="lane-name" style=${{ paddingLeft: `${Math.min(depth, 6) * 16}px` }}>
            <${Icon} name=${branch.branch.startsWith("backup/") ? "archive" : branch.ends ? "sandbox" : "branch"} />
            <${Link} class="cut" to=${path(state.project, branch.branch, "documents")} title=${branch.branch}>${branch.branch}</${Link}>
            ${branch.protected && html`<${Badge}>protected</${Badge}>`}
            ${branch.read_only && html`<${Badge} kind="warn">read-only</${Badge}>`}
            ${branch.masked && html`<${Badge} kind="accent">masked</${Badge}>`}
          </div>
          <${Lane} branch=${branch} at=${at} places=${places} pins=${pins} merges=${merged} scale=${scale} />
          <div class="lane-facts">
            <span class="mono faint" title=${branch.parent ? `left ${branch.parent} at ${branch.forked_at}` : undefined}>@${branch.lsn}</span>
            <span class="soft"><${Ago} time=${branch.time} /></span>
            ${actions(branch)}
          </div>
        </div>`;
      }}
    />
  </section>`;
}

/** When the lanes begin and end, and what their marks mean. @param {{ scale: import("./layout.js").Scale }} props */
function Axis({ scale }) {
  return html`<div class="lane-row lane-axis">
    <span>Branch</span>
    <div class="bar lane-ends">
      <${Ago} time=${scale.first} />
      <span class="bar lane-legend">
        <span><i class="legend-fork"></i>fork</span><span><i class="legend-merge"></i>merge</span><span><i class="legend-pin"></i>pin</span>
        <span><i class="legend-dashed"></i>backup, sandbox</span>
      </span>
      <${Ago} time=${scale.last} />
    </div>
    <div class="lane-facts"><span>Head</span><span>Last commit</span></div>
  </div>`;
}
