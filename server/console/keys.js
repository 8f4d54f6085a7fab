// Keys: each view adds its own while it is shown. `?` lists them.

import { ask } from "./ui/dialog.js";
import { Button } from "./ui/controls.js";
import { html, useLayoutEffect } from "./ui/html.js";

/** @typedef {{ keys: string, title: string, run: () => void }} Key `keys` is one key, or two that follow each other: `g d`. */

/** How long the second key of two may take, in milliseconds. */
const PATIENCE = 1000;

/** @type {Set<{ current: Key[] }>} */
const known = new Set();
let before = { key: "", at: 0 };

/** Adds keys while the component is shown; they are for what is drawn, from the moment it is. @param {Key[]} keys */
export function useKeys(keys) {
  useLayoutEffect(() => {
    const entry = { current: keys };
    known.add(entry);
    return () => void known.delete(entry);
  });
}

/**
 * Adds the keys `j` and `k`, which go to the next and the one before of a list.
 *
 * @param {string} what What is in the list, for the list of keys.
 * @param {number} count How long the list is.
 * @param {number} at Where the page is in the list, or -1.
 * @param {(to: number) => void} go
 */
export function useNextKeys(what, count, at, go) {
  /** @param {number} to */
  const move = (to) => {
    if (to >= 0 && to < count) go(to);
  };
  useKeys([
    { keys: "j", title: `Next ${what}`, run: () => move(at + 1) },
    { keys: "k", title: `${what[0].toUpperCase()}${what.slice(1)} before`, run: () => move(at - 1) },
  ]);
}

const all = () => [...known].flatMap((entry) => entry.current);

/** Whether keys are text here. @param {EventTarget | null} target */
const isTyping = (target) =>
  target instanceof HTMLElement && target.closest("input:not([type=range], [type=checkbox]), textarea, select") !== null;

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
  if (document.querySelector("dialog[open]")) return;
  const isSecond = event.timeStamp - before.at < PATIENCE;
  const pressed = isSecond ? `${before.key} ${event.key}` : event.key;
  before = { key: event.key, at: event.timeStamp };
  const found = all().find((one) => one.keys === pressed) ?? all().find((one) => one.keys === event.key);
  if (event.key === "?") showKeys();
  else if (found) found.run();
  else return;
  before = { key: "", at: 0 };
  event.preventDefault();
});

/** Lists the keys of the page. */
export function showKeys() {
  ask(
    (close) => html`<div class="inside">
      <h2 id="dialog-title">Keyboard</h2>
      <dl class="keys">
        ${[...all(), { keys: "?", title: "This list" }].map(
          (one) => html`<dt>${one.keys.split(" ").map((key) => html`<kbd>${key}</kbd> `)}</dt>
            <dd>${one.title}</dd>`,
        )}
      </dl>
      <footer><${Button} onClick=${() => close(null)}>Close</${Button}></footer>
    </div>`,
  );
}
