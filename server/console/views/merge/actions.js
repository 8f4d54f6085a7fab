// What can be done with a plan: decide all that is left, apply it, abort it.

import { post, remove, url } from "../../api.js";
import { plural } from "../../format.js";
import { useKeys } from "../../keys.js";
import { setQuery } from "../../router.js";
import { act, askWrite } from "../../ui/act.js";
import { Button } from "../../ui/controls.js";
import { askForm, confirm } from "../../ui/dialog.js";
import { html } from "../../ui/html.js";
import { toast } from "../../ui/toast.js";

/** @typedef {import("../../types.js").Plan} Plan */

/**
 * @param {object} props
 * @param {import("../../types.js").State} props.state
 * @param {Plan} props.plan
 * @param {import("../../types.js").Branch | null} props.target The branch that gets the commit.
 * @param {() => void} props.onChange
 */
export function PlanActions({ state, plan, target, onChange }) {
  const { conflicts } = plan.counts;
  const isMoved = target !== null && target.lsn !== plan.ours;
  const canApply = target !== null && !target.read_only && conflicts === 0;
  const changed = () => {
    onChange();
    state.reload();
  };
  const run = () => apply(state, plan, isMoved, changed);
  useKeys(plan.status === "open" && canApply ? [{ keys: "a", title: "Apply the plan", run }] : []);
  if (plan.status !== "open") return null;
  return html`<span class="bar right">
    <${Button} kind="quiet" icon="trash" onClick=${() => act(() => abort(state, plan, changed))}>Abort</${Button}>
    <${Button} disabled=${conflicts === 0} onClick=${() => resolveAll(state, plan, onChange)}>Resolve all</${Button}>
    <${Button}
      kind="primary"
      icon="check"
      disabled=${!canApply}
      title=${conflicts > 0 ? `${plural(conflicts, "conflict")} must be decided first` : undefined}
      onClick=${run}
    >
      ${isMoved ? "Rebase and apply" : "Apply"}
    </${Button}>
  </span>`;
}

/** @param {import("../../types.js").State} state @param {Plan} plan @param {() => void} changed */
async function resolveAll(state, plan, changed) {
  const done = await askForm({
    title: `Resolve ${plural(plan.counts.conflicts, "conflict")}`,
    body: "It counts for all conflicts that are left. Each can be decided in another way until the plan is applied.",
    fields: [
      {
        name: "choice",
        label: "Take",
        type: "select",
        options: [
          { value: "ours", label: `Ours: what ${plan.branch} has` },
          { value: "theirs", label: "Theirs: what the other state has" },
          { value: "base", label: "Base: what there was before both" },
        ],
      },
    ],
    action: "Resolve all",
    submit: (values, signal) =>
      post(url`/v1/projects/${state.project}/plans/${plan.id ?? ""}/resolve`, values, { signal }),
  });
  if (!done) return;
  toast(`${plural(done.conflicts, "conflict")} left`);
  changed();
}

/** @param {import("../../types.js").State} state @param {Plan} plan @param {boolean} isMoved @param {() => void} changed */
async function apply(state, plan, isMoved, changed) {
  const { added, changed: updated, removed } = plan.counts;
  const rebased = isMoved ? ` The plan is rebased on the head of ${plan.branch} before.` : "";
  const done = await askWrite(changed, {
    title: `Apply to ${plan.branch}`,
    body: `One commit: ${plural(added, "document")} added, ${updated} changed, ${removed} removed.${rebased}`,
    fields: [
      { name: "message", label: "Message", value: plan.message ?? "", hint: `Without one: ${plan.what}` },
      { name: "strict", label: "Refuse it if a rule of a collection can't be checked", type: "check" },
    ],
    action: isMoved ? "Rebase and apply" : "Apply",
    submit: ({ message, strict }, signal) =>
      post(
        url`/v1/projects/${state.project}/plans/${plan.id ?? ""}/apply`,
        { ...(message && { message }), ...(strict && { strict }), ...(isMoved && { rebase: true }) },
        { signal },
      ),
  });
  if (!done) return;
  toast(said(done, plan));
  if (done.outcome === "conflicts") setQuery({ tab: null, at: null }, { replace: true });
  changed();
}

/** @param {any} done @param {Plan} plan */
function said({ outcome, commit, plan: left }, plan) {
  if (outcome === "committed") return `Applied as ${commit.branch}@${commit.lsn}`;
  if (outcome === "nothing") return `${plan.branch} has all of that already`;
  return `${plural(left.counts.conflicts, "conflict")} to decide; nothing was applied`;
}

/** @param {import("../../types.js").State} state @param {Plan} plan @param {() => void} changed */
async function abort(state, plan, changed) {
  const { length } = plan.decisions;
  const sure = await confirm({
    title: `Abort the plan ${plan.id}?`,
    body: `Nothing else is changed: ${plan.branch} stays as it is.`,
    lost: [
      `the plan to ${plan.what} into ${plan.branch}`,
      length > 0 ? `${plural(length, "decision")} about its conflicts` : "no decisions",
    ],
    action: "Abort plan",
    submit: (signal) => remove(url`/v1/projects/${state.project}/plans/${plan.id ?? ""}`, { signal }),
  });
  if (!sure) return null;
  changed();
  return `Aborted the plan ${plan.id}`;
}
