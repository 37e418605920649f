// Programs whose hot code is translated to WebAssembly: they print what they print on this
// machine, and what is interpreted prints too.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { after, test } from "node:test";
import { Vm } from "../dist/index.js";
import { buildHot, native } from "./support/hot.mjs";

const dist = new URL("../dist/", import.meta.url);
const compile = async (name) => WebAssembly.compile(await readFile(new URL(name, dist)));
const modules = { kernel: await compile("kernel.wasm"), processor: await compile("processor.wasm") };

const hot = await buildHot();
after(() => hot.remove());
const program = new Uint8Array(await readFile(hot.path));
const path = execFileSync("sh", ["-c", "command -v busybox"], { encoding: "utf8" }).trim();
const busybox = new Uint8Array(await readFile(path));

/** Runs a program in a machine; its status as a shell tells it, its output, and what was translated. */
async function run(mode, argv, input = "") {
  const chunks = [];
  const vm = await Vm.create({ modules, mode, write: (bytes) => chunks.push(bytes) });
  vm.addFile("hot", 0o755, program);
  vm.addFile("busybox", 0o755, busybox);
  vm.write(new TextEncoder().encode(input));
  vm.closeInput();
  const status = await vm.run({ path: argv[0], argv, env: ["PATH=/"] });
  const translated = vm.translated();
  vm.delete();
  return { status, stdout: Buffer.concat(chunks).toString("latin1"), translated };
}

/** The same in every mode as on this machine; what was translated in each. */
async function same(what) {
  const expected = native(hot.path, [what]);
  const all = {};
  for (const mode of ["interpreter", "auto", "eager"]) {
    const { status, stdout, translated } = await run(mode, ["/hot", what]);
    assert.deepEqual({ status, stdout }, expected, `${what}, ${mode}`);
    all[mode] = translated;
  }
  assert.equal(all.interpreter.regions, 0);
  assert.ok(all.auto.entered > 0, `${what}: translated code was entered`);
  assert.ok(all.eager.regions >= all.auto.regions);
  return all;
}

test("a computation runs in translated code", async () => {
  const { auto } = await same("compute");
  // The dispatcher is a module too.
  assert.equal(auto.compiled + auto.shared, auto.regions + 1);
});

test("code that changes is translated anew", async () => {
  const { auto } = await same("rewrite");
  assert.ok(auto.dropped >= 3, `${auto.dropped} regions were dropped`);
});

test("a signal ends a loop that nothing else ends", () => same("spin"));

test("a fault in translated code ends the program as on this machine", () => same("fault"));

test("memory grows below translated code", () => same("grow"));

test("processes share what is compiled, after fork and exec", async () => {
  const { auto } = await same("family");
  assert.ok(auto.shared > 0);
  assert.ok(auto.compiled < auto.regions, `${auto.compiled} compiled for ${auto.regions} regions`);
});

test("processes end while their code is compiled", async () => {
  const script = "i=0; while [ $i -lt 20 ]; do hot brief | busybox cat; i=$((i + 1)); done; hot compute";
  const { status, stdout, translated } = await run("background", ["/busybox", "sh", "-c", script]);
  const expected = native(hot.path, ["brief"]).stdout.repeat(20) + native(hot.path, ["compute"]).stdout;
  assert.deepEqual([status, stdout], [0, expected]);
  assert.ok(translated.regions > 0);
});

test("a shell, pipes and tools: the same in every mode", async () => {
  const script =
    "i=0; while [ $i -lt 300 ]; do x=$((x * 31 + i)); i=$((i + 1)); done; echo $x; " +
    "busybox seq 1 3000 | busybox sort -rn | busybox md5sum; " +
    "busybox seq 1 2000 | busybox awk '{ s += $1 * $1 / 3 } END { print s }'; " +
    "busybox seq 1 4000 | busybox gzip -c | busybox gzip -d | busybox sha256sum";
  const expected = native(path, ["sh", "-c", script]);
  for (const mode of ["interpreter", "auto", "eager"]) {
    const { status, stdout, translated } = await run(mode, ["/busybox", "sh", "-c", script]);
    assert.deepEqual({ status, stdout }, expected, mode);
    assert.equal(translated.entered > 0, mode !== "interpreter");
  }
});

test("code that is compiled in the background is entered when it is there", async () => {
  const vm = await Vm.create({ modules, mode: "background", write: () => {} });
  vm.addFile("busybox", 0o755, busybox);
  const running = vm.run({ path: "/busybox", argv: ["busybox", "sh", "-c", "while :; do :; done"] });
  // Nothing waits for it, so it may take a while on a busy machine.
  while (vm.translated().entered === 0) await new Promise((resolve) => setTimeout(resolve, 20));
  vm.delete();
  await assert.rejects(running, /deleted/);
});

test("the event loop has its turns while translated code runs", async () => {
  let ticks = 0;
  const timer = setInterval(() => (ticks += 1), 10);
  const vm = await Vm.create({ modules, write: () => {} });
  vm.addFile("busybox", 0o755, busybox);
  const running = vm.run({ path: "/busybox", argv: ["busybox", "sh", "-c", "while :; do :; done"] });
  setTimeout(() => vm.delete(), 400);
  await assert.rejects(running, /deleted/);
  clearInterval(timer);
  assert.ok(vm.translated().entered > 0);
  assert.ok(ticks > 5, `${ticks} ticks`);
});
