// Which commits of a branch are listed.

import { setQuery } from "../../router.js";
import { useKeys } from "../../keys.js";
import { html, useEffect, useRef, useState } from "../../ui/html.js";
import { Button } from "../../ui/controls.js";

/** @type {{ name: string, label: string, example: string }[]} */
const FIELDS = [
  { name: "pattern", label: "Message", example: "message has …" },
  { name: "actor", label: "Actor", example: "actor" },
  { name: "collections", label: "Collection", example: "collection" },
  { name: "since", label: "Since", example: "since 1h ago" },
  { name: "trailer", label: "Trailer", example: "trailer KEY=…" },
];

/** The parameters of `log` that the URL has. @param {URLSearchParams} query */
export const logQuery = (query) => Object.fromEntries(FIELDS.map(({ name }) => [name, query.get(name) ?? undefined]));

/** @param {{ route: import("../../router.js").Route }} props */
export function LogFilter({ route }) {
  const now = () => Object.fromEntries(FIELDS.map(({ name }) => [name, route.query.get(name) ?? ""]));
  const [values, setValues] = useState(now);
  const first = useRef(/** @type {HTMLInputElement | null} */ (null));
  useEffect(() => setValues(now), [route]);
  useKeys([{ keys: "/", title: "To the filter", run: () => first.current?.focus() }]);
  /** @param {Event} event */
  const submit = (event) => {
    event.preventDefault();
    setQuery(values);
  };
  return html`<form class="bar log-filter" role="search" onSubmit=${submit}>
    ${FIELDS.map(
      ({ name, label, example }, at) => html`<input
        key=${name}
        ref=${at === 0 ? first : undefined}
        type="text"
        aria-label=${label}
        placeholder=${example}
        autocomplete="off"
        value=${values[name]}
        onInput=${(/** @type {any} */ event) => setValues((before) => ({ ...before, [name]: event.target.value }))}
      />`,
    )}
    <${Button} type="submit" icon="filter" label="Filter" />
  </form>`;
}
