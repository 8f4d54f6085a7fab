// What stands where there is nothing to show: loading, nothing, an error.

import { Button } from "./controls.js";
import { html } from "./html.js";
import { Icon } from "./icons.js";

/** Work that runs. With `onCancel`, it can be given up. @param {{ text?: string, onCancel?: () => void }} props */
export function Loading({ text = "Loading", onCancel }) {
  return html`<div class="notice" role="status">
    <span class="spinner"></span><span>${text} …</span>
    ${onCancel && html`<${Button} onClick=${onCancel}>Cancel</${Button}>`}
  </div>`;
}

/** That there is nothing, and what to do about it. @param {{ icon?: string, title: string, children?: unknown }} props */
export function Empty({ icon = "folder", title, children }) {
  return html`<div class="notice empty"><${Icon} name=${icon} /><strong>${title}</strong>${
    children && html`<div>${children}</div>`
  }</div>`;
}

/**
 * An error: what happened, why, and what can be done.
 *
 * @param {{ problem: any, onRetry?: () => void }} props
 */
export function ProblemNotice({ problem, onRetry }) {
  return html`<div class="problem" role="alert">
    <${Icon} name="alert" />
    <div>
      <strong>${problem.title ?? "Error"}</strong>
      <p>${problem.message}</p>
      ${(problem.causes ?? []).map((/** @type {string} */ cause) => html`<p class="faint">${cause}</p>`)}
      ${problem.hint && html`<p>${problem.hint}</p>`}
      ${onRetry && html`<p><${Button} icon="reload" onClick=${onRetry}>Try again</${Button}></p>`}
    </div>
  </div>`;
}

/**
 * What `useData` gives: drawn by `children` when it is there.
 *
 * @template T
 * @param {{ from: { data?: T, problem?: Error, reload: () => void }, children: (data: T) => unknown }} props
 */
export function Loaded({ from, children }) {
  if (from.problem) return html`<${ProblemNotice} problem=${from.problem} onRetry=${from.reload} />`;
  if (from.data === undefined) return html`<${Loading} />`;
  return children(from.data);
}
