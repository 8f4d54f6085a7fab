// The branch that a part of the upkeep is of, as the URL has it.

import { get, url } from "../../api.js";
import { useData } from "../../data.js";
import { setQuery } from "../../router.js";
import { html } from "../../ui/html.js";
import { SelectField } from "../../ui/inputs.js";

/** @param {import("../../router.js").Route} route */
export const branchIn = ({ query }) => ({ project: query.get("project"), branch: query.get("branch") });

/** A choice of a project and a branch. @param {{ route: import("../../router.js").Route, none?: string }} props */
export function BranchChoice({ route, none = "Choose one" }) {
  const { project, branch } = branchIn(route);
  const projects = useData((signal) => get("/v1/projects", { signal }), []);
  const branches = useData(
    async (signal) => (project ? get(url`/v1/projects/${project}/branches`, { signal }) : []),
    [project],
  );
  /** @param {any[] | undefined} rows @param {string} name @returns {[string, string][]} */
  const options = (rows, name) => [["", none], ...(rows ?? []).map((row) => /** @type {[string, string]} */ ([row[name], row[name]]))];
  return html`<div class="inside limits">
    <${SelectField}
      label="Project"
      options=${options(projects.data, "project")}
      value=${project ?? ""}
      onValue=${(/** @type {string} */ value) => setQuery({ project: value, branch: null })}
    />
    <${SelectField}
      label="Branch"
      options=${options(branches.data, "branch")}
      value=${branch ?? ""}
      disabled=${!project}
      onValue=${(/** @type {string} */ value) => setQuery({ branch: value })}
    />
  </div>`;
}
