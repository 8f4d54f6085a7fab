// Ranges of commits as revisions: `main@11..main@14` is what came after 11 up to 14.

/** @param {string} branch @param {number} from The first commit. @param {number} upto The last one. */
export const rangeOf = (branch, from, upto) =>
  from === upto ? `${branch}@${upto}` : `${branch}@${from - 1}..${branch}@${upto}`;

/**
 * The positions of a range, if it names positions.
 *
 * @param {string} range
 * @returns {{ from: number, upto: number } | null}
 */
export function spanOf(range) {
  const [from, upto] = range.split("..").map((revision) => /@(\d+)$/.exec(revision)?.[1]);
  if (from === undefined) return null;
  if (!range.includes("..")) return { from: Number(from), upto: Number(from) };
  return upto === undefined ? null : { from: Number(from) + 1, upto: Number(upto) };
}
