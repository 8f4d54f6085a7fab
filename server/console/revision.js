// Revisions: the names of states.

/**
 * The branch whose history a revision is in: `main` of `main@12`, and of a pin on it.
 *
 * @param {import("./types.js").State} state
 * @param {string} revision
 */
export function branchOf({ pins }, revision) {
  const pin = pins.find((one) => one.pin === revision || `pin:${one.pin}` === revision);
  return pin?.branch ?? revision.split(/[@~^]/, 1)[0];
}
