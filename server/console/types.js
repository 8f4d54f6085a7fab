// The shapes of the server's results, by the names that the console has for them. No code: openapi.d.ts is made from
// /openapi.json when the types are checked.

/** @typedef {import("./openapi.js").components["schemas"]} Schemas */
/** @typedef {Schemas["ProblemDetails"]} ProblemBody */
/** @typedef {Schemas["ListedBranch"]} Branch */
/** @typedef {Schemas["ShownPin"]} Pin */
/** @typedef {Schemas["ListedProject"]} Project */
/** @typedef {Schemas["ListedCommit"]} Commit */
/** @typedef {Schemas["GraphCommit"]} GraphCommit */
/** @typedef {Schemas["ShownCommit"]} ShownCommit */
/** @typedef {Schemas["ListedCollection"]} Collection */
/** @typedef {Schemas["Shown"]} Shown */
/** @typedef {Schemas["Origin"]} Origin */
/** @typedef {Schemas["DocumentVersion"]} DocumentVersion */
/** @typedef {Schemas["FieldBlame"]} FieldBlame */
/** @typedef {Schemas["FieldDifference"]} FieldDifference */
/** @typedef {Schemas["ShownPlan"]} Plan */
/** @typedef {Schemas["ListedPlan"]} ListedPlan */
/** @typedef {Schemas["ShownConflict"]} Conflict */
/** @typedef {Schemas["ListedSandbox"]} Sandbox */
/** @typedef {Schemas["IndexInfo"]} Index */
/** @typedef {Schemas["ShownUser"]} User */
/** @typedef {Schemas["AuditEvent"]} AuditEvent */
/** @typedef {Schemas["ShownSnapshot"]} Snapshot */
/** @typedef {Schemas["ShownCheck"]} Check */

/**
 * A state of a project as the page has it.
 *
 * @typedef {object} State
 * @property {string} project
 * @property {string} revision What the URL names.
 * @property {Branch | null} branch The branch of it; none if the revision names a pin of a branch that is gone.
 * @property {Pin | null} pin The pin, if the revision names one.
 * @property {number} lsn Its position, 0 without commits.
 * @property {Commit | null} commit Its last commit.
 * @property {boolean} isHead Whether it follows the head of the branch, so that it can be written.
 * @property {boolean} isWritable Whether documents can be written: the head of a branch that takes commits.
 * @property {Branch[]} branches All branches of the project, backups too.
 * @property {Pin[]} pins All pins of the project.
 * @property {() => void} reload Reads the state again, after a write.
 */

export {};
