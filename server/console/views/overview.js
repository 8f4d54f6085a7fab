// The store: what it is, its projects, and whether it is well.

import { get, post, remove, url } from "../api.js";
import { useData } from "../data.js";
import { bytes, count } from "../format.js";
import { Link, navigate } from "../router.js";
import { Ago, Badge, Button } from "../ui/controls.js";
import { askForm, confirm } from "../ui/dialog.js";
import { html } from "../ui/html.js";
import { Icon } from "../ui/icons.js";
import { Empty, Loaded } from "../ui/notice.js";
import { Table } from "../ui/table.js";
import { toast } from "../ui/toast.js";

/** The overview of the store. */
export default function Overview() {
  const store = useData((signal) => get("/v1/store", { signal }), []);
  const projects = useData((signal) => get("/v1/projects", { signal }), []);
  const deleted = useData((signal) => get("/v1/deleted-projects", { signal }), []);
  const health = useData((signal) => get("/v1/store/health", { signal }), []);
  const reload = () => {
    projects.reload();
    deleted.reload();
  };
  return html`<div class="view">
    <header>
      <h1>Overview</h1>
      <span class="right"><${Button} kind="primary" icon="plus" onClick=${create}>New project</${Button}></span>
    </header>
    <${Loaded} from=${store}>${(/** @type {any} */ data) => html`<${Facts} store=${data} projects=${projects.data} />`}</${Loaded}>
    <section class="card" aria-label="Projects">
      <header><h2>Projects</h2></header>
      <${Loaded} from=${projects}>
        ${(/** @type {import("../types.js").Project[]} */ rows) => html`<${Projects} rows=${rows} onChange=${reload} />`}
      </${Loaded}>
    </section>
    ${
      deleted.data?.length > 0 &&
      html`<section class="card" aria-label="Deleted projects">
        <header><h2>Deleted projects</h2></header>
        <${Deleted} rows=${deleted.data} onChange=${reload} />
      </section>`
    }
    <section class="card" aria-label="Health">
      <header>
        <h2>Health</h2>
        ${health.data && html`<${Badge} kind=${health.data.healthy ? "good" : "bad"}>${health.data.healthy ? "healthy" : "needs attention"}</${Badge}>`}
      </header>
      <${Loaded} from=${health}>${(/** @type {any} */ data) => html`<${Checks} rows=${data.checks} />`}</${Loaded}>
    </section>
  </div>`;
}

async function create() {
  const made = await askForm({
    title: "New project",
    fields: [{ name: "project", label: "Name", required: true, hint: "Up to 63 letters, digits, -, _ and ." }],
    action: "Create project",
    submit: (values, signal) => post("/v1/projects", values, { signal }),
  });
  if (made) navigate(url`/console/${made.project}`);
}

/** @param {{ store: any, projects: unknown[] | undefined }} props */
function Facts({ store, projects }) {
  /** @type {[string, unknown, unknown][]} */
  const facts = [
    ["Size", bytes(store.bytes), store.engine],
    ["Projects", projects ? count(projects.length) : "–", html`created <${Ago} time=${store.created} />`],
    ["Location", html`<span class="cut mono" title=${store.location}>${store.location}</span>`, `format ${store.format}`],
  ];
  if (store.backlog !== null) facts.push(["Waiting jobs", count(store.backlog), `${count(store.dead ?? 0)} given up`]);
  return html`<dl class="cards">
    ${facts.map(
      ([name, value, about]) => html`<div class="card fact"><dt>${name}</dt><dd class="cut">${value}</dd><dd class="about">${about}</dd></div>`,
    )}
  </dl>`;
}

