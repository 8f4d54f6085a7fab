// The history of a branch: its snapshots, and whether its digests are right.

import { get, post, url } from "../../api.js";
import { useData, useWork } from "../../data.js";
import { bytes, count } from "../../format.js";
import { Link, path } from "../../router.js";
import { Ago, Badge, Button, Copy } from "../../ui/controls.js";
import { html, useState } from "../../ui/html.js";
import { withValue } from "../../ui/inputs.js";
import { Empty, Loaded, ProblemNotice } from "../../ui/notice.js";
import { Table } from "../../ui/table.js";
import { toast } from "../../ui/toast.js";
import { BranchChoice, branchIn } from "./branch.js";
import { Figures, Task } from "./task.js";

/** @typedef {import("../../types.js").Snapshot} Snapshot */

/** @param {{ route: import("../../router.js").Route }} props */
export function History({ route }) {
  const { project, branch } = branchIn(route);
  return html`<section class="card" aria-label="History of"><${BranchChoice} route=${route} /></section>
    ${
      project &&
      branch &&
      html`<${Snapshots} key=${`${project} ${branch}`} project=${project} branch=${branch} />
        <${Verify} key=${`verify ${project} ${branch}`} project=${project} branch=${branch} />`
    }`;
}

/** @param {{ project: string, branch: string }} props */
function Snapshots({ project, branch }) {
  const target = url`/v1/projects/${project}/snapshots`;
  const list = useData((signal) => get(target, { query: { revision: branch }, signal }), [target, branch]);
  const work = useWork(async (signal) => {
    const made = await post(target, { revision: branch }, { signal });
    toast(`Snapshot of ${branch}@${made.lsn}: ${count(made.documents)} documents, ${bytes(made.bytes)}`);
    list.reload();
  });
  return html`<section class="card" aria-label="Snapshots">
    <header>
      <h2>Snapshots</h2><span class="faint">of the history of ${branch}</span>
      <span class="bar right">
        ${work.isRunning && html`<span class="spinner"></span><${Button} onClick=${work.cancel}>Cancel</${Button}>`}
        <${Button} icon="plus" disabled=${work.isRunning} onClick=${() => work.run()}>New snapshot</${Button}>
      </span>
    </header>
    ${work.problem && html`<${ProblemNotice} problem=${work.problem} />`}
    <${Loaded} from=${list}>
      ${(/** @type {Snapshot[]} */ rows) =>
        rows.length === 0
          ? html`<${Empty} icon="archive" title="No snapshots">
              Stores that need them make them by themselves. One of the head makes reading it fast after a large import.
            </${Empty}>`
          : html`<${Table}
              label="Snapshots"
              rows=${rows}
              rowKey=${(/** @type {Snapshot} */ row) => `${row.timeline} ${row.lsn}`}
              columns=${[
                {
                  title: "State",
                  isNumber: true,
                  cell: (/** @type {Snapshot} */ row) =>
                    html`<${Link}
                      class="mono"
                      to=${path(project, `${branch}@${row.lsn}`, "documents")}
                    >@${row.lsn}</${Link}>`,
                },
                { title: "Documents", isNumber: true, cell: (/** @type {Snapshot} */ row) => count(row.documents) },
                { title: "Chunks", isNumber: true, cell: (/** @type {Snapshot} */ row) => count(row.chunks) },
                { title: "Size", isNumber: true, cell: (/** @type {Snapshot} */ row) => bytes(row.bytes) },
                {
                  title: "Created",
                  isWide: true,
                  cell: (/** @type {Snapshot} */ row) => html`<${Ago} time=${row.created} />`,
                },
              ]}
            />`}
    </${Loaded}>
  </section>`;
}

/** @param {{ project: string, branch: string }} props */
function Verify({ project, branch }) {
  const [expect, setExpect] = useState("");
  return html`<${Task}
      title="Verification"
      about=${`Computes the digests of all commits of ${branch} again, and checks its pins and their signatures.`}
      action="Verify"
      icon="key"
      doing="Verifying"
      options=${html`<div class="bar">
        <label for="expect">Expected digest</label>
        <input
          id="expect"
          class="wide-input mono"
          type="text"
          autocomplete="off"
          spellcheck=${false}
          placeholder="64 hexadecimal digits, from elsewhere"
          value=${expect}
          onInput=${withValue(setExpect)}
        />
      </div>`}
      run=${(/** @type {AbortSignal} */ signal) => get(url`/v1/projects/${project}/states/${branch}/verify`, { query: { expect: expect.trim() }, signal })}
    >
      ${(/** @type {any} */ done) => html`<${Figures}
          of=${[
            ["Commits verified", count(done.commits)],
            ["After", `@${done.from}${done.collected ? ", collected before" : ""}`],
            ["State", `@${done.lsn}`],
            [
              "Digest",
              html`<span class="bar">
                <span class="mono">${done.digest.slice(0, 16)}…</span><${Copy} text=${done.digest} label="Copy the digest" /></span>`,
            ],
          ]}
        />
        ${
          done.pins.length > 0 &&
          html`<${Table}
            label="Pins"
            rows=${done.pins}
            rowKey=${(/** @type {any} */ row) => row.pin}
            columns=${[
              { title: "Pin", cell: (/** @type {any} */ row) => row.pin },
              {
                title: "State",
                isNumber: true,
                cell: (/** @type {any} */ row) => html`<span class="mono">@${row.lsn}</span>`,
              },
              {
                title: "Signature",
                isWide: true,
                cell: (/** @type {any} */ row) =>
                  row.fingerprint
                    ? html`<${Badge} kind="good">valid</${Badge}> <span class="mono faint">${row.fingerprint}</span>`
                    : html`<span class="faint">not signed</span>`,
              },
            ]}
          />`
        }`}
    </${Task}>`;
}
