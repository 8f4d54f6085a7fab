// The indexes of a state.

import { get, post, remove, request, url } from "../api.js";
import { collectionNames } from "../collections.js";
import { useData } from "../data.js";
import { text } from "../ejson.js";
import { plural } from "../format.js";
import { useKeys } from "../keys.js";
import { documentProblem, toJson } from "../query.js";
import { whyNoCommit } from "../reasons.js";
import { Link, navigate, path } from "../router.js";
import { act, Reason } from "../ui/act.js";
import { Badge, Button } from "../ui/controls.js";
import { askForm, confirm } from "../ui/dialog.js";
import { html } from "../ui/html.js";
import { Empty, Loaded } from "../ui/notice.js";
import { Table } from "../ui/table.js";
import { toast } from "../ui/toast.js";
import { withValue } from "../ui/inputs.js";

/** @typedef {import("../types.js").Index} Index */
/** @typedef {import("../types.js").State} State */

/** @param {{ state: State, route: import("../router.js").Route }} props */
export default function Indexes({ state, route }) {
  const { project, revision, lsn } = state;
  const [collection] = route.parts;
  const why = whyNoCommit(state);
  const list = useData(
    (signal) => get(url`/v1/projects/${project}/states/${revision}/indexes`, { query: { collection }, signal }),
    [project, revision, lsn, collection],
  );
  const collections = useData((signal) => collectionNames(project, revision, signal), [project, revision, lsn]);
  const changed = () => {
    list.reload();
    state.reload();
  };
  const create = () => newIndex(state, collection, collections.data ?? [], changed);
  useKeys(why ? [] : [{ keys: "n", title: "New index", run: create }]);
  const unbuilt = (list.data ?? []).filter((/** @type {Index} */ one) => one.unbuilt);
  return html`<div class="view">
    <header>
      <h1>Indexes</h1>
      <select aria-label="Collection" value=${collection ?? ""}
        onInput=${withValue((value) => navigate(path(project, revision, "indexes", ...(value ? [value] : []))))}>
        <option value="">All collections</option>
        ${(collections.data ?? []).map((one) => html`<option value=${one}>${one}</option>`)}
      </select>
      <span class="bar right">
        ${unbuilt.length > 0 && html`<${Button}
          icon="tool"
          disabled=${Boolean(why)}
          onClick=${() => act(() => build(state, collection, changed))}
        >Build ${plural(unbuilt.length, "index", "indexes")}</${Button}>`}
        <${Button} kind="primary" icon="plus" disabled=${Boolean(why)} onClick=${create}>New index</${Button}>
      </span>
    </header>
    <${Reason} why=${why} />
    <section class="card" aria-label="Indexes">
      <${Loaded} from=${list}>
        ${(/** @type {Index[]} */ rows) =>
          rows.length === 0
            ? html`<${Empty} icon="index" title="No indexes">The state has no collections.</${Empty}>`
            : html`<${Table}
              label="Indexes"
              rows=${rows}
              rowKey=${(/** @type {Index} */ row) => `${row.collection} ${row.index}`}
              columns=${columns(state, why, changed)}
            />`}
      </${Loaded}>
    </section>
  </div>`;
}

/** @param {State} state @param {string | undefined} why @param {() => void} changed @returns {import("../ui/table.js").Column<Index>[]} */
const columns = (state, why, changed) => [
  {
    title: "Collection",
    cell: (row) =>
      html`<${Link} to=${path(state.project, state.revision, "documents", row.collection)}>${row.collection}</${Link}>`,
  },
  { title: "Index", cell: (row) => html`<span class="mono">${row.index}</span>` },
  { title: "Key", cell: (row) => html`<span class="mono soft">${text(definitionOf(row).key)}</span>` },
  {
    title: "Options",
    cell: (row) =>
      html`<span class="bar">${optionsOf(definitionOf(row)).map((one) => html`<${Badge}>${one}</${Badge}>`)}</span>`,
  },
  {
    title: "State",
    isWide: true,
    cell: (row) =>
      row.unbuilt
        ? html`<${Badge} kind="warn">not used</${Badge}> <span class="faint">${row.unbuilt}</span>`
        : html`<${Badge} kind="good">ready</${Badge}> ${row.multikey && html`<span class="faint">multikey</span>`}`,
  },
  {
    title: "Actions",
    isAction: true,
    cell: (row) =>
      row.index !== "_id_" &&
      html`<${Button}
        kind="quiet"
        icon="trash"
        label=${`Drop ${row.index} of ${row.collection}`}
        disabled=${Boolean(why)}
        onClick=${() => act(() => drop(state, row, changed))}
      />`,
  },
];

