// The documents that were found, as a table or as trees.

import { idText, kindOf } from "../../ejson.js";
import { Link, navigate, path, setQuery, withQuery } from "../../router.js";
import { useNextKeys } from "../../keys.js";
import { Button } from "../../ui/controls.js";
import { html, useMemo } from "../../ui/html.js";
import { Tree, Value } from "../../ui/tree.js";
import { VirtualList } from "../../ui/virtual.js";

/** The height of a row, in pixels. */
const ROW = 28;
/** How many fields are columns. */
const MOST_COLUMNS = 40;

/** @param {any} props */
export function DocumentList({ state, route, collection, list, isTree, selected }) {
  /** @param {any} document */
  const linkOf = (document) =>
    withQuery(path(state.project, state.revision, "documents", collection, idText(document._id)), Object.fromEntries(route.query));
  const at = list.items.findIndex((/** @type {any} */ document) => idText(document._id) === selected);
  useNextKeys("document", list.items.length, at, (to) => navigate(linkOf(list.items[to])));
  if (isTree) return html`<${Trees} list=${list} linkOf=${linkOf} selected=${selected} />`;
  return html`<${Rows} list=${list} linkOf=${linkOf} selected=${selected} collection=${collection} sort=${route.query.get("sort") ?? ""} />`;
}

/** @param {any} props */
function Rows({ list, linkOf, selected, collection, sort }) {
  const columns = useMemo(() => columnsOf(list.items), [list.items]);
  const grid = { gridTemplateColumns: columns.map((column) => `${column.width}px`).join(" ") };
  const head = html`<div class="grid-row grid-head" style=${grid} role="row">
    ${columns.map((column) => html`<${ColumnHead} key=${column.name} column=${column} sort=${sort} />`)}
  </div>`;
  return html`<${VirtualList}
    label=${`Documents of ${collection}`}
    kind="grid"
    role="rowgroup"
    count=${list.items.length}
    height=${ROW}
    head=${head}
    onEnd=${list.more}
    row=${(/** @type {number} */ at) => {
      const document = list.items[at];
      const id = idText(document._id);
      return html`<div class=${`grid-row ${id === selected ? "selected" : ""}`} style=${grid} key=${id} role="row">
        ${columns.map(
          (column, index) => html`<div class=${`cut ${column.isNumber ? "number" : ""}`} key=${column.name} role="cell">
            ${index === 0 ? html`<${Link} to=${linkOf(document)}><${Value} value=${document._id} /></${Link}>` : html`<${Value} value=${document[column.name]} />`}
          </div>`,
        )}
      </div>`;
    }}
  />`;
}

/** @param {{ column: { name: string, isNumber: boolean }, sort: string }} props */
function ColumnHead({ column, sort }) {
  const up = JSON.stringify({ [column.name]: 1 });
  const down = JSON.stringify({ [column.name]: -1 });
  const now = sort === up ? "ascending" : sort === down ? "descending" : "none";
  const next = now === "none" ? up : now === "ascending" ? down : null;
  return html`<div role="columnheader" class=${column.isNumber ? "number" : ""} aria-sort=${now}>
    <button type="button" class="cut" title=${`Sort by ${column.name}`} onClick=${() => setQuery({ sort: next })}>
      ${column.name}${now === "ascending" ? " ↑" : now === "descending" ? " ↓" : ""}
    </button>
  </div>`;
}

/**
 * The fields of documents, in the order in which they appear, and how wide they are.
 *
 * @param {any[]} documents
 */
function columnsOf(documents) {
  /** @type {Map<string, { name: string, isNumber: boolean, longest: number }>} */
  const columns = new Map();
  for (const document of documents) {
    for (const [name, value] of Object.entries(document)) {
      const isNumber = ["int", "long", "double", "decimal"].includes(kindOf(value));
      const column = columns.get(name) ?? { name, isNumber, longest: name.length + 2 };
      column.isNumber = column.isNumber && isNumber;
      column.longest = Math.max(column.longest, Math.min(lengthOf(value), 32));
      columns.set(name, column);
    }
  }
  return [...columns.values()]
    .slice(0, MOST_COLUMNS)
    .map((column) => ({ ...column, width: Math.max(72, Math.round(column.longest * 7.4) + 24) }));
}

/** @param {any} value */
function lengthOf(value) {
  if (typeof value === "string") return value.length;
  const kind = kindOf(value);
  return { objectId: 24, date: 24, object: 30, array: 24 }[kind] ?? 10;
}

/** @param {any} props */
function Trees({ list, linkOf, selected }) {
  return html`<div class="trees" tabindex="0" role="region" aria-label="Documents">
    ${list.items.map((/** @type {any} */ document) => {
      const id = idText(document._id);
      return html`<article class=${`card tree ${id === selected ? "selected" : ""}`} key=${id}>
        <${Tree} value=${document} isOpen name=${id} />
        <${Link} class="button quiet open" to=${linkOf(document)} aria-label=${`Open ${id}`}>Open</${Link}>
      </article>`;
    })}
    ${list.next && html`<${Button} onClick=${list.more} disabled=${list.isLoading}>More documents</${Button}>`}
  </div>`;
}
