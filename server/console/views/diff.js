// Two states compared: from another one to the state that is shown.

import { page, url } from "../api.js";
import { useData, usePages } from "../data.js";
import { idText } from "../ejson.js";
import { chooseState } from "../picker.js";
import { navigate, path, setQuery, withQuery } from "../router.js";
import { Changes, Summary } from "../ui/changes.js";
import { Button, Switch } from "../ui/controls.js";
import { html } from "../ui/html.js";
import { Icon } from "../ui/icons.js";

/** How many differences a page has. */
const PAGE = 500;

/** @param {{ state: import("../types.js").State, route: import("../router.js").Route }} props */
export default function Diff({ state, route }) {
  const { project, revision } = state;
  const from = route.query.get("from") ?? defaultFrom(state);
  const collection = route.query.get("collection");
  const byField = route.query.get("by") !== "document";
  const isSinceBase = route.query.get("base") === "1";
  const target = url`/v1/projects/${project}/diff`;
  const states = { from, to: revision, merge_base: isSinceBase || undefined };
  const keys = [target, from, revision, state.lsn, isSinceBase];
  const numbers = useData(async (signal) => (await page(target, { query: { ...states, detail: "stat", limit: 10000 }, signal })).items, keys);
  const list = usePages(
    (cursor, signal) =>
      page(target, { query: { ...states, detail: "fields", canonical: true, collections: collection, limit: PAGE, cursor }, signal }),
    [...keys, collection],
  );
  const compared = numbers.data?.find((item) => item.kind === "states");
  const change = async () => {
    const chosen = await chooseState(state, "Compare with a branch, a pin, or a revision");
    if (chosen) setQuery({ from: chosen, collection: null });
  };
  const swap = () => navigate(withQuery(path(project, from ?? compared.from.revision, "diff"), { from: revision, by: route.query.get("by") }));
  return html`<div class="view full diff">
    <header>
      <h1>Compare</h1>
      <${Button} icon="branch" onClick=${change}>
        <span class="unseen">Before:</span>${compared ? named(compared.from) : (from ?? "Choose a state")}
      </${Button}>
      <span class="faint">→</span>
      <strong class="mono">${compared ? named(compared.to) : revision}</strong>
      ${compared && html`<${Button} kind="quiet" icon="swap" label="Swap the states" onClick=${swap} />`}
      <label class="bar" title="Leave out what the state before changed after both parted">
        <input type="checkbox" checked=${isSinceBase} onChange=${() => setQuery({ base: isSinceBase ? null : "1" })} />since they parted
      </label>
      <span class="bar right">
        <${Summary} summary=${numbers.data?.find((item) => item.kind === "summary")} />
        <${Switch}
          label="How differences are shown"
          value=${byField ? "field" : "document"}
          options=${[
            { value: "field", label: "By field" },
            { value: "document", label: "By document" },
          ]}
          onChange=${(/** @type {string} */ by) => setQuery({ by: by === "field" ? null : by })}
        />
      </span>
    </header>
    <${Collections} numbers=${numbers.data} collection=${collection} />
    <section class="card changes-card" aria-label="Differences">
      <${Changes}
        list=${list}
        byField=${byField}
        linkOf=${(/** @type {string} */ of, /** @type {any} */ id) => path(project, revision, "documents", of, idText(id))}
        label="Differences"
      />
    </section>
    ${list.isLoading && list.items.length > 0 && html`<p class="faint" role="status">Reading more …</p>`}
  </div>`;
}

/** What a state is compared with at first: its branch at the commit before, or the parent of its branch. @param {import("../types.js").State} state */
function defaultFrom({ branch, lsn, isHead }) {
  if (!branch || (isHead && branch.parent) || lsn < 2) return undefined;
  return `${branch.branch}@${lsn - 1}`;
}

/** @param {{ revision: string, branch: string, lsn: number }} compared */
const named = ({ revision, lsn }) => (revision.includes("@") ? revision : `${revision}@${lsn}`);

/** The collections that differ, to choose one. @param {{ numbers: any[] | undefined, collection: string | null }} props */
function Collections({ numbers, collection }) {
  const some = numbers?.filter((item) => item.kind === "numbers") ?? [];
  if (some.length < 2) return null;
  return html`<div class="bar chips" role="group" aria-label="Collections">
    ${some.map(
      (item) => html`<button
        type="button"
        class="button quiet"
        key=${item.collection}
        aria-pressed=${item.collection === collection ? "true" : "false"}
        onClick=${() => setQuery({ collection: item.collection === collection ? null : item.collection })}
      >
        <${Icon} name="table" />${item.collection}
        <span class="faint">+${item.added} ~${item.changed} −${item.removed}</span>
      </button>`,
    )}
  </div>`;
}
