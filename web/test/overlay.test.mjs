// Changes of a disk in a storage that is full, fails, or stops at any moment.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { OverlayBlocks } from "../dist/blocks/overlay.js";
import { Vm } from "../dist/index.js";
import { makeImage } from "./support/image.mjs";
import { changed, compileModules, MemoryStorage, memoryBlocks } from "./support/storage.mjs";

const [DONE, NOT_READY, EIO, ENOSPC] = [0, -1, 5, 28];
const BLOCK = 4096;
const modules = await compileModules();
let disk, image;
before(async () => {
  disk = await makeImage({ megabytes: 32 });
  image = await readFile(disk.image);
});
after(() => disk.remove());

/** A machine on the image with changes in `storage`; `run` runs a script, and tells what it printed. */
async function boot(storage) {
  let vm;
  const told = { full: [], lines: [] };
  const watcher = {
    news: () => vm?.news(), busy: () => {}, latency: () => {},
    log: (line) => told.lines.push(line), full: (full) => told.full.push(full),
  };
  const overlay = await OverlayBlocks.open(memoryBlocks(image), storage, "test", watcher);
  let printed = "";
  let seen = () => {};
  const write = (bytes) => seen((printed += Buffer.from(bytes).toString("latin1")));
  vm = await Vm.create({ modules, write, log: watcher.log, disks: [overlay] });
  await vm.mount({ type: "ext2", path: "/", device: 0 });
  await vm.mount({ type: "devs", path: "/dev" });
  vm.closeInput();
  const run = async (script, watch = () => {}) => {
    [printed, seen] = ["", watch];
    const status = await vm.run({ path: "/bin/sh", argv: ["sh", "-c", script], env: ["PATH=/bin"] });
    return { status, printed };
  };
  return { vm, overlay, run, told };
}

const FILL = "dd if=/dev/zero of=/root/big bs=64k count=300 conv=fsync 2>&1; echo status $?";

test("a full storage is a full disk; what the guest gives back makes room", async () => {
  const storage = new MemoryStorage();
  const { vm, run, told } = await boot(storage);
  await run("echo kept > /root/kept; sync");
  storage.room = storage.blocks.size + 2000;
  const { printed } = await run(FILL);
  assert.match(printed, /No space left on device[^]*status 1/);
  assert.deepEqual(told.full, [true]);
  // New content is refused at once, not when it is to be put away.
  assert.match((await run("dd if=/dev/zero of=/root/more bs=4k count=4 2>&1")).printed, /No space left/);
  assert.match((await run("sync; cat /root/kept; ls -l /root/big | wc -l")).printed, /kept\n1\n/);
  const { printed: after } = await run("rm -f /root/big /root/more; sync; echo fits > /root/fits; sync; echo $?");
  assert.equal(after, "0\n");
  assert.deepEqual(told.full, [true, false]);
  await vm.sync();
  const left = await changed(image, storage.blocks);
  assert.equal(left.check(), undefined);
  assert.deepEqual([left.read("/root/kept"), left.read("/root/fits"), left.read("/root/big")], ["kept\n", "fits\n", undefined]);
  // Blocks that nothing uses do not stay.
  assert.ok(storage.blocks.size < 100, `${storage.blocks.size} blocks`);
  await left.remove();
  vm.delete();
});

test("what did not fit is there once there is room", async () => {
  const storage = new MemoryStorage();
  const { vm, run, told } = await boot(storage);
  storage.room = 150;
  const { printed } = await run("seq 1 120000 > /root/numbers; sync; ls -l /root/numbers; md5sum < /root/numbers");
  const [, sum] = /(\w{32}) /.exec(printed);
  assert.deepEqual(told.full, [true]);
  await assert.rejects(vm.sync(), /error 28/);
  assert.equal(storage.blocks.size, 0);
  storage.room = Infinity;
  await new Promise((resolve) => setTimeout(resolve, 1100));
  await vm.sync();
  assert.deepEqual(told.full, [true, false]);
  vm.delete();
  const again = await boot(storage);
  assert.match((await again.run("md5sum < /root/numbers")).printed, new RegExp(`^${sum}`));
  again.vm.delete();
  const left = await changed(image, storage.blocks);
  assert.equal(left.check(), undefined);
  await left.remove();
});

