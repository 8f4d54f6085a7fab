// The commits of a branch as they come.

import { Problem, events, url } from "../api.js";
import { idText } from "../ejson.js";
import { count } from "../format.js";
import { Link, path } from "../router.js";
import { FewChanges } from "../ui/changes.js";
import { Ago, Badge, Button } from "../ui/controls.js";
import { html, useEffect, useRef, useState } from "../ui/html.js";
import { Empty, ProblemNotice } from "../ui/notice.js";

/** How many commits stay on the page. */
const MOST = 200;
/** How many documents of a commit are shown. */
const DOCUMENTS = 5;
/** How long to wait before the next try, in milliseconds. */
const PAUSE = 2000;

/** @param {{ state: import("../types.js").State }} props */
export default function Live({ state }) {
  const { project, branch } = state;
  const name = branch?.branch;
  const [isOn, setOn] = useState(true);
  const { commits, status, problem } = useCommits(project, name, isOn, state.lsn);
  return html`<div class="view">
    <header>
      <h1>Live changes</h1>
      <${Badge} kind=${status === "following" ? "good" : "warn"}>${status}</${Badge}>
      <span class="faint">${name}</span>
      <span class="right">
        <${Button} icon=${isOn ? "close" : "live"} onClick=${() => setOn(!isOn)}>${isOn ? "Pause" : "Follow"}</${Button}>
      </span>
    </header>
    ${problem && html`<${ProblemNotice} problem=${problem} onRetry=${() => setOn(true)} />`}
    ${
      commits.length === 0
        ? html`<${Empty} icon="live" title="No commits yet">Commits of ${name} appear here as they are made.</${Empty}>`
        : html`<ol class="live" aria-live="polite" aria-label="Commits">
            ${commits.map((items) => html`<${LiveCommit} key=${items[0].digest} items=${items} project=${project} branch=${name} />`)}
          </ol>`
    }
  </div>`;
}

/**
 * The commits since the page was opened, the newest first. A broken stream is taken up again after the last event.
 *
 * @param {string} project
 * @param {string | undefined} branch
 * @param {boolean} isOn
 * @param {number} lsn
 */
function useCommits(project, branch, isOn, lsn) {
  const [commits, setCommits] = useState(/** @type {any[][]} */ ([]));
  const [status, setStatus] = useState("connecting");
  const [problem, setProblem] = useState(/** @type {Error | undefined} */ (undefined));
  const last = useRef(String(lsn));
  useEffect(() => {
    setCommits([]);
    last.current = String(lsn);
  }, [project, branch]);
  useEffect(() => {
    if (!branch || !isOn) return setStatus("paused");
    const controller = new AbortController();
    const { signal } = controller;
    const follow = async () => {
      setProblem(undefined);
      while (!signal.aborted) {
        setStatus("following");
        try {
          for await (const event of events(url`/v1/projects/${project}/branches/${branch}/changes`, { lastId: last.current, signal })) {
            if (event.type === "error") throw new Problem(event.data);
            last.current = event.id;
            setCommits((now) => [event.data.items, ...now].slice(0, MOST));
          }
        } catch (error) {
          if (signal.aborted) return;
          if (error instanceof Problem && error.status >= 400 && error.status < 500) {
            setStatus("ended");
            return setProblem(error);
          }
        }
        setStatus("connecting");
        await new Promise((resolve) => setTimeout(resolve, PAUSE));
      }
    };
    follow();
    return () => controller.abort();
  }, [project, branch, isOn]);
  return { commits, status, problem };
}

/** @param {{ items: any[], project: string, branch: string | undefined }} props */
function LiveCommit({ items, project, branch }) {
  const [commit, ...changes] = items;
  const documents = changes.filter((item) => item.kind === "document");
  return html`<li class="card live-commit">
    <header>
      <${Link} class="mono" to=${path(project, branch ?? null, "commits", String(commit.lsn))}>${branch}@${commit.lsn}</${Link}>
      <strong class="cut">${commit.message || "no message"}</strong>
      <span class="right faint">${commit.actor} · <${Ago} time=${commit.time} /></span>
    </header>
    <div class="inside">
      <${FewChanges} items=${documents.slice(0, DOCUMENTS)} />
      ${
        documents.length > DOCUMENTS &&
        html`<p class="faint">${count(documents.length - DOCUMENTS)} more documents, to ${idText(documents[documents.length - 1].id)}</p>`
      }
    </div>
  </li>`;
}
