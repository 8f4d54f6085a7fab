// What an undo would change, and doing it.

import { post, url } from "../../api.js";
import { useData } from "../../data.js";
import { idText, text } from "../../ejson.js";
import { plural } from "../../format.js";
import { navigate, path, setQuery } from "../../router.js";
import { act, askWrite } from "../../ui/act.js";
import { Button } from "../../ui/controls.js";
import { Changes, Summary } from "../../ui/changes.js";
import { html } from "../../ui/html.js";
import { Icon } from "../../ui/icons.js";
import { Loaded, Loading } from "../../ui/notice.js";
import { Table } from "../../ui/table.js";
import { toast } from "../../ui/toast.js";
import { Value } from "../../ui/tree.js";

/**
 * @param {object} props
 * @param {import("../../types.js").State} props.state
 * @param {string} props.range
 * @param {string} props.by
 * @param {string[]} props.collections
 * @param {string | undefined} props.why Why it can't be done.
 */
export function UndoPreview({ state, range, by, collections, why }) {
  const { project, branch, lsn } = state;
  const target = url`/v1/projects/${project}/branches/${branch?.branch ?? ""}/undo`;
  const request = { range, ...(by && { by_actor: by }), ...(collections.length > 0 && { collections }) };
  const key = JSON.stringify(request);
  const preview = useData(
    async (signal) =>
      why ? null : post(target, { ...request, action: "dry_run", canonical: true, detail: "fields" }, { signal }),
    [target, key, lsn, why],
  );
  if (why) return null;
  return html`<section class="card" aria-label="Preview">
    ${preview.isLoading && html`<${Loading}
      text="Computing the preview"
      onCancel=${() => setQuery({ range: null })}
    />`}
    ${
      !preview.isLoading &&
      html`<${Loaded} from=${preview}>
      ${(/** @type {any} */ data) =>
        data?.plan
          ? html`<${Preview} state=${state} plan=${data.plan} target=${target} request=${request} />`
          : html`<div class="inside soft">The undo would change nothing: the branch does not have what these commits changed.</div>`}
    </${Loaded}>`
    }
  </section>`;
}

/** @param {{ state: import("../../types.js").State, plan: import("../../types.js").Plan, target: string, request: object }} props */
function Preview({ state, plan, target, request }) {
  const { conflicts } = plan.counts;
  const { project } = state;
  const branch = plan.branch;
  const decide = () =>
    act(async () => {
      const done = await post(target, { ...request, action: "save", detail: "summary" });
      if (done.outcome === "saved") navigate(path(project, branch, "merge", done.plan.id));
      return null;
    });
  return html`<header>
      <h2>Preview</h2>
      <${Summary} summary=${plan.counts} />
      ${plan.counts.collections > 0 && html`<span class="soft">${plural(plan.counts.collections, "collection definition")}</span>`}
      <span class="bar right">
        <${Button} icon="merge" onClick=${decide}>${conflicts > 0 ? "Decide the conflicts" : "Save as a plan"}</${Button}>
        <${Button}
          kind="primary"
          icon="undo"
          onClick=${() => apply(state, plan, target, request)}
        >${conflicts > 0 ? "Undo by force" : "Undo"}</${Button}>
      </span>
    </header>
    ${
      conflicts > 0 &&
      html`<div class="inside">
        <p class="note warn"><${Icon} name="alert" /><span>${plural(conflicts, "value was", "values were")} changed again after these commits.
          Decide about each, or let the earlier values count by force.</span></p>
      </div>
      <${ConflictTable} conflicts=${plan.conflicts} branch=${branch} />`
    }
    <div class="preview-changes">
      <${Changes}
        list=${{ items: plan.changes ?? [] }}
        linkOf=${(/** @type {string} */ collection, /** @type {any} */ id) => path(project, branch, "documents", collection, idText(id))}
      />
    </div>`;
}

/** @param {any} value */
const shortValue = (value) =>
  value === undefined
    ? html`<span class="faint">none</span>`
    : html`<span class="cut short-value" title=${text(value)}><${Value} value=${value} /></span>`;

/** How many conflicts are listed; a plan has all. */
const MOST = 50;

/** @param {{ conflicts: import("../../types.js").Conflict[], branch: string }} props */
function ConflictTable({ conflicts, branch }) {
  return html`<${Table}
      label="Conflicts"
      rows=${conflicts.slice(0, MOST)}
      rowKey=${(/** @type {any} */ row) => JSON.stringify([row.collection, row.id, row.path])}
      columns=${[
        { title: "Collection", cell: (/** @type {any} */ row) => row.collection },
        {
          title: "Document",
          cell: (/** @type {any} */ row) =>
            html`<span class="mono">${row.kind === "document" ? idText(row.id) : "–"}</span>`,
        },
        { title: "Path", cell: (/** @type {any} */ row) => html`<span class="mono soft">${row.path}</span>` },
        { title: "After these commits", cell: (/** @type {any} */ row) => shortValue(row.base) },
        { title: `Now on ${branch}`, cell: (/** @type {any} */ row) => shortValue(row.ours) },
        { title: "Before these commits", isWide: true, cell: (/** @type {any} */ row) => shortValue(row.theirs) },
      ]}
    />
    ${conflicts.length > MOST && html`<p class="inside faint">${conflicts.length - MOST} more conflicts</p>`}`;
}

/** @param {import("../../types.js").State} state @param {import("../../types.js").Plan} plan @param {string} target @param {object} request */
async function apply(state, plan, target, request) {
  const { added, changed, removed, conflicts } = plan.counts;
  const done = await askWrite(state.reload, {
    title: `Undo on ${plan.branch}`,
    body: html`One commit: ${plural(added, "document")} added, ${changed} changed, ${removed} removed.
      ${conflicts > 0 && html` <strong>${plural(conflicts, "later change")} will be overwritten.</strong>`}
      The states before stay.`,
    fields: [{ name: "message", label: "Message", hint: `Without one: ${plan.what}` }],
    action: conflicts > 0 ? "Undo by force" : "Undo",
    submit: ({ message }, signal) =>
      post(
        target,
        { ...request, ...(message && { message }), ...(conflicts > 0 && { force: true }), detail: "summary" },
        { signal },
      ),
  });
  if (!done) return;
  toast(
    done.outcome === "committed"
      ? `Undone by ${done.commit.branch}@${done.commit.lsn}`
      : done.outcome === "nothing"
        ? "There was nothing to undo"
        : "Conflicts are left; nothing was changed",
  );
  state.reload();
}
