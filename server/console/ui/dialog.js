// Questions that stand over the page. They are asked by functions, and answered by promises.

import { useWork } from "../data.js";
import { Button, Field } from "./controls.js";
import { html, useEffect, useLayoutEffect, useRef, useState } from "./html.js";
import { ProblemNotice } from "./notice.js";

/** @type {(dialog: { draw: (close: (answer: any) => void) => unknown, close: (answer: any) => void }) => void} */
let show = () => {};

/**
 * Shows a dialog. `draw` gets the function that closes it with an answer; null is the answer of Escape.
 *
 * @template T
 * @param {(close: (answer: T | null) => void) => unknown} draw
 * @returns {Promise<T | null>}
 */
export function ask(draw) {
  return new Promise((resolve) => show({ draw, close: resolve }));
}

/** Where dialogs appear; once on the page. */
export function Dialogs() {
  const [open, setOpen] = useState(/** @type {any[]} */ ([]));
  useEffect(() => {
    show = (dialog) => setOpen((now) => [...now, dialog]);
  }, []);
  return open.map((dialog, at) => {
    /** @param {any} answer */
    const close = (answer) => {
      setOpen((now) => now.filter((one) => one !== dialog));
      dialog.close(answer);
    };
    return html`<${Modal} key=${at} onCancel=${() => close(null)}>${dialog.draw(close)}</${Modal}>`;
  });
}

/** @param {{ onCancel: () => void, children?: unknown }} props */
function Modal({ onCancel, children }) {
  const element = useRef(/** @type {HTMLDialogElement | null} */ (null));
  // Before anything else is typed, so that it goes into the dialog.
  useLayoutEffect(() => {
    element.current?.showModal();
  }, []);
  /** @param {Event} event */
  const cancel = (event) => {
    event.preventDefault();
    onCancel();
  };
  return html`<dialog ref=${element} onCancel=${cancel} aria-labelledby="dialog-title">${children}</dialog>`;
}

/**
 * Asks whether to do something that can't simply be taken back, naming what is lost.
 *
 * @param {object} question
 * @param {string} question.title Such as `Delete the branch try?`
 * @param {unknown} [question.body] What else to say, as a text or html.
 * @param {unknown[]} [question.lost] What exactly is lost, one thing an item.
 * @param {string} question.action The verb on the button.
 * @param {string} [question.typed] A name that must be typed first.
 * @param {boolean} [question.safe] Whether nothing is lost, so that the button is not red.
 * @param {(signal: AbortSignal) => Promise<unknown>} [question.submit] What to do then. The dialog stays open, and shows
 * the problem, until it succeeds.
 * @returns {Promise<boolean>}
 */
export async function confirm(question) {
  return (await ask((close) => html`<${Confirm} ...${question} close=${close} />`)) === true;
}

/** @param {any} props */
function Confirm({ title, body, lost = [], action, typed, safe, submit, close }) {
  const [text, setText] = useState("");
  const isReady = !typed || text === typed;
  const work = useWork(async (signal) => {
    await submit?.(signal);
    close(true);
  });
  /** @param {Event} event */
  const send = (event) => {
    event.preventDefault();
    if (isReady) work.run();
  };
  return html`<form onSubmit=${send}>
    <h2 id="dialog-title">${title}</h2>
    ${body && html`<div class="body">${body}</div>`}
    ${lost.length > 0 && html`<ul class="lost">${lost.map((/** @type {unknown} */ one) => html`<li>${one}</li>`)}</ul>`}
    ${
      typed &&
      html`<${Field} label=${`Type ${typed} to confirm`}>
        ${(/** @type {object} */ attributes) =>
          html`<input ...${attributes} autocomplete="off" value=${text} onInput=${
            (/** @type {any} */ event) => setText(event.target.value)
          } />`}
      </${Field}>`
    }
    ${work.problem && html`<${ProblemNotice} problem=${work.problem} />`}
    <footer>
      <${Button} onClick=${() => close(null)}>Cancel</${Button}>
      <${Button} type="submit" kind=${safe ? "primary" : "danger"} disabled=${!isReady || work.isRunning}>${work.isRunning ? "Working …" : action}</${Button}>
    </footer>
  </form>`;
}

/**
 * @typedef {object} FormField
 * @property {string} name
 * @property {string} label
 * @property {string} [hint]
 * @property {string} [value] What it has at first.
 * @property {"text" | "password" | "select" | "area" | "check"} [type] A check has the value `true` or `false`.
 * @property {{ value: string, label: string }[]} [options] Of a select.
 * @property {boolean} [required]
 */

/**
 * Asks for values, and does something with them. It stays open, and shows the problem, until `submit` succeeds.
 *
 * @template T
 * @param {object} form
 * @param {string} form.title
 * @param {unknown} [form.body]
 * @param {FormField[]} form.fields
 * @param {string} form.action The verb on the button.
 * @param {(values: Record<string, any>, signal: AbortSignal) => Promise<T>} form.submit
 * @returns {Promise<T | null>} The result of `submit`, or null if the dialog was left.
 */
export function askForm(form) {
  return ask((close) => html`<${Form} ...${form} close=${close} />`);
}

/** @param {any} props */
function Form({ title, body, fields, action, submit, close }) {
  const [values, setValues] = useState(() =>
    Object.fromEntries(fields.map((/** @type {FormField} */ field) => [field.name, initial(field)])),
  );
  const work = useWork(async (signal) => close(await submit(values, signal)));
  /** @param {Event} event */
  const send = (event) => {
    event.preventDefault();
    work.run();
  };
  return html`<form onSubmit=${send}>
    <h2 id="dialog-title">${title}</h2>
    ${body && html`<div class="body">${body}</div>`}
    ${fields.map(
      (/** @type {FormField} */ field) => html`<${FormControl}
        key=${field.name}
        field=${field}
        value=${values[field.name]}
        onChange=${(/** @type {any} */ value) => setValues((now) => ({ ...now, [field.name]: value }))}
      />`,
    )}
    ${work.problem && html`<${ProblemNotice} problem=${work.problem} />`}
    <footer>
      <${Button} onClick=${() => close(null)}>Cancel</${Button}>
      <${Button} type="submit" kind="primary" disabled=${work.isRunning}>${work.isRunning ? "Working …" : action}</${Button}>
    </footer>
  </form>`;
}

/** @param {FormField} field */
function initial(field) {
  if (field.type === "check") return field.value === "true";
  return field.value ?? (field.type === "select" ? (field.options?.[0]?.value ?? "") : "");
}

/** @param {{ field: FormField, value: any, onChange: (value: any) => void }} props */
function FormControl({ field, value, onChange }) {
  /** @param {any} event */
  const change = (event) => onChange(field.type === "check" ? event.target.checked : event.target.value);
  return html`<${Field} label=${field.label} hint=${field.hint}>
    ${(/** @type {object} */ given) => {
      const attributes = { ...given, name: field.name, required: field.required, onInput: change };
      switch (field.type) {
        case "select":
          return html`<select ...${attributes} value=${value}>
            ${field.options?.map((one) => html`<option value=${one.value}>${one.label}</option>`)}
          </select>`;
        case "area":
          return html`<textarea ...${attributes} rows="8" spellcheck=${false} value=${value}></textarea>`;
        case "check":
          return html`<input ...${attributes} type="checkbox" checked=${value} />`;
        default:
          return html`<input ...${attributes} type=${field.type ?? "text"} autocomplete="off" value=${value} />`;
      }
    }}
  </${Field}>`;
}
