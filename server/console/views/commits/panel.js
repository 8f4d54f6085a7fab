// One commit: who, why, and what it changed.

import { page, url } from "../../api.js";
import { usePages } from "../../data.js";
import { idText } from "../../ejson.js";
import { moment } from "../../format.js";
import { Link, navigate, path, withQuery } from "../../router.js";
import { useKeys } from "../../keys.js";
import { Changes } from "../../ui/changes.js";
import { Button, Copy } from "../../ui/controls.js";
import { html } from "../../ui/html.js";
import { viewOf } from "../../views.js";
import { originText } from "./origin.js";

/** @param {{ state: import("../../types.js").State, route: import("../../router.js").Route, position: string }} props */
export function CommitPanel({ state, route, position }) {
  const { project } = state;
  const revision = position.includes("@") ? position : `${state.branch?.branch ?? state.pin?.pin}@${position}`;
  const base = url`/v1/projects/${project}/states/${revision}/commit`;
  const list = usePages((cursor, signal) => page(base, { query: { detail: "fields", canonical: true, limit: 500, cursor }, signal }), [base]);
  const commit = list.items.find((item) => item.kind === "commit");
  const close = () => navigate(withQuery(path(project, state.revision, "commits"), Object.fromEntries(route.query)));
  useKeys([{ keys: "Escape", title: "Close the commit", run: close }]);
  return html`<aside class="panel wide-panel" aria-label=${`Commit ${position}`}>
    <header>
      <h2 class="cut">${commit ? commit.message || "no message" : `Commit ${position}`}</h2>
      <span class="right"><${Button} kind="quiet" icon="close" label="Close" onClick=${close} /></span>
    </header>
    ${commit && html`<${Facts} commit=${commit} revision=${revision} state=${state} />`}
    <${Changes}
      list=${list}
      linkOf=${(/** @type {string} */ collection, /** @type {any} */ id) => path(project, revision, "documents", collection, idText(id))}
      label="Changes of the commit"
    />
  </aside>`;
}

/** @param {{ commit: any, revision: string, state: import("../../types.js").State }} props */
function Facts({ commit, revision, state }) {
  const { project, branch } = state;
  /** @type {[string, unknown][]} */
  const facts = [
    ["Actor", commit.actor],
    ["Time", moment(commit.time)],
    ["Origin", originText(commit.origin)],
    ...Object.entries(commit.trailers).map(([name, value]) => /** @type {[string, unknown]} */ ([name, html`<span class="mono">${value}</span>`])),
    ["Digest", html`<span class="bar"><span class="mono cut" title=${commit.digest}>${commit.digest.slice(0, 16)}</span><${Copy} text=${commit.digest} label="Copy the digest" /></span>`],
  ];
  return html`<dl class="facts">${facts.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>
    <div class="bar panel-actions">
      <${Link} class="button" to=${path(project, revision, "documents")}>Browse this state</${Link}>
      <${Link} class="button" to=${withQuery(path(project, branch?.branch ?? state.revision, "diff"), { from: revision })}>Compare with the head</${Link}>
      ${branch && viewOf("undo", false) && html`<${Link} class="button" to=${withQuery(path(project, branch.branch, "undo"), { range: revision })}>Undo</${Link}>`}
      ${branch && viewOf("restore", false) && html`<${Link} class="button" to=${withQuery(path(project, branch.branch, "restore"), { revision })}>Restore</${Link}>`}
    </div>`;
}
