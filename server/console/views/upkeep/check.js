// Checking the whole store, and repairing what can be made again.

import { post } from "../../api.js";
import { count, plural } from "../../format.js";
import { act } from "../../ui/act.js";
import { Badge, Button } from "../../ui/controls.js";
import { confirm } from "../../ui/dialog.js";
import { html } from "../../ui/html.js";
import { Icon } from "../../ui/icons.js";
import { Table } from "../../ui/table.js";
import { Figures, Task } from "./task.js";

const COUNTED = ["projects", "branches", "pins", "plans", "timelines", "commits", "images", "snapshots", "indexes"];

/** The check, and the repair after it. */
export function Check() {
  /** @param {(result: any) => void} show */
  const rebuild = (show) =>
    act(async () => {
      const sure = await confirm({
        title: "Rebuild from the log?",
        body: "Damaged snapshots and entries of indexes are made again from the log.",
        action: "Rebuild",
        safe: true,
      });
      if (!sure) return null;
      const done = await post("/v1/store/fsck", { rebuild: true });
      show(done);
      return `${plural(done.problems.filter((/** @type {any} */ one) => one.repaired).length, "problem")} repaired`;
    });
  return html`<${Task}
    title="Check of the store"
    about="Compares the log with its hash chain, and all other data with the log. It reads all of the store."
    action="Check"
    icon="check"
    doing="Checking the store"
    run=${(/** @type {AbortSignal} */ signal) => post("/v1/store/fsck", {}, { signal })}
  >
    ${(/** @type {any} */ found, /** @type {(result: any) => void} */ show) => html`<${Found} found=${found} onRebuild=${() => rebuild(show)} />`}
  </${Task}>`;
}

/** @param {{ found: any, onRebuild: () => void }} props */
function Found({ found, onRebuild }) {
  const { problems } = found;
  const left = problems.filter((/** @type {any} */ one) => !one.repaired);
  return html`<${Figures}
      of=${COUNTED.map((name) => [name, count(found[name])])}
    />
    ${
      problems.length === 0
        ? html`<p class="inside"><span class="note good"><${Icon} name="check" />No problems: everything agrees with the log.</span></p>`
        : html`<${Table}
              label="Problems"
              rows=${problems}
              rowKey=${(/** @type {any} */ row) => row.what}
              columns=${[
                { title: "Problem", isWide: true, cell: (/** @type {any} */ row) => row.what },
                { title: "Affects", cell: (/** @type {any} */ row) => row.affects.join(", ") || "–" },
                {
                  title: "State",
                  cell: (/** @type {any} */ row) =>
                    row.repaired
                      ? html`<${Badge} kind="good">repaired</${Badge}>`
                      : html`<${Badge} kind="bad">damaged</${Badge}>`,
                },
              ]}
            />
            ${left.length > 0 && html`<div class="inside"><${Button} icon="tool" onClick=${onRebuild}>Rebuild from the log</${Button}></div>`}`
    }`;
}
