// A list of any length: only the rows that are seen are drawn.

import { html, useLayoutEffect, useRef, useState } from "./html.js";

/** How many rows are drawn above and below those that are seen. */
const SPARE = 8;

/**
 * A list whose rows have one height. It is the scroller itself, and as high as its place lets it be.
 *
 * @param {object} props
 * @param {string} props.label
 * @param {number} props.count How many rows there are.
 * @param {number} props.height The height of a row, in pixels.
 * @param {(at: number) => unknown} props.row Draws a row.
 * @param {() => void} [props.onEnd] Called when the end comes near: the next page can be read.
 * @param {unknown} [props.head] What stands above the rows, and stays there.
 * @param {string} [props.kind] A class.
 * @param {"list" | "listbox" | "rowgroup"} [props.role] What the rows are in; those of a `rowgroup` are in a table.
 */
export function VirtualList({ label, count, height, row, onEnd, head, kind = "", role = "list" }) {
  const scroller = useRef(/** @type {HTMLElement | null} */ (null));
  const [seen, setSeen] = useState({ first: 0, rows: 20 });
  useLayoutEffect(() => {
    const element = /** @type {HTMLElement} */ (scroller.current);
    const measure = () => {
      const first = Math.floor(element.scrollTop / height);
      const rows = Math.ceil(element.clientHeight / height) + 1;
      setSeen((now) => (now.first === first && now.rows === rows ? now : { first, rows }));
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    element.addEventListener("scroll", measure, { passive: true });
    return () => {
      observer.disconnect();
      element.removeEventListener("scroll", measure);
    };
  }, [height]);
  const start = Math.max(0, Math.min(seen.first, count - 1) - SPARE);
  const end = Math.min(count, seen.first + seen.rows + SPARE);
  useLayoutEffect(() => {
    if (end >= count - SPARE) onEnd?.();
  }, [end, count]);
  const rows = [];
  for (let at = start; at < end; at += 1) rows.push(row(at));
  return html`<div class=${`virtual ${kind}`} ref=${scroller} tabindex="0" aria-label=${label} role=${role === "rowgroup" ? "table" : "region"}>
    ${head}
    <div class="virtual-space" role="presentation" style=${{ height: `${count * height}px` }}>
      <div class="virtual-rows" role=${role} aria-label=${role === "listbox" ? label : undefined} style=${{ transform: `translateY(${start * height}px)` }}>${rows}</div>
    </div>
  </div>`;
}
