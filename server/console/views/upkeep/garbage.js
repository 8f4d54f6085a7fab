// Garbage collection, which is shown before it is done, and the compaction of files.

import { post } from "../../api.js";
import { bytes, count, moment, plural } from "../../format.js";
import { act } from "../../ui/act.js";
import { Button } from "../../ui/controls.js";
import { confirm } from "../../ui/dialog.js";
import { html, useState } from "../../ui/html.js";
import { Table } from "../../ui/table.js";
import { Figures, Task } from "./task.js";
import { withValue } from "../../ui/inputs.js";

/** The two tasks. */
export function Garbage() {
  const [retention, setRetention] = useState("");
  const request = retention.trim() ? { retention: retention.trim() } : {};
  /** @param {any} found @param {(result: any) => void} show */
  const collect = (found, show) =>
    act(async () => {
      /** @type {any} */
      let done;
      const sure = await confirm({
        title: "Remove garbage?",
        body: `Every state of a branch since ${moment(found.cutoff)} is kept, and what branches, pins and plans hold.`,
        lost: lostOf(found),
        action: `Remove ${bytes(found.bytes)}`,
        typed: "remove",
        submit: async (signal) => {
          done = await post("/v1/store/gc", request, { signal });
        },
      });
      if (!sure) return null;
      show(done);
      return `Removed ${bytes(done.bytes)}`;
    });
  return html`<${Task}
      title="Garbage collection"
      about="Removes data that is older than the retention time and that nothing holds. The dry run says what that is, and changes nothing."
      action="Dry run"
      icon="eye"
      doing="Looking for garbage"
      options=${html`<div class="bar">
        <label for="retention">Retention</label>
        <input
          id="retention"
          type="text"
          autocomplete="off"
          placeholder="as the store is set"
          value=${retention}
          onInput=${withValue(setRetention)}
        />
        <span class="faint">How far back every state is kept: 90m, 24h, 30d</span>
      </div>`}
      run=${(/** @type {AbortSignal} */ signal) => post("/v1/store/gc", { ...request, dry_run: true }, { signal })}
    >
      ${(/** @type {any} */ found, /** @type {(result: any) => void} */ show) => html`<${Collected}
        found=${found}
        onCollect=${() => collect(found, show)}
      />`}
    </${Task}>
    <${Task}
      title="Compaction"
      about="Rewrites the files of the store without removed data, and merges small pieces. Nothing that can be read is lost."
      action="Compact"
      icon="tool"
      doing="Compacting"
      run=${async (/** @type {AbortSignal} */ signal) => {
        const sure = await confirm({
          title: "Compact the store?",
          body: "It reads and writes the files of the store once, and needs room for it.",
          action: "Compact",
          safe: true,
        });
        return sure ? post("/v1/store/compact", {}, { signal }) : null;
      }}
    >
      ${(/** @type {any} */ done) =>
        html`<${Figures} of=${[
          ["Before", bytes(done.bytes_before)],
          ["After", bytes(done.bytes_after)],
        ]} />`}
    </${Task}>`;
}

/** What a collection removes, in words. @param {any} found */
function lostOf({ versions, commits, snapshots, chunks, refs }) {
  return [
    versions > 0 && plural(versions, "version of documents", "versions of documents"),
    commits > 0 && plural(commits, "commit"),
    snapshots > 0 && plural(snapshots, "snapshot"),
    chunks > 0 && plural(chunks, "chunk"),
    ...refs,
  ].filter(Boolean);
}

/** @param {{ found: any, onCollect: () => void }} props */
function Collected({ found, onCollect }) {
  const isEmpty = found.bytes === 0 && found.refs.length === 0 && found.commits === 0 && found.versions === 0;
  return html`<${Figures}
      of=${[
        [found.dry_run ? "Would be removed" : "Removed", bytes(found.bytes)],
        ["Versions", count(found.versions)],
        ["Commits", count(found.commits)],
        ["Snapshots", count(found.snapshots)],
        ["Refs", count(found.refs.length)],
        ["Kept since", moment(found.cutoff)],
      ]}
    />
    ${
      found.refs.length > 0 &&
      html`<ul class="inside refs">${found.refs.map((/** @type {string} */ one) => html`<li class="mono">${one}</li>`)}</ul>`
    }
    ${
      found.timelines.length > 0 &&
      html`<${Table}
        label="Timelines that lose data"
        rows=${found.timelines}
        rowKey=${(/** @type {any} */ row) => row.timeline}
        columns=${[
          {
            title: "Branches",
            isWide: true,
            cell: (/** @type {any} */ row) => row.branches.join(", ") || html`<span class="faint">none</span>`,
          },
          {
            title: "Kept from",
            isNumber: true,
            cell: (/** @type {any} */ row) => (row.from === null ? "–" : html`<span class="mono">@${row.from}</span>`),
          },
          { title: "All of it", cell: (/** @type {any} */ row) => (row.dropped ? "yes" : "no") },
          { title: "Bytes", isNumber: true, cell: (/** @type {any} */ row) => bytes(row.bytes) },
        ]}
      />`
    }
    ${found.dry_run && html`<div class="inside"><${Button}
      kind="danger"
      icon="trash"
      disabled=${isEmpty}
      onClick=${onCollect}
    >${isEmpty ? "There is no garbage" : "Remove it"}</${Button}></div>`}`;
}
