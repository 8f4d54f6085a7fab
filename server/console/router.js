// The URL of the page: which state is shown, and how.
//
//   /console/                                      the store
//   /console/~/VIEW                                a view of the store
//   /console/PROJECT/REVISION/VIEW[/PART...]?...   a view of a state; a `~` is no project

import { html, useEffect, useState } from "./ui/html.js";

/**
 * @typedef {object} Route
 * @property {string | null} project None in the views of the store.
 * @property {string | null} revision None if only the project is named.
 * @property {string} view
 * @property {string[]} parts What follows the view.
 * @property {URLSearchParams} query
 */

const BASE = "/console/";

/**
 * The route that a URL stands for.
 *
 * @param {{ pathname: string, search: string }} location
 * @returns {Route}
 */
export function parse({ pathname, search }) {
  const segments = pathname.slice(BASE.length).split("/").filter(Boolean).map(decode);
  const query = new URLSearchParams(search);
  const [project = null, revision = null, view = "", ...parts] = segments;
  if (project === null || project === "~") {
    return { project: null, revision: null, view: revision ?? "overview", parts: segments.slice(2), query };
  }
  return { project, revision, view: view || "graph", parts, query };
}

/** @param {string} segment */
function decode(segment) {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

/**
 * The URL of a view: path("shop", "main@12", "documents", "users") or path(null, null, "users").
 *
 * @param {string | null} project
 * @param {string | null} revision
 * @param {string} view
 * @param {...string} parts
 */
export function path(project, revision, view, ...parts) {
  const segments = project === null ? ["~", view, ...parts] : [project, revision ?? "main", view, ...parts];
  return BASE + segments.map(encodeSegment).join("/");
}

/** @param {string} text */
function encodeSegment(text) {
  return encodeURIComponent(text).replace(/%40/g, "@").replace(/%3A/g, ":");
}

/**
 * Adds a query to a path; what is undefined, null or empty is left out.
 *
 * @param {string} target
 * @param {Record<string, string | number | boolean | null | undefined>} query
 */
export function withQuery(target, query) {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== null && value !== "" && value !== false) parameters.set(name, String(value));
  }
  return parameters.size ? `${target}?${parameters}` : target;
}

/** @type {Set<() => Promise<boolean>>} What asks before the page is left. */
const guards = new Set();

/**
 * Asks before the page is left while something is not saved.
 *
 * @param {boolean} isUnsaved
 * @param {() => Promise<boolean>} ask Whether the page may be left.
 */
export function useGuard(isUnsaved, ask) {
  useEffect(() => {
    if (!isUnsaved) return undefined;
    const warn = (/** @type {Event} */ event) => event.preventDefault();
    guards.add(ask);
    addEventListener("beforeunload", warn);
    return () => {
      guards.delete(ask);
      removeEventListener("beforeunload", warn);
    };
  }, [isUnsaved]);
}

/**
 * Goes to a URL of the console.
 *
 * @param {string} target
 * @param {{ replace?: boolean }} [options] `replace`: whether "back" skips where the page is now.
 */
export async function navigate(target, { replace = false } = {}) {
  if (target === location.pathname + location.search) return;
  for (const ask of guards) {
    if (!(await ask())) return;
  }
  place = placeOf(history.state) + (replace ? 0 : 1);
  history[replace ? "replaceState" : "pushState"]({ place }, "", target);
  dispatchEvent(new Event("route"));
}

/** Where the page is in the history, counted from where it began. */
let place = 0;
/** Whether the next step in the history is back to where the page was. */
let isReturning = false;

/** @param {{ place?: number } | null} state @returns {number} */
const placeOf = (state) => state?.place ?? 0;

/** After "back" or "forward": asks as `navigate` does, and returns if the page may not be left. */
async function moved() {
  const to = placeOf(history.state);
  if (isReturning) {
    isReturning = false;
    return;
  }
  for (const ask of [...guards]) {
    // The question is asked where the page was, so that it is still there if the answer is no.
    isReturning = true;
    history.go(place - to);
    if (!(await ask())) return;
    guards.delete(ask);
    history.go(to - place);
    return;
  }
  place = to;
  dispatchEvent(new Event("route"));
}

addEventListener("popstate", moved);

/**
 * Changes parameters of the URL, and stays on the page.
 *
 * @param {Record<string, string | number | boolean | null | undefined>} changes
 * @param {{ replace?: boolean }} [options]
 */
export function setQuery(changes, options) {
  const now = Object.fromEntries(new URLSearchParams(location.search));
  navigate(withQuery(location.pathname, { ...now, ...changes }), options);
}

/** The route of the page; what uses it is drawn again when it changes. */
export function useRoute() {
  const [route, setRoute] = useState(() => parse(location));
  useEffect(() => {
    const update = () => setRoute(parse(location));
    addEventListener("route", update);
    return () => removeEventListener("route", update);
  }, []);
  return route;
}

/**
 * A link within the console.
 *
 * @param {{ to: string, children?: unknown, [attribute: string]: unknown }} props
 */
export function Link({ to, children, ...rest }) {
  /** @param {MouseEvent} event */
  const follow = (event) => {
    if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    navigate(to);
  };
  return html`<a href=${to} onClick=${follow} ...${rest}>${children}</a>`;
}
