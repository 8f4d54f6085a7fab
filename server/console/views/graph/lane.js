// The lane of one branch, drawn into its row; lines go to the rows of its parent and of what was merged.

import { moment } from "../../format.js";
import { html } from "../../ui/html.js";
import { ROW } from "./lanes.js";

/** @typedef {{ into: string, from: string, lsn: number, time: string }} Merge */

/**
 * @param {object} props
 * @param {import("../../types.js").Branch} props.branch
 * @param {number} props.at The row of the branch.
 * @param {Map<string, number>} props.places The rows of all branches.
 * @param {import("../../types.js").Pin[]} props.pins
 * @param {Merge[]} props.merges
 * @param {import("./layout.js").Scale} props.scale
 */
export function Lane({ branch, at, places, pins, merges, scale }) {
  const start = scale.at(branch.created);
  const end = Math.max(scale.at(branch.time ?? branch.created), start);
  const kind = branch.branch.startsWith("backup/") ? "backup" : branch.ends ? "ends" : "";
  return html`<div class=${`lane ${kind}`}>
    <${Upright} kind="lane-fork" x=${start} from=${at} to=${places.get(branch.parent ?? "")} />
    ${merges.map(
      (merge) => html`<${Upright} key=${merge.lsn} kind="lane-merge" x=${scale.at(merge.time)} from=${at} to=${places.get(merge.from)} />`,
    )}
    <span class="lane-line" style=${{ left: share(start), width: share(end - start) }}></span>
    <span class="lane-dot start" style=${{ left: share(start) }} title=${`created ${moment(branch.created)}`}></span>
    <span class="lane-dot" style=${{ left: share(end) }} title=${branch.time ? `last commit ${moment(branch.time)}` : undefined}></span>
    ${merges.map(
      (merge) => html`<span class="lane-dot merge" key=${merge.lsn} style=${{ left: share(scale.at(merge.time)) }} title=${`merge of ${merge.from}, ${merge.lsn}`}></span>`,
    )}
    ${pins.map(
      (pin) => html`<span class="lane-pin" key=${pin.pin} style=${{ left: share(scale.at(pin.created)) }} title=${`pin ${pin.pin} at ${pin.lsn}`}></span>`,
    )}
  </div>`;
}

/** @param {number} part */
const share = (part) => `${part * 100}%`;

/** A line between two rows. @param {{ kind: string, x: number, from: number, to: number | undefined }} props */
function Upright({ kind, x, from, to }) {
  if (to === undefined || to === from) return null;
  const top = ROW / 2 + Math.min(0, to - from) * ROW;
  return html`<span class=${`upright ${kind}`} style=${{ left: share(x), top: `${top}px`, height: `${Math.abs(to - from) * ROW}px` }}></span>`;
}
