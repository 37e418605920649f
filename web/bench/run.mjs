// Runs a static program in a machine under node and prints what it prints:
//   node web/bench/run.mjs MODE PROGRAM [ARGUMENT…]
// With SAMPAN_REPORT, what has been translated comes to stderr.

import { readFile } from "node:fs/promises";
import { Vm } from "../dist/index.js";

const [mode, path, ...args] = process.argv.slice(2);
const dist = new URL("../dist/", import.meta.url);
const compile = async (name) => WebAssembly.compile(await readFile(new URL(name, dist)));
const [kernel, processor] = await Promise.all([compile("kernel.wasm"), compile("processor.wasm")]);
const vm = await Vm.create({
  modules: { kernel, processor },
  mode,
  write: (bytes, stream) => (stream === 2 ? process.stderr : process.stdout).write(bytes),
  log: (line) => console.error(line),
});
vm.addFile("program", 0o755, new Uint8Array(await readFile(path)));
vm.closeInput();
const status = await vm.run({ path: "/program", argv: ["program", ...args] });
if (process.env.SAMPAN_REPORT) console.error(vm.translated());
vm.delete();
process.exitCode = status;
