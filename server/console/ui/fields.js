// The fields of a document that a change touches: before and after.

import { html } from "./html.js";
import { Value } from "./tree.js";

/**
 * The fields that differ of a changed document, or all of an added or removed one.
 *
 * @param {{ change: any }} props An item `document` of a diff.
 */
export function Fields({ change }) {
  return html`<table class="fields">
    <thead class="unseen"><tr><th scope="col">Field</th><th scope="col">Before</th><th scope="col">After</th></tr></thead>
    <tbody>
      ${fieldsOf(change).map(
        (field) => html`<tr key=${field.path}>
          <th scope="row" class="mono">${field.path}</th>
          <td class="before">${field.before !== undefined && html`<del><${Value} value=${field.before} /></del>`}</td>
          <td class="after">${field.after !== undefined && html`<ins><${Value} value=${field.after} /></ins>`}</td>
        </tr>`,
      )}
    </tbody>
  </table>`;
}

/**
 * The fields of a change, each with what it was and what it is.
 *
 * @param {any} change
 * @returns {{ path: string, before?: any, after?: any }[]}
 */
export function fieldsOf(change) {
  if (change.fields) return change.fields;
  const side = change.change === "added" ? "after" : "before";
  return Object.entries(change[side] ?? {}).map(([path, value]) => ({ path, [side]: value }));
}
