// Buttons, fields and small marks.

import { ago, moment } from "../format.js";
import { html, useId } from "./html.js";
import { Icon } from "./icons.js";

/**
 * A button. `kind` is `primary` for what the page is for, `danger` for what loses something, `quiet` in toolbars.
 *
 * @param {{ kind?: "primary" | "danger" | "quiet", icon?: string, label?: string, children?: unknown, [attribute: string]: unknown }} props
 * `label` names a button that has an icon only.
 */
export function Button({ kind, icon, label, children, ...rest }) {
  const name = `button ${kind ?? ""} ${label && !children ? "square" : ""}`;
  return html`<button type="button" class=${name} aria-label=${label} title=${label} ...${rest}>
    ${icon && html`<${Icon} name=${icon} />`}${children}
  </button>`;
}

/**
 * A labelled control: the child is given the id. `hint` explains, `problem` says what is wrong with the value.
 *
 * @param {{ label: string, hint?: string, problem?: string, children: (attributes: object) => unknown }} props
 */
export function Field({ label, hint, problem, children }) {
  const id = useId();
  const about = problem || hint ? `${id}-about` : undefined;
  return html`<div class="field">
    <label for=${id}>${label}</label>
    ${children({ id, "aria-describedby": about, "aria-invalid": problem ? "true" : undefined })}
    ${about && html`<p id=${about} class=${problem ? "hint bad" : "hint"}>${problem ?? hint}</p>`}
  </div>`;
}

/**
 * A choice between views of one thing, such as table and tree.
 *
 * @param {{ label: string, value: string, options: { value: string, label: string, icon?: string }[], onChange: (value: string) => void }} props
 */
export function Switch({ label, value, options, onChange }) {
  return html`<div class="switch" role="group" aria-label=${label}>
    ${options.map(
      (option) => html`<button
        type="button"
        key=${option.value}
        aria-pressed=${option.value === value ? "true" : "false"}
        onClick=${() => onChange(option.value)}
      >
        ${option.icon && html`<${Icon} name=${option.icon} />`}${option.label}
      </button>`,
    )}
  </div>`;
}

/** A small mark. @param {{ kind?: "good" | "warn" | "bad" | "accent", children?: unknown, title?: string }} props */
export function Badge({ kind, children, title }) {
  return html`<span class=${`badge ${kind ?? ""}`} title=${title}>${children}</span>`;
}

/** A time from now, exact when the pointer rests on it. @param {{ time: string | null | undefined }} props */
export function Ago({ time }) {
  if (!time) return html`<span class="faint">–</span>`;
  return html`<time datetime=${time} title=${moment(time)}>${ago(time)}</time>`;
}

/** A button that copies a text. @param {{ text: string, label: string }} props */
export function Copy({ text, label }) {
  return html`<${Button} kind="quiet" icon="copy" label=${label} onClick=${() => navigator.clipboard.writeText(text)} />`;
}
