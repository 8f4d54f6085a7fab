// A menu of what can be done with something.

import { choose } from "./picker.js";
import { Button } from "./ui/controls.js";
import { ask } from "./ui/dialog.js";
import { html } from "./ui/html.js";
import { ProblemNotice } from "./ui/notice.js";
import { toast } from "./ui/toast.js";

/**
 * @typedef {object} Action
 * @property {string} label
 * @property {string} icon
 * @property {() => Promise<string | null>} run Gives what was done, in words, or null if it was left.
 */

/**
 * Asks for an action, and does it. Says what was done, or why it did not work.
 *
 * @param {string} title
 * @param {Action[]} actions
 * @returns {Promise<boolean>} Whether something was done.
 */
export async function openMenu(title, actions) {
  const choices = actions.map(({ label, icon }) => ({ value: label, label, icon }));
  const chosen = await choose({ title, choices });
  const action = actions.find((one) => one.label === chosen);
  if (!action) return false;
  try {
    const done = await action.run();
    if (done) toast(done);
    return done !== null;
  } catch (problem) {
    await showProblem(problem);
    return false;
  }
}

/** Shows an error over the page. @param {unknown} problem */
export const showProblem = (problem) =>
  ask(
    (close) => html`<div class="inside">
      <h2 id="dialog-title">That did not work</h2>
      <${ProblemNotice} problem=${problem} />
      <footer><${Button} onClick=${() => close(null)}>Close</${Button}></footer>
    </div>`,
  );
