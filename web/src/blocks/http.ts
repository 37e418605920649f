/**
 * A disk image that is a file of a web server, read in ranges. Sequential reads make the
 * ranges longer and are answered ahead of time; only a few requests are under way at once;
 * what fails is tried again, later each time.
 */

import { message } from "../bytes.js";
import { DONE, EIO, EROFS, NOT_READY, type Blocks, type Watcher } from "./blocks.js";

/** Bytes of the units that are fetched and kept. */
const UNIT = 32 << 10;
/** Units of a request for something out of order, and of the longest. */
const SHORT = 2;
const LONG = 32;
const MAX_STREAMS = 8;
const MAX_REQUESTS = 4;
const MAX_ATTEMPTS = 6;
const FIRST_PAUSE_MS = 250;
const TIMEOUT_MS = 30_000;
/** Milliseconds until what could not be had is asked for again. */
const FAILED_MS = 1000;
/** Bytes that are kept. A program and its libraries must fit, as they are loaded at once. */
const MAX_KEPT = 256 << 20;

/** What the page found out about an image. */
export interface HttpImage {
  readonly url: string;
  readonly size: number;
  /** The server's mark of this version, or the empty string. */
  readonly etag: string;
}

/** Where the last request of reads in order ended, and how many units it had. */
interface Stream {
  next: number;
  units: number;
}

/** An answer that trying again does not mend. */
class Refusal extends Error {}

export class HttpBlocks implements Blocks {
  readonly readOnly = true;
  private readonly kept = new Map<number, Uint8Array>();
  private readonly pending = new Set<number>();
  /** Units that could not be had, and when that was. */
  private readonly failed = new Map<number, number>();
  private readonly waiting: { first: number; count: number; asked: boolean }[] = [];
  private requests = 0;
  private closed = false;
  /** Reads in order that were seen, the latest last. */
  private readonly streams: Stream[] = [];

  constructor(
    private readonly image: HttpImage,
    private readonly watcher: Watcher,
  ) {}

  get size(): number {
    return this.image.size;
  }

  get identity(): string {
    return `${this.image.size} ${this.image.etag}`;
  }

  read(offset: number, into: Uint8Array): number {
    const last = Math.floor((offset + Math.max(into.length, 1) - 1) / UNIT);
    let state = this.closed ? EIO : DONE;
    for (let unit = Math.floor(offset / UNIT); unit <= last && state !== EIO; unit++) {
      const bytes = this.kept.get(unit);
      if (bytes === undefined) {
        state = this.hasFailed(unit) ? EIO : NOT_READY;
        if (state === NOT_READY) this.want(unit);
        continue;
      }
      this.ahead(unit);
      const start = unit * UNIT - offset;
      const part = bytes.subarray(Math.max(-start, 0), into.length - start);
      if (state === DONE) into.set(part, Math.max(start, 0));
      // The newest are last.
      this.kept.delete(unit);
      this.kept.set(unit, bytes);
    }
    return state;
  }

  write(): number {
    return EROFS;
  }

  flush(): number {
    return DONE;
  }

  readonly isFull = false;

  discard(): void {}

  async close(): Promise<void> {
    this.closed = true;
    this.waiting.length = 0;
  }

  /** For a moment, so that a call that is made again meets the error too. */
  private hasFailed(unit: number): boolean {
    const when = this.failed.get(unit);
    if (when === undefined) return false;
    if (performance.now() - when < FAILED_MS) return true;
    this.failed.delete(unit);
    return false;
  }

  private want(unit: number): void {
    if (this.pending.has(unit)) return;
    const found = this.streams.findIndex((stream) => stream.next === unit);
    const [stream = { next: unit, units: SHORT / 2 }] = found < 0 ? [] : this.streams.splice(found, 1);
    this.streams.push(stream);
    if (this.streams.length > MAX_STREAMS) this.streams.shift();
    this.queue(stream, true);
  }

  /** In the middle of what was fetched last, in order: the next is wanted soon. */
  private ahead(unit: number): void {
    const middle = (stream: Stream) => stream.units > SHORT && unit === stream.next - stream.units / 2;
    const stream = this.streams.find(middle);
    if (stream !== undefined) this.queue(stream, false);
  }