test("what waits in memory is bounded, with room and without", async () => {
  const storage = new MemoryStorage();
  const watcher = { news: () => {}, busy: () => {}, latency: () => {}, log: () => {}, full: () => {} };
  const overlay = await OverlayBlocks.open(memoryBlocks(new Uint8Array(192 << 20)), storage, "test", watcher);
  const bytes = new Uint8Array(64 * BLOCK).fill(1);
  /** Writes all of the disk; the answer that is not `DONE`. */
  const fill = async () => {
    for (let at = 0; at < overlay.size; at += bytes.length) {
      let answer = overlay.write(at, bytes);
      for (; answer === NOT_READY; answer = overlay.write(at, bytes)) await new Promise((done) => setTimeout(done, 1));
      if (answer !== DONE) return [answer, at];
    }
    return [DONE, overlay.size];
  };
  assert.deepEqual(await fill(), [DONE, 192 << 20]);
  assert.ok(storage.log.length >= 4 && storage.most * BLOCK <= 32 << 20, `${storage.log.length}, ${storage.most}`);
  bytes.fill(2);
  storage.room = 0;
  let [answer, at] = await fill();
  assert.equal(answer, ENOSPC);
  assert.ok(at <= 96 << 20, `${at}`);
  // With a storage that is broken in another way it ends too.
  storage.failure = new Error("broken");
  await new Promise((resolve) => setTimeout(resolve, 1100));
  [answer] = await fill();
  assert.equal(answer, EIO);
  storage.failure = undefined;
  storage.room = Infinity;
  await new Promise((resolve) => setTimeout(resolve, 1100));
  assert.deepEqual(await fill(), [DONE, 192 << 20]);
  let flushed = overlay.flush();
  for (; flushed === NOT_READY; flushed = overlay.flush()) await new Promise((done) => setTimeout(done, 1));
  assert.equal(flushed, DONE);
  assert.ok([...storage.blocks.values()].every((block) => block[0] === 2));
  await overlay.close();
});

test("an end at any moment leaves a whole file system, with all that was synced", { timeout: 80_000 }, async () => {
  const storage = new MemoryStorage();
  const { vm, run } = await boot(storage);
  /** How many transactions there were when the guest had been told of each step. */
  const promised = [];
  const script = `
    cd /root; mkdir -p a/b
    for i in $(seq 1 12); do
      echo "content $i" > file$i; seq 1 $((i * 3000)) > a/big
      mv a/big a/b/big$i; [ $i -gt 3 ] && rm -r a/b/big$((i - 3)) file$((i - 3))
      ln file$i a/link$i; mkdir d$i; mv a/link$i d$i/; [ $i -gt 2 ] && rm -r d$((i - 2))
      sync; echo synced $i
      echo later > later$i; rm later$i
    done`;
  const { status } = await run(script, (printed) => {
    const steps = printed.split("synced ").length - 1;
    while (promised.length < steps) promised.push(storage.log.length);
  });
  assert.equal(status, 0);
  await vm.sync();
  vm.delete();
  assert.equal(promised.length, 12);
  assert.ok(storage.log.length >= 12, `${storage.log.length} transactions`);
  const blocks = new Map();
  for (let count = 0; count <= storage.log.length; count++) {
    if (count > 0) {
      const { put, deleted } = storage.log[count - 1];
      for (const number of deleted) blocks.delete(number);
      for (const [number, bytes] of put) blocks.set(number, bytes);
    }
    const left = await changed(image, blocks);
    assert.equal(left.check(), undefined, `after transaction ${count}`);
    const step = promised.filter((when) => when <= count).length;
    if (step > 0 && step < 12) {
      // The next step may already have taken what the last but two made.
      assert.equal(left.read(`/root/file${step}`), `content ${step}\n`, `after transaction ${count}`);
      assert.equal(left.read(`/root/a/b/big${step}`).split("\n").length, step * 3000 + 1);
    }
    await left.remove();
  }
});