/** @param {Index} row @returns {any} */
const definitionOf = (row) => row.definition;

/** The options of an index in words. @param {any} definition */
function optionsOf({ v: _, key: __, name: ___, ...options }) {
  return Object.entries(options).map(([name, value]) => (value === true ? name : `${name}: ${text(value)}`));
}

/** @param {State} state @param {string | undefined} collection @param {string[]} collections @param {() => void} changed */
async function newIndex(state, collection, collections, changed) {
  const made = await askForm({
    title: "New index",
    body: html`One commit on <strong>${state.branch?.branch}</strong>, with entries for all documents.`,
    fields: [
      {
        name: "collection",
        label: "Collection",
        type: "select",
        value: collection,
        options: collections.map((one) => ({ value: one, label: one })),
      },
      {
        name: "definition",
        label: "Definition",
        type: "area",
        value: "{\n  key: {price: 1},\n  unique: false\n}",
        hint: "As of MongoDB's createIndexes: key, and name, unique, sparse, expireAfterSeconds, partialFilterExpression, collation",
      },
      { name: "message", label: "Message" },
    ],
    action: "Create index",
    submit: async ({ collection: chosen, definition, message }, signal) => {
      const problem = documentProblem(definition) ?? (definition.trim() ? undefined : "expected a document: {…}");
      if (problem) throw new SyntaxError(problem);
      const body = `{"definition":${toJson(definition)}${message ? `,"message":${JSON.stringify(message)}` : ""}}`;
      const target = url`/v1/projects/${state.project}/branches/${state.branch?.branch ?? ""}/collections/${chosen}/indexes`;
      return (await request("POST", target, { text: body, signal })).json();
    },
  });
  if (!made) return;
  toast(
    made.lsn === null
      ? `${made.collection} has the index ${made.index} already`
      : `Created ${made.index} by ${made.branch}@${made.lsn}${made.unbuilt ? ", which queries can't use" : ""}`,
  );
  changed();
}

/** @param {State} state @param {string | undefined} collection @param {() => void} changed */
async function build(state, collection, changed) {
  const rows = await post(
    url`/v1/projects/${state.project}/branches/${state.branch?.branch ?? ""}/indexes/build`,
    collection ? { collection } : {},
  );
  changed();
  const left = rows.filter((/** @type {any} */ row) => row.unbuilt).length;
  return left > 0
    ? `${plural(left, "index", "indexes")} can't be built`
    : `Built ${plural(rows.length, "index", "indexes")}`;
}

/** @param {State} state @param {Index} index @param {() => void} changed */
async function drop(state, index, changed) {
  /** @type {any} */
  let done;
  const sure = await confirm({
    title: `Drop the index ${index.index}?`,
    body: "Past states keep it. Queries of the head read without it.",
    lost: [
      html`<code>${text(definitionOf(index).key)}</code> of ${index.collection} on ${state.branch?.branch}`,
      ...optionsOf(definitionOf(index)),
    ],
    action: "Drop index",
    submit: async (signal) => {
      const target = url`/v1/projects/${state.project}/branches/${state.branch?.branch ?? ""}/collections/${index.collection}`;
      done = await remove(target + url`/indexes/${index.index}`, { signal });
    },
  });
  if (!sure) return null;
  changed();
  return `Dropped ${done.index} by ${done.branch}@${done.lsn}`;
}
