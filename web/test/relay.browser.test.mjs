// The network outside, by `sampan relay`, in Chromium.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { answer as answerOn, openBrowser, picture, shows, visit } from "./support/browser.mjs";
import { makeImage } from "./support/image.mjs";

const SAMPAN = process.env.SAMPAN ?? "sampan";
const PROMPT = /sampan#$/;
const options = { timeout: 60_000 };
let disk, browser, web;
before(async () => {
  disk = await makeImage();
  browser = await openBrowser();
  const big = Buffer.alloc(1_500_000, "0123456789abcdef\n");
  web = createServer((request, response) => {
    if (request.url === "/big") return void response.end(big);
    let body = "";
    request.on("data", (part) => (body += part)).on("end", () => response.end(`${request.headers.host} got ${body}\n`));
  });
  await new Promise((resolve) => web.listen(0, "127.0.0.1", resolve));
});
after(async () => {
  web?.close();
  await browser?.close();
  await disk?.remove();
});

/** Starts a relay for the time of a test; what comes behind the page's address. */
async function relay(t, ...allow) {
  const child = spawn(SAMPAN, ["relay", "--listen", "127.0.0.1:0", ...allow.flatMap((rule) => ["--allow", rule])]);
  t.after(() => child.kill());
  for await (const line of createInterface({ input: child.stdout })) return line;
  return assert.fail("the relay did not start");
}

test("a program reaches what the relay allows, by address and by name", options, async (t) => {
  const { port } = web.address();
  const fragment = await relay(t, `127.0.0.1:${port}`, "localhost");
  const { page, errors } = await visit(t, browser, disk.image, { path: fragment });
  const answer = (line) => answerOn(page, line, PROMPT);
  await shows(page, PROMPT);
  assert.equal(await page.locator("#network").innerText(), "by a relay");
  assert.equal(await answer("cat /etc/resolv.conf"), "nameserver 10.0.2.3");
  const post = `busybox wget -q -O - --post-data=body`;
  assert.equal(await answer(`${post} http://10.0.2.2:${port}/`), `10.0.2.2:${port} got body`);
  assert.equal(await answer(`${post} http://localhost:${port}/`), `localhost:${port} got body`);
  assert.equal(await answer(`busybox wget -q -O - http://10.0.2.2:${port}/big | wc -c`), "1500000");
  assert.match(await answer("busybox wget -O - http://10.0.2.2:1/ 2>&1"), /Permission denied/);
  assert.match(await answer("busybox wget -O - http://example.org/ 2>&1"), /bad address/);
  await picture(page, "relay");
  // It is a way for this page alone.
  assert.deepEqual(errors, []);
  const { page: other } = await visit(t, browser, disk.image, { path: fragment.replace(/token=.*/, "token=guessed") });
  await shows(other, PROMPT);
  assert.match(await answerOn(other, `busybox wget -O - http://10.0.2.2:${port}/ 2>&1`, PROMPT), /Permission denied/);
});

test("a relay that is not there is a network that is not there", options, async (t) => {
  const { page } = await visit(t, browser, disk.image, { path: "#relay=ws://127.0.0.1:9/&token=x" });
  await shows(page, PROMPT);
  assert.match(await answerOn(page, "busybox nc 10.0.2.2 80 2>&1", PROMPT), /unreachable/);
});
