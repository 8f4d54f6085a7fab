// Times, numbers and sizes as people read them.

const number = new Intl.NumberFormat("en");
const exact = new Intl.DateTimeFormat("en-GB", {
  year: "numeric",
  month: "short",
  day: "numeric",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  timeZoneName: "short",
});
const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto", style: "short" });

/** @type {[Intl.RelativeTimeFormatUnit, number][]} */
const UNITS = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
];

/** `12345` as `12,345`. @param {number} value */
export const count = (value) => number.format(value);

/**
 * A number with its noun: `1 document`, `2 documents`.
 *
 * @param {number} value
 * @param {string} one
 * @param {string} [many]
 */
export const plural = (value, one, many = `${one}s`) => `${count(value)} ${value === 1 ? one : many}`;

/** Bytes as `1.2 MB`. @param {number} value */
export function bytes(value) {
  if (value < 1000) return `${value} B`;
  const power = Math.min(Math.floor(Math.log10(value) / 3), 5);
  const scaled = value / 1000 ** power;
  return `${scaled < 10 ? scaled.toFixed(1) : Math.round(scaled)} ${["", "kB", "MB", "GB", "TB", "PB"][power]}`;
}

/** A time from now: `5 min. ago`, `in 2 hr.`. @param {string} time */
export function ago(time) {
  const seconds = (Date.parse(time) - Date.now()) / 1000;
  for (const [unit, size] of UNITS) {
    if (Math.abs(seconds) >= size) return relative.format(Math.round(seconds / size), unit);
  }
  return Math.abs(seconds) < 10 ? "now" : relative.format(Math.round(seconds), "second");
}

/** A time in full, in the zone of the reader. @param {string} time */
export const moment = (time) => exact.format(new Date(time));

/** The first digits of a digest or an identifier. @param {string} text */
export const short = (text) => text.slice(0, 8);
