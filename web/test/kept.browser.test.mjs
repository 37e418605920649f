// What the page's service worker and the browser's storage give: the page without a network,
// web servers in the machine, changes as a file.

import assert from "node:assert/strict";
import { readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { after, before, test } from "node:test";
import { answer as answerOn, openBrowser, picture, sent, shows, type, visit } from "./support/browser.mjs";
import { makeImage } from "./support/image.mjs";

const PROMPT = /sampan#$/;
const options = { timeout: 60_000 };
const PAGE = `<!doctype html><title>A guest</title><link rel="stylesheet" href="look/style.css">
<p id="told">nothing yet</p><a id="next" href="second.html">next</a><a id="root" href="/second.html">from the root</a>
<script type="module" src="/look/main.js"></script>`;
/** Streams, sends a body, and asks by an older interface too. */
const SCRIPT = `
const response = await fetch("cgi-bin/slow?a=1", { method: "POST", body: "posted" });
const decoder = new TextDecoder(), parts = [];
for (let reader = response.body.getReader(), part; !(part = await reader.read()).done;) {
  parts.push([performance.now(), decoder.decode(part.value)]);
}
const old = new XMLHttpRequest();
old.open("GET", "/look/data.json");
old.onload = () => {
  const told = { parts, status: response.status, old: JSON.parse(old.responseText).value, cors: self.crossOriginIsolated };
  document.querySelector("#told").textContent = JSON.stringify(told);
};
old.send();
`;
const CGI = `#!/bin/sh
echo "Content-Type: text/plain"; echo
echo "$REQUEST_METHOD $QUERY_STRING"
head -c "$CONTENT_LENGTH"; echo
for i in 1 2 3; do sleep 0.3; echo "part $i"; done
`;
let disk, browser;
before(async () => {
  disk = await makeImage({
    files: {
      "srv/index.html": PAGE, "srv/second.html": "<p id=second>the second</p>", "srv/look/main.js": SCRIPT,
      "srv/look/style.css": "p { color: rgb(1, 2, 3); }", "srv/look/data.json": '{ "value": 42 }', "srv/cgi-bin/slow": CGI,
    },
  });
  browser = await openBrowser();
});
after(async () => {
  await browser?.close();
  await disk?.remove();
});

/** Waits until the service worker has all that it keeps. */
const installed = (page) => page.evaluate(() => navigator.serviceWorker.ready.then(({ active }) => active.state));

test("the page and the machine without a network", options, async (t) => {
  const { page, server, errors } = await visit(t, browser, disk.image);
  await shows(page, PROMPT);
  await type(page, "ls /srv; echo kept > /root/note; sync; echo synced");
  await shows(page, /\nsynced/);
  await installed(page);
  // What was fetched is put away a moment later.
  await new Promise((resolve) => setTimeout(resolve, 1000));
  const before = sent(server, /image/);
  await page.reload();
  await shows(page, PROMPT);
  assert.ok(sent(server, /image/) - before < 1 << 20, "an image that was used is not fetched again");
  const start = Date.now();
  await server.close();
  await page.reload();
  await shows(page, PROMPT);
  t.diagnostic(`prompt after ${Date.now() - start} ms without a network`);
  await type(page, "clear; cat /root/note; ls /srv; echo $((6 * 7))");
  await shows(page, /^kept\n[^]*second\.html[^]*\n42\n/);
  // With another query it is the same page.
  await page.goto(`${server.url}?ephemeral`);
  await shows(page, PROMPT);
  await type(page, "ls /root; echo $((7 * 7))");
  await shows(page, /\n49\n/);
  await picture(page, "offline");
  assert.deepEqual(errors, []);
});

test("a web server in the machine, in a part of the page", options, async (t) => {
  const { page, server, context, errors } = await visit(t, browser, disk.image);
  await shows(page, PROMPT);
  await type(page, "chmod 755 /srv/cgi-bin/slow; busybox httpd -p 8000 -h /srv; echo serves");
  await shows(page, /\nserves/);
  const open = async (port) => {
    await page.getByRole("spinbutton", { name: "Server on port" }).fill(String(port));
    await page.getByRole("button", { name: "Open" }).click();
  };
  await open(8000);
  const frame = page.frameLocator("#frame");
  await frame.locator("#told", { hasText: "parts" }).waitFor({ timeout: 20_000 });
  const told = JSON.parse(await frame.locator("#told").innerText());
  assert.equal(told.parts.map(([, text]) => text).join(""), "POST a=1\nposted\npart 1\npart 2\npart 3\n");
  assert.ok(told.parts.length >= 3 && told.parts.at(-1)[0] - told.parts[0][0] > 400, JSON.stringify(told));
  assert.deepEqual([told.status, told.old], [200, 42]);
  assert.equal(await frame.locator("#told").evaluate((element) => getComputedStyle(element).color), "rgb(1, 2, 3)");
  await picture(page, "server");
  await frame.locator("#next").click();
  await frame.locator("#second").waitFor();
  await frame.locator("#second").evaluate(() => history.back());
  await frame.locator("#root").click();
  await frame.locator("#second").waitFor();

  // A tab of its own asks the page with the machine too.
  const address = await page.locator("#address").getAttribute("href");
  const other = await context.newPage();
  const answer = await other.goto(`${address}second.html`);
  assert.deepEqual([answer.status(), await other.locator("#second").innerText()], [200, "the second"]);
  assert.equal((await other.goto(`${address}none`)).status(), 404);
  assert.equal(server.requests.filter(({ path }) => /\/vm\/|second|cgi/.test(path)).length, 0, "nothing of it reaches the web server");

  await open(8001);
  await frame.getByText("nothing in the machine listens").waitFor();
  await page.getByRole("button", { name: "Close" }).click();
  assert.equal(await page.locator("#guest").isVisible(), false);
  await page.goto("about:blank");
  const gone = await other.goto(`${address}second.html`);
  assert.deepEqual([gone.status(), /not open/.test(await gone.text())], [503, true]);
  assert.deepEqual(errors, []);
});

test("changes go into a file, away, and back", options, async (t) => {
  const { page, errors } = await visit(t, browser, disk.image);
  const answer = (line) => answerOn(page, line, PROMPT);
  const accept = () => page.once("dialog", (dialog) => dialog.accept());
  const menu = () => page.getByText("Changes", { exact: true }).click();
  await shows(page, PROMPT);
  const sum = await answer("seq 100000 > /root/numbers; mkdir /root/d; echo in > /root/d/in; rm /srv/second.html; md5sum /root/numbers");
  assert.match(sum, /^[0-9a-f]{32} /);
  await menu();
  const download = page.waitForEvent("download");
  await page.getByRole("button", { name: "Save to a file" }).click();
  const folder = join(tmpdir(), `sampan-changes-${process.pid}`);
  t.after(() => rm(folder, { force: true, recursive: true }));
  const file = join(folder, "changes.sampan");
  await (await download).saveAs(file);
  const content = gunzipSync(await readFile(file));
  assert.match(content.subarray(0, 16).toString(), /^sampan changes 1/);

  accept();
  await Promise.all([page.waitForEvent("load"), page.getByRole("button", { name: "Reset changes" }).click()]);
  await shows(page, PROMPT);
  assert.equal(await answer("ls /root /srv/second.html"), "/srv/second.html\n/root:");
  await answer("echo other > /root/other; sync");

  // What is damaged changes nothing.
  await menu();
  for (const [name, bytes] of [
    ["cut", (await readFile(file)).subarray(0, 5000)],
    ["text", Buffer.from("hello")],
    ["few", gzipSync(content.subarray(0, content.length - 4104))],
    ["other", gzipSync(Buffer.concat([Buffer.from("sampan changes 2"), content.subarray(16)]))],
  ]) {
    const damaged = join(folder, name);
    await writeFile(damaged, bytes);
    accept();
    await page.setInputFiles("#load", damaged);
    await page.locator("#state", { hasText: "not a file with changes of a disk" }).waitFor();
    assert.equal(await answer("cat /root/other"), "other", name);
    await page.locator("#state").evaluate((element) => (element.textContent = ""));
  }
  accept();
  await Promise.all([page.waitForEvent("load"), page.setInputFiles("#load", file)]);
  await shows(page, PROMPT);
  assert.equal(await answer("md5sum /root/numbers"), sum);
  assert.equal(await answer("cat /root/d/in; ls /root /srv/second.html 2>&1"), "in\nls: /srv/second.html: No such file or directory\n/root:\nd        numbers");
  await picture(page, "changes-loaded");
  assert.deepEqual(errors, []);
});
