// Restoring a collection or some of its documents.

import { request, url } from "../../api.js";
import { collectionNames } from "../../collections.js";
import { useData } from "../../data.js";
import { idOf, idText } from "../../ejson.js";
import { plural } from "../../format.js";
import { whyNoMerge } from "../../reasons.js";
import { path, setQuery } from "../../router.js";
import { askWrite, Reason } from "../../ui/act.js";
import { Changes, Summary } from "../../ui/changes.js";
import { Button } from "../../ui/controls.js";
import { html, useEffect, useState } from "../../ui/html.js";
import { AreaField, SelectField } from "../../ui/inputs.js";
import { Loaded } from "../../ui/notice.js";
import { toast } from "../../ui/toast.js";
import { usePreview } from "./preview.js";

/** @typedef {import("../../types.js").State} State */

/**
 * Which collection, and which documents.
 *
 * @param {{ state: State, revision: string, collection: string | null, ids: string[] }} props
 */
export function PartForm({ state, revision, collection, ids }) {
  const collections = useData(
    (signal) => collectionNames(state.project, revision, signal),
    [state.project, revision],
  );
  const [chosen, setChosen] = useState(collection ?? "");
  const [typed, setTyped] = useState(ids.join("\n"));
  useEffect(() => setChosen(collection ?? ""), [collection]);
  /** @param {Event} event */
  const submit = (event) => {
    event.preventDefault();
    const wanted = typed
      .split("\n")
      .map((line) => line.trim())
      .filter(Boolean);
    setQuery({ collection: chosen, id: wanted.join("\n") });
  };
  return html`<${Loaded} from=${collections}>
    ${(/** @type {string[]} */ names) => html`<form class="inside limits" onSubmit=${submit}>
      <${SelectField} label="Collection" required options=${optionsOf(names, collection)} value=${chosen} onValue=${setChosen} />
      <${AreaField}
        label="Only documents, by _id, one a line"
        hint='7 is the number, x a text, {"$oid": "…"} an ObjectId'
        rows="2"
        placeholder="all of the collection"
        value=${typed}
        onValue=${setTyped}
      />
      <${Button} type="submit" icon="eye">Preview</${Button}>
    </form>`}
  </${Loaded}>`;
}

/**
 * The collections of the past state, and the chosen one even if the state does not have it: then it is emptied.
 *
 * @param {string[]} names
 * @param {string | null} collection
 * @returns {[string, string][]}
 */
function optionsOf(names, collection) {
  /** @type {[string, string][]} */
  const options = [["", "Choose one"], ...names.map((name) => /** @type {[string, string]} */ ([name, name]))];
  if (collection && !names.includes(collection)) options.push([collection, `${collection}, which the state does not have`]);
  return options;
}

/** @param {{ state: State, revision: string, collection: string, ids: string[] }} props */
export function PartPreview({ state, revision, collection, ids }) {
  const { project, branch, lsn } = state;
  const why = whyNoMerge(state);
  const target = url`/v1/projects/${project}/branches/${branch?.branch ?? ""}/restore`;
  const { list, summary, isNone } = usePreview(target, { revision, collection, ids }, [
    target,
    revision,
    collection,
    ids.join("\n"),
    lsn,
  ]);
  const run = async () => {
    const done = await restore(state, target, { revision, collection, ids }, summary);
    if (!done) return;
    toast(done.lsn === null ? `${done.branch} has that already` : `Restored by ${done.branch}@${done.lsn}`);
    state.reload();
  };
  return html`<section class="card" aria-label="Preview">
    <header>
      <h2>Preview</h2>
      <${Summary} summary=${summary} />
      <span class="right"><${Button}
        kind="primary"
        icon="history"
        disabled=${Boolean(why) || !summary || isNone}
        onClick=${run}
      >Restore</${Button}></span>
    </header>
    ${why && html`<div class="inside"><${Reason} why=${why} /></div>`}
    <div class="preview-changes">
      <${Changes}
        list=${list}
        linkOf=${(/** @type {string} */ name, /** @type {any} */ id) => path(project, branch?.branch ?? null, "documents", name, idText(id))}
      />
    </div>
  </section>`;
}

/** @param {State} state @param {string} target @param {{ revision: string, collection: string, ids: string[] }} part @param {any} summary */
function restore(state, target, { revision, collection, ids }, summary) {
  const what = ids.length > 0 ? plural(ids.length, "document") : "all documents";
  const numbers = `${summary.added} added, ${summary.changed} changed, ${summary.removed} removed`;
  return askWrite(state.reload, {
    title: `Restore ${collection}`,
    body: `One commit on ${state.branch?.branch} makes ${what} of ${collection} what ${revision} has: ${numbers}. The states before stay.`,
    fields: [{ name: "message", label: "Message" }],
    action: "Restore",
    submit: async ({ message }, signal) => {
      // Identifiers are sent as they were typed, so that numbers keep their types.
      const parts = [
        `"revision":${JSON.stringify(revision)}`,
        `"collection":${JSON.stringify(collection)}`,
        ...(ids.length > 0 ? [`"ids":[${ids.map(idJson).join(",")}]`] : []),
        ...(message ? [`"message":${JSON.stringify(message)}`] : []),
      ];
      return (await request("POST", target, { text: `{${parts.join(",")}}`, signal })).json();
    },
  });
}

/** An `_id` that was typed, as JSON. @param {string} typed */
const idJson = (typed) => (typeof idOf(typed) === "string" && !typed.startsWith('"') ? JSON.stringify(typed) : typed);
