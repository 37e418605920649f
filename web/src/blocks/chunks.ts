/**
 * A disk image as a folder of compressed chunks, as `sampan image chunk` makes it: any web
 * server for static files has what it takes, and may keep all but `index.json` for ever. A chunk is
 * named by the SHA-256 of its content, which is compared.
 */

import { message } from "../bytes.js";
import type { Watcher } from "./blocks.js";
import { KeptUnits } from "./kept.js";
import { failure, FetchedBlocks, Refusal, TIMEOUT_MS } from "./fetched.js";

const FORMAT = "sampan chunks";
const VERSION = 1;
/** Sizes of chunks and disks beyond which an index is not believed. */
const MAX_CHUNK = 16 << 20;
const MAX_SIZE = 2 ** 44;
const HASH = 32;
/** Where the map is kept among chunks. */
const MAP = -1;

/** What the page found out about an image: its index, read and checked. */
export interface ChunkImage {
  /** The folder's address, with a slash at its end. */
  readonly url: string;
  readonly size: number;
  /** Bytes of a chunk. */
  readonly chunk: number;
  /** How many there are; the last may be shorter. */
  readonly count: number;
  /** The name of the file that tells which is which. */
  readonly map: string;
  /** Chunks that a start needs, in this order. */
  readonly preload: readonly number[];
}

export class ChunkBlocks extends FetchedBlocks {
  private readonly zeros: Uint8Array;
  private saidUnchecked = false;

  private constructor(
    private readonly image: ChunkImage,
    private readonly hashes: Uint8Array,
    /** For each chunk the number of its hash, from 1; 0 for zeros. */
    private readonly which: Uint32Array,
    private readonly log: Watcher["log"],
    watcher: Watcher,
  ) {
    // Chunks are large already; two ahead are what reads in order need.
    super({ bytes: image.chunk, short: 1, long: 4, perRequest: 1, maxRequests: 6 }, watcher);
    this.zeros = new Uint8Array(image.chunk);
  }

  static async open(image: ChunkImage, watcher: Watcher): Promise<ChunkBlocks> {
    try {
      const limit = 4 + image.count * (HASH + 4);
      const keep = await KeptUnits.open(image.url, image, image.map);
      const [known] = (await keep?.get(MAP, 1)) ?? [];
      const bytes = known?.slice() ?? (await fetchGzip(image.url + image.map, limit));
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
      const hashes = bytes.length < 4 ? 0 : view.getUint32(0, true);
      const start = 4 + hashes * HASH;
      if (bytes.length !== start + image.count * 4) throw new Error("not as long as the index says");
      const which = Uint32Array.from({ length: image.count }, (_, at) => view.getUint32(start + at * 4, true));
      if (which.some((number) => number > hashes)) throw new Error("a chunk has no hash");
      keep?.put(MAP, bytes);
      const blocks = new ChunkBlocks(image, bytes.subarray(4, start), which, watcher.log, watcher);
      blocks.keep = keep;
      blocks.preload(image.preload);
      return blocks;
    } catch (error) {
      throw new Error(`${image.url}${image.map}: ${message(error)}`);
    }
  }

  get size(): number {
    return this.image.size;
  }

  get identity(): string {
    return `chunks ${this.image.size} ${this.image.map}`;
  }

  protected override local(unit: number): Uint8Array | undefined {
    return this.which[unit] === 0 ? this.zeros : undefined;
  }

  protected override nameOf(first: number): string {
    return this.address(first);
  }

  protected override async fetchUnits(unit: number): Promise<Uint8Array> {
    const length = Math.min(this.image.chunk, this.size - unit * this.image.chunk);
    const bytes = await fetchGzip(this.address(unit), length);
    if (bytes.length !== length) throw new Error(`${bytes.length} bytes came, and not ${length}`);
    await this.check(unit, bytes);
    return bytes;
  }

  private async check(unit: number, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    // Pages that did not come over a safe channel can't compute it.
    if (crypto.subtle === undefined) {
      if (!this.saidUnchecked) this.log("chunks of the disk are not checked: the page did not come over https");
      this.saidUnchecked = true;
      return;
    }
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
    if (hex(digest) !== this.hash(unit)) throw new Refusal("the content is not what its name says");
  }

  private address(unit: number): string {
    const hash = this.hash(unit);
    return `${this.image.url}chunks/${hash.slice(0, 2)}/${hash}`;
  }

  private hash(unit: number): string {
    const at = ((this.which[unit] ?? 1) - 1) * HASH;
    return hex(this.hashes.subarray(at, at + HASH));
  }
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Fetches and unpacks a file, which has at most `limit` bytes then. */
async function fetchGzip(url: string, limit: number): Promise<Uint8Array<ArrayBuffer>> {
  const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
  if (!response.ok) {
    await response.body?.cancel();
    throw failure(response.status);
  }
  const packed = new Uint8Array(await response.arrayBuffer());
  // A server that calls it an encoding has had it unpacked already.
  if (packed[0] !== 0x1f || packed[1] !== 0x8b) return packed;
  const unpacked = new Uint8Array(limit);
  let length = 0;
  const reader = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip")).getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    if (length + part.value.length > limit) {
      await reader.cancel();
      throw new Refusal(`more than ${limit} bytes when unpacked`);
    }
    unpacked.set(part.value, length);
    length += part.value.length;
  }
  return unpacked.subarray(0, length);
}

/** Reads an image's index. @param folder its address */
export async function lookAtChunks(folder: string): Promise<ChunkImage> {
  const url = folder.endsWith("/") ? folder : `${folder}/`;
  const address = `${url}index.json`;
  let response: Response;
  try {
    response = await fetch(address, { cache: "no-cache" });
  } catch (error) {
    const known = (await KeptUnits.description(url)) as ChunkImage | undefined;
    if (known === undefined) throw new Error(`${address}: ${message(error)}`);
    return known;
  }
  if (!response.ok) throw new Error(`${address}: the server says ${response.status}`);
  let index: Record<string, unknown>;
  try {
    index = Object(await response.json()) as Record<string, unknown>;
  } catch (error) {
    throw new Error(`${address}: ${message(error)}`);
  }
  const { format, version, size, chunk, count, map, preload = [] } = index;
  if (format !== FORMAT) throw new Error(`${address}: not the index of an image in chunks`);
  if (version !== VERSION) throw new Error(`${address}: version ${String(version)}; this package knows ${VERSION}`);
  const isNumber = (value: unknown, most: number): value is number =>
    Number.isSafeInteger(value) && Number(value) > 0 && Number(value) <= most;
  const isMap = typeof map === "string" && /^maps\/[0-9a-f]+$/.test(map);
  if (!isNumber(size, MAX_SIZE) || !isNumber(chunk, MAX_CHUNK) || count !== Math.ceil(size / chunk) || !isMap) {
    throw new Error(`${address}: sizes or names in it make no sense`);
  }
  const isChunk = (value: unknown): value is number =>
    Number.isSafeInteger(value) && Number(value) >= 0 && Number(value) < Number(count);
  return { url, size, chunk, count, map, preload: Array.isArray(preload) ? preload.filter(isChunk) : [] };
}
