// Why something can't be done in a state: a sentence for the person who wants to do it.

/** @typedef {import("./types.js").State} State */

/** Why the state takes no commits, or undefined if it takes them. @param {State} state */
export function whyNoCommit({ branch, revision, isHead }) {
  if (!branch) return `The branch of ${revision} does not exist any more.`;
  if (!isHead)
    return `${revision} is a past state, and stays as it is. Go to the head of ${branch.branch} to change it.`;
  if (branch.read_only) return `${branch.branch} is read-only: it takes no commits.`;
  return undefined;
}

/** Why nothing can be merged into the state, undone in it or restored in part. @param {State} state */
export function whyNoMerge(state) {
  const { branch } = state;
  if (branch?.masked)
    return `${branch.branch} is masked: what it shows is not what is stored. Use the branch of which it was made.`;
  return whyNoCommit(state);
}

/** Why the branch of the state can't be reset. @param {State} state */
export function whyNoReset(state) {
  const { branch, isHead, revision } = state;
  if (branch && !isHead) return `${revision} is a past state. Go to the head of ${branch.branch} to reset the branch.`;
  if (branch?.protected)
    return `${branch.branch} is protected: it can't be reset. Its protection ends in the view Branches.`;
  return whyNoCommit(state);
}
