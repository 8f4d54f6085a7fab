// The sandboxes of a project: branches that end by themselves.

import { get, post, remove, url } from "../api.js";
import { useData } from "../data.js";
import { moment, plural } from "../format.js";
import { useKeys } from "../keys.js";
import { Link, navigate, path } from "../router.js";
import { act } from "../ui/act.js";
import { Ago, Badge, Button } from "../ui/controls.js";
import { askForm, confirm } from "../ui/dialog.js";
import { html, useEffect, useState } from "../ui/html.js";
import { Icon } from "../ui/icons.js";
import { Empty, Loaded } from "../ui/notice.js";
import { Table } from "../ui/table.js";
import { toast } from "../ui/toast.js";

/** @typedef {import("../types.js").Sandbox} Sandbox */

/** @param {{ state: import("../types.js").State }} props */
export default function Sandboxes({ state }) {
  const list = useData((signal) => get(url`/v1/projects/${state.project}/sandboxes`, { signal }), [state.project]);
  useMinutes();
  const changed = () => {
    list.reload();
    state.reload();
  };
  const create = () => newSandbox(state, changed);
  useKeys([{ keys: "n", title: "New sandbox", run: create }]);
  return html`<div class="view">
    <header>
      <h1>Sandboxes</h1>
      <span class="right"><${Button} kind="primary" icon="plus" onClick=${create}>New sandbox</${Button}></span>
    </header>
    <section class="card" aria-label="Sandboxes">
      <${Loaded} from=${list}>
        ${(/** @type {Sandbox[]} */ rows) =>
          rows.length === 0
            ? html`<${Empty} icon="sandbox" title="No sandboxes">
                A sandbox is a branch to try something on, which ends by itself.
              </${Empty}>`
            : html`<${Table}
                label="Sandboxes"
                rows=${rows}
                rowKey=${(/** @type {Sandbox} */ row) => row.branch}
                columns=${columns(state, changed)}
              />`}
      </${Loaded}>
    </section>
  </div>`;
}

/** Draws again every half minute, so that times stay right. */
function useMinutes() {
  const [, setTurn] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => setTurn((now) => now + 1), 30_000);
    return () => clearInterval(timer);
  }, []);
}

/** @param {import("../types.js").State} state @param {() => void} changed @returns {import("../ui/table.js").Column<Sandbox>[]} */
const columns = (state, changed) => [
  {
    title: "Sandbox",
    isWide: true,
    cell: (row) =>
      html`<span class="bar"><${Icon} name="sandbox" />
        <${Link} to=${path(state.project, row.branch, "documents")}>${row.branch}</${Link}></span>`,
  },
  { title: "Time left", cell: (row) => html`<${TimeLeft} ends=${row.ends} />` },
  {
    title: "Made of",
    cell: (row) => html`<span class="soft">${row.parent}</span><span class="mono faint">@${row.forked_at}</span>`,
  },
  { title: "Commits", isNumber: true, cell: (row) => row.lsn - row.forked_at },
  { title: "Created", cell: (row) => html`<${Ago} time=${row.created} />` },
  {
    title: "Actions",
    isAction: true,
    cell: (row) => html`<span class="bar">
      <${Button} kind="quiet" icon="clock" onClick=${() => extend(state, row, changed)}>Extend</${Button}>
      <${Button} kind="quiet" icon="branch" onClick=${() => keep(state, row, changed)}>Keep</${Button}>
      <${Button}
        kind="quiet"
        icon="trash"
        label=${`Discard ${row.branch}`}
        onClick=${() => act(() => discard(state, row, changed))}
      />
    </span>`,
  },
];

/** @param {{ ends: string | null }} props */
function TimeLeft({ ends }) {
  if (!ends) return html`<span class="faint">never</span>`;
  const minutes = Math.floor((Date.parse(ends) - Date.now()) / 60_000);
  const kind = minutes < 0 ? "bad" : minutes < 30 ? "warn" : "good";
  return html`<${Badge} kind=${kind} title=${moment(ends)}>${minutes < 0 ? "over" : span(minutes)}</${Badge}>`;
}

