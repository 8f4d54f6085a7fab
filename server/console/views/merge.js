// Merging as a review: a plan is made, its conflicts are decided, its changes are read, and then it is applied.

import { html } from "../ui/html.js";
import { PlanView } from "./merge/plan.js";
import { Start } from "./merge/start.js";

/** @param {{ state: import("../types.js").State, route: import("../router.js").Route }} props */
export default function Merge({ state, route }) {
  const [plan] = route.parts;
  return plan
    ? html`<${PlanView} key=${plan} state=${state} route=${route} id=${plan} />`
    : html`<${Start} state=${state} route=${route} />`;
}
