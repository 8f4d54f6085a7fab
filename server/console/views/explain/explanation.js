// The answer of explain: what is read, and by which index.

import { text } from "../../ejson.js";
import { count } from "../../format.js";
import { Badge } from "../../ui/controls.js";
import { html } from "../../ui/html.js";
import { Tree } from "../../ui/tree.js";

/** What the stages do, in words. @type {Record<string, string>} */
const STAGES = {
  COLLSCAN: "reads every document",
  IXSCAN: "reads entries of an index",
  FETCH: "reads the documents of these entries",
  SORT: "sorts in memory",
  LIMIT: "stops after some",
  SKIP: "leaves the first out",
  PROJECTION: "keeps some fields",
  PROJECTION_COVERED: "gives fields of the entries, without reading documents",
  IDHACK: "reads one document by its _id",
  EOF: "reads nothing",
  OR: "reads by several indexes",
};

/** The stages of a plan from what gives the result down to what reads. @param {any} plan @returns {any[]} */
function stagesOf(plan) {
  if (!plan) return [];
  const inner = plan.inputStage ? [plan.inputStage] : (plan.inputStages ?? []);
  return [plan, ...inner.flatMap(stagesOf)];
}

/** @param {{ answer: any, took: number }} props */
export function Explanation({ answer, took }) {
  const { queryPlanner, executionStats, stages: later } = answer;
  const stages = stagesOf(queryPlanner.winningPlan);
  const indexes = stages.map((stage) => stage.indexName).filter(Boolean);
  const isScan = stages.some((stage) => stage.stage === "COLLSCAN");
  return html`<dl class="cards dense">
      <${Fact}
        name="Index"
        value=${indexes.length > 0 ? html`<span class="mono">${indexes.join(", ")}</span>` : "none"}
        about=${isScan ? html`<span class="warn">every document is read</span>` : "documents are found by it"}
      />
      ${
        executionStats
          ? html`<${Numbers} stats=${executionStats} took=${took} />`
          : html`<${Fact} name="Numbers" value="–" about="not run yet" />`
      }
    </dl>
    <section class="card" aria-label="Plan">
      <header><h2>Plan</h2><span class="faint">${queryPlanner.argon?.state}</span></header>
      <ol class="inside stages">
        ${[...stages].reverse().map((stage) => html`<${Stage} stage=${stage} />`)}
        ${(later ?? []).map((/** @type {any} */ stage) => {
          const [[name, value]] = Object.entries(stage);
          return html`<li><${Badge}>${name}</${Badge}> <code class="soft">${text(value)}</code></li>`;
        })}
      </ol>
      ${queryPlanner.argon?.why && html`<p class="inside reasons soft">No index is used: ${queryPlanner.argon.why}.</p>`}
    </section>
    <section class="card" aria-label="The whole answer">
      <header><h2>The whole answer</h2></header>
      <div class="inside tree"><${Tree} value=${answer} isOpen=${true} /></div>
    </section>`;
}

/** @param {{ stats: any, took: number }} props */
function Numbers({ stats, took }) {
  const { nReturned, totalDocsExamined, totalKeysExamined, executionTimeMillis } = stats;
  const wasted = totalDocsExamined - nReturned;
  const about = html`<span class=${wasted > nReturned ? "warn" : ""}>${count(wasted)} for nothing</span>`;
  return html`<${Fact} name="Returned" value=${count(nReturned)} about="documents" />
    <${Fact} name="Documents examined" value=${count(totalDocsExamined)} about=${wasted > 0 ? about : "none for nothing"} />
    <${Fact} name="Entries examined" value=${count(totalKeysExamined)} about="of indexes" />
    <${Fact} name="Time" value=${`${count(executionTimeMillis)} ms`} about=${`${count(Math.round(took))} ms with the network`} />`;
}

/** @param {{ name: string, value: unknown, about: unknown }} props */
const Fact = ({ name, value, about }) =>
  html`<div class="card fact"><dt>${name}</dt><dd class="cut">${value}</dd><dd class="about">${about}</dd></div>`;

/** @param {{ stage: any }} props */
function Stage({ stage }) {
  const bounds =
    stage.indexBounds &&
    Object.entries(stage.indexBounds).map(
      ([field, ranges]) => `${field}: ${/** @type {string[]} */ (ranges).join(", ")}`,
    );
  return html`<li>
    <${Badge} kind=${stage.stage === "COLLSCAN" || stage.stage === "SORT" ? "warn" : "accent"}>${stage.stage}</${Badge}>
    <span class="soft">${STAGES[stage.stage]}</span>
    ${stage.indexName && html`<code>${stage.indexName}</code>`} ${bounds && html`<code class="faint">${bounds.join(", ")}</code>`}
    ${stage.filter && html`<code class="faint">${text(stage.filter)}</code>`}
    ${stage.sortPattern && html`<code class="faint">${text(stage.sortPattern)}</code>`}
  </li>`;
}
