// The state of a project that the page shows.

import { get, page, url } from "./api.js";
import { useData } from "./data.js";
import { useCallback } from "./ui/html.js";

/** The name at the beginning of a revision: `main` of `main@12` and `main~3`. @param {string} revision */
const nameOf = (revision) => revision.split(/[@~^]/, 1)[0];

/** The revision of a position: the branch itself at its head. @param {import("./types.js").Branch} branch @param {number} lsn */
export const revisionAt = (branch, lsn) => (lsn === branch.lsn ? branch.branch : `${branch.branch}@${lsn}`);

/**
 * Reads the state that a revision names, with the branches and pins of its project.
 *
 * @param {string | null} project
 * @param {string | null} revision
 */
export function useProjectState(project, revision) {
  const refs = useData(async (signal) => {
    if (project === null) return null;
    const [branches, pins] = await Promise.all([
      get(url`/v1/projects/${project}/branches`, { query: { all: true }, signal }),
      get(url`/v1/projects/${project}/pins`, { signal }),
    ]);
    return { branches, pins };
  }, [project]);
  const named = revision ?? firstBranch(refs.data?.branches);
  const commit = useData(
    async (signal) => (project === null || named === null ? null : { named, commit: await lastCommit(project, named, signal) }),
    [project, named],
  );
  const reload = useCallback(() => {
    refs.reload();
    commit.reload();
  }, [refs.reload, commit.reload]);
  const problem = refs.problem ?? commit.problem;
  if (problem) return { problem, reload, data: undefined };
  // While the next state is read, there is none.
  if (!project || !refs.data || !commit.data || commit.data.named !== named) return { reload, data: undefined };
  return { reload, data: stateOf(project, commit.data.named, refs.data, commit.data.commit, reload) };
}

/** @param {import("./types.js").Branch[] | undefined} branches */
function firstBranch(branches) {
  if (!branches) return null;
  return (branches.find((one) => one.branch === "main") ?? branches[0])?.branch ?? "main";
}

/**
 * The last commit of a state, or null if it has none.
 *
 * @param {string} project
 * @param {string} revision
 * @param {AbortSignal} signal
 * @returns {Promise<import("./types.js").Commit | null>}
 */
async function lastCommit(project, revision, signal) {
  const { items } = await page(url`/v1/projects/${project}/states/${revision}/log`, { query: { limit: 1 }, signal });
  return items[0] ?? null;
}

/**
 * @param {string} project
 * @param {string} revision
 * @param {{ branches: import("./types.js").Branch[], pins: import("./types.js").Pin[] }} refs
 * @param {import("./types.js").Commit | null} commit
 * @param {() => void} reload
 * @returns {import("./types.js").State}
 */
function stateOf(project, revision, { branches, pins }, commit, reload) {
  const name = nameOf(revision);
  const pin = pins.find((one) => one.pin === revision || `pin:${one.pin}` === revision) ?? null;
  const branch = branches.find((one) => one.branch === (pin?.branch ?? name)) ?? null;
  const isHead = branch !== null && pin === null && revision === branch.branch;
  const isWritable = isHead && !branch.read_only;
  return { project, revision, branch, pin, lsn: commit?.lsn ?? 0, commit, isHead, isWritable, branches, pins, reload };
}
