// The conflicts of a plan: a list of the documents that have some, and the one that is looked at.

import { idText, text } from "../../ejson.js";
import { useKeys } from "../../keys.js";
import { setQuery } from "../../router.js";
import { html, useMemo, useRef } from "../../ui/html.js";
import { Empty } from "../../ui/notice.js";
import { VirtualList } from "../../ui/virtual.js";
import { ConflictDetail } from "./conflict.js";

/** @typedef {import("../../types.js").Conflict} Conflict */

/**
 * The conflicts of one document, or of the metadata of one collection.
 *
 * @typedef {{ key: string, collection: string, name: string, conflicts: Conflict[] }} Group
 */

/** @param {Conflict[]} conflicts @returns {Group[]} */
function groupsOf(conflicts) {
  /** @type {Map<string, Group>} */
  const groups = new Map();
  for (const conflict of conflicts) {
    const { collection, kind, id } = conflict;
    const name = kind === "document" ? text(id) : "(collection)";
    const key = kind === "document" ? `${collection} ${idText(id)}` : collection;
    const group = groups.get(key) ?? { key, collection, name, conflicts: [] };
    group.conflicts.push(conflict);
    groups.set(key, group);
  }
  return [...groups.values()];
}

/** @param {any} props */
export function Conflicts({ state, route, plan, isOpen, onChange }) {
  const groups = useMemo(() => groupsOf(plan.conflicts), [plan]);
  const chosen = route.query.get("at");
  // When a document is decided, the one that takes its place in the list is next.
  const before = useRef(0);
  const found = groups.findIndex((group) => group.key === chosen);
  const at = found >= 0 ? found : Math.max(0, Math.min(before.current, groups.length - 1));
  before.current = at;
  /** @param {number} next */
  const go = (next) => groups[next] && setQuery({ at: groups[next].key }, { replace: true });
  useKeys([
    { keys: "j", title: "Next conflict", run: () => go(at + 1) },
    { keys: "k", title: "Conflict before", run: () => go(at - 1) },
  ]);
  if (groups.length === 0) {
    return html`<${Empty} icon="check" title="No conflicts left">${isOpen && "Read the changes, then apply the plan."}</${Empty}>`;
  }
  return html`<section class="card fill conflicts" aria-label="Conflicts">
    <${VirtualList}
      label="Documents with conflicts"
      count=${groups.length}
      height=${32}
      row=${(/** @type {number} */ index) => html`<div role="listitem" key=${groups[index].key}>
        <button
          type="button"
          class="choice"
          aria-current=${index === at ? "true" : undefined}
          onClick=${() => go(index)}
        >
          <span class="faint cut">${groups[index].collection}</span><span class="mono cut">${groups[index].name}</span>
          <span class="right faint number">${groups[index].conflicts.length}</span>
        </button>
      </div>`}
    />
    <${ConflictDetail}
      key=${groups[at].key}
      state=${state}
      plan=${plan}
      group=${groups[at]}
      place=${`${at + 1} of ${groups.length}`}
      isOpen=${isOpen}
      onChange=${onChange}
      onGo=${(/** @type {number} */ by) => go(at + by)}
    />
  </section>`;
}
