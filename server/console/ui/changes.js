// The changes of a commit, or the differences of two states, as a list of any length.

import { idText, text } from "../ejson.js";
import { count, plural } from "../format.js";
import { Fields, fieldsOf } from "./fields.js";
import { html, useMemo, useState } from "./html.js";
import { Icon } from "./icons.js";
import { Empty, Loading, ProblemNotice } from "./notice.js";
import { Value } from "./tree.js";
import { VirtualList } from "./virtual.js";

/** The height of a row, in pixels. */
const ROW = 26;

/**
 * @typedef {{ kind: "collection", name: string, note: string }
 *   | { kind: "document", item: any, at: number, isOpen: boolean }
 *   | { kind: "field", item: any, field: { path: string, before?: any, after?: any } }} Row
 */

/**
 * The items of `show`, `diff` or a preview.
 *
 * @param {object} props
 * @param {{ items: any[], next?: string | null, more?: () => void, isLoading?: boolean, problem?: Error, reload?: () => void, cancel?: () => void }} props.list
 * What `usePages` gives, or just `{ items }`.
 * @param {boolean} [props.byField] Whether the fields of changed documents are listed at first.
 * @param {(collection: string, id: any) => string} [props.linkOf] Where the name of a document leads.
 * @param {string} [props.label]
 */
export function Changes({ list, byField = true, linkOf, label = "Changes" }) {
  const [toggled, setToggled] = useState(() => new Set());
  const rows = useMemo(() => rowsOf(list.items, byField, toggled), [list.items, byField, toggled]);
  if (list.problem) return html`<${ProblemNotice} problem=${list.problem} onRetry=${list.reload} />`;
  if (rows.length === 0) {
    return list.isLoading ? html`<${Loading} text="Comparing" onCancel=${list.cancel} />` : html`<${Empty} icon="diff" title="No differences" />`;
  }
  /** @param {number} at */
  const toggle = (at) =>
    setToggled((now) => {
      const next = new Set(now);
      if (!next.delete(at)) next.add(at);
      return next;
    });
  return html`<${VirtualList}
    label=${label}
    kind="changes"
    count=${rows.length}
    height=${ROW}
    onEnd=${list.more}
    row=${(/** @type {number} */ at) => html`<${ChangeRow} key=${at} row=${rows[at]} onToggle=${toggle} linkOf=${linkOf} />`}
  />`;
}

/** @param {any[]} items @param {boolean} byField @param {Set<unknown>} toggled @returns {Row[]} */
function rowsOf(items, byField, toggled) {
  /** @type {Row[]} */
  const rows = [];
  let collection = "";
  items.forEach((item, at) => {
    if (item.kind === "collection") {
      collection = item.collection;
      rows.push({ kind: "collection", name: collection, note: collectionNote(item) });
    } else if (item.kind === "numbers") {
      const { added, changed, removed } = item;
      rows.push({ kind: "collection", name: item.collection, note: `${added} added, ${changed} changed, ${removed} removed` });
    } else if (item.kind === "document") {
      if (item.collection !== collection) {
        collection = item.collection;
        rows.push({ kind: "collection", name: collection, note: "" });
      }
      const isOpen = toggled.has(at) !== (byField && item.change === "changed");
      rows.push({ kind: "document", item, at, isOpen });
      if (isOpen) rows.push(...fieldsOf(item).map((field) => /** @type {Row} */ ({ kind: "field", item, field })));
    }
  });
  return rows;
}

/** How a collection itself differs, in words. @param {any} item */
function collectionNote(item) {
  if (item.change !== "changed") {
    return `collection ${item.change}${item.documents ? `, with ${plural(item.documents, "document")}` : ""}`;
  }
  // Every collection has the index of `_id`s, whether or not it is listed.
  const names = (/** @type {any} */ side) =>
    side.indexes.map((/** @type {any} */ index) => index.name).filter((/** @type {string} */ name) => name !== "_id_");
  const [before, after] = [names(item.before), names(item.after)];
  const notes = [
    ...(item.before.name === item.after.name ? [] : [`renamed from ${item.before.name}`]),
    ...after.filter((/** @type {string} */ name) => !before.includes(name)).map((/** @type {string} */ name) => `index ${name} added`),
    ...before.filter((/** @type {string} */ name) => !after.includes(name)).map((/** @type {string} */ name) => `index ${name} removed`),
    ...(JSON.stringify(item.before.options) === JSON.stringify(item.after.options) ? [] : ["options changed"]),
  ];
  return notes.join(", ") || "definition changed";
}

/** @type {Record<string, string>} */
const SIGNS = { added: "+", removed: "−", changed: "~" };

/** @param {{ row: Row, onToggle: (at: number) => void, linkOf?: (collection: string, id: any) => string }} props */
function ChangeRow({ row, onToggle, linkOf }) {
  if (row.kind === "collection") {
    return html`<div class="change of-collection" role="listitem"><strong class="cut">${row.name}</strong> <span class="faint cut">${row.note}</span></div>`;
  }
  const { item } = row;
  if (row.kind === "field") {
    const { path, before, after } = row.field;
    return html`<div class="change of-field" role="listitem">
      <span class="mono soft cut" title=${path}>${path}</span>
      <span class="cut" title=${text(before)}>${before !== undefined && html`<del><span class="unseen">before: </span><${Value} value=${before} /></del>`}</span>
      <span class="cut" title=${text(after)}>${after !== undefined && html`<ins><span class="unseen">after: </span><${Value} value=${after} /></ins>`}</span>
    </div>`;
  }
  const id = text(item.id);
  const whole = item.change === "changed" ? undefined : withoutId(item.change === "added" ? item.after : item.before);
  return html`<div class=${`change of-document ${item.change}`} role="listitem">
    <button type="button" class="fold" aria-expanded=${row.isOpen ? "true" : "false"} aria-label=${`${item.change} ${id}`} onClick=${() => onToggle(row.at)}>
      <${Icon} name=${row.isOpen ? "down" : "chevron"} /><span class="sign" aria-hidden="true">${SIGNS[item.change]}</span>
    </button>
    ${linkOf ? html`<a class="mono cut" href=${linkOf(item.collection, item.id)}>${id}</a>` : html`<span class="mono cut">${id}</span>`}
    <span class="cut faint">${whole ? html`<${Value} value=${whole} />` : plural(fieldsOf(item).length, "field")}</span>
  </div>`;
}

/** @param {any} document */
function withoutId({ _id, ...rest }) {
  return rest;
}

/** The changes of a few documents, without scrolling of their own. @param {{ items: any[] }} props */
export function FewChanges({ items }) {
  const documents = items.filter((item) => item.kind === "document");
  return html`<ul>
    ${documents.map(
      (item) => html`<li key=${`${item.collection} ${idText(item.id)}`}>
        <div class="bar"><span class=${`sign ${item.change}`}>${SIGNS[item.change]}</span><span class="faint">${item.collection}</span><span class="mono">${text(item.id)}</span></div>
        <${Fields} change=${item} />
      </li>`,
    )}
  </ul>`;
}

/** The numbers of a comparison, from its item `summary`. @param {{ summary: any }} props */
export function Summary({ summary }) {
  if (!summary) return null;
  return html`<span class="bar summary">
    <span class="good">+${count(summary.added)} added</span>
    <span class="warn">~${count(summary.changed)} changed</span>
    <span class="bad">−${count(summary.removed)} removed</span>
  </span>`;
}
