// The checks of the store's health, of one branch's head too if it is chosen.

import { get } from "../../api.js";
import { useData } from "../../data.js";
import { Badge, Button } from "../../ui/controls.js";
import { html } from "../../ui/html.js";
import { Loaded } from "../../ui/notice.js";
import { Table } from "../../ui/table.js";
import { BranchChoice, branchIn } from "./branch.js";

/** @typedef {import("../../types.js").Check} Check */

/** @type {Record<string, "good" | "warn" | "bad" | undefined>} */
const KINDS = { ok: "good", warning: "warn", failed: "bad" };

const ORDER = ["failed", "warning", "ok", "not checked"];

/** @param {{ route: import("../../router.js").Route }} props */
export function Health({ route }) {
  const { project, branch } = branchIn(route);
  const isOne = Boolean(project && branch);
  const health = useData(
    (signal) => get("/v1/store/health", { query: isOne ? { project, branch } : {}, signal }),
    [isOne && project, isOne && branch],
  );
  return html`<section class="card" aria-label="Health">
    <header>
      <h2>Health</h2>
      ${health.data?.healthy === true && html`<${Badge} kind="good">healthy</${Badge}>`}
      ${health.data?.healthy === false && html`<${Badge} kind="bad">needs attention</${Badge}>`}
      <span class="right"><${Button}
        kind="quiet"
        icon="reload"
        disabled=${health.isLoading}
        onClick=${health.reload}
      >Check again</${Button}></span>
    </header>
    <${BranchChoice} route=${route} none="None: the store only" />
    <${Loaded} from=${health}>
      ${(/** @type {{ checks: Check[] }} */ { checks }) => html`<${Table}
        label="Checks"
        rows=${[...checks].sort((one, other) => ORDER.indexOf(one.state) - ORDER.indexOf(other.state))}
        rowKey=${(/** @type {Check} */ row) => row.check}
        columns=${[
          { title: "Check", cell: (/** @type {Check} */ row) => row.check },
          {
            title: "State",
            cell: (/** @type {Check} */ row) => html`<${Badge} kind=${KINDS[row.state]}>${row.state}</${Badge}>`,
          },
          {
            title: "Finding",
            isWide: true,
            cell: (/** @type {Check} */ row) =>
              html`<span class="soft">${row.found}</span>${row.remedy && html`<br />${row.remedy}`}`,
          },
          {
            title: "Expected",
            cell: (/** @type {Check} */ row) => html`<span class="faint">${row.threshold ?? "–"}</span>`,
          },
        ]}
      />`}
    </${Loaded}>
  </section>`;
}
