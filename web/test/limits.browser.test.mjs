// A real browser at its limits: a disk of this machine that is full, and the memory that a
// machine was given.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { answer as answerOn, openBrowser, openSmallBrowser, picture, rendererMemory, shows, visit } from "./support/browser.mjs";
import { makeImage } from "./support/image.mjs";

const PROMPT = /sampan#$/;
const options = { timeout: 85_000 };
let disk;
before(async () => {
  disk = await makeImage({ megabytes: 400 });
});
after(() => disk?.remove());

test("a full storage of the browser is a full disk, and what is deleted makes room", options, async (t) => {
  const small = await openSmallBrowser(160);
  t.after(() => small.close());
  const { page, errors } = await visit(t, small, disk.image);
  const answer = (line, seconds) => answerOn(page, line, PROMPT, "#console", seconds);
  await shows(page, PROMPT);
  assert.equal(await answer("echo kept > /root/kept; sync; echo $?"), "0");
  const filled = await answer("dd if=/dev/urandom of=/root/big bs=256k count=1200 conv=fsync 2>&1; echo status $?", 70);
  assert.match(filled, /No space left on device[^]*status 1/);
  await page.locator("#state", { hasText: "this browser has no more room" }).waitFor();
  await picture(page, "storage-full");
  assert.match(await answer("cat /root/kept; dd if=/dev/urandom of=/root/more bs=1M count=1 2>&1; echo $?"), /^kept\n[^]*No space left[^]*1$/);
  assert.match(await answer("rm -f /root/big /root/more; sync; sync; echo fits > /root/fits; sync; echo $?"), /0$/);
  await page.locator("#state", { hasText: "there is room for changes again" }).waitFor();
  // What it gave back is free at the latest when the page is opened again.
  await page.reload();
  await shows(page, PROMPT);
  assert.equal(await answer("cat /root/kept /root/fits; ls /root"), "kept\nfits\nfits  kept");
  assert.deepEqual(errors, []);
});

test("a machine does not take more memory than it was given", options, async (t) => {
  const browser = await openBrowser();
  t.after(() => browser.close());
  const { page } = await visit(t, browser, disk.image, { path: "?memory=96&ephemeral" });
  const answer = (line) => answerOn(page, line, PROMPT);
  await shows(page, PROMPT);
  const before = await rendererMemory(browser);
  assert.match(await answer("dd if=/dev/zero of=/dev/null bs=60M count=1 2>&1 | tail -n 1; echo $?"), /^1\+0 records out/);
  assert.match(await answer("dd if=/dev/zero of=/dev/null bs=200M count=1 2>&1; echo $?"), /out of memory|Cannot allocate/i);
  // Many that live at once, and files that are in memory.
  await answer("for i in 1 2 3 4 5 6; do (dd if=/dev/zero bs=40M count=1 2>/dev/null | sleep 3) & done; dd if=/dev/zero of=/root/file bs=1M count=300 2>&1 | tail -n 1; wait");
  // Of processes that ended, the browser's collector has to find it.
  let grown = Infinity;
  for (let waited = 0; waited < 40 && grown > 160 << 20; waited++) {
    await page.waitForTimeout(500);
    grown = (await rendererMemory(browser)) - before;
  }
  t.diagnostic(`${Math.round(grown / 2 ** 20)} MB more than at the prompt`);
  assert.ok(grown <= 160 << 20, `${grown} bytes`);
  assert.equal(await answer("echo alive"), "alive");
});
