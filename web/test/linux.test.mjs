// The machine in a worker, with an image over HTTP and a terminal.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { after, before, test } from "node:test";
import { DataDevice, HttpBytesDevice, Linux, WebDevice } from "../dist/index.js";
import { nodeWorker } from "../dist/node.js";
import { makeImage } from "./support/image.mjs";
import { serveFiles } from "./support/server.mjs";

const ENV = ["PATH=/bin", "HOME=/root", "TERM=xterm", "ENV=/etc/profile"];
let disk;
before(async () => {
  const big = Buffer.alloc(3 << 20, (_, i) => i);
  for (let i = 0; i < big.length; i++) big[i] = (i * 2654435761) >>> 13;
  disk = await makeImage({ files: { "data.bin": big } });
});
after(() => disk.remove());

const find = (path) => (path === "/image.ext2" ? disk.image : FILES[path]);
const FILES = {
  "/files/index.list": Buffer.from("one.txt\nsub\n"),
  "/files/one.txt": Buffer.from("first\n"),
  "/files/sub/index.list": Buffer.from("two.txt\n"),
  "/files/sub/two.txt": Buffer.from("second\n"),
};

/** Boots; `shows(text)` waits until that was shown. */
async function boot(server, { mounts = [], ...options } = {}) {
  const dev = await HttpBytesDevice.create(`${server.url}image.ext2`);
  const linux = await Linux.create({
    worker: nodeWorker(),
    mounts: [
      { type: "ext2", path: "/", dev },
      { type: "devs", path: "/dev" },
      { type: "devpts", path: "/dev/pts" },
      { type: "proc", path: "/proc" },
      { type: "sys", path: "/sys" },
      ...mounts,
    ],
    ...options,
  });
  let shown = "";
  let told = () => {};
  const key = linux.setCustomConsole((bytes) => {
    shown += Buffer.from(bytes).toString("latin1");
    told();
  }, 80, 24);
  const shows = async (text) => {
    const late = setTimeout(() => assert.fail(`not shown: ${text}; but: ${JSON.stringify(shown)}`), 15_000);
    while (!shown.includes(text)) await new Promise((resolve) => (told = resolve));
    clearTimeout(late);
    const end = shown.indexOf(text) + text.length;
    const before = shown.slice(0, end);
    shown = shown.slice(end);
    return before;
  };
  return { linux, key, shows, text: () => shown };
}

/** Serves the image for the time of a test. */
async function serving(t, fault) {
  const server = await serveFiles(find, fault);
  t.after(() => server.close());
  return server;
}

/** Runs a script to its end; what it printed. */
async function script(machine, text) {
  const status = await machine.linux.run("/bin/sh", ["-c", text], { env: ENV });
  assert.equal(status, 0, machine.text());
  return machine.text().replaceAll("\r\n", "\n");
}

const options = { timeout: 20_000 };

test("a shell on a terminal: prompt, keys, size, interrupt, status", options, async (t) => {
  const { linux, key, shows } = await boot(await serving(t));
  t.after(() => linux.delete());
  const ended = linux.run("/bin/sh", [], { env: ENV });
  await shows("sampan# ");
  for (const char of "ls /\r") key(char.charCodeAt(0));
  assert.match(await shows("sampan# "), /bin +data\.bin +etc +proc/);
  key("stty size; echo $((6 * 7)) > /tmp/x; cat /tmp/x\r");
  assert.match(await shows("sampan# "), /24 80\r\n42\r\n/);
  // The shell has given the terminal its usual settings back when it says so.
  key("echo now; sleep 100\r");
  await shows("\r\nnow\r\n");
  key("\x03");
  await shows("sampan# ");
  key("echo ä€😀 | wc -c; exit 7\r");
  await shows("\r\n10\r\n");
  assert.equal(await ended, 7);
});

test("a new size reaches the program in front", options, async (t) => {
  const machine = await boot(await serving(t));
  t.after(() => machine.linux.delete());
  const text = "trap 'stty size; exit 0' WINCH; echo waiting; while :; do sleep 0.1; done";
  const ended = machine.linux.run("/bin/sh", ["-c", text], { env: ENV });
  await machine.shows("waiting");
  machine.linux.setCustomConsole((bytes) => (machine.seen = Buffer.from(bytes).toString()), 132, 43);
  assert.equal(await ended, 0);
  assert.match(machine.seen, /43 132/);
});

test("programs run one after the other and beside each other", options, async (t) => {
  const { linux, shows } = await boot(await serving(t));
  t.after(() => linux.delete());
  const run = (text) => linux.run("/bin/sh", ["-c", text], { env: ENV, uid: 1000, gid: 1000, cwd: "/tmp" });
  assert.equal(await run("pwd; id -u; exit 3"), 3);
  await shows("/tmp\r\n1000\r\n");
  const statuses = await Promise.all([run("sleep 0.3; exit 1"), run("exit 2"), run("kill -15 $$")]);
  assert.deepEqual(statuses, [1, 2, 143]);
  await assert.rejects(linux.run("/bin/missing"), /missing.*error 2 of/);
});

