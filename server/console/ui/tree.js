// Values of documents, in a line and as a tree.

import { kindOf, text } from "../ejson.js";
import { html } from "./html.js";
import { Icon } from "./icons.js";

/** How many elements of an array are drawn at once. */
const MOST = 200;

/** A value in a line. @param {{ value: any }} props */
export function Value({ value }) {
  if (value === undefined) return html`<span class="faint">·</span>`;
  const kind = kindOf(value);
  return html`<span class=${`value kind-${kind}`}>${text(value)}</span>`;
}

/**
 * A value as a tree that opens.
 *
 * @param {{ name?: string, value: any, isOpen?: boolean, note?: (path: string) => unknown, path?: string }} props `note`
 * draws something beside the field at a path.
 */
export function Tree({ name, value, isOpen = false, note, path = "" }) {
  const kind = kindOf(value);
  const label = name !== undefined && html`<span class="name">${name}:</span>`;
  if (kind !== "object" && kind !== "array") {
    const shown = kind === "string" ? JSON.stringify(value) : text(value);
    return html`<div class="leaf">${label} <span class=${`kind-${kind}`}>${shown}</span> ${note?.(path)}</div>`;
  }
  const entries = Object.entries(value);
  const size = kind === "array" ? `array ${entries.length}` : `object ${entries.length}`;
  return html`<details open=${isOpen}>
    <summary><${Icon} name="chevron" />${label}<span class="kind">${size}</span>${note?.(path)}</summary>
    <div>
      ${entries.slice(0, MOST).map(
        ([inner, one]) => html`<${Tree}
          key=${inner}
          name=${inner}
          value=${one}
          note=${note}
          path=${path ? `${path}.${inner}` : inner}
        />`,
      )}
      ${entries.length > MOST && html`<div class="leaf faint">${entries.length - MOST} more</div>`}
    </div>
  </details>`;
}
