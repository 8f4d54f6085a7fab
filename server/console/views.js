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
  { name: "indexes", title: "Indexes", icon: "index", group: "Data", key: "i", load: () => import("./views/indexes.js") },
  { name: "explain", title: "Explain", icon: "search", group: "Data", key: "e", load: () => import("./views/explain.js") },
  { name: "merge", title: "Merge", icon: "merge", group: "Review", key: "m", load: () => import("./views/merge.js") },
  { name: "undo", title: "Undo", icon: "undo", group: "Review", key: "u", load: () => import("./views/undo.js") },
  { name: "restore", title: "Restore", icon: "history", group: "Review", key: "r", load: () => import("./views/restore.js") },
  { name: "graph", title: "Branches", icon: "branch", group: "Project", key: "b", load: () => import("./views/graph.js") },
  { name: "pins", title: "Pins", icon: "pin", group: "Project", key: "p", load: () => import("./views/pins.js") },
  { name: "sandboxes", title: "Sandboxes", icon: "sandbox", group: "Project", key: "s", load: () => import("./views/sandboxes.js") },
  { name: "masks", title: "Masks", icon: "mask", group: "Project", key: "k", load: () => import("./views/masks.js") },
  { name: "overview", title: "Overview", icon: "home", group: "Store", key: "o", load: () => import("./views/overview.js") },
  { name: "users", title: "Users", icon: "user", group: "Store", key: "w", load: () => import("./views/users.js") },
  { name: "audit", title: "Audit", icon: "eye", group: "Store", key: "a", load: () => import("./views/audit.js") },
  { name: "metrics", title: "Metrics", icon: "gauge", group: "Store", key: "t", load: () => import("./views/metrics.js") },
  { name: "upkeep", title: "Upkeep", icon: "tool", group: "Store", key: "x", load: () => import("./views/upkeep.js") },
];

/** The view of a name, among those of the store or those of a state. @param {string} name @param {boolean} ofStore */
export const viewOf = (name, ofStore) =>
  VIEWS.find((view) => view.name === name && (view.group === "Store") === ofStore);
