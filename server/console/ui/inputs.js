// Labelled controls of forms.

import { Field } from "./controls.js";
import { html } from "./html.js";

/** A listener that passes on what was typed or chosen. @param {(value: string) => void} take @returns {(event: any) => void} */
export const withValue = (take) => (event) => take(event.target.value);

/** @typedef {{ label: string, hint?: string, problem?: string, value: string, onValue: (value: string) => void, [attribute: string]: unknown }} InputProps */

/** A line of text. @param {InputProps} props */
export function TextField({ label, hint, problem, value, onValue, ...rest }) {
  return html`<${Field} label=${label} hint=${hint} problem=${problem}>
    ${(/** @type {object} */ given) =>
      html`<input type="text" autocomplete="off" spellcheck=${false} ...${given} ...${rest} value=${value} onInput=${withValue(onValue)} />`}
  </${Field}>`;
}

/** Lines of text. @param {InputProps} props */
export function AreaField({ label, hint, problem, value, onValue, ...rest }) {
  return html`<${Field} label=${label} hint=${hint} problem=${problem}>
    ${(/** @type {object} */ given) =>
      html`<textarea spellcheck=${false} ...${given} ...${rest} value=${value} onInput=${withValue(onValue)}></textarea>`}
  </${Field}>`;
}

/** A choice of a few; each option is its value and its name. @param {InputProps & { options: [string, string][] }} props */
export function SelectField({ label, hint, problem, value, onValue, options, ...rest }) {
  return html`<${Field} label=${label} hint=${hint} problem=${problem}>
    ${(/** @type {object} */ given) => html`<select ...${given} ...${rest} value=${value} onInput=${withValue(onValue)}>
      ${options.map(([one, name]) => html`<option key=${one} value=${one}>${name}</option>`)}
    </select>`}
  </${Field}>`;
}
