// Short notes of what was done, which go by themselves.

import { html, useEffect, useState } from "./html.js";
import { Icon } from "./icons.js";

/** How long a note stays, in milliseconds. */
const STAY = 6000;

/** @type {(text: string) => void} */
let show = () => {};

/** Says what was done. @param {string} text */
export const toast = (text) => show(text);

/** Where notes appear; once on the page. */
export function Toasts() {
  const [notes, setNotes] = useState(/** @type {{ text: string }[]} */ ([]));
  useEffect(() => {
    show = (text) => {
      const note = { text };
      setNotes((now) => [...now.slice(-2), note]);
      setTimeout(() => setNotes((now) => now.filter((one) => one !== note)), STAY);
    };
  }, []);
  return html`<div class="toasts" role="status" aria-live="polite">
    ${notes.map((note) => html`<p class="toast"><${Icon} name="check" />${note.text}</p>`)}
  </div>`;
}
