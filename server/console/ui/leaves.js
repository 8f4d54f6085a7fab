// Several values field by field, down to what is no document.

import { kindOf } from "../ejson.js";

/**
 * The fields that at least one of the values has, each with what every value has there. A value that is no document is
 * one row with an empty path.
 *
 * @param {Record<string, any>} values
 * @returns {({ path: string } & Record<string, any>)[]}
 */
export function fieldRows(values) {
  /** @type {Map<string, any>} */
  const rows = new Map();
  for (const [name, value] of Object.entries(values)) {
    for (const [path, leaf] of leaves(value, "")) rows.set(path, { ...(rows.get(path) ?? { path }), [name]: leaf });
  }
  return [...rows.values()];
}

/** @param {any} value @param {string} path @returns {Generator<[string, any]>} */
function* leaves(value, path) {
  if (value === undefined) return;
  const isDocument = value !== null && kindOf(value) === "object" && Object.keys(value).length > 0;
  if (!isDocument) return void (yield [path, value]);
  for (const [name, inner] of Object.entries(value)) yield* leaves(inner, path ? `${path}.${name}` : name);
}
