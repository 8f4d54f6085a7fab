// What can be done with the documents that were found.

import { get, request, url } from "../../api.js";
import { useWork } from "../../data.js";
import { count, plural } from "../../format.js";
import { navigate, path, withQuery } from "../../router.js";
import { documentProblem, toJson } from "../../query.js";
import { useKeys } from "../../keys.js";
import { Button, Switch } from "../../ui/controls.js";
import { askForm, confirm } from "../../ui/dialog.js";
import { html, useState } from "../../ui/html.js";
import { toast } from "../../ui/toast.js";
import { viewOf } from "../../views.js";
import { CollectionActions } from "./collections.js";

/** @param {any} props */
export function Toolbar({ state, collection, query, list, isTree, onView, onChange }) {
  const { project, branch, isWritable } = state;
  const base = branch && url`/v1/projects/${project}/branches/${branch.branch}/collections/${collection}`;
  const insert = () => insertDocument(state, base, collection, onChange);
  useKeys(isWritable ? [{ keys: "n", title: "New document", run: insert }] : []);
  const explain = () =>
    navigate(withQuery(path(project, state.revision, "explain", collection), { filter: query.filter, sort: query.sort }));
  return html`<div class="bar toolbar">
    <${Count} key=${`${state.revision} ${state.lsn} ${query.filter}`} state=${state} collection=${collection} query=${query} list=${list} />
    <${Switch}
      label="How documents are shown"
      value=${isTree ? "tree" : "table"}
      options=${[
        { value: "table", label: "Table", icon: "table" },
        { value: "tree", label: "Tree", icon: "tree" },
      ]}
      onChange=${onView}
    />
    ${viewOf("explain", false) && html`<${Button} kind="quiet" icon="index" onClick=${explain}>Explain</${Button}>`}
    ${
      isWritable &&
      html`<span class="bar right">
        <${Button} kind="quiet" icon="edit" onClick=${() => updateMany(state, base, collection, query, list.tag, onChange)}>Update many</${Button}>
        <${Button} kind="quiet" icon="trash" onClick=${() => deleteMany(state, base, collection, query, list.tag, onChange)}>Delete many</${Button}>
        <${Button} icon="plus" onClick=${insert}>New document</${Button}>
        <${CollectionActions} state=${state} collection=${collection} />
      </span>`
    }
  </div>`;
}

/**
 * How many documents there are. It is known once all were read; before, a count is asked for, as it may take long.
 *
 * @param {any} props
 */
function Count({ state, collection, query, list }) {
  const [total, setTotal] = useState(/** @type {number | null} */ (null));
  const work = useWork(async (signal) => setTotal(await countOf(state, collection, query.filter, signal)));
  const known = list.next ? total : list.items.length;
  if (list.problem) return null;
  if (list.isStale) {
    return html`<span class="bar soft count">Searching … <${Button} kind="quiet" onClick=${list.cancel}>Cancel</${Button}></span>`;
  }
  if (known !== null) return html`<span class="soft count">${plural(known, "document")}</span>`;
  if (work.isRunning) return html`<span class="bar soft">Counting … <${Button} onClick=${work.cancel}>Cancel</${Button}></span>`;
  return html`<span class="bar soft count">First ${count(list.items.length)}<${Button} kind="quiet" onClick=${work.run}>Count all</${Button}></span>`;
}

/** @param {import("../../types.js").State} state @param {string} collection @param {string | undefined} filter @param {AbortSignal} [signal] */
async function countOf(state, collection, filter, signal) {
  const target = url`/v1/projects/${state.project}/states/${state.revision}/collections/${collection}/count`;
  return /** @type {number} */ ((await get(target, { query: { filter }, signal })).documents);
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
 * Asks which documents are meant, and counts them: the filter, the message, and what else is asked, as JSON; nothing if
 * none match, or the question is left.
 *
 * @param {import("../../types.js").State} state
 * @param {string} collection
 * @param {any} query
 * @param {{ title: string, body: string, fields: any[] }} question
 */
async function askWhich(state, collection, query, { title, body, fields }) {
  const asked = await askForm({
    title,
    body,
    fields: [
      { name: "filter", label: "Filter", type: "area", value: query.filter ?? "{}" },
      ...fields,
      { name: "message", label: "Message" },
    ],
    action: "Count matches",
    submit: async ({ message, ...typed }, signal) => {
      const read = Object.entries(typed).map(([name, text]) => [name, required(text)]);
      const chosen = /** @type {{ filter: string, update?: string }} */ (Object.fromEntries(read));
      return { ...chosen, message, matched: await countOf(state, collection, chosen.filter, signal) };
    },
  });
  if (asked?.matched === 0) return void toast("No documents match");
  return asked;
}

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
  const asked = await askWhich(state, collection, query, {
    title: `Update documents of ${collection}`,
    body: "The next step says how many documents match. Nothing is changed before.",
    fields: [
      { name: "update", label: "Update", type: "area", value: "{$set: {}}", hint: "Operators of MongoDB, such as {$inc: {price: 2}}" },
    ],
  });
  if (!asked) return;
  const done = await askForm({
    title: `Update ${plural(asked.matched, "document")}?`,
    body: html`One commit on <strong>${state.branch?.branch}</strong> applies <code>${asked.update}</code> to the documents of${" "}
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
 * @param {string | null} tag
 * @param {() => void} onChange
 */
async function deleteMany(state, base, collection, query, tag, onChange) {
  const asked = await askWhich(state, collection, query, {
    title: `Delete documents of ${collection}`,
    body: "The next step says how many documents match. Nothing is deleted before.",
    fields: [],
  });
  if (!asked) return;
  const what = plural(asked.matched, "document");
  const isAll = asked.filter === "{}";
  const done = await confirm({
    title: `Delete ${what}?`,
    body: "The states before keep them, and undo brings them back.",
    lost: [
      isAll
        ? `all ${what} of ${collection} on ${state.branch?.branch}`
        : html`${what} of ${collection} on ${state.branch?.branch} that match <code>${asked.filter}</code>`,
    ],
    action: `Delete ${what}`,
    typed: isAll ? collection : undefined,
    submit: async (signal) => {
      const text = `{"filter":${asked.filter}${messageOf(asked.message)}}`;
      const reply = await (await request("POST", `${base}/delete`, { text, headers: ifMatch(tag), signal })).json();
      toast(`Deleted ${plural(reply.deleted, "document")}`);
    },
  });
  if (done) onChange();
}
