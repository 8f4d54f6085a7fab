// How conflicts are settled without a decision: a strategy for all, and a policy for some.

import { Problem } from "../api.js";
import { html } from "./html.js";
import { AreaField, SelectField } from "./inputs.js";

/** @type {[string, string][]} */
const STRATEGIES = [
  ["", "by decisions"],
  ["ours", "ours: the branch wins"],
  ["theirs", "theirs: the other state wins"],
  ["newest", "newest: the document changed last wins"],
  ["max", "max: the greater value"],
  ["min", "min: the lesser value"],
  ["sum", "sum: adds what both sides added"],
  ["union", "union: arrays as sets"],
  ["append", "append: what both sides appended"],
  ["touched", "touched: equal changes are conflicts, too"],
];

const EXAMPLE = `{
  "rules": [
    { "collection": "products", "path": "stock.*", "strategy": "sum" },
    { "path": "tags", "strategy": "union" }
  ],
  "checks": { "unique": [{ "collection": "users", "fields": ["email"] }] }
}`;

/** @param {{ value: { strategy: string, policy: string }, onChange: (value: { strategy: string, policy: string }) => void }} props */
export function Strategy({ value, onChange }) {
  return html`<div class="strategy">
    <${SelectField}
      label="Conflicts are settled"
      options=${STRATEGIES}
      value=${value.strategy}
      onValue=${(/** @type {string} */ strategy) => onChange({ ...value, strategy })}
    />
    <details open=${value.policy !== ""}>
      <summary>Policy: strategies by path, and checks of the result</summary>
      <${AreaField}
        label="Policy as JSON"
        hint="The keys of docs/merge-policy.toml. The plan keeps it."
        rows="7"
        placeholder=${EXAMPLE}
        value=${value.policy}
        onValue=${(/** @type {string} */ policy) => onChange({ ...value, policy })}
      />
    </details>
  </div>`;
}

/** The fields of a request. Throws if the policy is no JSON. @param {{ strategy: string, policy: string }} value */
export function strategyOf({ strategy, policy }) {
  const chosen = strategy ? { strategy } : {};
  if (policy.trim() === "") return chosen;
  try {
    return { ...chosen, policy: JSON.parse(policy) };
  } catch (error) {
    throw new Problem({ title: "The policy is no JSON", detail: /** @type {Error} */ (error).message });
  }
}
