// The way out of a machine: names and connections of programs over a transport.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { Linux, Vm } from "../dist/index.js";
import { answerQuery } from "../dist/names.js";
import { nodeWorker } from "../dist/node.js";
import { makeImage } from "./support/image.mjs";
import { compileModules, memoryBlocks } from "./support/storage.mjs";

const options = { timeout: 30_000 };
const modules = await compileModules();
const old = (...bytes) => new Uint8Array([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, ...bytes]);
const NEW = new Uint8Array([0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
let disk, image;
before(async () => {
  disk = await makeImage();
  image = await readFile(disk.image);
});
after(() => disk?.remove());

/** What `resolve` knows, and a server that says everything in large letters, in small parts. */
function transport() {
  const told = { connected: [], asked: [] };
  return {
    told,
    resolve: async (name) => {
      told.asked.push(name);
      if (name === "broken.example") throw new Error("broken");
      return name === "there.example" ? [old(192, 0, 2, 7), NEW] : [];
    },
    connect: (address, port, inner) => {
      told.connected.push([...address, port]);
      if (port === 81) setTimeout(() => inner.failed(111), 5);
      else setTimeout(() => inner.opened(), 5);
      let queue = [];
      let ended = false;
      const pump = () => {
        for (let part = queue[0]; part !== undefined; part = queue[0]) {
          queue.shift();
          if (!inner.give(part)) return;
        }
        if (ended) inner.end();
      };
      inner.drained = pump;
      return {
        data: (bytes, taken) => {
          const text = Buffer.from(bytes).toString("latin1").toUpperCase();
          queue.push(Buffer.from(text, "latin1"));
          setTimeout(() => (taken(bytes.length), pump()), 1);
        },
        finished: () => setTimeout(() => ((ended = true), pump()), 5),
        closed: () => {},
      };
    },
  };
}

async function boot(transport) {
  let printed = "";
  const vm = await Vm.create({
    modules, disks: [memoryBlocks(image)], transport, log: () => {},
    write: (bytes) => (printed += Buffer.from(bytes).toString("latin1")),
  });
  await vm.mount({ type: "ext2", path: "/", device: 0 });
  await vm.mount({ type: "devs", path: "/dev" });
  await vm.coverFile("/etc/resolv.conf", new TextEncoder().encode("nameserver 10.0.2.3\n"));
  vm.closeInput();
  return {
    vm,
    run: async (script) => {
      printed = "";
      const status = await vm.run({ path: "/bin/sh", argv: ["sh", "-c", script], env: ["PATH=/bin"] });
      return { status, printed };
    },
  };
}

test("programs connect, by name and by address, both ways and to the end", options, async (t) => {
  const way = transport();
  const { vm, run } = await boot(way);
  t.after(() => vm.delete());
  assert.deepEqual(await run("echo hello there | busybox nc there.example 80"), { status: 0, printed: "HELLO THERE\n" });
  assert.deepEqual(way.told.connected, [[...old(192, 0, 2, 7), 80]]);
  assert.ok(way.told.asked.every((name) => name === "there.example"));
  const { printed } = await run("seq 60000 | md5sum; seq 60000 | busybox nc 192.0.2.9 7 | md5sum");
  const [sent, came] = printed.trim().split("\n");
  assert.equal(came, sent);
  assert.match((await run("busybox nc 192.0.2.9 81 2>&1")).printed, /refused/);
  assert.match((await run("busybox wget -O - http://none.example/ 2>&1")).printed, /bad address/);
  assert.match((await run("busybox nslookup there.example 2>&1")).printed, /192\.0\.2\.7[^]*2001:db8::1/i);
  // No other address is reached by UDP.
  assert.notEqual((await run("busybox timeout 1 busybox nslookup there.example 192.0.2.53 2>&1")).status, 0);
});

test("without a way out, nothing is reached", options, async (t) => {
  const { vm, run } = await boot(undefined);
  t.after(() => vm.delete());
  assert.match((await run("busybox nc 192.0.2.9 80 2>&1")).printed, /unreachable/);
  assert.match((await run("busybox wget -O - http://there.example/ 2>&1")).printed, /bad address/);
  for (const network of ["host", { relay: "ws://127.0.0.1/" }, 7]) {
    await assert.rejects(Linux.create({ worker: nodeWorker(), network }), /not a network/);
  }
  await assert.rejects(Linux.create({ worker: nodeWorker(), network: { relay: "http://127.0.0.1/", token: "x" } }), /not the address of a relay/);
});

test("queries for names, good and bad", options, async () => {
  const asked = [];
  const resolve = async (name) => {
    asked.push(name);
    if (name === "broken") throw new Error("broken");
    return name === "none" ? [] : Array.from({ length: 40 }, (_, at) => old(10, 0, 0, at)).concat([NEW]);
  };
  /** A query of one question. */
  const query = (name, type = 1, more = {}) => {
    const labels = name.split(".").flatMap((label) => [label.length, ...Buffer.from(label)]);
    return new Uint8Array([0x12, 0x34, more.flags ?? 1, 0, 0, more.count ?? 1, 0, 0, 0, 0, 0, more.additional ?? 0, ...labels, 0, 0, type, 0, more.class ?? 1, ...(more.rest ?? [])]);
  };
  const ask = async (bytes) => {
    const answer = await answerQuery(bytes, resolve);
    if (answer === undefined) return undefined;
    const view = new DataView(answer.buffer);
    return { id: view.getUint16(0), flags: answer[2], code: answer[3] & 15, records: view.getUint16(6), length: answer.length, answer };
  };
  const many = await ask(query("a.example"));
  assert.deepEqual([many.id, many.flags, many.code], [0x1234, 0x81, 0]);
  assert.ok(many.length <= 512 && many.records === Math.floor((512 - 27) / 16), JSON.stringify(many));
  assert.deepEqual([...many.answer.subarray(27, 43)], [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 10, 0, 0, 0]);
  const six = await ask(query("a.example", 28));
  assert.deepEqual([six.records, ...six.answer.subarray(-16)], [1, ...NEW]);
  // With what newer clients put behind the question.
  assert.equal((await ask(query("a.example", 1, { additional: 1, rest: [0, 0, 41, 16, 0, 0, 0, 0, 0, 0, 0] }))).code, 0);
  assert.deepEqual([(await ask(query("none"))).code, (await ask(query("broken"))).code], [3, 2]);
  assert.deepEqual([(await ask(query("a", 15))).records, (await ask(query("a", 1, { class: 3 }))).records], [0, 0]);
  const before = asked.length;
  assert.equal((await ask(query("a", 1, { flags: 0x10 }))).code, 4);
  assert.equal((await ask(query("a", 1, { count: 2 }))).code, 1);
  assert.equal(await ask(query("a", 1, { flags: 0x80 })), undefined);
  assert.equal(await ask(new Uint8Array(5)), undefined);
  assert.equal(await ask(new Uint8Array(600)), undefined);
  // Cut anywhere, and with lengths that lead astray.
  const whole = query("abc.example");
  for (let end = 12; end < whole.length; end++) assert.equal((await ask(whole.subarray(0, end))).code, 1);
  for (const length of [64, 0xc0, 63]) {
    const odd = whole.slice();
    odd[12] = length;
    assert.equal((await ask(odd)).code, 1);
  }
  assert.equal(asked.length, before);
});
