// Doing something that a button starts: what was done is said, and what went wrong is shown.

import { showProblem } from "../menu.js";
import { askForm } from "./dialog.js";
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

/**
 * Asks for the values of a write, as `askForm` does. If the question is left while the write runs, the server goes on with
 * it: this is said, and `onLeft` reads again.
 *
 * @template T
 * @param {() => void} onLeft
 * @param {Parameters<typeof askForm<T>>[0]} form
 * @returns {Promise<T | null>}
 */
export async function askWrite(onLeft, form) {
  let isRunning = false;
  const done = await askForm({
    ...form,
    submit: async (values, signal) => {
      isRunning = true;
      try {
        return await form.submit(values, signal);
      } finally {
        isRunning = false;
      }
    },
  });
  if (isRunning) {
    toast("The server goes on with it");
    onLeft();
  }
  return done;
}

/** Why the actions of a page are disabled, if they are. @param {{ why: string | undefined }} props */
export function Reason({ why }) {
  return why && html`<p class="note"><${Icon} name="lock" /><span>${why}</span></p>`;
}
