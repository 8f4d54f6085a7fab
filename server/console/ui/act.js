// Doing something that a button starts: what was done is said, and what went wrong is shown.

import { showProblem } from "../menu.js";
import { html } from "./html.js";
import { Icon } from "./icons.js";
import { toast } from "./toast.js";

/**
 * Does something. The text that it gives is said; an error is shown in a dialog.
 *
 * @param {() => Promise<string | null | void>} work
 */
export async function act(work) {
  try {
    const done = await work();
    if (done) toast(done);
  } catch (problem) {
    await showProblem(problem);
  }
}

/** Why the actions of a page are disabled, if they are. @param {{ why: string | undefined }} props */
export function Reason({ why }) {
  return why && html`<p class="note"><${Icon} name="lock" /><span>${why}</span></p>`;
}
