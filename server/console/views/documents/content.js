// The content of a document, to read and to edit.

import { remove, request, url } from "../../api.js";
import { useWork } from "../../data.js";
import { idText, source } from "../../ejson.js";
import { documentProblem, toJson } from "../../query.js";
import { useGuard } from "../../router.js";
import { Button, Copy, Field } from "../../ui/controls.js";
import { confirm } from "../../ui/dialog.js";
import { html, useState } from "../../ui/html.js";
import { ProblemNotice } from "../../ui/notice.js";
import { toast } from "../../ui/toast.js";
import { Tree } from "../../ui/tree.js";

/** @param {any} props */
export function Content({ state, collection, id, document, tag, onChange, onDelete, onReload }) {
  const [isEditing, setEditing] = useState(false);
  const branch = state.branch?.branch;
  const target = url`/v1/projects/${state.project}/branches/${branch}/collections/${collection}/documents/${id}`;
  const drop = async () => {
    const sure = await confirm({
      title: "Delete the document?",
      body: "The states before keep it.",
      lost: [`${id} of ${collection} on ${branch}`],
      action: "Delete document",
      submit: (signal) => remove(target, { headers: { "If-Match": tag }, signal }),
    });
    if (!sure) return;
    toast(`Deleted ${id}`);
    onDelete();
  };
  if (isEditing) {
    return html`<${Editor} target=${target} branch=${branch} document=${document} tag=${tag}
      onDone=${() => {
        setEditing(false);
        onChange();
      }}
      onCancel=${() => setEditing(false)}
      onReload=${() => {
        setEditing(false);
        onReload();
      }} />`;
  }
  return html`<div class="bar">
      ${state.isWritable && html`<${Button} icon="edit" onClick=${() => setEditing(true)}>Edit</${Button}>`}
      ${state.isWritable && html`<${Button} kind="quiet" icon="trash" onClick=${drop}>Delete</${Button}>`}
      <span class="right"><${Copy} text=${source(document)} label="Copy as JSON" /></span>
    </div>
    <div class="tree">
      ${Object.entries(document).map(([name, value]) => html`<${Tree} key=${name} name=${name} value=${value} path=${name} isOpen />`)}
    </div>`;
}

/** @param {any} props */
function Editor({ target, branch, document, tag, onDone, onCancel, onReload }) {
  const [written] = useState(() => source(document));
  const [text, setText] = useState(written);
  useGuard(text !== written, () =>
    confirm({
      title: "Leave without a commit?",
      lost: [`your changes of ${idText(document._id)}, which are not committed to ${branch}`],
      action: "Leave",
    }),
  );
  const [message, setMessage] = useState("");
  const problem = documentProblem(text);
  const save = useWork(async (signal) => {
    const reply = await request("PUT", target, { text: toJson(text), query: { message }, headers: { "If-Match": tag }, signal });
    const [result] = [await reply.json()].flat();
    toast(result.changed ? `Committed as ${branch}@${result.lsn}` : "Nothing to commit");
    onDone();
  });
  const isOld = /** @type {any} */ (save.problem)?.status === 412;
  /** @param {KeyboardEvent} event */
  const press = (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) save.run();
  };
  return html`<form class="editor" onKeyDown=${press} onSubmit=${(/** @type {Event} */ event) => {
    event.preventDefault();
    save.run();
  }}>
    <${Field} label="Document" problem=${problem}>
      ${(/** @type {object} */ attributes) => html`<textarea ...${attributes} rows=${Math.min(28, text.split("\n").length + 2)} spellcheck=${false} value=${text}
        onInput=${(/** @type {any} */ event) => setText(event.target.value)}></textarea>`}
    </${Field}>
    <${Field} label="Message" hint="Why: it is in the log.">
      ${(/** @type {object} */ attributes) => html`<input ...${attributes} type="text" autocomplete="off" value=${message} onInput=${(/** @type {any} */ event) => setMessage(event.target.value)} />`}
    </${Field}>
    ${save.problem && html`<${ProblemNotice} problem=${save.problem} />`}
    ${isOld && html`<p class="note">Somebody changed the document after you opened it. Copy your text if you need it, and read the new content.
      <${Button} onClick=${onReload}>Read it again</${Button}></p>`}
    <div class="bar">
      <${Button} type="submit" kind="primary" disabled=${Boolean(problem) || save.isRunning}>Commit to ${branch}</${Button}>
      <${Button} onClick=${onCancel}>Cancel</${Button}>
      <span class="faint right"><kbd>Ctrl</kbd> <kbd>Enter</kbd></span>
    </div>
  </form>`;
}
