// The pins of a project: names of states that are kept.

import { post, remove, url } from "../api.js";
import { useKeys } from "../keys.js";
import { Link, path, withQuery } from "../router.js";
import { act } from "../ui/act.js";
import { Ago, Badge, Button, Copy } from "../ui/controls.js";
import { askForm, confirm } from "../ui/dialog.js";
import { html } from "../ui/html.js";
import { Icon } from "../ui/icons.js";
import { Empty } from "../ui/notice.js";
import { Table } from "../ui/table.js";
import { toast } from "../ui/toast.js";

/** @typedef {import("../types.js").Pin} Pin */

/** @param {{ state: import("../types.js").State }} props */
export default function Pins({ state }) {
  const { pins, revision } = state;
  const create = () => newPin(state);
  useKeys([{ keys: "n", title: "New pin", run: create }]);
  const newest = [...pins].sort((one, other) => other.created.localeCompare(one.created));
  return html`<div class="view">
    <header>
      <h1>Pins</h1>
      <span class="right"><${Button} kind="primary" icon="plus" onClick=${create}>Pin ${revision}</${Button}></span>
    </header>
    <section class="card" aria-label="Pins">
      ${
        pins.length === 0
          ? html`<${Empty} icon="pin" title="No pins yet">A pin names a state, which no garbage collection removes.</${Empty}>`
          : html`<${Table}
            label="Pins"
            rows=${newest}
            rowKey=${(/** @type {Pin} */ row) => row.pin}
            columns=${columns(state)}
          />`
      }
    </section>
  </div>`;
}

/** @param {import("../types.js").State} state @returns {import("../ui/table.js").Column<Pin>[]} */
const columns = (state) => [
  {
    title: "Pin",
    cell: (row) =>
      html`<span class="bar"><${Icon} name="pin" />
        <${Link} to=${path(state.project, row.pin, "documents")}>${row.pin}</${Link}></span>`,
  },
  {
    title: "State",
    cell: (row) => html`<span class="soft">${row.branch}</span><span class="mono faint">@${row.lsn}</span>`,
  },
  { title: "Note", isWide: true, cell: (row) => row.note || html`<span class="faint">–</span>` },
  {
    title: "Signed",
    cell: (row) =>
      row.fingerprint
        ? html`<${Badge} kind="good" title=${`Key ${row.key}`}><${Icon} name="key" />${row.fingerprint.slice(0, 8)}</${Badge}>`
        : html`<span class="faint">no</span>`,
  },
  {
    title: "Digest",
    cell: (row) =>
      html`<span class="bar"><span class="mono soft">${row.digest.slice(0, 8)}</span><${Copy}
        text=${row.digest}
        label=${`Copy the digest of ${row.pin}`}
      /></span>`,
  },
  { title: "By", cell: (row) => row.actor },
  { title: "Created", cell: (row) => html`<${Ago} time=${row.created} />` },
  {
    title: "Actions",
    isAction: true,
    cell: (row) => html`<span class="bar">
      <${Link}
        class="button quiet"
        to=${withQuery(path(state.project, state.branch?.branch ?? row.branch, "restore"), { revision: row.pin })}
      >Restore</${Link}>
      <${Button} kind="quiet" icon="trash" label=${`Delete ${row.pin}`} onClick=${() => act(() => drop(state, row))} />
    </span>`,
  },
];

/** @param {import("../types.js").State} state */
async function newPin(state) {
  const made = await askForm({
    title: `Pin ${state.revision}`,
    body: html`The state <strong>${state.branch?.branch ?? state.revision}@${state.lsn}</strong> is kept until the pin is deleted.`,
    fields: [
      { name: "pin", label: "Name", required: true, hint: "Letters, digits, -, _, . and /" },
      { name: "note", label: "Note", hint: "Why it is pinned." },
    ],
    action: "Create pin",
    submit: (values, signal) =>
      post(url`/v1/projects/${state.project}/pins`, { ...values, revision: state.revision }, { signal }),
  });
  if (!made) return;
  toast(`Pinned ${made.branch}@${made.lsn} as ${made.pin}`);
  state.reload();
}

/** @param {import("../types.js").State} state @param {Pin} pin */
async function drop(state, pin) {
  const sure = await confirm({
    title: `Delete the pin ${pin.pin}?`,
    body: "Commits and documents stay while a branch or the retention time keeps them.",
    lost: [
      html`the name <strong>${pin.pin}</strong> for ${pin.branch}@${pin.lsn}`,
      pin.note ? `its note: ${pin.note}` : null,
      pin.fingerprint ? `its signature by ${pin.fingerprint}` : null,
    ].filter(Boolean),
    action: "Delete pin",
    submit: (signal) => remove(url`/v1/projects/${state.project}/pins/${pin.pin}`, { signal }),
  });
  if (!sure) return null;
  state.reload();
  return `Deleted the pin ${pin.pin}`;
}
