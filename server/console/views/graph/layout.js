// Where branches stand: children below their parents, times from left to right.

/** @typedef {{ branch: import("../../types.js").Branch, depth: number }} Row */

/**
 * The branches as rows: each below its parent, the oldest child first. With a text, those whose names have it.
 *
 * @param {import("../../types.js").Branch[]} branches
 * @param {string} text
 * @param {boolean} withBackups
 * @returns {Row[]}
 */
export function inOrder(branches, text, withBackups) {
  const wanted = text.trim().toLowerCase();
  const some = branches.filter(
    (one) => (withBackups || !one.branch.startsWith("backup/")) && one.branch.toLowerCase().includes(wanted),
  );
  const names = new Set(some.map((one) => one.branch));
  /** @type {Map<string | null, import("../../types.js").Branch[]>} */
  const children = new Map();
  for (const one of some) {
    const parent = one.parent && names.has(one.parent) && one.parent !== one.branch ? one.parent : null;
    children.set(parent, [...(children.get(parent) ?? []), one]);
  }
  /** @type {Row[]} */
  const rows = [];
  /** @param {string | null} parent @param {number} depth */
  const add = (parent, depth) => {
    const below = children.get(parent) ?? [];
    children.delete(parent);
    for (const branch of below.sort((one, other) => one.created.localeCompare(other.created))) {
      rows.push({ branch, depth });
      add(branch.branch, depth + 1);
    }
  };
  add(null, 0);
  return rows;
}

/** @typedef {{ at: (time: string) => number, first: string, last: string }} Scale */

/** How many different times there are at most. */
const TICKS = 200;

/**
 * Places times between 0 and 1. Long times without anything are drawn shorter: half of the place is that of the
 * order, half that of the time.
 *
 * @param {Row[]} rows
 * @param {{ created: string }[]} pins
 * @param {{ time: string }[]} merges
 * @returns {Scale}
 */
export function scaleOf(rows, pins, merges) {
  const texts = [
    ...rows.flatMap(({ branch }) => [branch.created, branch.time ?? branch.created]),
    ...pins.map((pin) => pin.created),
    ...merges.map((merge) => merge.time),
  ];
  const times = texts.map((time) => Date.parse(time));
  const first = times.reduce((one, other) => Math.min(one, other), Infinity);
  const last = times.reduce((one, other) => Math.max(one, other), first);
  const tickOf = (/** @type {number} */ time) => Math.round(((time - first) / Math.max(1, last - first)) * TICKS);
  const ticks = [...new Set(times.map(tickOf))].sort((one, other) => one - other);
  const order = new Map(ticks.map((tick, place) => [tick, place / Math.max(1, ticks.length - 1)]));
  /** @param {string} text */
  const at = (text) => {
    const tick = tickOf(Date.parse(text));
    return 0.5 * (tick / TICKS) + 0.5 * (order.get(tick) ?? 0);
  };
  const isEmpty = times.length === 0;
  const name = (/** @type {number} */ time) => new Date(isEmpty ? 0 : time).toISOString();
  return { at, first: name(first), last: name(last) };
}
