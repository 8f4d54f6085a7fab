// What clients of the server did, and what they were refused.

import { page } from "../api.js";
import { usePages } from "../data.js";
import { setQuery } from "../router.js";
import { Ago, Badge, Button, Switch } from "../ui/controls.js";
import { html } from "../ui/html.js";
import { Empty, Loading, ProblemNotice } from "../ui/notice.js";
import { Table } from "../ui/table.js";

/** @typedef {import("../types.js").AuditEvent} AuditEvent */

const OUTCOMES = [
  { value: "", label: "All" },
  { value: "refused", label: "Refused" },
  { value: "failed", label: "Failed" },
];
const TIMES = [
  { value: "1h ago", label: "Last hour" },
  { value: "1d ago", label: "Last day" },
  { value: "7d ago", label: "Last week" },
];
const KINDS = /** @type {Record<string, "good" | "bad" | "warn">} */ ({ done: "good", refused: "bad", failed: "warn" });

/** The audit. @param {{ route: import("../router.js").Route }} props */
export default function Audit({ route }) {
  const outcome = route.query.get("outcome") ?? "";
  const since = route.query.get("since") ?? "1d ago";
  const list = usePages(
    (cursor, signal) => page("/v1/audit", { query: { outcome: outcome || null, since, cursor }, signal }),
    [outcome, since],
  );
  return html`<div class="view">
    <header>
      <h1>Audit</h1>
      <span class="right">
        <${Switch} label="Outcome" value=${outcome} options=${OUTCOMES}
          onChange=${(/** @type {string} */ value) => setQuery({ outcome: value || null })} />
        <${Switch} label="Since" value=${since} options=${TIMES}
          onChange=${(/** @type {string} */ value) => setQuery({ since: value })} />
        <${Button} icon="reload" label="Read again" onClick=${list.reload} />
      </span>
    </header>
    <section class="card" aria-label="Audit">
      ${list.problem && html`<${Problems} problem=${list.problem} onRetry=${list.reload} />`}
      ${
        list.items.length > 0
          ? html`<${Table} label="Events" rows=${list.items} columns=${COLUMNS}
              rowKey=${(/** @type {AuditEvent} */ row) => list.items.indexOf(row)} />`
          : !list.problem &&
            (list.isLoading ? html`<${Loading} />` : html`<${Empty} icon="eye" title="Nothing was recorded in this time" />`)
      }
      ${list.next && html`<p class="bar"><${Button} onClick=${list.more} disabled=${list.isLoading}>More</${Button}></p>`}
    </section>
  </div>`;
}

/** @param {{ problem: Error, onRetry: () => void }} props */
function Problems({ problem, onRetry }) {
  if (/** @type {any} */ (problem).status === 404) {
    return html`<${Empty} icon="eye" title="Nothing is recorded">
      A server that runs with <code>--auth --audit</code> records logins, writes, and what it refuses.
    </${Empty}>`;
  }
  return html`<${ProblemNotice} problem=${problem} onRetry=${onRetry} />`;
}

/** @type {import("../ui/table.js").Column<AuditEvent>[]} */
const COLUMNS = [
  { title: "Time", cell: (row) => html`<${Ago} time=${row.time} />` },
  { title: "User", cell: (row) => row.user ?? html`<span class="faint">nobody</span>` },
  { title: "Action", cell: (row) => html`<span class="mono">${row.action}</span>` },
  { title: "Where", cell: (row) => [row.project, row.branch].filter(Boolean).join(":") },
  { title: "Outcome", cell: (row) => html`<${Badge} kind=${KINDS[row.outcome]}>${row.outcome}</${Badge}>` },
  { title: "Reason", isWide: true, cell: (row) => html`<span class="soft">${row.reason ?? ""}</span>` },
  { title: "By", cell: (row) => html`<span class="faint">${row.via}</span>` },
  { title: "Client", cell: (row) => html`<span class="faint mono">${row.client ?? ""}</span>` },
];
