// A real browser for tests, what it is served, and how a terminal in it is read.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const WEB = fileURLToPath(new URL("../..", import.meta.url));
const PICTURES = `${WEB}test/output`;
const PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const ARGUMENTS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
];

/** Starts the browser. */
export async function openBrowser() {
  const executablePath = process.env.CHROMIUM ?? PLACES.find((path) => existsSync(path));
  assert.ok(executablePath, "there is no Chromium; the variable CHROMIUM may name one");
  await mkdir(PICTURES, { recursive: true });
  return chromium.launch({ executablePath, headless: true, args: ARGUMENTS });
}

/** What the server gives: the built page, the image, and for other pages the package itself. */
export function site(image, more = {}) {
  return (path) => {
    if (path === "/image.ext2") return image;
    if (path in more) return more[path];
    if (/^\/(dist|node_modules|test\/pages)\//.test(path)) return WEB + path.slice(1);
    return `${WEB}page/dist${path === "/" ? "/index.html" : path}`;
  };
}

/** Waits until a terminal shows what matches; all that it shows then. */
export async function shows(page, pattern, within = "#console") {
  const read = () => page.locator(`${within} .xterm-rows`).innerText({ timeout: 15_000 }).catch(() => "");
  const until = Date.now() + 15_000;
  for (;;) {
    // A terminal's rows are filled with blanks.
    const text = (await read()).replaceAll("\u00a0", " ").replace(/ +$/gm, "").trim();
    if (pattern.test(text)) return text;
    assert.ok(Date.now() < until, `not shown: ${pattern}; but: ${text}`);
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
}

/** Types a line into a terminal. */
export async function type(page, line, within = "#console") {
  await page.locator(`${within} textarea`).focus();
  await page.keyboard.type(`${line}\n`);
}

/** Keeps a picture of the page, for people to look at. */
export function picture(page, name) {
  return page.screenshot({ path: `${PICTURES}/${name}.png` });
}
