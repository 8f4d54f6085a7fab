// The lines beside the commits of a graph.

import { html } from "../../ui/html.js";

/** The width of a lane, in pixels. */
const LANE = 14;
/** How many lanes have room. */
const MOST = 8;

/**
 * @typedef {object} GraphRow
 * @property {number} lane Where its dot is.
 * @property {[number, number][]} above Lines from the row above: from a lane there to a lane here.
 * @property {[number, number][]} below Lines to the row below.
 */

/** @param {{ timeline: string, lsn: number }} point */
const keyOf = ({ timeline, lsn }) => `${timeline} ${lsn}`;

/**
 * Places commits in lanes: each comes before its parents.
 *
 * @param {import("../../types.js").GraphCommit[]} commits
 * @returns {{ rows: GraphRow[], lanes: number }}
 */
export function graphOf(commits) {
  /** @type {(string | null)[]} The commit that each lane waits for. */
  const waiting = [];
  let most = 1;
  const rows = commits.map((commit) => {
    const key = keyOf(commit);
    const before = [...waiting];
    let lane = waiting.indexOf(key);
    if (lane < 0) lane = free(waiting);
    waiting.forEach((one, at) => {
      if (one === key) waiting[at] = null;
    });
    /** @type {[number, number][]} */
    const above = before.flatMap((one, at) => (one === null ? [] : [one === key ? [at, lane] : [at, at]]));
    /** @type {[number, number][]} */
    const below = waiting.flatMap((one, at) => (one === null ? [] : [/** @type {[number, number]} */ ([at, at])]));
    commit.parents.forEach((parent, order) => {
      const wanted = keyOf(parent);
      let at = waiting.indexOf(wanted);
      if (at < 0) at = order === 0 ? lane : free(waiting);
      waiting[at] = wanted;
      below.push([lane, at]);
    });
    most = Math.max(most, waiting.length, lane + 1);
    return { lane, above, below };
  });
  return { rows, lanes: Math.min(most, MOST) };
}

/** The first lane that waits for nothing. @param {(string | null)[]} waiting */
function free(waiting) {
  const at = waiting.indexOf(null);
  return at < 0 ? waiting.push(null) - 1 : at;
}

/** @param {{ row: GraphRow, lanes: number, height: number }} props */
export function Gutter({ row, lanes, height }) {
  const x = (/** @type {number} */ lane) => Math.min(lane, MOST - 1) * LANE + LANE / 2;
  const middle = height / 2;
  const curve = (/** @type {[number, number]} */ [from, to], /** @type {number} */ top, /** @type {number} */ bottom) => {
    const half = (top + bottom) / 2;
    return `M${x(from)} ${top}C${x(from)} ${half} ${x(to)} ${half} ${x(to)} ${bottom}`;
  };
  return html`<svg class="gutter" width=${lanes * LANE} height=${height} aria-hidden="true">
    ${row.above.map((line) => html`<path d=${curve(line, 0, middle)} class=${`lane-${line[0] % 4}`} />`)}
    ${row.below.map((line) => html`<path d=${curve(line, middle, height)} class=${`lane-${line[1] % 4}`} />`)}
    <circle cx=${x(row.lane)} cy=${middle} r="4" class=${`lane-${row.lane % 4}`} />
  </svg>`;
}
