// Debian's static busybox in the VM, and the same on this machine: both print the same.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Vm } from "../dist/index.js";

const dist = new URL("../dist/", import.meta.url);
const compile = async (name) => WebAssembly.compile(await readFile(new URL(name, dist)));
const modules = {
  kernel: await compile("kernel.wasm"),
  processor: await compile("processor.wasm"),
};
const path = execFileSync("sh", ["-c", "command -v busybox"], { encoding: "utf8" }).trim();
const busybox = new Uint8Array(await readFile(path));

/** Runs busybox, or another program; its status, output and the VM's own lines. */
async function run(args, { input = "", program = busybox, ...options } = {}) {
  const chunks = { 1: [], 2: [] };
  const lines = [];
  const write = (bytes, stream) => chunks[stream].push(bytes);
  const vm = await Vm.create({ modules, write, log: (line) => lines.push(line), ...options });
  vm.addFile("busybox", 0o755, program);
  vm.write(new TextEncoder().encode(input));
  vm.closeInput();
  const status = await vm.run({ path: "/busybox", argv: ["busybox", ...args], env: ["PATH=/"] });
  const text = (stream) => Buffer.concat(chunks[stream]).toString("latin1");
  return { status, stdout: text(1), stderr: text(2), lines };
}

test("a program prints and ends", async () => {
  const { status, stdout } = await run(["echo", "hello"]);
  assert.deepEqual([status, stdout], [0, "hello\n"]);
});

test("the exit status and a signal come through", async () => {
  assert.equal((await run(["sh", "-c", "exit 42"])).status, 42);
  assert.equal((await run(["sh", "-c", "kill -9 $$"])).status, 137);
});

test("input reaches the program", async () => {
  const { stdout } = await run(["tr", "a-z", "A-Z"], { input: "one\ntwo\n" });
  assert.equal(stdout, "ONE\nTWO\n");
});

test("processes and pipes: the same as on this machine", async () => {
  const script =
    'for i in 1 2 3 4 5; do busybox echo $((i * i)); done | busybox sort -rn | busybox head -n 3; ' +
    'x=$(busybox seq 1 100 | busybox md5sum); echo "$x"; (exit 3); echo $?';
  const { stdout } = await run(["sh", "-c", script]);
  const expected = execFileSync(path, ["sh", "-c", script], { encoding: "latin1" });
  assert.equal(stdout, expected);
});

test("a long computation: the same as on this machine", async () => {
  const input = Array.from({ length: 3000 }, (_, i) => `line ${(i * 7919) % 3001}\n`).join("");
  const { stdout } = await run(["sha512sum"], { input });
  assert.equal(stdout, execFileSync(path, ["sha512sum"], { input, encoding: "latin1" }));
});

test("many processes reuse instances", async () => {
  const script = "i=0; while [ $i -lt 60 ]; do busybox true; i=$((i + 1)); done; echo $i";
  assert.equal((await run(["sh", "-c", script])).stdout, "60\n");
});

test("a program that takes too much memory does not get it", async () => {
  const memory = 24 << 20;
  const { status, stdout } = await run(["sh", "-c", "x=a; while :; do x=$x$x; done; echo no"], { memory });
  assert.notEqual(status, 0);
  assert.equal(stdout, "");
});

test("more than a process ever had can be given back", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "sampan-c-"));
  t.after(() => rm(folder, { recursive: true }));
  const source = new URL("support/beyond.c", import.meta.url).pathname;
  execFileSync("cc", ["-O1", "-static", "-o", join(folder, "beyond"), source]);
  const program = new Uint8Array(await readFile(join(folder, "beyond")));
  const { status, stdout } = await run([], { program });
  assert.deepEqual([status, stdout], [0, "given back\n"]);
});

test("sleeping takes no time of the event loop", async () => {
  let ticks = 0;
  const timer = setInterval(() => (ticks += 1), 10);
  await run(["sleep", "0.3"]);
  clearInterval(timer);
  assert.ok(ticks > 5, `${ticks} ticks`);
});

test("a deleted machine rejects its run", async () => {
  const vm = await Vm.create({ modules, write: () => {} });
  vm.addFile("busybox", 0o755, busybox);
  const running = vm.run({ path: "/busybox", argv: ["busybox", "sh", "-c", "while :; do :; done"] });
  setTimeout(() => vm.delete(), 50);
  await assert.rejects(running, /deleted/);
});

test("what is no program is refused by name", async () => {
  const vm = await Vm.create({ modules, write: () => {} });
  vm.addFile("text", 0o755, new TextEncoder().encode("not a program"));
  await assert.rejects(vm.run({ path: "/text", argv: ["text"] }), /\/text/);
});
