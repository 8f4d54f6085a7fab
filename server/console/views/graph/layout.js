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
  const times = [
    ...rows.flatMap(({ branch }) => [branch.created, branch.time ?? branch.created]),
    ...pins.map((pin) => pin.created),
    ...merges.map((merge) => merge.time),
  ];
  const sorted = times.map((time) => Date.parse(time)).sort((one, other) => one - other);
  const [first, last] = [sorted[0] ?? 0, sorted[sorted.length - 1] ?? 0];
  const span = Math.max(1, last - first);
  /** @param {string} time */
  const at = (time) => {
    const moment = Date.parse(time);
    return (0.5 * (moment - first)) / span + (0.5 * rank(sorted, moment)) / Math.max(1, sorted.length - 1);
  };
  return { at, first: new Date(first).toISOString(), last: new Date(last).toISOString() };
}

/** How many of the sorted values are smaller. @param {number[]} sorted @param {number} value */
function rank(sorted, value) {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
