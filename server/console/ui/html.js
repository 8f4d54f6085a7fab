// What all views import to draw: Preact, its hooks, and templates.

import { Fragment, createContext, h, render } from "../vendor/preact.js";
import htm from "../vendor/htm.js";

export {
  useCallback,
  useContext,
  useEffect,
  useId,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from "../vendor/hooks.js";
export { Fragment, createContext, render };

/**
 * A piece of a page, as a template: html`<p class="note">${text}</p>`. Texts in it are never taken for markup.
 *
 * @type {(strings: TemplateStringsArray, ...values: unknown[]) => any}
 */
export const html = htm.bind(h);
