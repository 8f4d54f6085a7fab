// The positions of a branch as a slider: from its first commit to its head.

import { page, url } from "./api.js";
import { useData, useRested } from "./data.js";
import { navigate, path, withQuery } from "./router.js";
import { revisionAt } from "./state.js";
import { html, useEffect, useState } from "./ui/html.js";
import { Ago } from "./ui/controls.js";

/**
 * The slider of a state. Moving it shows the commit there; letting go of it goes there.
 *
 * @param {{ state: import("./types.js").State, route: import("./router.js").Route }} props
 */
export function TimeSlider({ state, route }) {
  const { branch, lsn, project } = state;
  const [at, setAt] = useState(lsn);
  const [isMoving, setMoving] = useState(false);
  useEffect(() => setAt(lsn), [lsn, branch?.branch]);
  const rested = useRested(at, 80);
  const settled = useRested(at, 250);
  const shown = useData(
    async (signal) => {
      if (!branch || !isMoving || rested < 1) return null;
      const log = url`/v1/projects/${project}/states/${`${branch.branch}@${rested}`}/log`;
      return (await page(log, { query: { limit: 1 }, signal })).items[0];
    },
    [branch?.branch, rested, isMoving],
  );
  useEffect(() => {
    if (!branch || settled === lsn || settled !== at) return;
    const target = path(project, revisionAt(branch, settled), route.view, ...route.parts);
    navigate(withQuery(target, Object.fromEntries(route.query)));
  }, [settled]);
  if (!branch || branch.lsn < 2) return null;
  const share = (/** @type {number} */ position) => `${((position - 1) / (branch.lsn - 1)) * 100}%`;
  const commit = shown.data;
  return html`<div class="slider">
    <div class="track" style=${{ "--done": share(at) }}>
      ${marks(state).map(
        (mark) => html`<span class=${`mark ${mark.kind}`} key=${`${mark.kind}${mark.lsn}`} style=${{ left: share(mark.lsn) }}></span>`,
      )}
      <input
        type="range"
        aria-label=${`Position of ${branch.branch}`}
        aria-valuetext=${`${at} of ${branch.lsn}${commit ? `, ${commit.message}` : ""}`}
        min="1"
        max=${branch.lsn}
        value=${at}
        onInput=${(/** @type {any} */ event) => {
          setAt(Number(event.target.value));
          setMoving(true);
        }}
        onBlur=${() => setMoving(false)}
        onPointerUp=${() => setTimeout(() => setMoving(false), 1200)}
      />
      ${
        isMoving &&
        commit &&
        html`<div class="bubble" style=${{ left: `clamp(110px, ${share(at)}, calc(100% - 110px))` }}>
          <div class="cut">${commit.message || html`<span class="faint">no message</span>`}</div>
          <div class="faint">${branch.branch}@${commit.lsn} · ${commit.actor} · <${Ago} time=${commit.time} /></div>
        </div>`
      }
    </div>
  </div>`;
}

/** Pins and forks on the history of the branch. @param {import("./types.js").State} state */
function marks({ branch, branches, pins }) {
  if (!branch) return [];
  const onIt = (/** @type {string | null | undefined} */ name, /** @type {number} */ lsn) =>
    lsn > 0 && lsn <= branch.lsn && (name === branch.branch || (name === branch.parent && lsn <= branch.forked_at));
  const forks = branches.filter((one) => onIt(one.parent, one.forked_at)).map((one) => one.forked_at);
  const pinned = pins.filter((one) => onIt(one.branch, one.lsn)).map((one) => one.lsn);
  return [
    ...[...new Set(forks)].map((lsn) => ({ kind: "fork", lsn })),
    ...[...new Set(pinned)].map((lsn) => ({ kind: "pin", lsn })),
  ];
}