/** @param {{ rows: import("../types.js").Project[], onChange: () => void }} props */
function Projects({ rows, onChange }) {
  if (rows.length === 0) {
    return html`<${Empty} title="No projects yet">A project is a database with branches. Make the first one, or run <code>argon import</code>.</${Empty}>`;
  }
  /** @param {string} project */
  const drop = async (project) => {
    const branches = await get(url`/v1/projects/${project}/branches`);
    const sure = await confirm({
      title: `Delete the project ${project}?`,
      body: "It can be brought back until a garbage collection removes its data.",
      lost: branches.map((/** @type {any} */ one) => `branch ${one.branch}, at position ${one.lsn}`),
      action: "Delete project",
      typed: project,
      submit: (signal) => remove(url`/v1/projects/${project}`, { signal }),
    });
    if (!sure) return;
    toast(`Deleted ${project}`);
    onChange();
  };
  return html`<${Table}
    label="Projects"
    rows=${rows}
    rowKey=${(/** @type {any} */ row) => row.project}
    columns=${[
      { title: "Project", isWide: true, cell: (/** @type {any} */ row) => html`<${Link} to=${url`/console/${row.project}`}>${row.project}</${Link}>` },
      { title: "Created", cell: (/** @type {any} */ row) => html`<${Ago} time=${row.created} />` },
      {
        title: "Actions",
        isAction: true,
        cell: (/** @type {any} */ row) =>
          html`<${Button} kind="quiet" icon="trash" label=${`Delete ${row.project}`} onClick=${() => drop(row.project)} />`,
      },
    ]}
  />`;
}

/** @param {{ rows: any[], onChange: () => void }} props */
function Deleted({ rows, onChange }) {
  /** @param {string} project */
  const bringBack = async (project) => {
    const done = await askForm({
      title: `Bring ${project} back`,
      fields: [{ name: "new_name", label: "Name", value: project, required: true }],
      action: "Bring back",
      submit: (values, signal) => post(url`/v1/deleted-projects/${project}/undelete`, values, { signal }),
    });
    if (!done) return;
    toast(`${done.project} is back`);
    onChange();
  };
  return html`<${Table}
    label="Deleted projects"
    rows=${rows}
    rowKey=${(/** @type {any} */ row) => `${row.project} ${row.deleted}`}
    columns=${[
      { title: "Project", isWide: true, cell: (/** @type {any} */ row) => row.project },
      { title: "Deleted", cell: (/** @type {any} */ row) => html`<${Ago} time=${row.deleted} />` },
      { title: "By", cell: (/** @type {any} */ row) => row.actor },
      { title: "Actions", isAction: true, cell: (/** @type {any} */ row) => html`<${Button} kind="quiet" icon="undo" onClick=${() => bringBack(row.project)}>Bring back</${Button}>` },
    ]}
  />`;
}

/** @type {Record<string, { icon: string, kind: string }>} */
const VERDICTS = {
  ok: { icon: "check", kind: "good" },
  warning: { icon: "alert", kind: "warn" },
  failed: { icon: "alert", kind: "bad" },
  "not checked": { icon: "more", kind: "faint" },
};

/** @param {{ rows: import("../types.js").Check[] }} props */
function Checks({ rows }) {
  const order = ["failed", "warning", "ok", "not checked"];
  const sorted = [...rows].sort((one, other) => order.indexOf(one.state) - order.indexOf(other.state));
  return html`<${Table}
    label="Checks"
    rows=${sorted}
    rowKey=${(/** @type {any} */ row) => row.check}
    columns=${[
      {
        title: "Check",
        cell: (/** @type {any} */ row) => html`<span class="bar"><span class=${VERDICTS[row.state].kind}><${Icon} name=${VERDICTS[row.state].icon} /></span>${row.check}</span>`,
      },
      { title: "State", cell: (/** @type {any} */ row) => html`<span class=${VERDICTS[row.state].kind}>${row.state}</span>` },
      { title: "Finding", isWide: true, cell: (/** @type {any} */ row) => html`<span class="soft">${row.found}</span> <span class="faint">${row.threshold}</span> ${row.remedy}` },
    ]}
  />`;
}