/** A time in its two largest units: `1 d 4 h`. @param {number} minutes */
function span(minutes) {
  const [days, hours, rest] = [Math.floor(minutes / 1440), Math.floor(minutes / 60) % 24, minutes % 60];
  if (days > 0) return `${days} d ${hours} h`;
  return hours > 0 ? `${hours} h ${rest} min` : `${rest} min`;
}

const TTL = "Minutes, hours or days: 15m, 2h, 7d";

/** @param {import("../types.js").State} state @param {() => void} changed */
async function newSandbox(state, changed) {
  const made = await askForm({
    title: "New sandbox",
    body: html`It starts from <strong>${state.revision}</strong>. A commit on it gives it its time again.`,
    fields: [
      { name: "ttl", label: "Lives for", value: "2h", required: true, hint: TTL },
      { name: "branch", label: "Name", hint: "It begins with sandbox/. Without a name, one is made up." },
    ],
    action: "Create sandbox",
    submit: ({ ttl, branch }, signal) =>
      post(
        url`/v1/projects/${state.project}/sandboxes`,
        { ttl, from: state.revision, ...(branch && { branch: named(branch) }) },
        { signal },
      ),
  });
  if (!made) return;
  toast(`Created ${made.branch}, which ends ${moment(made.ends)}`);
  changed();
}

/** @param {string} typed */
const named = (typed) => (typed.startsWith("sandbox/") ? typed : `sandbox/${typed}`);

/** @param {import("../types.js").State} state @param {Sandbox} sandbox @param {() => void} changed */
async function extend(state, sandbox, changed) {
  const done = await askForm({
    title: `Extend ${sandbox.branch}`,
    fields: [{ name: "ttl", label: "Lives from now for", hint: `${TTL}. Without it, as long as it was made for.` }],
    action: "Extend",
    submit: ({ ttl }, signal) =>
      post(url`/v1/projects/${state.project}/sandboxes/${sandbox.branch}/extend`, ttl ? { ttl } : {}, { signal }),
  });
  if (!done) return;
  toast(`${done.branch} ends ${moment(done.ends)}`);
  changed();
}

/** @param {import("../types.js").State} state @param {Sandbox} sandbox @param {() => void} changed */
async function keep(state, sandbox, changed) {
  const done = await askForm({
    title: `Keep ${sandbox.branch} as a branch`,
    body: "It does not end any more.",
    fields: [{ name: "new_name", label: "Name", value: sandbox.branch.replace(/^sandbox\//, ""), required: true }],
    action: "Keep",
    submit: (values, signal) =>
      post(url`/v1/projects/${state.project}/sandboxes/${sandbox.branch}/keep`, values, { signal }),
  });
  if (!done) return;
  toast(`${done.from} is the branch ${done.to} now`);
  leave(state, sandbox, done.to);
  changed();
}

/** @param {import("../types.js").State} state @param {Sandbox} sandbox @param {() => void} changed */
async function discard(state, sandbox, changed) {
  /** @type {any} */
  let done;
  const own = sandbox.lsn - sandbox.forked_at;
  const sure = await confirm({
    title: `Discard ${sandbox.branch}?`,
    body: "A backup of it is kept for the retention time.",
    lost: [
      `the name ${sandbox.branch}`,
      own > 0 ? `${plural(own, "commit")} after ${sandbox.parent}@${sandbox.forked_at}` : "no commits of its own",
    ],
    action: "Discard sandbox",
    submit: async (signal) => {
      done = await remove(url`/v1/projects/${state.project}/sandboxes/${sandbox.branch}`, { signal });
    },
  });
  if (!sure) return null;
  leave(state, sandbox, sandbox.parent);
  changed();
  return `Discarded ${sandbox.branch}; ${done.backup} keeps it`;
}

/**
 * Leaves a sandbox that is shown, and is not there any more.
 *
 * @param {import("../types.js").State} state
 * @param {Sandbox} sandbox
 * @param {string | null | undefined} to
 */
function leave(state, sandbox, to) {
  if (state.branch?.branch === sandbox.branch) navigate(path(state.project, to ?? null, "sandboxes"));
}
