// A page in the style of WebVM's, whose import alone differs: its calls, an image in split files,
// and a folder that the browser keeps.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { answer as answerOn, openBrowser, picture, shows, type, visit } from "./support/browser.mjs";
import { makeImage } from "./support/image.mjs";

const PROMPT = /sampan#$/;
const UNIT = 128 << 10;
const options = { timeout: 60_000 };
let disk, browser, image;
before(async () => {
  // Of the revision that such images have.
  disk = await makeImage({ revision: 0 });
  image = await readFile(disk.image);
  browser = await openBrowser();
});
after(async () => {
  await browser?.close();
  await disk?.remove();
});

/** The image's files by their paths. */
function split() {
  const files = { "/split/image.ext2.meta": Buffer.from(`${image.length}\n`) };
  for (let at = 0; at * UNIT < image.length; at++) {
    files[`/split/image.ext2.c${at.toString(16).padStart(6, "0")}.txt`] = image.subarray(at * UNIT, (at + 1) * UNIT);
  }
  return files;
}

test("a page for another package runs with this one", options, async (t) => {
  let count = 0;
  const fault = async (log, _, response) => {
    if (!log.path.endsWith(".txt")) return false;
    count += 1;
    // What this server's kind does now and then.
    if (count % 7 === 3) return response.writeHead(503).end(), true;
    return false;
  };
  const { page, errors } = await visit(t, browser, undefined, { path: "test/pages/webvm.html", more: split(), fault });
  const answer = (line) => answerOn(page, line, PROMPT);
  await shows(page, PROMPT);
  assert.equal(await answer("cat /data/greeting; md5sum < /bin/busybox"), `hello\n${execFileSync("sh", ["-c", "md5sum < $(command -v busybox)"], { encoding: "utf8" }).trim()}`);
  assert.equal(await answer("mkdir -p /files/a; seq 50000 > /files/a/b; md5sum < /files/a/b; mount | grep -c '/files type ext2'"),
    `${execFileSync("sh", ["-c", "seq 50000 | md5sum"], { encoding: "utf8" }).trim()}\n1`);
  const read = (path) => page.evaluate(async (path) => (await window.files.readFileAsBlob(path)).text(), path);
  assert.equal((await read("/a/b")).split("\n").length, 50001);
  await assert.rejects(read("/none"), /error 2 of errno/);
  await type(page, "exit 7");
  await page.waitForFunction(() => window.told.statuses.length === 1);
  await shows(page, PROMPT);
  const told = await page.evaluate(() => window.told);
  assert.deepEqual(told.statuses, [7]);
  assert.match(told.errors.join("\n"), /^Error: wss:\S+ a CloudDevice is not supported[^]*\nError: setKmsCanvas is not supported[^\n]*$/);
  assert.ok(told.processes > 3 && told.latencies.length > 3, JSON.stringify(told));
  for (const states of [told.cpu, told.disk]) assert.deepEqual([...new Set(states)].sort(), ["ready", "wait"]);
  await picture(page, "webvm");

  // Both disks are there afterwards, and what the folder has is a whole file system.
  await answer("sync");
  await page.reload();
  await shows(page, PROMPT);
  assert.equal(await answer("wc -l < /files/a/b; ls /files"), "50000\na           lost+found");
  await page.evaluate(async () => {
    await window.cx.delete();
    await window.files.reset();
  });
  await page.reload();
  await shows(page, PROMPT);
  assert.equal(await answer("ls /files"), "lost+found");
  assert.deepEqual(errors, []);
});
