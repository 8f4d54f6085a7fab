// Taking back what commits changed, by one new commit.

import { page, url } from "../api.js";
import { usePages } from "../data.js";
import { plural } from "../format.js";
import { whyNoMerge } from "../reasons.js";
import { setQuery } from "../router.js";
import { Reason } from "../ui/act.js";
import { CommitTable } from "../ui/commits.js";
import { Button } from "../ui/controls.js";
import { html, useEffect, useState } from "../ui/html.js";
import { TextField } from "../ui/inputs.js";
import { UndoPreview } from "./undo/preview.js";
import { rangeOf, spanOf } from "./undo/range.js";

/** @param {{ state: import("../types.js").State, route: import("../router.js").Route }} props */
export default function Undo({ state, route }) {
  const { project, revision, lsn } = state;
  const why = whyNoMerge(state);
  const branch = state.branch?.branch ?? revision;
  const range = route.query.get("range") ?? "";
  const by = route.query.get("by") ?? "";
  const collections = (route.query.get("collections") ?? "").split(",").filter(Boolean);
  const list = usePages(
    (cursor, signal) =>
      page(url`/v1/projects/${project}/states/${revision}/log`, { query: { cursor, limit: 50 }, signal }),
    [project, revision, lsn],
  );
  const span = spanOf(range);
  /** @param {number} from @param {number} upto */
  const choose = (from, upto) =>
    setQuery({ range: rangeOf(branch, Math.min(from, upto), Math.max(from, upto)) }, { replace: true });
  return html`<div class="view">
    <header><h1>Undo</h1><span class="soft">takes back what commits of ${branch} changed, by one new commit</span></header>
    <${Reason} why=${why} />
    <section class="card" aria-label="Commits to undo">
      <header>
        <h2>Commits</h2>
        <span class="faint">${span ? chosen(span) : "Choose the first and the last one"}</span>
      </header>
      <${CommitTable}
        label="Commits"
        project=${project}
        branch=${branch}
        list=${list}
        marks=${marks(span, choose)}
        rowClass=${(/** @type {any} */ row) => (span && row.lsn >= span.from && row.lsn <= span.upto ? "chosen" : "")}
        none="The branch has no commits"
      />
      <${Limits} range=${range} by=${by} collections=${collections} />
    </section>
    ${range && html`<${UndoPreview} state=${state} range=${range} by=${by} collections=${collections} why=${why} />`}
  </div>`;
}

/** What is chosen, in words. @param {{ from: number, upto: number }} span */
function chosen({ from, upto }) {
  const positions = upto > from ? `@${from} to @${upto}` : `@${from}`;
  return `${plural(upto - from + 1, "commit")} chosen: ${positions}`;
}

/**
 * Two columns of radio buttons: the first commit of the range, and the last one.
 *
 * @param {{ from: number, upto: number } | null} span
 * @param {(from: number, upto: number) => void} choose
 */
const marks = (span, choose) => [
  {
    title: "First",
    cell: (
      /** @type {any} */ row,
    ) => html`<input type="radio" name="first" aria-label=${`First: commit ${row.lsn}`} checked=${span?.from === row.lsn}
      onChange=${() => choose(row.lsn, Math.max(row.lsn, span?.upto ?? row.lsn))} />`,
  },
  {
    title: "Last",
    cell: (
      /** @type {any} */ row,
    ) => html`<input type="radio" name="last" aria-label=${`Last: commit ${row.lsn}`} checked=${span?.upto === row.lsn}
      onChange=${() => choose(Math.min(row.lsn, span?.from ?? row.lsn), row.lsn)} />`,
  },
];

/** What limits the undo, as a form. @param {{ range: string, by: string, collections: string[] }} props */
function Limits({ range, by, collections }) {
  const now = { range, by, collections: collections.join(",") };
  const [typed, setTyped] = useState(now);
  useEffect(() => setTyped(now), [now.range, now.by, now.collections]);
  /** @param {Event} event */
  const submit = (event) => {
    event.preventDefault();
    setQuery({ ...typed, collections: typed.collections.replace(/\s+/g, "") });
  };
  /** @param {keyof typeof now} name @param {string} label @param {string} example */
  const input = (name, label, example) => html`<${TextField}
    label=${label}
    placeholder=${example}
    value=${typed[name]}
    onValue=${(/** @type {string} */ value) => setTyped((before) => ({ ...before, [name]: value }))}
  />`;
  return html`<form class="inside limits" onSubmit=${submit}>
    ${input("range", "Range", "REV..REV, or REV for one commit")} ${input("by", "Only by", "anybody")}
    ${input("collections", "Only in collections", "all, or users,orders")}
    <${Button} type="submit" icon="eye">Preview</${Button}>
  </form>`;
}
