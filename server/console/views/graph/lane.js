// The lane of one branch, drawn into its row; a line goes up to the row of its parent.

import { moment } from "../../format.js";
import { html } from "../../ui/html.js";
import { ROW } from "./lanes.js";

/** The units of the drawing across. */
const WIDE = 1000;

/** @param {any} props */
export function Lane({ branch, at, places, pins, scale }) {
  const start = scale(branch.created) * WIDE;
  const end = Math.max(scale(branch.time ?? branch.created) * WIDE, start);
  const parent = places.get(branch.parent);
  const kind = branch.branch.startsWith("backup/") ? "backup" : branch.ends ? "ends" : "";
  const rise = parent === undefined || parent === at ? 0 : (at - parent) * ROW;
  const share = (/** @type {number} */ x) => `${x / 10}%`;
  return html`<div class=${`lane ${kind}`}>
    ${rise > 0 && html`<span class="lane-fork" style=${{ left: share(start), height: `${rise}px`, top: `${ROW / 2 - rise}px` }}></span>`}
    <span class="lane-line" style=${{ left: share(start), width: share(end - start) }}></span>
    <span class="lane-dot start" style=${{ left: share(start) }} title=${`created ${moment(branch.created)}`}></span>
    <span class="lane-dot" style=${{ left: share(end) }} title=${branch.time ? `last commit ${moment(branch.time)}` : undefined}></span>
    ${pins.map(
      (/** @type {any} */ pin) => html`<span class="lane-pin" key=${pin.pin} style=${{ left: share(scale(pin.created) * WIDE) }} title=${`pin ${pin.pin} at ${pin.lsn}`}></span>`,
    )}
  </div>`;
}
