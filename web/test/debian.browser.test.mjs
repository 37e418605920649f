// A Debian in Chromium: what a newcomer tries, and what must not hurt it. `SAMPAN_DEBIAN` names
// an image, `SAMPAN_DEBIAN_CHUNKS` a folder with its chunks; `cargo xtask test` makes both.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { after, before, test } from "node:test";
import { answer as answerOn, openBrowser, picture, sent, shows, type, visit } from "./support/browser.mjs";

const image = process.env.SAMPAN_DEBIAN;
const chunks = process.env.SAMPAN_DEBIAN_CHUNKS;
const PROMPT = /root@sampan:[^\n]*#$/;
const options = { timeout: 85_000 };
let browser;
before(async () => {
  assert.ok(image, "SAMPAN_DEBIAN names no image of a Debian; `cargo xtask test` makes one");
  assert.ok(chunks, "SAMPAN_DEBIAN_CHUNKS names no folder with its chunks");
  browser = await openBrowser();
});
after(() => browser?.close());

const answer = (page, line) => answerOn(page, line, PROMPT);

test("a shell, Python, vim, a compiler, a new size, and the file after a reload", options, async (t) => {
  const start = Date.now();
  const { page, server, errors } = await visit(t, browser, image);
  await shows(page, PROMPT);
  t.diagnostic(`prompt after ${Date.now() - start} ms, ${sent(server, /image/) >> 10} KB of the image`);
  assert.ok(sent(server, /image/) < 16 << 20);
  assert.match(await answer(page, "ls /"), /bin +data +etc[^]*\bvar$/);
  await picture(page, "debian-ls");
  assert.equal(await answer(page, "python3 -c 'print(sum(i * i for i in range(1000)), 6 * 7)'"), "332833500 42");

  await type(page, "clear; vim hello.c");
  await shows(page, /"hello\.c" \[New\]/);
  await page.keyboard.type("i#include <stdio.h>\nint main(void) {\nreturn printf(\"hello from %zu\\n\", sizeof(long)) < 0;\n}\n");
  await page.keyboard.press("Escape");
  await page.keyboard.type(":%s/from/of/\n");
  await shows(page, /hello of/);
  await picture(page, "debian-vim");
  await page.setViewportSize({ width: 760, height: 440 });
  await shows(page, /hello of/);
  await picture(page, "debian-vim-small");
  await page.keyboard.type(":wq\n");
  await shows(page, PROMPT);
  const [rows] = (await answer(page, "stty size")).split(" ").map(Number);
  assert.ok(rows > 5 && rows < 25, `${rows} rows`);

  const compiling = Date.now();
  assert.equal(await answer(page, "gcc -O1 hello.c -o hello && ./hello; sync"), "hello of 4");
  t.diagnostic(`compiled and run after ${Date.now() - compiling} ms`);
  await picture(page, "debian-gcc");
  await page.reload();
  await shows(page, PROMPT);
  assert.equal(await answer(page, "./hello; grep -c of hello.c"), "hello of 4\n1");
  await picture(page, "debian-after-reload");
  assert.deepEqual(errors, []);
});

test("in chunks: little is fetched for a prompt, and less the next time", options, async (t) => {
  const cold = Date.now();
  const { page, server, errors } = await visit(t, browser, image, { path: "?image=image/", chunks });
  await shows(page, PROMPT);
  const bytes = sent(server);
  const count = server.requests.filter(({ path }) => path.includes("/chunks/")).length;
  t.diagnostic(`prompt after ${Date.now() - cold} ms; ${bytes >> 10} KB in all, ${sent(server, /image/) >> 10} KB of the image in ${count} chunks`);
  assert.ok(bytes < 6 << 20, `${bytes} bytes`);
  // What is there without having been foretold is the same too.
  const name = "usr/bin/perl";
  const expected = execFileSync(process.env.SAMPAN ?? "sampan", ["image", "cat", image, `/${name}`], { maxBuffer: 1 << 26 });
  assert.equal(await answer(page, `sha256sum < /${name} | cut -c1-16; sync`), execFileSync("sha256sum", { input: expected, encoding: "latin1" }).slice(0, 16));
  await new Promise((resolve) => setTimeout(resolve, 1000));
  const before = sent(server, /chunks/);
  const warm = Date.now();
  await page.reload();
  await shows(page, PROMPT);
  t.diagnostic(`prompt after ${Date.now() - warm} ms the second time`);
  assert.equal(sent(server, /chunks/) - before, 0);
  assert.deepEqual(errors, []);
});

test("two machines on a page", options, async (t) => {
  const { page, errors } = await visit(t, browser, image, { path: "test/pages/embedded.html" });
  const both = ["#first", "#second"];
  await Promise.all(both.map((id) => shows(page, /[#$]$/, id)));
  const work = "python3 -c 'import hashlib; print(hashlib.sha256(bytes(10**6)).hexdigest()[:8], end=chr(33))'";
  for (const id of both) await type(page, work, id);
  await Promise.all(both.map((id) => shows(page, /d29751f2!/, id, 40)));
  await picture(page, "debian-two-machines");
  assert.deepEqual(errors, []);
});

test("a slow and a failing network do not damage what is read", options, async (t) => {
  let count = 0;
  const fault = async (log, _, response) => {
    if (log.range === null) return false;
    await new Promise((resolve) => setTimeout(resolve, 40));
    count += 1;
    if (count % 9 === 2) return response.writeHead(503).end(), true;
    if (count % 9 === 3) return response.destroy(), true;
    // Some come short.
    if (count % 9 === 4) return response.writeHead(206, { "Content-Range": "bytes 0-9/9" }).end("short"), true;
    return false;
  };
  const { page, server } = await visit(t, browser, image, { fault });
  await shows(page, PROMPT, "#console", 40);
  const name = "usr/lib/i386-linux-gnu/libstdc++.so.6";
  const told = await answer(page, `sha256sum < /${name} | cut -c1-16`);
  const bytes = execFileSync(process.env.SAMPAN ?? "sampan", ["image", "cat", image, `/${name}`], { maxBuffer: 1 << 26 });
  assert.equal(told, execFileSync("sha256sum", { input: bytes, encoding: "latin1" }).slice(0, 16));
  assert.ok(count > 10, `${count} of ${server.requests.length} requests`);
});

test("a page that ends at any moment leaves a whole file system", options, async (t) => {
  const { page } = await visit(t, browser, image);
  await shows(page, PROMPT);
  const work = "mkdir -p w; while :; do i=$((i + 1)); seq 2000 > w/$i; mv w/$i w/f$((i % 9)); sync; echo $i > last; sync; done";
  for (const pause of [700, 1300, 400]) {
    await type(page, `clear; ${work}`);
    await new Promise((resolve) => setTimeout(resolve, pause + 1000));
    await page.reload();
    await shows(page, PROMPT);
    // Each file is the whole one, or not there; what is not there was never named.
    const check = "for f in w/f*; do wc -l < $f; done | sort | uniq -c | tr -s ' '; expr $(cat last) '>' 0";
    const told = await answer(page, check);
    assert.match(told, /^\d+ 2000\n1$/);
    t.diagnostic(told.replaceAll("\n", "; "));
  }
});
