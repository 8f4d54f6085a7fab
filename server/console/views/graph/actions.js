// What can be done with a branch.

import { post, put, remove, url } from "../../api.js";
import { plural } from "../../format.js";
import { openMenu } from "../../menu.js";
import { navigate, path } from "../../router.js";
import { useKeys } from "../../keys.js";
import { Button } from "../../ui/controls.js";
import { askForm, confirm } from "../../ui/dialog.js";
import { html } from "../../ui/html.js";
import { toast } from "../../ui/toast.js";

/**
 * Makes a branch of a state, and goes there.
 *
 * @param {import("../../types.js").State} state
 */
export async function createBranch(state) {
  const made = await askForm({
    title: "New branch",
    body: html`It starts from <strong>${state.revision}</strong>, and copies nothing.`,
    fields: [{ name: "branch", label: "Name", required: true, hint: "Letters, digits, -, _, . and /" }],
    action: "Create branch",
    submit: (values, signal) => post(url`/v1/projects/${state.project}/branches`, { ...values, from: state.revision }, { signal }),
  });
  if (!made) return;
  toast(`Created ${made.branch} at ${made.parent}@${made.lsn}`);
  state.reload();
  navigate(path(state.project, made.branch, "documents"));
}

/** @param {{ state: import("../../types.js").State }} props */
export function NewBranch({ state }) {
  const create = () => createBranch(state);
  useKeys([{ keys: "n", title: "New branch", run: create }]);
  return html`<${Button} kind="primary" icon="plus" onClick=${create}>New branch</${Button}>`;
}

/**
 * A button with what can be done with a branch.
 *
 * @param {{ state: import("../../types.js").State, branch: import("../../types.js").Branch }} props
 */
export function BranchActions({ state, branch }) {
  const name = branch.branch;
  const target = url`/v1/projects/${state.project}/branches/${name}`;
  const open = async () => {
    const isDone = await openMenu(`What to do with ${name}`, [
      { label: "Rename", icon: "edit", run: () => rename(target, name) },
      { label: branch.protected ? "End the protection" : "Protect", icon: "lock", run: () => protect(branch, target) },
      { label: branch.read_only ? "Let it take commits" : "Make it read-only", icon: "lock", run: () => freeze(branch, target) },
      { label: "Delete", icon: "trash", run: () => drop(state, branch, target) },
    ]);
    if (isDone) state.reload();
  };
  return html`<${Button} kind="quiet" icon="more" label=${`Actions for ${name}`} onClick=${open} />`;
}

/** @param {import("../../types.js").Branch} branch @param {string} target */
async function protect({ branch, protected: isProtected }, target) {
  await put(`${target}/protection`, { protected: !isProtected });
  return `${branch} is ${isProtected ? "not protected any more" : "protected"}`;
}

/** @param {import("../../types.js").Branch} branch @param {string} target */
async function freeze({ branch, read_only: isReadOnly }, target) {
  await put(`${target}/read-only`, { read_only: !isReadOnly });
  return `${branch} ${isReadOnly ? "takes commits again" : "takes no commits"}`;
}

/** @param {string} target @param {string} name */
async function rename(target, name) {
  const done = await askForm({
    title: `Rename ${name}`,
    fields: [{ name: "to", label: "New name", value: name, required: true }],
    action: "Rename",
    submit: (values, signal) => post(`${target}/rename`, values, { signal }),
  });
  return done && `${name} is ${done.to} now`;
}

/** @param {import("../../types.js").State} state @param {import("../../types.js").Branch} branch @param {string} target */
async function drop(state, branch, target) {
  const name = branch.branch;
  const own = branch.parent ? branch.lsn - branch.forked_at : branch.lsn;
  const isBackup = name.startsWith("backup/");
  const sure = await confirm({
    title: `Delete the branch ${name}?`,
    body: isBackup ? "Nothing keeps a backup that is deleted." : "A backup of it is kept for the retention time.",
    lost: [
      `the name ${name}, at position ${branch.lsn}`,
      own > 0 ? `${plural(own, "commit")} after ${branch.parent ?? "the beginning"}@${branch.forked_at}` : "no commits of its own",
    ],
    action: "Delete branch",
    typed: isBackup ? name : undefined,
  });
  if (!sure) return null;
  const done = await remove(target);
  if (name === state.branch?.branch) navigate(url`/console/${state.project}`);
  return done.backup ? `Deleted ${name}; ${done.backup} keeps it` : `Deleted ${name}`;
}
