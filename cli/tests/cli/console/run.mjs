// node run.mjs URL PICTURES FOLDER [WORD]: runs the stories of a folder against a server; with a word, only those that
// have it in their names. `stories` wants an empty store, `with-users` one with users: see login.mjs.

import { mkdirSync, readdirSync } from "node:fs";
import { start } from "./browser.mjs";
import { begin } from "./story.mjs";

const [url, pictures, kind, word = ""] = process.argv.slice(2);
const server = url.replace(/\/$/, "");
const folder = new URL(`./${kind}/`, import.meta.url);
mkdirSync(pictures, { recursive: true });
const browser = await start();
let failed = 0;
for (const file of readdirSync(folder).sort()) {
  const stories = await import(new URL(file, folder).href);
  for (const [name, story] of Object.entries(stories)) {
    if (!name.includes(word)) continue;
    const given = await begin(browser, server, pictures);
    try {
      await story(given);
      await given.end();
      console.log(`ok ${name}`);
    } catch (error) {
      failed += 1;
      console.log(`failed ${name}: ${error.stack}`);
      await given.page.screenshot({ path: `${pictures}/failed-${name}.png` }).catch(() => {});
      await given.page.context().close();
    }
  }
}
await browser.close();
process.exitCode = failed > 0 ? 1 : 0;
