// An image in chunks, made by `sampan image chunk`, on a web server for static files.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { gunzipSync } from "node:zlib";
import { ChunkDevice, Linux } from "../dist/index.js";
import { nodeWorker } from "../dist/node.js";
import { makeImage } from "./support/image.mjs";
import { serveFiles } from "./support/server.mjs";

const SAMPAN = process.env.SAMPAN ?? "sampan";
const ENV = ["PATH=/bin", "HOME=/root", "TERM=xterm", "ENV=/etc/profile"];
const options = { timeout: 60_000 };
let disk, folder, big;
before(async () => {
  big = Buffer.alloc(5 << 20);
  for (let i = 0; i < big.length; i++) big[i] = (i * 2654435761) >>> 13;
  disk = await makeImage({ files: { "data.bin": big } });
  folder = join(disk.image, "..", "chunks");
  execFileSync(SAMPAN, ["image", "chunk", disk.image, "-o", folder]);
  const shell = ["image", "profile", folder, "--", "/bin/sh", "-l"];
  assert.match(execFileSync(SAMPAN, shell, { encoding: "utf8" }), /^\d+ of \d+ chunks\n$/);
});
after(() => disk?.remove());

/** Serves the folder for the time of a test, and counts requests that are under way. */
async function serving(t, fault = async () => false) {
  const told = { now: 0, most: 0 };
  const server = await serveFiles(
    (path) => {
      // It changes in one of the tests.
      if (path === "/image/index.json") return readFileSync(join(folder, "index.json"));
      return path.startsWith("/image/") ? folder + path.slice("/image".length) : undefined;
    },
    async (log, request, response) => {
      told.most = Math.max(told.most, (told.now += 1));
      response.on("close", () => (told.now -= 1));
      await new Promise((resolve) => setTimeout(resolve, 5));
      return fault(log, request, response);
    },
  );
  t.after(() => server.close());
  return { ...server, told };
}

async function boot(t, server) {
  const dev = await ChunkDevice.create(`${server.url}image`);
  const mounts = [{ type: "ext2", path: "/", dev }, { type: "devs", path: "/dev" }];
  const linux = await Linux.create({ worker: nodeWorker(), mounts });
  t.after(() => linux.delete());
  let shown = "";
  linux.setCustomConsole((bytes) => (shown += Buffer.from(bytes).toString("latin1")), 80, 24);
  const run = async (script) => {
    shown = "";
    const status = await linux.run("/bin/sh", ["-c", script], { env: ENV });
    return { status, shown: shown.replaceAll("\r\n", "\n") };
  };
  return { linux, run, shown: () => shown };
}

const chunks = (server) => server.requests.filter(({ path }) => path.includes("/chunks/"));
const index = async () => JSON.parse(await readFile(join(folder, "index.json"), "utf8"));

test("the same content, a few requests at a time, in order and ahead", options, async (t) => {
  const server = await serving(t);
  const { run } = await boot(t, server);
  const { shown } = await run("md5sum < /data.bin; ls /");
  const expected = execFileSync("md5sum", { input: big, encoding: "latin1" });
  assert.ok(shown.startsWith(expected), shown);
  const fetched = chunks(server).map(({ path }) => path);
  assert.equal(new Set(fetched).size, fetched.length, "no chunk comes twice");
  assert.ok(server.told.most > 1 && server.told.most <= 6, `${server.told.most} at a time`);
});

test("a start needs what the profile says, and nothing else", options, async (t) => {
  const server = await serving(t);
  const { linux, shown } = await boot(t, server);
  void linux.run("/bin/sh", ["-l"], { env: ENV, cwd: "/root" }).catch(() => {});
  while (!shown().includes("sampan# ")) await new Promise((resolve) => setTimeout(resolve, 10));
  const { preload, map, count, chunk } = await index();
  const bytes = gunzipSync(await readFile(join(folder, map)));
  const hashes = bytes.readUInt32LE(0);
  const names = preload.map((number) => {
    const which = bytes.readUInt32LE(4 + hashes * 32 + number * 4);
    return bytes.subarray(4 + (which - 1) * 32, 4 + which * 32).toString("hex");
  });
  assert.ok(preload.length > 3 && preload.length < count / 2, `${preload.length} of ${count}`);
  assert.equal(chunk, 128 << 10);
  const fetched = chunks(server).map(({ path }) => path.split("/").pop());
  // Reads in order bring a little more than what they need.
  const more = fetched.filter((name) => !names.includes(name));
  assert.ok(more.length <= 4, `${more.length} of ${fetched.length} were not foretold`);
  assert.deepEqual(names.filter((name) => !fetched.includes(name)), []);
});

test("a network that fails costs time; content that is wrong is an error of the disk", options, async (t) => {
  let count = 0;
  let wrong = "";
  let other = "";
  const server = await serving(t, async (log, _, response) => {
    if (!log.path.includes("/chunks/")) return false;
    count += 1;
    if (log.path === wrong) return response.writeHead(200).end(await readFile(other)), true;
    if (count % 12 === 2) return response.writeHead(503).end(), true;
    if (count % 12 === 3) return response.destroy(), true;
    if (count % 12 === 4) return response.writeHead(200).end((await readFile(folder + log.path.slice(6))).subarray(0, 90)), true;
    return false;
  });
  const { run } = await boot(t, server);
  assert.match((await run("head -c 1000000 /data.bin | md5sum; echo done")).shown, /^\w{32} [^]*done\n$/);
  const fetched = new Set(chunks(server).map(({ path }) => path));
  const { map } = await index();
  const bytes = gunzipSync(await readFile(join(folder, map)));
  const all = Array.from({ length: bytes.readUInt32LE(0) }, (_, at) => bytes.subarray(4 + at * 32, 36 + at * 32).toString("hex"));
  // The last ones that nobody has read are of the file.
  const left = all.filter((name) => !fetched.has(`/image/chunks/${name.slice(0, 2)}/${name}`));
  other = `${folder}/chunks/${left[0].slice(0, 2)}/${left[0]}`;
  wrong = `/image/chunks/${left[left.length >> 1].slice(0, 2)}/${left[left.length >> 1]}`;
  const { shown } = await run("cat /data.bin > /dev/null; echo status $?; echo alive");
  assert.match(shown, /error[^]*status 1\nalive/i);
});

test("what is no such image is refused with its reason", options, async (t) => {
  const server = await serving(t);
  await assert.rejects(ChunkDevice.create(`${server.url}image/none`), /none\/index\.json: the server says 404/);
  const text = await readFile(join(folder, "index.json"), "utf8");
  t.after(() => writeFile(join(folder, "index.json"), text));
  for (const [from, to, says] of [
    ["sampan chunks", "x", /not the index/], ['"version":1', '"version":9', /version 9/],
    ['"size":', '"size":-', /make no sense/], ["maps/", "../", /make no sense/], ["{", "", /index\.json/],
  ]) {
    await writeFile(join(folder, "index.json"), text.replace(from, to));
    await assert.rejects(ChunkDevice.create(`${server.url}image/`), says);
  }
  await writeFile(join(folder, "index.json"), text.replace(/maps\/../, "maps/00"));
  const dev = await ChunkDevice.create(`${server.url}image/`);
  const mounts = [{ type: "ext2", path: "/", dev }];
  await assert.rejects(Linux.create({ worker: nodeWorker(), mounts }), /maps\/00\w+: the server says 404/);
});
