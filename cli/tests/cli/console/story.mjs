// What the stories share: a page that fails at errors, looks at accessibility, and a server to prepare.

import path from "node:path";
import axe from "axe-core";

/** What a story may wait for, in milliseconds. */
const PATIENCE = 10_000;

/**
 * What a story gets.
 *
 * @param {import("playwright-core").Browser} browser
 * @param {string} server The URL of the server, without a `/` at the end.
 * @param {string} pictures Where screenshots go.
 */
export async function begin(browser, server, pictures) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, reducedMotion: "reduce" });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  const problems = [];
  const expected = [];
  page.on("pageerror", (error) => problems.push(error.stack));
  page.on("console", (message) => {
    const isExpected = expected.some((pattern) => pattern.test(message.text()));
    if (["error", "warning"].includes(message.type()) && !isExpected) problems.push(message.text());
  });

  /** Goes to a page of the console. */
  const open = (target) => page.goto(`${server}/console/${target}`);

  /** Says that the server will refuse something, as the browser notes it. */
  const expectRefusal = (status) => expected.push(new RegExp(`status of ${status}`));

  /** Says that requests will not reach the server. */
  const expectSilence = () => expected.push(/net::ERR_/);

  /** Takes pictures, and lets axe look at the page, in light and dark. */
  const look = async (name) => {
    for (const colorScheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme });
      await page.screenshot({ path: path.join(pictures, `${name}-${colorScheme}.png`) });
      await accessible(`${name}, ${colorScheme}`);
    }
    await page.emulateMedia({ colorScheme: "light" });
  };

  /** Takes a picture of a narrow window. */
  const lookNarrow = async (name) => {
    await page.setViewportSize({ width: 400, height: 800 });
    await page.screenshot({ path: path.join(pictures, `${name}-narrow.png`) });
    await accessible(`${name}, narrow`);
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    if (width > 400) problems.push(`${name} is ${width} pixels wide in a window of 400`);
    await page.setViewportSize({ width: 1280, height: 800 });
  };

  const accessible = async (name) => {
    await page.evaluate(axe.source);
    const found = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
    for (const { id, impact, help, nodes } of found.violations) {
      if (!["serious", "critical"].includes(impact)) continue;
      problems.push(`${name}: ${id}: ${help}: ${nodes.map((node) => `${node.html} ${node.failureSummary}`).slice(0, 3).join("\n")}`);
    }
  };

  const end = async () => {
    await context.close();
    if (problems.length > 0) throw new Error(problems.join("\n"));
  };
  return { page, open, look, lookNarrow, expectRefusal, expectSilence, end, api: requests(server) };
}

/** Requests that prepare a store: `api("POST", "/v1/projects", { project: "shop" })`. */
function requests(server) {
  return async (method, target, body) => {
    const headers = body === undefined ? {} : { "Content-Type": "application/json" };
    const reply = await fetch(server + target, { method, headers, body: body && JSON.stringify(body) });
    const text = await reply.text();
    if (!reply.ok) throw new Error(`${method} ${target}: ${reply.status} ${text}`);
    return text ? JSON.parse(text) : null;
  };
}

/** Makes a project with three products, a change of one, and a branch with two more changes. */
export async function shop(api, project) {
  await api("POST", "/v1/projects", { project });
  const base = `/v1/projects/${project}`;
  const products = (branch) => `${base}/branches/${branch}/collections/products/documents`;
  const documents = [
    { _id: 1, name: "Lamp", price: 49.9, stock: { berlin: 3, paris: 0 } },
    { _id: 2, name: "Chair", price: 80, stock: { berlin: 1, paris: 5 }, tags: ["wood"] },
    { _id: 3, name: "Desk", price: 210, stock: { berlin: 0, paris: 2 } },
  ];
  await api("POST", products("main"), { documents, message: "the first products" });
  await api("PATCH", products("main"), { filter: { _id: 2 }, update: { $set: { price: 85 } }, message: "dearer chairs" });
  await api("POST", `${base}/branches`, { branch: "sale", from: "main" });
  await api("PATCH", products("sale"), { filter: { _id: 1 }, update: { $set: { price: 39 } }, message: "a sale of lamps" });
  await api("POST", products("sale"), { documents: [{ _id: 4, name: "Shelf", price: 30 }], message: "a shelf" });
}
