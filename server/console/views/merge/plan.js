// A saved plan: its conflicts, its decisions and its changes, and what can be done with it.

import { get, url } from "../../api.js";
import { useData } from "../../data.js";
import { count, plural } from "../../format.js";
import { Link, navigate, path, setQuery } from "../../router.js";
import { Reason } from "../../ui/act.js";
import { Ago, Switch } from "../../ui/controls.js";
import { html } from "../../ui/html.js";
import { Icon } from "../../ui/icons.js";
import { Loaded, Loading } from "../../ui/notice.js";
import { PlanActions } from "./actions.js";
import { PlanChanges } from "./changes.js";
import { Conflicts } from "./conflicts.js";
import { Decisions } from "./decisions.js";
import { Status } from "./plans.js";
import { Rules } from "./rules.js";

/** @typedef {import("../../types.js").Plan} Plan */
/** @typedef {import("../../types.js").State} State */

/** @param {{ state: State, route: import("../../router.js").Route, id: string }} props */
export function PlanView({ state, route, id }) {
  const { project } = state;
  const plan = useData(
    (signal) => get(url`/v1/projects/${project}/plans/${id}`, { query: { canonical: true, detail: "stat" }, signal }),
    [project, id],
  );
  return html`<div class="view full plan">
    ${!plan.data && html`<header><h1><${Link} to=${path(project, state.revision, "merge")}>Merge</${Link}></h1></header>`}
    ${plan.isLoading && !plan.data && html`<${Loading}
      text="Computing the plan"
      onCancel=${() => navigate(path(project, state.revision, "merge"))}
    />`}
    ${
      (plan.data || plan.problem) &&
      html`<${Loaded} from=${plan}>
      ${(/** @type {Plan} */ data) => html`<${Review}
        state=${state}
        route=${route}
        plan=${data}
        isLoading=${plan.isLoading}
        onChange=${plan.reload}
      />`}
    </${Loaded}>`
    }
  </div>`;
}

/** @param {{ state: State, route: import("../../router.js").Route, plan: Plan, isLoading: boolean, onChange: () => void }} props */
function Review({ state, route, plan, isLoading, onChange }) {
  const { counts } = plan;
  const target = state.branches.find((one) => one.branch === plan.branch) ?? null;
  const isOpen = plan.status === "open";
  const tab = route.query.get("tab") ?? (counts.conflicts > 0 ? "conflicts" : "changes");
  const parts = { state, route, plan, isOpen, onChange };
  return html`<header>
      <h1><${Link} to=${path(state.project, state.revision, "merge")}>Merge</${Link}></h1>
      <${Icon} name="chevron" />
      <strong>${plan.what} into ${plan.branch}</strong>
      ${plan.status && html`<${Status} status=${plan.status} />`}
      ${isLoading && html`<span class="spinner" role="status" aria-label="Loading"></span>`}
      <${PlanActions} state=${state} plan=${plan} target=${target} onChange=${onChange} />
    </header>
    <p class="plan-facts soft">
      <span class=${counts.conflicts > 0 ? "bad" : "good"}>${plural(counts.conflicts, "conflict")} left</span>
      <span>${count(counts.decided)} decided</span>
      <span class="good">+${count(counts.added)} added</span>
      <span class="warn">~${count(counts.changed)} changed</span>
      <span class="bad">−${count(counts.removed)} removed</span>
      ${counts.collections > 0 && html`<span>${plural(counts.collections, "collection definition")}</span>`}
      <span class="faint">plan <span class="mono">${plan.id}</span> by ${plan.actor} <${Ago} time=${plan.created} /></span>
    </p>
    <${Standing} state=${state} plan=${plan} target=${target} />
    <${Switch}
      label="Parts of the plan"
      value=${tab}
      options=${[
        { value: "conflicts", label: `Conflicts ${count(counts.conflicts)}` },
        { value: "decisions", label: `Decisions ${count(plan.decisions.length)}` },
        { value: "changes", label: `Changes ${count(counts.added + counts.changed + counts.removed)}` },
        {
          value: "rules",
          label: `Rules${plan.unchecked.length > 0 ? ` ${count(plan.unchecked.length)} unchecked` : ""}`,
        },
      ]}
      onChange=${(/** @type {string} */ value) => setQuery({ tab: value }, { replace: true })}
    />
    ${tab === "conflicts" && html`<${Conflicts} ...${parts} />`}
    ${tab === "decisions" && html`<${Decisions} ...${parts} />`}
    ${tab === "changes" && html`<${PlanChanges} ...${parts} />`}
    ${tab === "rules" && html`<${Rules} plan=${plan} />`}`;
}

/** How the plan stands to its branch. @param {{ state: State, plan: Plan, target: import("../../types.js").Branch | null }} props */
function Standing({ state, plan, target }) {
  if (plan.status === "applied" && plan.applied !== null) {
    const to = path(state.project, `${plan.branch}@${plan.applied}`, "commits", String(plan.applied));
    return html`<p class="note good"><${Icon} name="check" />
      <span>Applied as <${Link} to=${to}>${plan.branch}@${plan.applied}</${Link}>.</span>
    </p>`;
  }
  if (plan.status !== "open")
    return html`<p class="note"><${Icon} name="archive" /><span>The plan is closed: ${plan.status}.</span></p>`;
  if (!target) return html`<${Reason} why=${`The branch ${plan.branch} does not exist any more.`} />`;
  if (target.read_only) return html`<${Reason} why=${`${plan.branch} is read-only: it takes no commits.`} />`;
  if (target.lsn === plan.ours) return null;
  return html`<p class="note warn"><${Icon} name="alert" /><span>
    ${plan.branch} has moved from @${plan.ours} to @${target.lsn} since the plan was made. Applying rebases it: decisions stay,
    except those about documents that have changed since.
  </span></p>`;
}
