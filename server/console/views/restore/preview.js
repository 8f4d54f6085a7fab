// What a restore would change, read page by page.

import { page } from "../../api.js";
import { usePages } from "../../data.js";

/**
 * The changes of a restore, and their numbers.
 *
 * @param {string} target The path of the preview.
 * @param {Record<string, unknown>} query
 * @param {unknown[]} keys
 */
export function usePreview(target, query, keys) {
  const list = usePages(
    (cursor, signal) =>
      page(target, { query: { ...query, canonical: true, detail: "fields", cursor, limit: 200 }, signal }),
    keys,
  );
  const numbers = usePages((_, signal) => page(target, { query: { ...query, detail: "summary" }, signal }), keys);
  const summary = numbers.items.find((/** @type {any} */ item) => item.kind === "summary");
  const isNone = summary && summary.collections === 0;
  return { list, summary, isNone, problem: numbers.problem };
}
