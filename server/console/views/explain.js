// How a query or a pipeline reads a collection.

import { request, url } from "../api.js";
import { collectionNames } from "../collections.js";
import { useData } from "../data.js";
import { documentProblem, toJson } from "../query.js";
import { Link, navigate, path, setQuery, withQuery } from "../router.js";
import { Button, Switch } from "../ui/controls.js";
import { html, useEffect, useRef, useState } from "../ui/html.js";
import { Icon } from "../ui/icons.js";
import { Empty, Loading, ProblemNotice } from "../ui/notice.js";
import { Explanation } from "./explain/explanation.js";
import { AreaField, TextField, withValue } from "../ui/inputs.js";

const PARTS = /** @type {const} */ (["filter", "sort", "projection", "hint"]);

/** @param {{ state: import("../types.js").State, route: import("../router.js").Route }} props */
export default function Explain({ state, route }) {
  const { project, revision, lsn } = state;
  const [collection] = route.parts;
  const collections = useData((signal) => collectionNames(project, revision, signal), [project, revision, lsn]);
  const query = Object.fromEntries(route.query);
  return html`<div class="view">
    <header>
      <h1>Explain</h1>
      <select aria-label="Collection" value=${collection ?? ""}
        onInput=${withValue((value) => navigate(withQuery(path(project, revision, "explain", value), query)))}>
        ${!collection && html`<option value="">Choose a collection</option>`}
        ${(collections.data ?? []).map((one) => html`<option value=${one}>${one}</option>`)}
      </select>
      ${
        collection &&
        html`<span class="bar right">
          <${Link}
            class="button quiet"
            to=${path(project, revision, "indexes", collection)}
          ><${Icon} name="index" />Indexes</${Link}>
          <${Link}
            class="button quiet"
            to=${withQuery(path(project, revision, "documents", collection), { filter: query.filter, sort: query.sort })}
          ><${Icon} name="table" />Documents</${Link}>
        </span>`
      }
    </header>
    ${
      collection
        ? html`<${Query} key=${collection} query=${query} />
            <${Result} state=${state} collection=${collection} query=${query} />`
        : html`<${Empty} icon="search" title="Choose a collection" />`
    }
  </div>`;
}

/** @param {{ query: Record<string, string> }} props */
function Query({ query }) {
  const isPipeline = query.pipeline !== undefined;
  const [typed, setTyped] = useState(query);
  const key = JSON.stringify(query);
  useEffect(() => setTyped(query), [key]);
  const problems = isPipeline
    ? [listProblem(typed.pipeline ?? "")]
    : PARTS.map((part) => (part === "hint" ? undefined : documentProblem(typed[part] ?? "")));
  /** @param {Event} event */
  const submit = (event) => {
    event.preventDefault();
    if (!problems.some(Boolean)) setQuery(typed);
  };
  /** @param {string} name @param {string} label @param {string} example @param {string | undefined} problem */
  const input = (name, label, example, problem) => html`<${TextField}
    class="code"
    label=${label}
    problem=${problem}
    placeholder=${example}
    value=${typed[name] ?? ""}
    onValue=${(/** @type {string} */ value) => setTyped((now) => ({ ...now, [name]: value }))}
  />`;
  return html`<section class="card" aria-label="Query">
    <header>
      <${Switch}
        label="What is explained"
        value=${isPipeline ? "pipeline" : "query"}
        options=${[
          { value: "query", label: "Query" },
          { value: "pipeline", label: "Pipeline" },
        ]}
        onChange=${(/** @type {string} */ value) =>
          navigate(
            withQuery(
              location.pathname,
              value === "pipeline"
                ? { pipeline: typed.filter ? `[{$match: ${typed.filter}}]` : "[]" }
                : { filter: typed.filter },
            ),
          )}
      />
    </header>
    <form class="inside limits" onSubmit=${submit}>
      ${
        isPipeline
          ? html`<${AreaField}
              label="Pipeline"
              problem=${problems[0]}
              rows="5"
              placeholder='[{$match: {price: {$gt: 30}}}, {$group: {_id: "$brand"}}]'
              value=${typed.pipeline ?? ""}
              onValue=${(/** @type {string} */ value) => setTyped((now) => ({ ...now, pipeline: value }))}
            />`
          : html`${input("filter", "Filter", "{price: {$gt: 30}}", problems[0])}
              ${input("sort", "Sort", "{price: -1}", problems[1])}
              ${input("projection", "Projection", "{name: 1}", problems[2])}
              ${input("hint", "Index", "the best one, or price_-1", undefined)}`
      }
      <div class="bar foot">
        <${Button} type="submit" kind="primary" icon="search">Explain</${Button}>
        <label class="check"><input
          type="checkbox"
          checked=${Boolean(typed.execute)}
          onChange=${(/** @type {any} */ event) => setTyped((now) => ({ ...now, execute: event.target.checked ? "true" : "" }))}
        />
          Run it, to count what it reads</label>
      </div>
    </form>
  </section>`;
}

/** @param {string} typed */
function listProblem(typed) {
  try {
    return toJson(typed || "[]").startsWith("[") ? undefined : "expected a list of stages: [{…}]";
  } catch (error) {
    return /** @type {Error} */ (error).message;
  }
}

/** @param {{ state: import("../types.js").State, collection: string, query: Record<string, string> }} props */
function Result({ state, collection, query }) {
  const { project, revision, lsn } = state;
  const running = useRef(/** @type {AbortController | null} */ (null));
  const target = url`/v1/projects/${project}/states/${revision}/collections/${collection}/explain`;
  const found = useData(
    async (signal) => {
      const controller = new AbortController();
      running.current = controller;
      const began = performance.now();
      const answer = await explain(target, query, AbortSignal.any([signal, controller.signal]));
      return { answer, took: performance.now() - began };
    },
    [target, lsn, JSON.stringify(query)],
  );
  if (found.isLoading)
    return html`<${Loading}
      text=${query.execute ? "Running the query" : "Planning"}
      onCancel=${query.execute ? () => running.current?.abort() : undefined}
    />`;
  if (found.problem?.name === "AbortError")
    return html`<${Empty} title="Cancelled"><${Button} icon="reload" onClick=${found.reload}>Run it again</${Button}></${Empty}>`;
  if (found.problem) return html`<${ProblemNotice} problem=${found.problem} onRetry=${found.reload} />`;
  return html`<${Explanation} answer=${found.data?.answer} took=${found.data?.took ?? 0} />`;
}

/** @param {string} target @param {Record<string, string>} query @param {AbortSignal} signal */
async function explain(target, { pipeline, execute, ...query }, signal) {
  if (pipeline !== undefined) {
    const text = `{"pipeline":${toJson(pipeline || "[]")}${execute ? ',"execute":true' : ""}}`;
    return (await request("POST", target, { text, signal })).json();
  }
  const [filter, sort, projection] = PARTS.map((part) =>
    query[part] && part !== "hint" ? toJson(query[part]) : undefined,
  );
  return (
    await request("GET", target, { query: { filter, sort, projection, hint: query.hint, execute }, signal })
  ).json();
}
