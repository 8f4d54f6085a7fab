// The query of the documents: in the URL, and as fields.

import { setQuery } from "../../router.js";
import { documentProblem, toJson } from "../../query.js";
import { useKeys } from "../../keys.js";
import { Button } from "../../ui/controls.js";
import { html, useEffect, useId, useRef, useState } from "../../ui/html.js";

const PARTS = /** @type {const} */ (["filter", "sort", "projection"]);

/** The parameters of `find` that the URL has. @param {URLSearchParams} query @returns {Record<string, string | undefined>} */
export function queryOf(query) {
  return Object.fromEntries(PARTS.map((part) => [part, jsonOf(query.get(part))]));
}

/** @param {string | null} typed */
function jsonOf(typed) {
  if (!typed?.trim()) return undefined;
  try {
    return toJson(typed);
  } catch {
    // The server says what is wrong with it.
    return typed;
  }
}

/** @param {{ route: import("../../router.js").Route }} props */
export function QueryBar({ route }) {
  const [typed, setTyped] = useState(() => values(route));
  const [isMore, setMore] = useState(Boolean(typed.sort || typed.projection));
  const filter = useRef(/** @type {HTMLInputElement | null} */ (null));
  const shown = PARTS.map((part) => route.query.get(part)).join("\n");
  useEffect(() => setTyped(values(route)), [shown]);
  useKeys([{ keys: "/", title: "To the filter", run: () => filter.current?.focus() }]);
  const problems = PARTS.map((part) => documentProblem(typed[part]));
  /** @param {Event} event */
  const submit = (event) => {
    event.preventDefault();
    if (!problems.some(Boolean)) setQuery(typed);
  };
  const clear = () => setQuery({ filter: null, sort: null, projection: null });
  /** @param {typeof PARTS[number]} part @param {string} example */
  const input = (part, example) => html`<${QueryInput}
    label=${part}
    example=${example}
    element=${part === "filter" ? filter : undefined}
    value=${typed[part]}
    problem=${problems[PARTS.indexOf(part)]}
    onInput=${(/** @type {string} */ text) => setTyped((now) => ({ ...now, [part]: text }))}
  />`;
  return html`<form class="query" role="search" onSubmit=${submit}>
    ${input("filter", "{field: {$gt: 30}}")}
    ${isMore && input("sort", "{field: -1}")}
    ${isMore && input("projection", "{field: 1}")}
    <div class="bar">
      <${Button} type="submit" kind="primary" icon="search">Find</${Button}>
      <${Button} kind="quiet" aria-expanded=${isMore ? "true" : "false"} onClick=${() => setMore(!isMore)}>Options</${Button}>
      ${shown.trim() && html`<${Button} kind="quiet" icon="close" onClick=${clear}>Clear</${Button}>`}
    </div>
  </form>`;
}

/** @param {import("../../router.js").Route} route @returns {Record<typeof PARTS[number], string>} */
function values(route) {
  const [filter, sort, projection] = PARTS.map((part) => route.query.get(part) ?? "");
  return { filter, sort, projection };
}

/** @param {any} props */
function QueryInput({ label, example, element, value, problem, onInput }) {
  const id = useId();
  return html`<div class="query-part">
    <label for=${id}>${label}</label>
    <input
      id=${id}
      ref=${element}
      class="code"
      type="text"
      spellcheck=${false}
      autocomplete="off"
      placeholder=${example}
      value=${value}
      aria-invalid=${problem ? "true" : undefined}
      aria-describedby=${problem ? `${id}-problem` : undefined}
      onInput=${(/** @type {any} */ event) => onInput(event.target.value)}
    />
    ${problem && html`<p id=${`${id}-problem`} class="hint bad">${problem}</p>`}
  </div>`;
}
