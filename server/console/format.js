// Times, numbers and sizes as people read them.

/** @type {[string, number][]} */
const UNITS = [
  ["y", 31_536_000],
  ["mo", 2_592_000],
  ["d", 86_400],
  ["h", 3_600],
  ["min", 60],
  ["s", 1],
];

/** What is nearer than this is now, in seconds. */
const NOW = 10;

/** `12345` as `12,345`. @param {number} value */
export const count = (value) => String(value).replace(/\B(?=(\d{3})+$)/g, ",");

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

/** A time from now: `5 min ago`, `in 2 h`. @param {string} time */
export function ago(time) {
  const seconds = (Date.parse(time) - Date.now()) / 1000;
  const distance = Math.abs(seconds);
  if (distance < NOW) return "now";
  const [name, size] = /** @type {[string, number]} */ (UNITS.find((unit) => distance >= unit[1]));
  const text = `${Math.round(distance / size)} ${name}`;
  return seconds < 0 ? `${text} ago` : `in ${text}`;
}

/** A time in full, in the zone of the reader: `2026-07-07 09:00:00 +02:00`. @param {string} time */
export function moment(time) {
  const date = new Date(time);
  const offset = -date.getTimezoneOffset();
  const local = new Date(date.getTime() + offset * 60_000).toISOString();
  const zone = [Math.abs(offset) / 60, Math.abs(offset) % 60].map((part) => String(Math.floor(part)).padStart(2, "0"));
  return `${local.slice(0, 10)} ${local.slice(11, 19)} ${offset < 0 ? "-" : "+"}${zone.join(":")}`;
}
