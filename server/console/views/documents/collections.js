// Collections: made, renamed, dropped.

import { post, remove, url } from "../../api.js";
import { openMenu } from "../../menu.js";
import { navigate, path } from "../../router.js";
import { Button } from "../../ui/controls.js";
import { askForm, confirm } from "../../ui/dialog.js";
import { html } from "../../ui/html.js";
import { toast } from "../../ui/toast.js";

/** The collections of the branch that is shown. @param {import("../../types.js").State} state */
const base = ({ project, branch }) => url`/v1/projects/${project}/branches/${branch?.branch ?? ""}/collections`;

/** @param {{ state: import("../../types.js").State }} props */
export function NewCollection({ state }) {
  const create = async () => {
    const done = await askForm({
      title: "New collection",
      fields: [{ name: "collection", label: "Name", required: true }],
      action: `Commit to ${state.branch?.branch}`,
      submit: (values, signal) => post(base(state), values, { signal }),
    });
    if (!done) return;
    toast(`Committed as ${done.branch}@${done.lsn}`);
    state.reload();
    navigate(path(state.project, state.revision, "documents", done.collection));
  };
  return html`<${Button} kind="quiet" icon="plus" label="New collection" onClick=${create} />`;
}

/**
 * A button with what can be done with a collection.
 *
 * @param {{ state: import("../../types.js").State, collection: string }} props
 */
export function CollectionActions({ state, collection }) {
  const target = base(state) + url`/${collection}`;
  const rename = async () => {
    const done = await askForm({
      title: `Rename ${collection}`,
      fields: [{ name: "to", label: "New name", value: collection, required: true }],
      action: `Commit to ${state.branch?.branch}`,
      submit: (values, signal) => post(`${target}/rename`, values, { signal }),
    });
    if (!done) return null;
    navigate(path(state.project, state.revision, "documents", done.collection));
    return `${collection} is ${done.collection} now`;
  };
  const drop = async () => {
    const sure = await confirm({
      title: `Drop the collection ${collection}?`,
      body: "The states before keep it, and undo brings it back.",
      lost: [`all documents and indexes of ${collection} on ${state.branch?.branch}`],
      action: "Drop collection",
      typed: collection,
      submit: (signal) => remove(target, { signal }),
    });
    if (!sure) return null;
    navigate(path(state.project, state.revision, "documents"));
    return `Dropped ${collection}`;
  };
  const open = async () => {
    const isDone = await openMenu(`What to do with ${collection}`, [
      { label: "Rename", icon: "edit", run: rename },
      { label: "Drop", icon: "trash", run: drop },
    ]);
    if (isDone) state.reload();
  };
  return html`<${Button} kind="quiet" icon="more" label=${`Actions for ${collection}`} onClick=${open} />`;
}
