// The page in Chromium: the terminal, and a disk that outlives the page.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { openBrowser, picture, sent, shows, type, visit as visitSite } from "./support/browser.mjs";
import { makeImage } from "./support/image.mjs";

const PROMPT = /sampan#$/;
const options = { timeout: 60_000 };
let disk, browser;
before(async () => {
  disk = await makeImage();
  browser = await openBrowser();
});
after(async () => {
  await browser?.close();
  await disk?.remove();
});

const visit = (t, path = "", fault) => {
  const more = { "/test/pages/files/one.txt": Buffer.from("first\n") };
  return visitSite(t, browser, disk.image, { path, more, fault });
};

test("from nothing to a prompt; keys, size, files in and out, themes", options, async (t) => {
  const start = Date.now();
  const { page, server, errors } = await visit(t);
  await shows(page, PROMPT);
  const fetched = sent(server, /image/);
  t.diagnostic(`prompt after ${Date.now() - start} ms, ${fetched >> 10} KB of the image`);
  assert.ok(fetched < 6 << 20, `${fetched} bytes`);

  await type(page, "ls /");
  assert.match(await shows(page, /proc[^]*sampan#$/), /bin +dev +lost\+found[^]*data +etc/);
  await picture(page, "prompt");

  await type(page, "stty size");
  const before = /(\d+) (\d+)\s+sampan#$/.exec(await shows(page, /\d+ \d+\s+sampan#$/));
  await page.setViewportSize({ width: 700, height: 400 });
  await type(page, "clear; stty size");
  const small = /^(\d+) (\d+)\s+sampan#$/;
  const now = small.exec(await shows(page, /^\d+ \d+\s+sampan#$/));
  assert.ok(Number(now[1]) < Number(before[1]) && Number(now[2]) < Number(before[2]), `${before} ${now}`);
  await picture(page, "small");

  await page.setInputFiles("#put", { name: "in.txt", mimeType: "text/plain", buffer: Buffer.from("dropped\n") });
  await page.getByText("in.txt is at /data/in.txt").waitFor();
  await type(page, "clear; tr a-z A-Z < /data/in.txt | tee /root/out.txt");
  await shows(page, /DROPPED/);
  await page.getByLabel("File", { exact: true }).fill("/root/out.txt");
  const download = page.waitForEvent("download");
  await page.getByRole("button", { name: "Download" }).click();
  assert.equal(await readFile(await (await download).path(), "utf8"), "DROPPED\n");

  await page.getByLabel("Theme").selectOption("light");
  const back = await page.evaluate(() => getComputedStyle(document.querySelector("#console")).backgroundColor);
  assert.equal(back, "rgb(253, 253, 251)");
  await picture(page, "light");
  assert.deepEqual(errors, []);
});

test("a file is there after the page was loaded again, and gone after a reset", options, async (t) => {
  const { page, errors } = await visit(t);
  await shows(page, PROMPT);
  await type(page, "echo kept > /root/note; sync; echo synced");
  await shows(page, /\nsynced/);
  await page.reload();
  await shows(page, PROMPT);
  await type(page, "cat /root/note; mount | grep ' / '");
  await shows(page, /\nkept[^]*ext2/);
  await picture(page, "after-reload");
  await page.getByText("Changes", { exact: true }).click();
  page.once("dialog", (dialog) => dialog.accept());
  await Promise.all([
    page.waitForEvent("load"),
    page.getByRole("button", { name: "Reset changes" }).click(),
  ]);
  await shows(page, PROMPT);
  await type(page, "cat /root/note");
  await shows(page, /note': No such file/);
  assert.deepEqual(errors, []);
});

test("a page in another maker's style, with two machines", options, async (t) => {
  const { page, errors } = await visit(t, "test/pages/embedded.html");
  await Promise.all(["#first", "#second"].map((id) => shows(page, PROMPT, id)));
  await type(page, "cat /data/greeting /web/one.txt; echo one > /root/x; for i in $(seq 20000); do :; done; (exit 0)", "#first");
  await type(page, "cat /data/greeting; ls /root/x", "#second");
  await shows(page, /hello first\s+first/, "#first");
  assert.match(await shows(page, /\/root\/x: /, "#second"), /hello second/);
  await picture(page, "two-machines");
  await type(page, "exit 7", "#second");
  await page.locator("#second[data-status='7']").waitFor();
  const told = await page.locator("#first").evaluate((element) => ({ ...element.dataset }));
  assert.ok(told.cpu && told.disk === "ready" && Number(told.latency) > 0 && Number(told.processes) > 0, JSON.stringify(told));
  assert.deepEqual(errors, []);
});

test("a slow and failing network costs time and nothing else", options, async (t) => {
  let count = 0;
  const { page } = await visit(t, "", async (log, _, response) => {
    if (log.range === null) return false;
    await new Promise((resolve) => setTimeout(resolve, 60));
    count += 1;
    if (count % 5 === 2) return response.writeHead(503).end(), true;
    if (count % 5 === 3) return response.destroy(), true;
    return false;
  });
  await shows(page, PROMPT);
  await type(page, "cp /bin/busybox /tmp/b; sync; sha256sum /bin/busybox /tmp/b | cut -d' ' -f1 | uniq | wc -l");
  await shows(page, /\n1\s/);
});

test("what cannot start says why", options, async (t) => {
  const { page } = await visit(t, "?image=none.ext2");
  await page.getByRole("dialog", { name: "The machine did not start" }).waitFor();
  assert.match(await page.locator("#reason").innerText(), /none\.ext2: the server says 404/);
  await picture(page, "failure");
});
