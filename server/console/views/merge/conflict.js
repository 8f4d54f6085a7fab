// One document in conflict: what it was, what each side made of it, and what shall become of it.

import { useWork } from "../../data.js";
import { source } from "../../ejson.js";
import { toJson } from "../../query.js";
import { useKeys } from "../../keys.js";
import { useGuard } from "../../router.js";
import { Badge, Button } from "../../ui/controls.js";
import { confirm } from "../../ui/dialog.js";
import { html, useState } from "../../ui/html.js";
import { AreaField } from "../../ui/inputs.js";
import { ProblemNotice } from "../../ui/notice.js";
import { CHOICES, decide } from "./decide.js";
import { Sides } from "./sides.js";

/** @typedef {import("../../types.js").Conflict} Conflict */
/** @typedef {import("./decide.js").Choice} Choice */

/** @type {Record<string, string>} */
const CAUSES = {
  "both-changed": "both changed it",
  "changed-and-deleted": "ours changed it, theirs deleted it",
  "deleted-and-changed": "ours deleted it, theirs changed it",
  "both-inserted": "both inserted it",
  "both-deleted": "both deleted it",
};

/**
 * @param {object} props
 * @param {import("../../types.js").State} props.state
 * @param {import("../../types.js").Plan} props.plan
 * @param {import("./conflicts.js").Group} props.group
 * @param {string} props.place
 * @param {boolean} props.isOpen Whether the plan can be changed.
 * @param {() => void} props.onChange
 * @param {(by: number) => void} props.onGo
 */
export function ConflictDetail({ state, plan, group, place, isOpen, onChange, onGo }) {
  const work = useWork(
    async (
      signal,
      /** @type {Conflict[]} */ conflicts,
      /** @type {Choice} */ choice,
      /** @type {string | undefined} */ json,
    ) => {
      await decide(state.project, plan.id ?? "", conflicts, choice, { json, signal });
      onChange();
    },
  );
  /** @param {Choice} choice */
  const all = (choice) => work.run(group.conflicts, choice, undefined);
  useKeys(
    isOpen
      ? [
          { keys: "o", title: "Take ours for the whole document", run: () => all("ours") },
          { keys: "t", title: "Take theirs for the whole document", run: () => all("theirs") },
        ]
      : [],
  );
  return html`<article class="conflict-detail" aria-label=${`${group.collection} ${group.name}`}>
    <header>
      <h2 class="cut">${group.collection} <span class="mono">${group.name}</span></h2>
      <span class="bar right">
        ${work.isRunning && html`<span class="spinner"></span>`}
        ${
          isOpen &&
          group.conflicts.length > 1 &&
          html`<${Button} disabled=${work.isRunning} onClick=${() => all("ours")}>All ours</${Button}>
            <${Button} disabled=${work.isRunning} onClick=${() => all("theirs")}>All theirs</${Button}>`
        }
        <span class="faint number">${place}</span>
        <${Button} kind="quiet" icon="back" label="Conflict before" onClick=${() => onGo(-1)} />
        <${Button} kind="quiet" icon="chevron" label="Next conflict" onClick=${() => onGo(1)} />
      </span>
    </header>
    ${work.problem && html`<${ProblemNotice} problem=${work.problem} />`}
    ${group.conflicts.map(
      (conflict) => html`<${OneConflict}
        key=${conflict.path}
        conflict=${conflict}
        branch=${plan.branch}
        isOpen=${isOpen}
        isBusy=${work.isRunning}
        onDecide=${(/** @type {Choice} */ choice, /** @type {string | undefined} */ json) => work.run([conflict], choice, json)}
      />`,
    )}
  </article>`;
}

/** @param {{ conflict: Conflict, branch: string, isOpen: boolean, isBusy: boolean, onDecide: (choice: Choice, json?: string) => void }} props */
function OneConflict({ conflict, branch, isOpen, isBusy, onDecide }) {
  const [isEdited, setEdited] = useState(false);
  /** @param {Choice} choice @param {unknown} has Whether the side has a value. */
  const take = (choice, has) => {
    const name = has === undefined ? `${CHOICES[choice]}: delete` : CHOICES[choice];
    return html`<${Button}
      disabled=${isBusy}
      aria-label=${`${name} for ${conflict.path}`}
      onClick=${() => onDecide(choice)}
    >${name}</${Button}>`;
  };
  return html`<section class="conflict">
    <header>
      <h3 class="mono">${conflict.path}</h3>
      <${Badge} kind="warn">${CAUSES[conflict.cause]}</${Badge}>
      ${conflict.note && html`<span class="faint">${conflict.note}</span>`}
    </header>
    <${Sides} conflict=${conflict} branch=${branch} />
    ${
      isOpen &&
      html`<div class="bar take">
        <span class="faint">Take</span>
        ${take("ours", conflict.ours)} ${take("theirs", conflict.theirs)} ${conflict.base !== undefined && take("base", conflict.base)}
        <${Button}
          kind="quiet"
          icon="edit"
          aria-expanded=${isEdited ? "true" : "false"}
          aria-label=${`Edit ${conflict.path}`}
          onClick=${() => setEdited(!isEdited)}
        >Edit</${Button}>
        <${Button}
          kind="quiet"
          icon="close"
          disabled=${isBusy}
          aria-label=${`No value for ${conflict.path}`}
          onClick=${() => onDecide("absent")}
        >No value</${Button}>
      </div>`
    }
    ${isOpen && isEdited && html`<${Editor} conflict=${conflict} isBusy=${isBusy} onDecide=${onDecide} />`}
  </section>`;
}

/** @param {{ conflict: Conflict, isBusy: boolean, onDecide: (choice: Choice, json?: string) => void }} props */
function Editor({ conflict, isBusy, onDecide }) {
  const { ours, theirs, base } = conflict;
  const [given] = useState(() => source(ours ?? theirs ?? base ?? null));
  const [typed, setTyped] = useState(given);
  useGuard(typed !== given, () =>
    confirm({ title: "Leave without a decision?", lost: [`your value of ${conflict.path}, which is not taken yet`], action: "Leave" }),
  );
  const problem = problemOf(typed);
  /** @param {Event} event */
  const submit = (event) => {
    event.preventDefault();
    if (!problem) onDecide("value", toJson(typed));
  };
  return html`<form class="editor" onSubmit=${submit}>
    <${AreaField}
      label=${`Value of ${conflict.path}`}
      problem=${problem}
      hint="JSON, or the notation of MongoDB's shell"
      rows=${Math.min(16, Math.max(3, typed.split("\n").length))}
      value=${typed}
      onValue=${setTyped}
    />
    <div class="bar">
      <${Button} type="submit" kind="primary" disabled=${isBusy || Boolean(problem)}>Take this value</${Button}>
      ${[
        ["ours", ours],
        ["theirs", theirs],
        ["base", base],
      ].map(
        ([name, value]) =>
          value !== undefined &&
          html`<${Button} kind="quiet" onClick=${() => setTyped(source(value))}>Start from ${name}</${Button}>`,
      )}
    </div>
  </form>`;
}

/** @param {string} typed */
function problemOf(typed) {
  try {
    toJson(typed);
    return undefined;
  } catch (error) {
    return /** @type {Error} */ (error).message;
  }
}
