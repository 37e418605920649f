// What stands in for a browser's storage and for a web server's image, and what can be done to
// them: a limit of room, failures, and all states that an end at any moment could leave.

import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const BLOCK = 4096;
const PATH = `${process.env.PATH}:/usr/sbin:/sbin`;

/** Blocks in memory, as the overlay keeps them. Each `put` is a transaction. */
export class MemoryStorage {
  blocks = new Map();
  facts = new Map();
  /** Each transaction that was made: what it put, what it deleted. */
  log = [];
  /** Blocks that it takes. */
  room = Infinity;
  /** Set to make everything fail with it. */
  failure = undefined;
  /** The most blocks that one transaction brought. */
  most = 0;
  attempts = 0;

  async numbers() {
    return [...this.blocks.keys()];
  }

  async block(number) {
    await moment();
    return this.blocks.get(number).slice();
  }

  async put(blocks, gone) {
    this.attempts += 1;
    const [put, deleted] = [new Map([...blocks].map(([number, bytes]) => [number, bytes.slice()])), [...gone]];
    this.most = Math.max(this.most, put.size);
    await moment();
    if (this.failure) throw this.failure;
    const after = new Set(this.blocks.keys());
    for (const number of deleted) after.delete(number);
    for (const number of put.keys()) after.add(number);
    if (after.size > this.room) throw new DOMException("no room", "QuotaExceededError");
    for (const number of deleted) this.blocks.delete(number);
    for (const [number, bytes] of put) this.blocks.set(number, bytes);
    this.log.push({ put, deleted });
  }

  async fact(name) {
    return this.facts.get(name);
  }

  async setFact(name, value) {
    this.facts.set(name, value);
  }

  close() {}
}

/** An image in memory as a disk that is only read. */
export function memoryBlocks(bytes) {
  return {
    size: bytes.length, readOnly: true, identity: "test", isFull: false,
    read: (offset, into) => (into.set(bytes.subarray(offset, offset + into.length)), 0),
    write: () => 30, flush: () => 0, discard: () => {}, close: async () => {},
  };
}

/** An image with changed blocks, as a file for tools of ext2. */
export async function changed(image, blocks) {
  const bytes = Buffer.from(image);
  for (const [number, block] of blocks) bytes.set(block.subarray(0, bytes.length - number * BLOCK), number * BLOCK);
  const folder = await mkdtemp(join(tmpdir(), "sampan-changed-"));
  const path = join(folder, "image");
  await writeFile(path, bytes);
  return {
    path,
    /** What e2fsck complains about; undefined if nothing. */
    check: () => {
      const { status, stdout } = spawnSync("e2fsck", ["-fn", path], { encoding: "latin1", env: { PATH } });
      return status === 0 ? undefined : stdout;
    },
    /** A file's content; undefined if it is not there. */
    read: (name) => {
      const options = { encoding: "latin1", env: { PATH }, stdio: ["ignore", "pipe", "pipe"], maxBuffer: 1 << 28 };
      const { stdout, stderr } = spawnSync("debugfs", ["-R", `cat ${name}`, path], options);
      return /not found/.test(stderr) ? undefined : stdout;
    },
    remove: () => rm(folder, { recursive: true }),
  };
}

/** Compiled modules of the package. */
export async function compileModules() {
  const compile = async (name) => WebAssembly.compile(await readFile(new URL(`../../dist/${name}`, import.meta.url)));
  return { kernel: await compile("kernel.wasm"), processor: await compile("processor.wasm") };
}

function moment() {
  return new Promise((resolve) => setTimeout(resolve, 2));
}
