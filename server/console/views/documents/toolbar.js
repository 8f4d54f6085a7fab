// What can be done with the documents that were found.

import { request, url } from "../../api.js";
import { count, plural } from "../../format.js";
import { navigate, path, withQuery } from "../../router.js";
import { documentProblem, toJson } from "../../query.js";
import { useKeys } from "../../keys.js";
import { Button, Switch } from "../../ui/controls.js";
import { askForm, confirm } from "../../ui/dialog.js";
import { html } from "../../ui/html.js";
import { toast } from "../../ui/toast.js";

/** @param {any} props */
export function Toolbar({ state, collection, query, total, tag, isTree, isLoading, onView, onChange }) {
  const { project, branch, isWritable } = state;
  const base = branch && url`/v1/projects/${project}/branches/${branch.branch}/collections/${collection}`;
  const insert = () => insertDocument(state, base, collection, onChange);
  useKeys(isWritable ? [{ keys: "n", title: "New document", run: insert }] : []);
  const explain = () =>
    navigate(withQuery(path(project, state.revision, "explain", collection), { filter: query.filter, sort: query.sort }));
  return html`<div class="bar toolbar">
    <span class="soft count">${total === undefined ? (isLoading ? "Loading …" : "") : plural(total, "document")}</span>
    <${Switch}
      label="How documents are shown"
      value=${isTree ? "tree" : "table"}
      options=${[
        { value: "table", label: "Table", icon: "table" },
        { value: "tree", label: "Tree", icon: "tree" },
      ]}
      onChange=${onView}
    />
    <${Button} kind="quiet" icon="index" onClick=${explain}>Explain</${Button}>
    ${
      isWritable &&
      html`<span class="bar right">
        <${Button} kind="quiet" icon="edit" onClick=${() => updateMany(state, base, collection, query, tag, onChange)}>Update many</${Button}>
        <${Button} kind="quiet" icon="trash" onClick=${() => deleteMany(state, base, collection, query, total, tag, onChange)}>Delete many</${Button}>
        <${Button} icon="plus" onClick=${insert}>New document</${Button}>
      </span>`
    }
  </div>`;
}

/** @param {string} text What a person typed as a document. */
function required(text) {
  const problem = documentProblem(text) ?? (text.trim() ? undefined : "expected a document: {…}");
  if (problem) throw new SyntaxError(problem);
  return toJson(text);
}

/** @param {import("../../types.js").State} state @param {string} base @param {string} collection @param {() => void} onChange */
async function insertDocument(state, base, collection, onChange) {
  const done = await askForm({
    title: `New document in ${collection}`,
    fields: [
      { name: "document", label: "Document", type: "area", value: "{\n  \n}", hint: "JSON, or the notation of MongoDB's shell. Without an _id it gets an ObjectId." },
      { name: "message", label: "Message", hint: "Why: it is in the log." },
    ],
    action: `Commit to ${state.branch?.branch}`,
    submit: async ({ document, message }, signal) => {
      const text = `{"documents":[${required(document)}],"if_absent":true${messageOf(message)}}`;
      return (await request("POST", `${base}/documents`, { text, signal })).json();
    },
  });
  if (!done) return;
  toast(`Committed as ${state.branch?.branch}@${done[0].lsn}`);
  onChange();
}

/** @param {string} message */
const messageOf = (message) => (message ? `,"message":${JSON.stringify(message)}` : "");

/**
 * Changes all documents that match, after their number was shown.
 *
 * @param {import("../../types.js").State} state
 * @param {string} base
 * @param {string} collection
 * @param {any} query
 * @param {string | null} tag
 * @param {() => void} onChange
 */
async function updateMany(state, base, collection, query, tag, onChange) {
  const asked = await askForm({
    title: `Update documents of ${collection}`,
    body: "The next step says how many documents match. Nothing is changed before.",
    fields: [
      { name: "filter", label: "Filter", type: "area", value: query.filter ?? "{}" },
      { name: "update", label: "Update", type: "area", value: "{$set: {}}", hint: "Operators of MongoDB, such as {$inc: {price: 2}}" },
      { name: "message", label: "Message" },
    ],
    action: "Count matches",
    submit: async ({ filter, update, message }, signal) => {
      const [chosen, change] = [required(filter), required(update)];
      const reply = await request("GET", `${url`/v1/projects/${state.project}/states/${state.revision}/collections/${collection}/count`}`, {
        query: { filter: chosen },
        signal,
      });
      return { filter: chosen, update: change, message, matched: (await reply.json()).documents };
    },
  });
  if (!asked) return;
  if (asked.matched === 0) return void toast("No documents match");
  const done = await askForm({
    title: `Update ${plural(asked.matched, "document")}?`,
    body: html`One commit on <strong>${state.branch?.branch}</strong> applies <code>${asked.update}</code> to the documents of
      ${collection} that match <code>${asked.filter}</code>. It is refused if one of them changes meanwhile.`,
    fields: [],
    action: `Update ${plural(asked.matched, "document")}`,
    submit: async (_, signal) => {
      const text = `{"filter":${asked.filter},"update":${asked.update},"many":true${messageOf(asked.message)}}`;
      return (await request("PATCH", `${base}/documents`, { text, headers: ifMatch(tag), signal })).json();
    },
  });
  if (!done) return;
  toast(`${count(done.matched)} matched, ${count(done.modified ?? done.updated ?? 0)} updated`);
  onChange();
}

/** @param {string | null} tag @returns {Record<string, string>} */
const ifMatch = (tag) => (tag ? { "If-Match": tag } : {});

/**
 * Deletes all documents that match, after their number was shown.
 *
 * @param {import("../../types.js").State} state
 * @param {string} base
 * @param {string} collection
 * @param {any} query
 * @param {number} total
 * @param {string | null} tag
 * @param {() => void} onChange
 */
async function deleteMany(state, base, collection, query, total, tag, onChange) {
  const sure = await confirm({
    title: `Delete ${plural(total, "document")}?`,
    body: "The states before keep them, and undo brings them back.",
    lost: [
      query.filter
        ? html`${plural(total, "document")} of ${collection} on ${state.branch?.branch} that match <code>${query.filter}</code>`
        : `all ${plural(total, "document")} of ${collection} on ${state.branch?.branch}`,
    ],
    action: `Delete ${plural(total, "document")}`,
    typed: query.filter ? undefined : collection,
  });
  if (!sure) return;
  const text = `{"filter":${query.filter ?? "{}"}}`;
  const done = await (await request("POST", `${base}/delete`, { text, headers: ifMatch(tag) })).json();
  toast(`Deleted ${plural(done.deleted, "document")}`);
  onChange();
}
