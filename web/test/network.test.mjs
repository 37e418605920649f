// Servers in the machine, asked from outside.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { HttpBytesDevice, Linux } from "../dist/index.js";
import { nodeWorker } from "../dist/node.js";
import { makeImage } from "./support/image.mjs";
import { serveFiles } from "./support/server.mjs";

const ENV = ["PATH=/bin", "HOME=/root"];
const options = { timeout: 30_000 };
const CGI = `#!/bin/sh
echo "Content-Type: text/plain"; echo
echo "$REQUEST_METHOD $QUERY_STRING"
[ "$REQUEST_METHOD" = POST ] && cat
for i in 1 2 3; do sleep 0.3; echo "part $i"; done
`;
let disk, server, linux;
before(async () => {
  const big = Buffer.alloc(3_000_000, "0123456789abcdef\n");
  disk = await makeImage({ files: { "data/index.html": "<p>from the guest</p>", "data/big": big } });
  server = await serveFiles(() => disk.image);
  const dev = await HttpBytesDevice.create(`${server.url}image.ext2`);
  const mounts = [{ type: "ext2", path: "/", dev }, { type: "devs", path: "/dev" }, { type: "proc", path: "/proc" }];
  linux = await Linux.create({ worker: nodeWorker(), mounts });
  linux.setCustomConsole(() => {}, 80, 24);
  const script = `mkdir /data/cgi-bin; cat > /data/cgi-bin/slow <<'END'\n${CGI}END\nchmod 755 /data/cgi-bin/slow
    busybox httpd -f -p 8000 -h /data & while :; do busybox nc -l -p 9000 -e busybox tr a-z A-Z; done`;
  void linux.run("/bin/sh", ["-c", script], { env: ENV }).catch(() => {});
  for (;;) if (await linux.fetch(8000, "/").then(() => true, () => false)) return;
});
after(async () => {
  await linux?.delete();
  await server?.close();
  await disk?.remove();
});

test("files, lengths, what is not there, and what nobody answers", options, async () => {
  const page = await linux.fetch(8000, "/index.html");
  assert.deepEqual([page.status, page.headers.get("content-type"), await page.text()], [200, "text/html", "<p>from the guest</p>"]);
  const big = new Uint8Array(await (await linux.fetch(8000, "/big")).arrayBuffer());
  assert.deepEqual([big.length, Buffer.from(big.subarray(-17)).toString()], [3_000_000, Buffer.alloc(3_000_000, "0123456789abcdef\n").subarray(-17).toString()]);
  assert.equal((await linux.fetch(8000, "/none")).status, 404);
  const head = await linux.fetch(8000, "/big", { method: "HEAD" });
  assert.deepEqual([head.status, head.headers.get("content-length"), await head.text()], [200, "3000000", ""]);
  const part = await linux.fetch(8000, "/big", { headers: { Range: "bytes=16-33" } });
  assert.deepEqual([part.status, await part.text()], [206, "\n0123456789abcdef\n"]);
  await assert.rejects(linux.fetch(8001, "/"), /nothing in the machine listens/);
  await assert.rejects(linux.fetch(8000, "no slash"), /not a path/);
  await assert.rejects(linux.fetch(8000, "/", { method: "A B" }), /not a method/);
});

test("an answer streams, and a request has a body", options, async () => {
  const response = await linux.fetch(8000, "/cgi-bin/slow?a=1", { method: "POST", body: "posted\n" });
  const parts = [];
  const decoder = new TextDecoder();
  for await (const bytes of response.body) parts.push([Date.now(), decoder.decode(bytes)]);
  assert.equal(parts.map(([, text]) => text).join(""), "POST a=1\nposted\npart 1\npart 2\npart 3\n");
  assert.ok(parts.length >= 3 && parts.at(-1)[0] - parts[0][0] > 400, JSON.stringify(parts));
});

test("many at a time", options, async () => {
  const sizes = await Promise.all(Array.from({ length: 12 }, async () => (await (await linux.fetch(8000, "/big")).arrayBuffer()).byteLength));
  assert.deepEqual(sizes, Array(12).fill(3_000_000));
});

test("a reader that rests makes the server wait, and one that leaves ends it", options, async () => {
  const response = await linux.fetch(8000, "/big");
  const reader = response.body.getReader();
  let length = (await reader.read()).value.length;
  await new Promise((resolve) => setTimeout(resolve, 300));
  for (let part = await reader.read(); !part.done; part = await reader.read()) length += part.value.length;
  assert.equal(length, 3_000_000);
  const left = await linux.fetch(8000, "/big");
  await left.body.cancel();
  assert.equal((await linux.fetch(8000, "/index.html")).status, 200);
});

test("bytes both ways", options, async () => {
  const { readable, writable } = linux.connect(9000);
  const writer = writable.getWriter();
  await writer.write(new TextEncoder().encode("hello "));
  await writer.write(new TextEncoder().encode("there"));
  await writer.close();
  let text = "";
  for await (const bytes of readable) text += Buffer.from(bytes).toString();
  assert.equal(text, "HELLO THERE");
});
