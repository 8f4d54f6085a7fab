// The browser of the stories: a Chromium on the PATH, or else that of a package.

import { accessSync, constants, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { chromium } from "playwright-core";

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Starts the browser with a new, empty profile. */
export async function start() {
  const executablePath = onPath() ?? (await ofPackage());
  return chromium.launch({ executablePath, args: FLAGS });
}

function onPath() {
  const folders = (process.env.PATH ?? "").split(path.delimiter);
  const files = NAMES.flatMap((name) => folders.map((folder) => path.join(folder, name)));
  return files.find((file) => {
    try {
      accessSync(file, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** It unpacks itself into TMPDIR, with the libraries and fonts that a small system lacks, if it takes this one for Lambda. */
async function ofPackage() {
  process.env.AWS_LAMBDA_JS_RUNTIME = "nodejs22.x";
  const { default: packed } = await import("@sparticuz/chromium");
  const executable = await packed.executablePath();
  // Its own file names /tmp.
  const fonts = path.join(tmpdir(), "fonts");
  const content = `<fontconfig><dir>${fonts}</dir><cachedir>${fonts}-cache</cachedir></fontconfig>`;
  writeFileSync(path.join(fonts, "fonts.conf"), content);
  return executable;
}
