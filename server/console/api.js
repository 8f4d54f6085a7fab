// Requests to the server that carries this page.

/** An error that the server replied with, as RFC 9457 has it, or that kept it from replying. */
export class Problem extends Error {
  /** @param {Partial<import("./types.js").ProblemBody>} body */
  constructor(body) {
    super(body.detail ?? body.title ?? "The request failed.");
    this.title = body.title ?? "Error";
    this.status = body.status ?? 0;
    this.kind = body.kind ?? "";
    this.hint = body.hint ?? null;
    this.details = body.details ?? {};
    this.causes = body.causes ?? [];
  }
}

/**
 * A path with its parts encoded: url`/v1/projects/${project}/branches/${branch}`.
 *
 * @param {TemplateStringsArray} strings
 * @param {...(string | number)} parts
 */
export function url(strings, ...parts) {
  return strings.reduce((path, text, at) => path + encodeURIComponent(parts[at - 1]) + text);
}

/**
 * @typedef {object} Options
 * @property {Record<string, unknown>} [query] Parameters of the URL; those that are undefined or null are left out.
 * @property {unknown} [body] The body, sent as JSON.
 * @property {string} [text] The body as JSON that is written already.
 * @property {Record<string, string>} [headers]
 * @property {AbortSignal} [signal]
 */

/** @type {() => Promise<void>} */
let logIn = () => Promise.reject(new Problem({ title: "Unauthorized", status: 401, detail: "Log in first." }));

/**
 * Sets what to do when the server asks for a login. The request is repeated when the promise resolves.
 *
 * @param {() => Promise<void>} ask
 */
export function onLogin(ask) {
  logIn = ask;
}

/**
 * Sends a request. Throws a `Problem` for every reply that is not a success.
 *
 * @param {string} method
 * @param {string} path
 * @param {Options} [options]
 * @returns {Promise<Response>}
 */
export async function request(method, path, options = {}) {
  const { query = {}, body, text, headers = {}, signal } = options;
  const content = text ?? (body === undefined ? undefined : JSON.stringify(body));
  const sent = content === undefined ? headers : { "Content-Type": "application/json", ...headers };
  const reply = await send(path + search(query), { method, headers: sent, body: content, signal });
  if (reply.ok) return reply;
  if (reply.status === 401 && !path.startsWith("/v1/session")) {
    await logIn();
    return request(method, path, options);
  }
  throw await problemOf(reply);
}

/** @param {string} target @param {RequestInit} sent */
async function send(target, sent) {
  try {
    return await fetch(target, sent);
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    const detail = "The server does not answer. It may have been stopped; try again.";
    throw new Problem({ title: "No connection", detail });
  }
}

/** @param {Response} reply */
async function problemOf(reply) {
  const type = reply.headers.get("Content-Type") ?? "";
  if (type.startsWith("application/problem+json")) return new Problem(await reply.json());
  return new Problem({ title: reply.statusText, status: reply.status, detail: await reply.text() });
}

/** @param {Record<string, unknown>} query */
function search(query) {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== undefined && one !== null && one !== "") parameters.append(name, String(one));
    }
  }
  return parameters.size ? `?${parameters}` : "";
}

/**
 * The result of a request, or null if the reply is empty.
 *
 * @param {string} method
 * @param {string} path
 * @param {Options} [options]
 * @returns {Promise<any>}
 */
async function result(method, path, options) {
  const reply = await request(method, path, options);
  return reply.status === 204 ? null : reply.json();
}

/** @param {string} path @param {Options} [options] */
export const get = (path, options) => result("GET", path, options);

/** @param {string} path @param {unknown} [body] @param {Options} [options] */
export const post = (path, body = {}, options) => result("POST", path, { body, ...options });

/** @param {string} path @param {unknown} [body] @param {Options} [options] */
export const put = (path, body = {}, options) => result("PUT", path, { body, ...options });

/** @param {string} path @param {unknown} [body] @param {Options} [options] */
export const patch = (path, body = {}, options) => result("PATCH", path, { body, ...options });

/** @param {string} path @param {Options} [options] */
export const remove = (path, options) => result("DELETE", path, options);

/**
 * A page of a list: its items, the cursor of the next page, and the state that it is of.
 *
 * @param {string} path
 * @param {Options & { method?: string }} [options]
 * @returns {Promise<{ items: any[], next: string | null, tag: string | null, revision: string | null }>}
 */
export async function page(path, options = {}) {
  const reply = await request(options.method ?? "GET", path, options);
  const { items, next } = await reply.json();
  const { headers } = reply;
  return { items, next, tag: headers.get("ETag"), revision: headers.get("Argon-Revision") };
}

/**
 * All items of a list, one after the other as they come.
 *
 * @param {string} path
 * @param {Options} [options]
 * @returns {AsyncGenerator<any, void>}
 */
export async function* items(path, options = {}) {
  const headers = { ...options.headers, Accept: "application/x-ndjson" };
  const reply = await request("GET", path, { ...options, headers });
  for await (const line of lines(reply)) if (line) yield JSON.parse(line);
}

/**
 * The events of a stream (SSE), from now on or after the event with the given id.
 *
 * @param {string} path
 * @param {{ lastId?: string, signal?: AbortSignal }} [options]
 * @returns {AsyncGenerator<{ type: string, id: string, data: any }, void>}
 */
export async function* events(path, { lastId, signal } = {}) {
  /** @type {Record<string, string>} */
  const headers = { Accept: "text/event-stream" };
  if (lastId) headers["Last-Event-ID"] = lastId;
  const reply = await request("GET", path, { headers, signal });
  let event = { type: "message", id: "", data: "" };
  for await (const line of lines(reply)) {
    const [field, value] = split(line);
    if (line === "") {
      if (event.data) yield { ...event, data: JSON.parse(event.data) };
      event = { type: "message", id: event.id, data: "" };
    } else if (field === "event") event.type = value;
    else if (field === "id") event.id = value;
    else if (field === "data") event.data += value;
  }
}

/** @param {string} line @returns {[string, string]} */
function split(line) {
  const at = line.indexOf(":");
  return at < 0 ? [line, ""] : [line.slice(0, at), line.slice(at + 1).trimStart()];
}

/** @param {Response} reply */
async function* lines(reply) {
  const reader = /** @type {ReadableStream<Uint8Array>} */ (reply.body).getReader();
  const decoder = new TextDecoder();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      const parts = (rest + decoder.decode(value, { stream: true })).split("\n");
      rest = /** @type {string} */ (parts.pop());
      yield* parts;
    }
    if (rest) yield rest;
  } finally {
    reader.cancel().catch(() => {});
  }
}
