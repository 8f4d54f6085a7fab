// Hooks that read from the server.

import { Problem } from "./api.js";
import { useCallback, useEffect, useRef, useState } from "./ui/html.js";

/**
 * What `load` gives: read again when `keys` or `reload` say so, and given up when the view is left. While it is read
 * again, the data before stay.
 *
 * @template T
 * @param {(signal: AbortSignal) => Promise<T>} load
 * @param {unknown[]} keys
 * @returns {{ data: T | undefined, problem: Error | undefined, isLoading: boolean, reload: () => void }}
 */
export function useData(load, keys) {
  const [turn, setTurn] = useState(0);
  const [result, setResult] = useState(
    /** @type {{ data?: T, problem?: Error, isLoading: boolean }} */ ({ isLoading: true }),
  );
  useEffect(() => {
    const controller = new AbortController();
    setResult((now) => ({ ...now, isLoading: true }));
    load(controller.signal).then(
      (data) => controller.signal.aborted || setResult({ data, isLoading: false }),
      (problem) => controller.signal.aborted || setResult({ problem, isLoading: false }),
    );
    return () => controller.abort();
  }, [...keys, turn]);
  const reload = useCallback(() => setTurn((now) => now + 1), []);
  return { data: result.data, problem: result.problem, isLoading: result.isLoading, reload };
}

/**
 * A list that is read page by page: `more` reads the next page, if there is one and none is being read; `cancel` gives
 * it up. While it is read anew, `isStale`, the items before stay.
 *
 * @template T
 * @param {(cursor: string | null, signal: AbortSignal) => Promise<{ items: T[], next: string | null, tag?: string | null }>} load
 * @param {unknown[]} keys
 */
export function usePages(load, keys) {
  const [turn, setTurn] = useState(0);
  const empty = { items: /** @type {T[]} */ ([]), next: /** @type {string | null} */ (null) };
  const start = { ...empty, tag: /** @type {string | null | undefined} */ (null), isLoading: true };
  const [list, setList] = useState(
    /** @type {typeof start & { problem?: Error, isStale?: boolean }} */ (start),
  );
  const running = useRef(/** @type {AbortController | null} */ (null));
  /** @param {string | null} cursor */
  const read = (cursor) => {
    const controller = new AbortController();
    running.current?.abort();
    running.current = controller;
    const settle = () => {
      if (running.current === controller) running.current = null;
      return !controller.signal.aborted;
    };
    setList((now) => ({ ...now, isLoading: true, isStale: cursor === null, problem: undefined }));
    load(cursor, controller.signal).then(
      ({ items, next, tag }) => {
        if (!settle()) return;
        setList((now) => ({ items: cursor ? [...now.items, ...items] : items, next, tag, isLoading: false }));
      },
      (problem) => settle() && setList((now) => ({ ...(cursor ? now : { ...start }), isLoading: false, problem })),
    );
  };
  useEffect(() => {
    read(null);
    return () => running.current?.abort();
  }, [...keys, turn]);
  const more = () => {
    if (list.next && !running.current && !list.problem) read(list.next);
  };
  const reload = useCallback(() => setTurn((now) => now + 1), []);
  const cancel = useCallback(() => {
    running.current?.abort();
    running.current = null;
    const problem = new Problem({ title: "Cancelled", detail: "The list was not read to its end." });
    setList((now) => ({ ...now, isLoading: false, isStale: false, problem }));
  }, []);
  return { ...list, more, reload, cancel };
}

/**
 * Runs work that a button starts: `run` starts it, `cancel` gives it up. One at a time.
 *
 * @template {unknown[]} A
 * @param {(signal: AbortSignal, ...args: A) => Promise<void>} work
 */
export function useWork(work) {
  const [isRunning, setRunning] = useState(false);
  const [problem, setProblem] = useState(/** @type {Error | undefined} */ (undefined));
  const running = useRef(/** @type {AbortController | null} */ (null));
  useEffect(() => () => running.current?.abort(), []);
  /** @param {A} args */
  const run = async (...args) => {
    if (running.current) return;
    const controller = new AbortController();
    running.current = controller;
    setRunning(true);
    setProblem(undefined);
    try {
      await work(controller.signal, ...args);
    } catch (error) {
      if (!controller.signal.aborted) setProblem(/** @type {Error} */ (error));
    } finally {
      running.current = null;
      setRunning(false);
    }
  };
  const cancel = () => running.current?.abort();
  return { run, cancel, isRunning, problem };
}

/**
 * A value that follows another one after it has rested for a time.
 *
 * @template T
 * @param {T} value
 * @param {number} [milliseconds]
 */
export function useRested(value, milliseconds = 150) {
  const [rested, setRested] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setRested(value), milliseconds);
    return () => clearTimeout(timer);
  }, [value, milliseconds]);
  return rested;
}
