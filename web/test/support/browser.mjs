// A real browser for tests, what it is served, and how a terminal in it is read.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { serveFiles } from "./server.mjs";

const WEB = fileURLToPath(new URL("../..", import.meta.url));
const PICTURES = `${WEB}test/output`;
const PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const ARGUMENTS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
];

/** Starts the browser. */
export async function openBrowser() {
  return chromium.launch({ executablePath: await find(), headless: true, args: ARGUMENTS });
}

async function find() {
  const path = process.env.CHROMIUM ?? PLACES.find((path) => existsSync(path));
  assert.ok(path, "there is no Chromium; the variable CHROMIUM may name one");
  await mkdir(PICTURES, { recursive: true });
  return path;
}

/**
 * Starts the browser with its files on a disk of so many megabytes: all that it keeps, which for
 * a page is a part of it. It has one context, which is what pages are made in.
 */
export async function openSmallBrowser(megabytes) {
  const folder = await mkdtemp(join(tmpdir(), "sampan-small-"));
  const [path, profile] = [join(folder, "chromium"), join(folder, "profile")];
  await mkdir(profile);
  // What is mounted in a namespace of its own goes with the process.
  const mount = `mount -t tmpfs -o size=${megabytes}m none '${profile}' && exec '${await find()}' "$@"`;
  await writeFile(path, `#!/bin/sh\nexec unshare --map-root-user --mount sh -c '${mount.replaceAll("'", "'\\''")}' sh "$@"\n`);
  await chmod(path, 0o755);
  const context = await chromium.launchPersistentContext(profile, { executablePath: path, headless: true, args: ARGUMENTS });
  const close = async () => {
    await context.close();
    await rm(folder, { recursive: true });
  };
  return { newContext: async () => context, close };
}

/** Bytes of memory of all pages' processes, what they share counted in parts. */
export async function rendererMemory(browser) {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send("SystemInfo.getProcessInfo");
  await session.detach();
  let kilobytes = 0;
  for (const { type, id } of processInfo) {
    if (type !== "renderer") continue;
    const rollup = await readFile(`/proc/${id}/smaps_rollup`, "latin1").catch(() => "");
    kilobytes += Number(/^Pss:\s+(\d+)/m.exec(rollup)?.[1] ?? 0);
  }
  return kilobytes * 1024;
}

/** What the server gives: the built page, the image, and for other pages the package itself. */
export function site(image, more = {}, chunks = undefined) {
  return (path) => {
    if (path === "/image.ext2") return image;
    if (chunks !== undefined && path.startsWith("/image/")) return chunks + path.slice("/image".length);
    if (path in more) return more[path];
    if (/^\/(dist|node_modules|test\/pages)\//.test(path)) return WEB + path.slice(1);
    return `${WEB}page/dist${path === "/" ? "/index.html" : path}`;
  };
}

/**
 * A visitor of a server of its own: `image` is what the page finds as its image, `more` gives
 * other files by path, `chunks` is a folder that is `image/`, `fault` may answer in the server's
 * place.
 */
export async function visit(t, browser, image, { path = "", more = {}, chunks, fault, size = { width: 1000, height: 640 } } = {}) {
  const server = await serveFiles(site(image, more, chunks), fault);
  t.after(() => server.close());
  const context = await browser.newContext({ viewport: size });
  t.after(() => context.close());
  const page = await context.newPage();
  const errors = [];
  page.on("pageerror", (error) => errors.push(String(error)));
  await page.goto(server.url + path);
  return { page, server, errors, context };
}

/** Bytes that a server sent of what a name matches. */
export function sent(server, name = /./) {
  return server.requests.reduce((sum, { path, sent = 0 }) => sum + (name.test(path) ? sent : 0), 0);
}

/** Waits until a terminal shows what matches; all that it shows then. */
export async function shows(page, pattern, within = "#console", seconds = 15) {
  const read = () => page.locator(`${within} .xterm-rows`).innerText({ timeout: 15_000 }).catch(() => "");
  const until = Date.now() + seconds * 1000;
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

let asked = 0;

/** Types a line on a screen that is clear, and waits for the next prompt; what is between. */
export async function answer(page, line, prompt, within = "#console", seconds = 60) {
  // What was there before must not be taken for it, nor what is typed.
  const mark = `=${++asked}=`;
  await type(page, `clear; echo ${mark}; ${line}`, within);
  const text = await shows(page, new RegExp(`^${mark}\n[^]*${prompt.source}`), within, seconds);
  return text.split("\n").slice(1, -1).join("\n").trim();
}

/** Keeps a picture of the page, for people to look at. */
export function picture(page, name) {
  return page.screenshot({ path: `${PICTURES}/${name}.png` });
}
