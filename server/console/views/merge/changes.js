// The changes that a plan would make.

import { get, url } from "../../api.js";
import { useData } from "../../data.js";
import { idText } from "../../ejson.js";
import { path, setQuery } from "../../router.js";
import { Changes } from "../../ui/changes.js";
import { html } from "../../ui/html.js";
import { Empty, Loading, ProblemNotice } from "../../ui/notice.js";

/** @param {{ state: import("../../types.js").State, plan: import("../../types.js").Plan, isOpen: boolean }} props */
export function PlanChanges({ state, plan, isOpen }) {
  const { added, changed, removed, collections } = plan.counts;
  const isNone = added + changed + removed + collections === 0;
  const list = useData(
    async (signal) => {
      if (isNone) return [];
      const target = url`/v1/projects/${state.project}/plans/${plan.id ?? ""}`;
      return (await get(target, { query: { canonical: true, detail: "fields" }, signal })).changes ?? [];
    },
    [state.project, plan.id, plan.status, plan.decisions.length, JSON.stringify(plan.counts)],
  );
  if (isNone) return html`<${Empty} icon="diff" title=${isOpen ? "The plan changes nothing yet" : "No changes"} />`;
  if (list.problem) return html`<${ProblemNotice} problem=${list.problem} onRetry=${list.reload} />`;
  if (!list.data)
    return html`<${Loading}
      text="Computing the changes"
      onCancel=${() => setQuery({ tab: "rules" }, { replace: true })}
    />`;
  return html`<section class="card fill" aria-label="Changes">
    <${Changes}
      list=${{ items: list.data }}
      linkOf=${(/** @type {string} */ collection, /** @type {any} */ id) => path(state.project, plan.branch, "documents", collection, idText(id))}
    />
  </section>`;
}
