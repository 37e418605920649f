/**
 * Changes of a disk as a file, to keep or to take elsewhere: packed with gzip, a line that says
 * what it is, one with the identity of the image (as JSON), one with the number of blocks, and
 * each block with its number before it (64 bits, little-endian).
 */

import { concat, decode, encode, message } from "../bytes.js";
import { BLOCK } from "./overlay.js";
import { Store } from "./store.js";

const TITLE = "sampan changes 1";
const RECORD = 8 + BLOCK;
/** Blocks that go to the storage in one transaction. */
const SOME = 1024;

/** The blocks that the browser keeps under a name. */
export async function saveChanges(name: string): Promise<Blob> {
  const store = await Store.openToRead(name);
  try {
    // Blobs need not be in memory.
    const parts: Blob[] = [];
    let count = 0;
    const identity = await store.fact("base");
    await store.all((numbers, blocks) => {
      count += numbers.length;
      parts.push(new Blob(blocks.map((block, at) => record(numbers[at] ?? 0, block))));
    });
    const head = encode(`${TITLE}\n${JSON.stringify(identity ?? "")}\n${count}\n`);
    const content = new Blob([head, ...parts]);
    const packed = content.stream().pipeThrough(new CompressionStream("gzip"));
    return await new Response(packed, { headers: { "Content-Type": "application/gzip" } }).blob();
  } finally {
    store.close();
  }
}

function record(number: number, block: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(RECORD);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(number), true);
  bytes.set(block, 8);
  return bytes;
}

/**
 * Puts the blocks of a file under a name, in place of those that are there.
 * @param release called before anything is changed
 */
export async function loadChanges(name: string, file: Blob, release: () => Promise<void>): Promise<void> {
  const records = await check(file);
  await release();
  await Store.remove(name);
  const store = await Store.open(name);
  try {
    await store.setFact("base", UNFINISHED);
    for await (const blocks of records.blocks()) await store.put(blocks, []);
    await store.setFact("base", records.identity);
  } finally {
    store.close();
  }
}

/** The identity of what was not loaded as a whole: no image has it. */
const UNFINISHED = "changes that were not loaded as a whole";

interface Records {
  readonly identity: string;
  blocks(): AsyncGenerator<Map<number, Uint8Array>>;
}

/** Reads all of a file once, so that a damaged one changes nothing. */
async function check(file: Blob): Promise<Records> {
  try {
    const records = await open(file);
    for await (const _ of records.blocks());
    return open(file);
  } catch (error) {
    throw new Error(`not a file with changes of a disk, or damaged: ${message(error)}`);
  }
}

async function open(file: Blob): Promise<Records> {
  // Its checksum, which is gzip's, is compared when all was read.
  const reader = file.stream().pipeThrough(new DecompressionStream("gzip")).getReader();
  let rest: Uint8Array<ArrayBuffer> = new Uint8Array();
  const more = async () => {
    const { done, value } = await reader.read();
    if (!done) rest = concat([rest, value]);
    return !done;
  };
  const line = async () => {
    while (!rest.includes(10)) if (rest.length > 4096 || !(await more())) throw new Error("its head is missing");
    const end = rest.indexOf(10);
    const text = decode(rest.subarray(0, end));
    rest = rest.slice(end + 1);
    return text;
  };
  if ((await line()) !== TITLE) throw new Error(`it does not begin with "${TITLE}"`);
  const identity = JSON.parse(await line()) as unknown;
  const count = Number(await line());
  if (typeof identity !== "string" || !Number.isSafeInteger(count)) throw new Error("its head makes no sense");
  return {
    identity,
    blocks: async function* () {
      let seen = 0;
      for (let isMore = true; isMore; ) {
        while (rest.length < SOME * RECORD && (isMore = await more()));
        const whole = Math.min(Math.floor(rest.length / RECORD), SOME);
        const blocks = new Map<number, Uint8Array>();
        const view = new DataView(rest.buffer, rest.byteOffset, rest.length);
        for (let at = 0; at < whole * RECORD; at += RECORD) {
          const number = Number(view.getBigUint64(at, true));
          if (!Number.isSafeInteger(number)) throw new Error("a block's number makes no sense");
          blocks.set(number, rest.slice(at + 8, at + RECORD));
        }
        rest = rest.slice(whole * RECORD);
        seen += whole;
        isMore ||= rest.length >= RECORD;
        yield blocks;
      }
      if (rest.length > 0 || seen !== count) throw new Error(`${seen} of ${count} blocks`);
    },
  };
}
