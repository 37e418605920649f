/**
 * A disk whose content comes over the network in units. Sequential reads are noticed and
 * answered ahead of time; only a few requests are under way at once; what fails is tried
 * again, later each time. What came is kept, as far as there is room.
 */

import { message } from "../bytes.js";
import type { KeptUnits } from "./kept.js";
import { DONE, EIO, EROFS, NOT_READY, type Blocks, type Watcher } from "./blocks.js";

const MAX_STREAMS = 8;
const MAX_ATTEMPTS = 6;
const FIRST_PAUSE_MS = 250;
/** Milliseconds until what could not be had is asked for again. */
const FAILED_MS = 1000;
/** Bytes that are kept. A program and its libraries must fit, as they are loaded at once. */
const MAX_KEPT = 256 << 20;
/** Milliseconds that a request may take. */
export const TIMEOUT_MS = 30_000;

/** How content is fetched. */
export interface Units {
  /** Bytes of a unit. */
  readonly bytes: number;
  /** Units that are asked for at first, and at most, where reads are in order. */
  readonly short: number;
  readonly long: number;
  /** Units of one request. */
  readonly perRequest: number;
  readonly maxRequests: number;
}

/** An answer that trying again does not mend. */
export class Refusal extends Error {}

/** Where the last request of reads in order ended, and how many units it had. */
interface Stream {
  next: number;
  units: number;
}

/** Units that wait to be fetched. */
interface Wanted {
  readonly first: number;
  readonly count: number;
  /** Whether somebody reads them, and they are not only fetched ahead. */
  readonly asked: boolean;
}

export abstract class FetchedBlocks implements Blocks {
  readonly readOnly = true;
  readonly isFull = false;
  abstract readonly size: number;
  abstract readonly identity: string;
  private readonly kept = new Map<number, Uint8Array>();
  private readonly pending = new Set<number>();
  /** Units that could not be had, and when that was. */
  private readonly failed = new Map<number, number>();
  private readonly waiting: Wanted[] = [];
  private requests = 0;
  private closed = false;
  /** Reads in order that were seen, the latest last. */
  private readonly streams: Stream[] = [];
  /** What the browser keeps, if it does. */
  protected keep: KeptUnits | undefined;

  protected constructor(
    private readonly units: Units,
    private readonly watcher: Watcher,
  ) {}

  /** Fetches the bytes of units, which are one request. It may be called again if it fails. */
  protected abstract fetchUnits(first: number, count: number): Promise<Uint8Array>;
  /** Names them for messages. */
  protected abstract nameOf(first: number, count: number): string;
  /** A unit that needs no request. */
  protected local(_unit: number): Uint8Array | undefined {
    return undefined;
  }

  read(offset: number, into: Uint8Array): number {
    const { bytes } = this.units;
    const last = Math.floor((offset + Math.max(into.length, 1) - 1) / bytes);
    let state = this.closed ? EIO : DONE;
    for (let unit = Math.floor(offset / bytes); unit <= last && state !== EIO; unit++) {
      const content = this.local(unit) ?? this.resident(unit);
      if (content === undefined) {
        state = this.hasFailed(unit) ? EIO : NOT_READY;
        if (state === NOT_READY) this.want(unit);
        continue;
      }
      const start = unit * bytes - offset;
      const part = content.subarray(Math.max(-start, 0), into.length - start);
      if (state === DONE) into.set(part, Math.max(start, 0));
    }
    return state;
  }

  write(): number {
    return EROFS;
  }

  flush(): number {
    return DONE;
  }

  discard(): void {}

  async close(): Promise<void> {
    this.closed = true;
    this.waiting.length = 0;
    this.keep?.close();
  }

  /** Throws away what the browser keeps: there is something more important to be kept. */
  makeRoom(): void {
    this.keep?.clear();
  }

  /** Fetches units that will be needed, in this order, behind what is read. */
  protected preload(units: readonly number[]): void {
    for (const unit of units) {
      if (this.has(unit)) continue;
      this.pending.add(unit);
      this.waiting.push({ first: unit, count: 1, asked: false });
    }
    this.start();
  }

  private has(unit: number): boolean {
    return this.kept.has(unit) || this.pending.has(unit) || this.local(unit) !== undefined;
  }

  private resident(unit: number): Uint8Array | undefined {
    const content = this.kept.get(unit);
    if (content === undefined) return undefined;
    this.ahead(unit);
    // The newest are last.
    this.kept.delete(unit);
    this.kept.set(unit, content);
    return content;
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
    if (this.pending.has(unit)) return this.hurry(unit);
    const found = this.streams.findIndex((stream) => stream.next === unit);
    const [stream = { next: unit, units: this.units.short / 2 }] = found < 0 ? [] : this.streams.splice(found, 1);
    this.streams.push(stream);
    if (this.streams.length > MAX_STREAMS) this.streams.shift();
    this.queue(stream, true);
  }

