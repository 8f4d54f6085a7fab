// Deciding conflicts of a plan.

import { request, url } from "../../api.js";

/** @typedef {{ kind: string, collection: string, id?: any, path: string }} Item What a conflict or a decision is about. */
/** @typedef {"ours" | "theirs" | "base" | "value" | "absent"} Choice */

/** The words for the choices. @type {Record<Choice, string>} */
export const CHOICES = { ours: "Ours", theirs: "Theirs", base: "Base", value: "Another value", absent: "No value" };

/**
 * Decides about some conflicts: about all of them, or about none.
 *
 * @param {string} project
 * @param {string} plan
 * @param {Item[]} items
 * @param {Choice} choice
 * @param {{ json?: string, signal?: AbortSignal }} [options] `json`: the other value as JSON, so that numbers keep their types.
 */
export async function decide(project, plan, items, choice, { json, signal } = {}) {
  const decisions = items.map((item) => {
    const { collection, id, path } = item;
    const about = JSON.stringify({
      collection,
      id: item.kind === "document" ? id : undefined,
      path: isWhole(path) ? undefined : path,
      choice,
    });
    return json === undefined ? about : `${about.slice(0, -1)},"value":${json}}`;
  });
  const text = `{"decisions":[${decisions.join(",")}]}`;
  return (await request("POST", url`/v1/projects/${project}/plans/${plan}/decide`, { text, signal })).json();
}

/** Whether a path is all of a document or of the metadata of a collection. @param {string} path */
export const isWhole = (path) => path.startsWith("(");
