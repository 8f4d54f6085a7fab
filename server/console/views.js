// The views, in the order of the navigation. A view is a file in views/ whose default export draws it: with
// `{ state, route }` if it is of a state, and with `{ route }` if it is of the store.

/**
 * @typedef {object} View
 * @property {string} name Its part of the URL.
 * @property {string} title
 * @property {string} icon
 * @property {string} group Where it is in the navigation; "Store" for those of the store.
 * @property {string} [key] The key that goes there, after `g`.
 * @property {() => Promise<{ default: (props: any) => any }>} load
 */

/** @type {View[]} */
export const VIEWS = [
  { name: "documents", title: "Documents", icon: "table", group: "Data", key: "d", load: () => import("./views/documents.js") },
  { name: "diff", title: "Compare", icon: "diff", group: "Data", key: "c", load: () => import("./views/diff.js") },
  { name: "commits", title: "Commits", icon: "commit", group: "Data", key: "l", load: () => import("./views/commits.js") },
  { name: "live", title: "Live changes", icon: "live", group: "Data", key: "v", load: () => import("./views/live.js") },
  { name: "graph", title: "Branches", icon: "branch", group: "Project", key: "b", load: () => import("./views/graph.js") },
  { name: "overview", title: "Overview", icon: "home", group: "Store", key: "o", load: () => import("./views/overview.js") },
];

/** The view of a name, among those of the store or those of a state. @param {string} name @param {boolean} ofStore */
export const viewOf = (name, ofStore) =>
  VIEWS.find((view) => view.name === name && (view.group === "Store") === ofStore);