  /** What is read goes before what is only fetched ahead. */
  private hurry(unit: number): void {
    const at = this.waiting.findIndex(({ first, count }) => first <= unit && unit < first + count);
    const [wanted] = at < 0 ? [] : this.waiting.splice(at, 1);
    if (wanted !== undefined) this.push({ ...wanted, asked: true });
  }

  private push(wanted: Wanted): void {
    if (!wanted.asked) return void this.waiting.push(wanted);
    const at = this.waiting.findIndex(({ asked }) => !asked);
    this.waiting.splice(at < 0 ? this.waiting.length : at, 0, wanted);
  }

  /** In the middle of what was fetched last, in order: the next is wanted soon. */
  private ahead(unit: number): void {
    const { short } = this.units;
    const middle = (stream: Stream) => stream.units > short && unit === stream.next - Math.ceil(stream.units / 2);
    const stream = this.streams.find(middle);
    if (stream !== undefined) this.queue(stream, false);
  }

  /** Asks for the next units of a stream, twice as many as the last time. */
  private queue(stream: Stream, asked: boolean): void {
    stream.units = Math.min(stream.units * 2, this.units.long);
    const first = stream.next;
    const end = Math.min(first + stream.units, Math.ceil(this.size / this.units.bytes));
    const known = (unit: number) => this.kept.has(unit) || this.pending.has(unit);
    for (; stream.next < end && !known(stream.next); stream.next++) {
      if (this.local(stream.next) === undefined) this.pending.add(stream.next);
    }
    for (let at = first; at < stream.next; ) {
      if (!this.pending.has(at)) {
        at += 1;
        continue;
      }
      let count = 1;
      while (count < this.units.perRequest && at + count < stream.next && this.pending.has(at + count)) count += 1;
      this.push({ first: at, count, asked: asked && at === first });
      at += count;
    }
    this.start();
  }

  private start(): void {
    while (this.requests < this.units.maxRequests) {
      const wanted = this.waiting.shift();
      if (wanted === undefined) return;
      this.requests += 1;
      this.watcher.busy(this.requests);
      void this.get(wanted).finally(() => {
        this.requests -= 1;
        this.start();
        this.watcher.busy(this.requests);
        this.watcher.news();
      });
    }
  }

  private async get({ first, count, asked }: Wanted): Promise<void> {
    const { bytes } = this.units;
    const parts = (await this.keep?.get(first, count)) ?? (await this.fetchParts(first, count));
    for (let unit = first; unit < first + count; unit++) {
      this.pending.delete(unit);
      const part = parts?.[unit - first];
      if (part !== undefined) this.kept.set(unit, part);
    }
    // Who reads what was only fetched ahead asks anew.
    if (parts === undefined && asked) this.failed.set(first, performance.now());
    for (const unit of this.kept.keys()) {
      if (this.kept.size * bytes <= MAX_KEPT) break;
      this.kept.delete(unit);
    }
  }

  /** Units from the network. */
  private async fetchParts(first: number, count: number): Promise<Uint8Array[] | undefined> {
    const started = performance.now();
    const content = await this.attempts(first, count);
    this.watcher.latency(performance.now() - started);
    if (content === undefined) return undefined;
    const { bytes } = this.units;
    return Array.from({ length: count }, (_, at) => {
      const part = count === 1 ? content : content.slice(at * bytes, (at + 1) * bytes);
      this.keep?.put(first + at, part);
      return part;
    });
  }

  /** The bytes; undefined, and a message, if they can't be had. */
  private async attempts(first: number, count: number): Promise<Uint8Array | undefined> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.fetchUnits(first, count);
      } catch (error) {
        if (this.closed) return undefined;
        if (error instanceof Refusal || attempt === MAX_ATTEMPTS) {
          this.watcher.log(`${this.nameOf(first, count)}: ${message(error)}`);
          return undefined;
        }
        const pause = FIRST_PAUSE_MS * 2 ** (attempt - 1);
        await new Promise((resolve) => setTimeout(resolve, pause * (0.75 + Math.random() / 2)));
      }
    }
  }
}

/** An answer that is no success, as an error that says whether asking again may help. */
export function failure(status: number, text = `the server says ${status}`): Error {
  const again = status >= 500 || status === 408 || status === 429;
  return again ? new Error(text) : new Refusal(text);
}
