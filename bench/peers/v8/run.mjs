// Runs a kernel in V8 as node ships it: `node run.mjs run FILE ARGS...`.
//
// The host is the one that every peer gets (peers/host): the few WASI functions that a kernel
// calls, with no checks beyond those of the language.

import { readFileSync, writeSync } from "node:fs";

const BADF = 8;
const NOSYS = 52;

/** How `proc_exit` leaves the guest. */
class Exit extends Error {
  constructor(code) {
    super(`exit with ${code}`);
    this.code = code;
  }
}

const [verb, file, ...rest] = process.argv.slice(2);
if (verb !== "run" || file === undefined) {
  console.error("usage: node run.mjs run FILE ARGS...");
  process.exit(2);
}
const args = [file, ...rest].map((text) => new TextEncoder().encode(text));

let memory;
const view = () => new DataView(memory.buffer);
const bytes = (at, length) => new Uint8Array(memory.buffer, at, length);

const functions = {
  args_get(pointers, text) {
    for (const arg of args) {
      view().setUint32(pointers, text, true);
      bytes(text, arg.length).set(arg);
      bytes(text + arg.length, 1)[0] = 0;
      pointers += 4;
      text += arg.length + 1;
    }
    return 0;
  },
  args_sizes_get(count, size) {
    view().setUint32(count, args.length, true);
    view().setUint32(size, args.reduce((sum, arg) => sum + arg.length + 1, 0), true);
    return 0;
  },
  environ_get: () => 0,
  environ_sizes_get(count, size) {
    view().setUint32(count, 0, true);
    view().setUint32(size, 0, true);
    return 0;
  },
  clock_time_get(_clock, _precision, at) {
    view().setBigUint64(at, BigInt(Date.now()) * 1_000_000n, true);
    return 0;
  },
  fd_close: () => NOSYS,
  fd_seek: () => NOSYS,
  fd_fdstat_get(fd, at) {
    if (fd > 2) return BADF;
    // A character device with the right to write.
    bytes(at, 24).fill(0);
    bytes(at, 1)[0] = 2;
    bytes(at + 8, 1)[0] = 0x40;
    return 0;
  },
  fd_write(fd, vectors, count, written) {
    if (fd !== 1 && fd !== 2) return BADF;
    let total = 0;
    for (let n = 0; n < count; n++) {
      const start = view().getUint32(vectors + 8 * n, true);
      const length = view().getUint32(vectors + 8 * n + 4, true);
      for (let done = 0; done < length; ) done += writeSync(fd, bytes(start + done, length - done));
      total += length;
    }
    view().setUint32(written, total, true);
    return 0;
  },
  proc_exit(code) {
    throw new Exit(code);
  },
};

const module = new WebAssembly.Module(readFileSync(file));
const { exports } = new WebAssembly.Instance(module, { wasi_snapshot_preview1: functions });
memory = exports.memory;
try {
  exports._start();
} catch (error) {
  if (!(error instanceof Exit)) throw error;
  process.exitCode = error.code;
}
