// Choosing a state, a project or anything else of a long list by its name.

import { ago } from "./format.js";
import { ask } from "./ui/dialog.js";
import { html, useMemo, useState } from "./ui/html.js";
import { Icon } from "./ui/icons.js";
import { VirtualList } from "./ui/virtual.js";

/** @typedef {{ value: string, label: string, icon: string, about?: string }} Choice */

/**
 * Asks for one of many.
 *
 * @param {{ title: string, choices: Choice[], other?: (text: string) => Choice | null }} question `other` makes a
 * choice of a text that is none of them.
 * @returns {Promise<string | null>}
 */
export function choose(question) {
  return ask((close) => html`<${Choices} ...${question} close=${close} />`);
}

/** @param {any} props */
function Choices({ title, choices, other, close }) {
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const found = useMemo(() => {
    const wanted = text.trim().toLowerCase();
    const some = choices.filter((/** @type {Choice} */ one) => one.label.toLowerCase().includes(wanted));
    const free = text.trim() && other && !some.some((/** @type {Choice} */ one) => one.label === text.trim());
    const made = free ? other(text.trim()) : null;
    return made ? [...some, made] : some;
  }, [text, choices]);
  /** @param {KeyboardEvent} event */
  const move = (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      setAt((now) => Math.max(0, Math.min(found.length - 1, now + step)));
    } else if (event.key === "Enter" && found[at]) {
      event.preventDefault();
      close(found[at].value);
    }
  };
  return html`<div class="choices">
    <h2 id="dialog-title" class="unseen">${title}</h2>
    <input
      type="search"
      role="combobox"
      aria-label=${title}
      aria-expanded="true"
      aria-controls="choices"
      aria-activedescendant=${found[at] ? `choice-${at}` : undefined}
      placeholder=${title}
      autocomplete="off"
      autofocus
      value=${text}
      onKeyDown=${move}
      onInput=${(/** @type {any} */ event) => {
        setText(event.target.value);
        setAt(0);
      }}
    />
    <div id="choices" class="choices-list" style=${{ height: `${found.length * 32 + 8}px` }}>
      <${VirtualList}
        label=${title}
        role="listbox"
        count=${found.length}
        height=${32}
        row=${(/** @type {number} */ index) => html`<button
          type="button"
          role="option"
          id=${`choice-${index}`}
          class="choice"
          tabindex="-1"
          key=${found[index].value}
          aria-selected=${index === at ? "true" : "false"}
          onClick=${() => close(found[index].value)}
        >
          <${Icon} name=${found[index].icon} /><span class="cut">${found[index].label}</span>
          <span class="right faint">${found[index].about}</span>
        </button>`}
      />
    </div>
    ${found.length === 0 && html`<p class="choices-none faint">Nothing has this name.</p>`}
  </div>`;
}

/**
 * Asks for a state of a project: a branch, a pin, or any revision that is typed. Gives the revision.
 *
 * @param {import("./types.js").State} state
 * @param {string} [title]
 */
export function chooseState(state, title = "Branch, pin, or a revision such as main@yesterday") {
  const isBackup = (/** @type {import("./types.js").Branch} */ one) => one.branch.startsWith("backup/");
  const branches = state.branches.map((one) => ({
    value: one.branch,
    label: one.branch,
    icon: isBackup(one) ? "archive" : one.ends ? "sandbox" : "branch",
    about: one.time ? ago(one.time) : "empty",
  }));
  const pins = state.pins.map((one) => ({ value: one.pin, label: one.pin, icon: "pin", about: `${one.branch}@${one.lsn}` }));
  const inOrder = [...branches.filter((one) => one.icon !== "archive"), ...pins, ...branches.filter((one) => one.icon === "archive")];
  return choose({
    title,
    choices: inOrder,
    other: (text) => ({ value: text, label: text, icon: "clock", about: "revision" }),
  });
}
