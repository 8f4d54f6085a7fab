// The policy of a plan, and the rules of its result that can't be checked.

import { html } from "../../ui/html.js";
import { Table } from "../../ui/table.js";
import { Tree } from "../../ui/tree.js";

/** @param {{ plan: import("../../types.js").Plan }} props */
export function Rules({ plan }) {
  return html`<section class="card" aria-label="Policy">
      <header><h2>Policy</h2><span class="faint">It is kept with the plan. Its checks run when the plan is applied.</span></header>
      <div class="inside tree"><${Tree} value=${plan.policy} isOpen=${true} /></div>
    </section>
    ${
      plan.unchecked.length > 0 &&
      html`<section class="card" aria-label="Rules that can't be checked">
        <header><h2>Rules that can't be checked</h2></header>
        <${Table}
          label="Rules that can't be checked"
          rows=${plan.unchecked}
          rowKey=${(/** @type {any} */ row) => `${row.collection} ${row.rule}`}
          columns=${[
            { title: "Collection", cell: (/** @type {any} */ row) => row.collection },
            { title: "Rule", cell: (/** @type {any} */ row) => row.rule },
            {
              title: "Reason",
              isWide: true,
              cell: (/** @type {any} */ row) => html`<span class="soft">${row.reason}</span>`,
            },
          ]}
        />
      </section>`
    }`;
}
