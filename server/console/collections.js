// The collections of a state.

import { page, url } from "./api.js";

/**
 * The names of the collections of a state, for a choice among them.
 *
 * @param {string} project
 * @param {string} revision
 * @param {AbortSignal} signal
 * @returns {Promise<string[]>}
 */
export async function collectionNames(project, revision, signal) {
  const { items } = await page(url`/v1/projects/${project}/states/${revision}/collections`, { query: { limit: 10000 }, signal });
  return items.map((one) => one.collection);
}