test("a large file: the same as here, in few requests, in order", options, async (t) => {
  const server = await serving(t);
  const machine = await boot(server);
  t.after(() => machine.linux.delete());
  const before = server.requests.length;
  const sum = await script(machine, "md5sum < /data.bin");
  const expected = execFileSync("debugfs", ["-R", "cat /data.bin", disk.image], {
    maxBuffer: 1 << 24, stdio: ["ignore", "pipe", "ignore"], env: { PATH: "/sbin:/usr/sbin:/bin:/usr/bin" },
  });
  assert.equal(sum.split(" ")[0], execFileSync("md5sum", { input: expected, encoding: "utf8" }).split(" ")[0]);
  const requests = server.requests.length - before;
  assert.ok(requests < 40, `${requests} requests`);
});

test("files of the page and of the web server", options, async (t) => {
  const server = await serving(t);
  const data = await DataDevice.create();
  await data.writeFile("/early.txt", "early\n");
  const web = await WebDevice.create(`${server.url}files`);
  const mounts = [{ type: "dir", path: "/data", dev: data }, { type: "dir", path: "/web", dev: web }];
  const machine = await boot(server, { mounts });
  t.after(() => machine.linux.delete());
  await data.writeFile("/sub/late.sh", "#!/bin/sh\necho late $1\n");
  const text =
    "cat /data/early.txt; /data/sub/late.sh x; ls /data /data/sub; cat /web/one.txt; " +
    "find /web; cat /web/sub/two.txt; cat /web/none 2>/dev/null || echo none; " +
    "touch /data/new 2>/dev/null || echo read-only";
  assert.equal(
    await script(machine, text),
    "early\nlate x\n/data:\nearly.txt  sub\n\n/data/sub:\nlate.sh\nfirst\n" +
      "/web\n/web/one.txt\n/web/sub\n/web/sub/two.txt\nsecond\nnone\nread-only\n",
  );
});

test("files come out of the machine", options, async (t) => {
  const machine = await boot(await serving(t));
  t.after(() => machine.linux.delete());
  await script(machine, "seq 1 1000 > /tmp/numbers");
  const text = Buffer.from(await machine.linux.readFile("/tmp/numbers")).toString();
  assert.equal(text, Array.from({ length: 1000 }, (_, i) => `${i + 1}\n`).join(""));
  await assert.rejects(machine.linux.readFile("/tmp/none"), /none.*error 2 of/);
  await assert.rejects(machine.linux.readFile("/tmp"), /error 21 of/);
});

test("a slow network, and one that fails now and then, only cost time", options, async (t) => {
  let count = 0;
  const server = await serving(t, async (log, request, response) => {
    if (log.path !== "/image.ext2") return false;
    await new Promise((resolve) => setTimeout(resolve, 30));
    count += 1;
    if (count === 1) return false;
    if (count % 5 === 2) return response.writeHead(503).end(), true;
    if (count % 5 === 3) return response.destroy(), true;
    return false;
  });
  const machine = await boot(server);
  t.after(() => machine.linux.delete());
  assert.equal(await script(machine, "echo $(sha256sum < /bin/busybox)"), sum("/bin/busybox"));
});

function sum(path) {
  const local = execFileSync("sh", ["-c", `command -v ${path.split("/").pop()}`], { encoding: "utf8" }).trim();
  return execFileSync("sha256sum", { input: execFileSync("cat", [local], { maxBuffer: 1 << 24 }), encoding: "utf8" })
    .replace("  ", " ");
}

test("a server that is gone is an error of the disk, and the machine lives on", options, async (t) => {
  let gone = false;
  const server = await serving(t, async (_, request, response) => {
    if (gone) response.writeHead(403).end();
    return gone;
  });
  const machine = await boot(server);
  t.after(() => machine.linux.delete());
  await script(machine, "true");
  gone = true;
  const text = "cat /data.bin > /dev/null 2>&1; echo $?; echo alive";
  assert.equal(await script(machine, text), "1\nalive\n");
  gone = false;
  await new Promise((resolve) => setTimeout(resolve, 1100));
  assert.match(await script(machine, "wc -c < /data.bin"), /3145728\n$/);
});

test("what cannot work is refused with its reason", options, async (t) => {
  const server = await serving(t, async (log, request, response) => {
    if (log.path === "/whole") response.writeHead(200).end("whole");
    return log.path === "/whole";
  });
  await assert.rejects(HttpBytesDevice.create(`${server.url}whole`), /whole files only.*range requests/);
  await assert.rejects(HttpBytesDevice.create(`${server.url}none`), /the server says 404/);
  const dev = await HttpBytesDevice.create(`${server.url}files/one.txt`);
  const mounts = [{ type: "ext2", path: "/", dev }];
  await assert.rejects(Linux.create({ worker: nodeWorker(), mounts }), /cannot mount ext2 on \//);
  await assert.rejects(Linux.create({ worker: nodeWorker(), network: "host" }), /not a network/);
});

test("output that nobody takes stops the program, not the machine", options, async (t) => {
  const { linux } = await boot(await serving(t));
  t.after(() => linux.delete());
  let taken = 0;
  let release;
  const gate = new Promise((resolve) => (release = resolve));
  const key = linux.setCustomConsole(async (bytes) => {
    taken += bytes.length;
    await gate;
  }, 80, 24);
  const ended = linux.run("/bin/yes", [], { env: ENV });
  await new Promise((resolve) => setTimeout(resolve, 1000));
  assert.ok(taken > 100_000 && taken < 4_000_000, `${taken} bytes`);
  key("\x03");
  release();
  assert.equal(await ended, 130);
});