  /** Asks for the next units of a stream, twice as many as the last time. */
  private queue(stream: Stream, asked: boolean): void {
    stream.units = Math.min(stream.units * 2, LONG);
    const first = stream.next;
    const end = Math.min(first + stream.units, Math.ceil(this.size / UNIT));
    const missing = (unit: number) => !this.kept.has(unit) && !this.pending.has(unit);
    for (; stream.next < end && missing(stream.next); stream.next++) this.pending.add(stream.next);
    const count = stream.next - first;
    if (count === 0) return;
    this.waiting.push({ first, count, asked });
    this.start();
  }

  private start(): void {
    while (this.requests < MAX_REQUESTS) {
      const range = this.waiting.shift();
      if (range === undefined) return;
      this.requests += 1;
      this.watcher.busy(this.requests);
      void this.get(range).finally(() => {
        this.requests -= 1;
        this.start();
        this.watcher.busy(this.requests);
        this.watcher.news();
      });
    }
  }

  private async get({ first, count, asked }: { first: number; count: number; asked: boolean }): Promise<void> {
    const started = performance.now();
    const bytes = await this.attempts(first * UNIT, Math.min((first + count) * UNIT, this.size));
    this.watcher.latency(performance.now() - started);
    for (let unit = first; unit < first + count; unit++) {
      this.pending.delete(unit);
      const at = (unit - first) * UNIT;
      if (bytes !== undefined) this.kept.set(unit, bytes.slice(at, at + UNIT));
    }
    // Who reads what was only fetched ahead asks anew.
    if (bytes === undefined && asked) this.failed.set(first, performance.now());
    for (const unit of this.kept.keys()) {
      if (this.kept.size * UNIT <= MAX_KEPT) break;
      this.kept.delete(unit);
    }
  }

  /** The bytes from `start` to `end`; undefined, and a message, if they can't be had. */
  private async attempts(start: number, end: number): Promise<Uint8Array | undefined> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.attempt(start, end);
      } catch (error) {
        const what = `${this.image.url}, bytes ${start} to ${end - 1}: ${message(error)}`;
        if (this.closed) return undefined;
        if (error instanceof Refusal || attempt === MAX_ATTEMPTS) {
          this.watcher.log(what);
          return undefined;
        }
        const pause = FIRST_PAUSE_MS * 2 ** (attempt - 1);
        await new Promise((resolve) => setTimeout(resolve, pause * (0.75 + Math.random() / 2)));
      }
    }
  }

  private async attempt(start: number, end: number): Promise<Uint8Array> {
    const response = await fetch(this.image.url, {
      headers: { Range: `bytes=${start}-${end - 1}` },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const etag = response.headers.get("ETag") ?? "";
    if (response.status === 206) {
      if (etag !== "" && this.image.etag !== "" && etag !== this.image.etag) {
        throw new Refusal("the image was replaced while it was in use");
      }
      const bytes = new Uint8Array(await response.arrayBuffer());
      if (bytes.length === end - start) return bytes;
      throw new Error(`${bytes.length} bytes came`);
    }
    const again = response.status >= 500 || response.status === 408 || response.status === 429;
    const text = response.status === 200 ? NO_RANGES : `the server says ${response.status}`;
    await response.body?.cancel();
    throw again ? new Error(text) : new Refusal(text);
  }
}

const NO_RANGES = "the server sends whole files only; disk images need range requests";

/** Finds out what an image is, with a request for its first byte. */
export async function look(url: string): Promise<HttpImage> {
  const response = await fetch(url, { headers: { Range: "bytes=0-0" } });
  await response.body?.cancel();
  if (response.status === 200) throw new Error(`${url}: ${NO_RANGES}`);
  if (response.status !== 206) throw new Error(`${url}: the server says ${response.status}`);
  const range = response.headers.get("Content-Range");
  const size = Number(/\/(\d+)$/.exec(range ?? "")?.[1] ?? NaN);
  if (!Number.isSafeInteger(size)) {
    throw new Error(`${url}: the server does not tell the image's size (Content-Range: ${range})`);
  }
  return { url, size, etag: response.headers.get("ETag") ?? "" };
}
