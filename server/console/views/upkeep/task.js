// Work of the upkeep that a button starts, and its result.

import { useWork } from "../../data.js";
import { Button } from "../../ui/controls.js";
import { html, useState } from "../../ui/html.js";
import { Loading, ProblemNotice } from "../../ui/notice.js";

/**
 * A card with a button, what it does, and what it found.
 *
 * @param {object} props
 * @param {string} props.title
 * @param {string} props.about What it does, and what it costs.
 * @param {string} props.action The verb on the button.
 * @param {string} [props.icon]
 * @param {string} props.doing What is said while it runs.
 * @param {(signal: AbortSignal) => Promise<any>} props.run Null is no result: it was not done.
 * @param {unknown} [props.options] What can be set before it is started.
 * @param {(result: any, again: (result: any) => void) => unknown} props.children Draws the result; `again` sets another one.
 */
export function Task({ title, about, action, icon, doing, run, options, children }) {
  const [result, setResult] = useState(/** @type {any} */ (null));
  const work = useWork(async (signal) => {
    const found = await run(signal);
    if (found !== null) setResult(found);
  });
  return html`<section class="card" aria-label=${title}>
    <header>
      <h2>${title}</h2>
      <span class="right"><${Button}
        icon=${icon}
        disabled=${work.isRunning}
        onClick=${() => work.run()}
      >${action}</${Button}></span>
    </header>
    <div class="inside task-about"><p class="soft">${about}</p>${options}</div>
    ${work.isRunning && html`<${Loading} text=${doing} onCancel=${work.cancel} />`}
    ${work.problem && html`<${ProblemNotice} problem=${work.problem} />`}
    ${!work.isRunning && result !== null && children(result, setResult)}
  </section>`;
}

/** Some numbers in a line. @param {{ of: [string, unknown][] }} props */
export function Figures({ of }) {
  return html`<dl class="figures inside">${of.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}
