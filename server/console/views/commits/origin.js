// What brought a commit about, in words.

/** @param {any} origin An `Origin`. */
export function originText(origin) {
  switch (origin.kind) {
    case "import":
      return `import of ${origin.source}`;
    case "merge":
      return `merge of ${origin.source}`;
    case "undo":
      return origin.from === origin.upto ? `undo of ${origin.from}` : `undo of ${origin.from} to ${origin.upto}`;
    case "cherry_pick":
      return `cherry-pick of ${origin.commits.map((/** @type {any} */ one) => one.lsn).join(", ")}`;
    case "patch":
      return `patch ${origin.source}`;
    default:
      return "write";
  }
}
