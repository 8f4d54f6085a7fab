// The upkeep of the store: its health, what takes space, and what keeps it well.

import { setQuery } from "../router.js";
import { Switch } from "../ui/controls.js";
import { html } from "../ui/html.js";
import { Check } from "./upkeep/check.js";
import { Garbage } from "./upkeep/garbage.js";
import { Health } from "./upkeep/health.js";
import { History } from "./upkeep/history.js";
import { Storage } from "./upkeep/storage.js";

/** @type {Record<string, { label: string, draw: any }>} */
const PARTS = {
  health: { label: "Health", draw: Health },
  storage: { label: "Storage", draw: Storage },
  garbage: { label: "Garbage", draw: Garbage },
  check: { label: "Check", draw: Check },
  history: { label: "History", draw: History },
};

/** @param {{ route: import("../router.js").Route }} props */
export default function Upkeep({ route }) {
  const name = route.query.get("part") ?? "health";
  const part = PARTS[name] ?? PARTS.health;
  return html`<div class="view">
    <header>
      <h1>Upkeep</h1>
      <${Switch}
        label="Parts of the upkeep"
        value=${name}
        options=${Object.entries(PARTS).map(([value, { label }]) => ({ value, label }))}
        onChange=${(/** @type {string} */ value) => setQuery({ part: value === "health" ? null : value })}
      />
    </header>
    <${part.draw} key=${name} route=${route} />
  </div>`;
}
