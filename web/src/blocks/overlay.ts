/**
 * A disk whose changes are kept elsewhere. Blocks that were written are in memory until
 * `flush` puts all of them away in one transaction; so after the page's end, at whatever
 * moment, the disk is as it was at a flush.
 */

import { message } from "../bytes.js";
import { DONE, EIO, ENOSPC, NOT_READY, type Blocks, type Watcher } from "./blocks.js";
import { Store } from "./store.js";

const BLOCK = 4096;
/** Blocks in memory that need not be. */
const MAX_CLEAN = 16384;

export class OverlayBlocks implements Blocks {
  readonly readOnly = false;
  private readonly inMemory = new Map<number, Uint8Array>();
  private readonly loading = new Set<number>();
  private readonly broken = new Set<number>();
  private dirty = new Set<number>();
  private committing = false;
  private error = DONE;
  private closed = false;

  private constructor(
    private readonly base: Blocks,
    private readonly store: Store,
    private readonly stored: Set<number>,
    private readonly watcher: Watcher,
  ) {}

  static async open(base: Blocks, name: string, watcher: Watcher): Promise<OverlayBlocks> {
    const store = await Store.open(name);
    try {
      const stored = new Set(await store.numbers());
      const identity = await store.fact("base");
      if (stored.size > 0 && identity !== base.identity) {
        throw new Error(
          `the changes that this browser keeps as ${name} belong to another image, or the image ` +
            "was replaced; reset them, or take another name",
        );
      }
      if (stored.size === 0) await store.setFact("base", base.identity);
      return new OverlayBlocks(base, store, stored, watcher);
    } catch (error) {
      store.close();
      throw error;
    }
  }

  get size(): number {
    return this.base.size;
  }

  get identity(): string {
    return this.base.identity;
  }

  read(offset: number, into: Uint8Array): number {
    if (this.closed) return EIO;
    let state = DONE;
    this.parts(offset, into.length, (block, from, at, length) => {
      const answer = this.part(block, from, into.subarray(at, at + length));
      if (answer !== DONE && state !== EIO) state = answer;
    });
    return state;
  }

  write(offset: number, bytes: Uint8Array): number {
    if (this.closed) return EIO;
    let state = DONE;
    const filled = new Map<number, Uint8Array>();
    this.parts(offset, bytes.length, (block, from, at, length) => {
      const whole = new Uint8Array(BLOCK);
      const there = Math.min(BLOCK, this.size - block * BLOCK);
      const answer = length === there ? DONE : this.part(block, 0, whole.subarray(0, there));
      if (answer !== DONE && state !== EIO) state = answer;
      whole.set(bytes.subarray(at, at + length), from);
      filled.set(block, whole);
    });
    if (state !== DONE) return state;
    for (const [block, whole] of filled) {
      // A file system that was told to wait in the middle of its work writes some of it again;
      // were that a change, there would always be something to wait for.
      if (equal(this.inMemory.get(block), whole)) continue;
      this.inMemory.set(block, whole);
      this.dirty.add(block);
    }
    return DONE;
  }

  flush(): number {
    if (this.closed) return EIO;
    const error = this.error;
    this.error = DONE;
    if (error !== DONE) return error;
    if (this.committing) return NOT_READY;
    if (this.dirty.size === 0) return DONE;
    void this.commit();
    return NOT_READY;
  }

  async close(): Promise<void> {
    this.closed = true;
    while (this.committing) await new Promise((resolve) => setTimeout(resolve, 5));
    this.store.close();
    await this.base.close();
  }

  /** A part of one block. */
  private part(block: number, from: number, into: Uint8Array): number {
    const bytes = this.inMemory.get(block);
    if (bytes !== undefined) {
      into.set(bytes.subarray(from, from + into.length));
      return DONE;
    }
    if (!this.stored.has(block)) return this.base.read(block * BLOCK + from, into);
    if (this.broken.delete(block)) return EIO;
    if (!this.loading.has(block)) void this.load(block);
    return NOT_READY;
  }

  private async load(block: number): Promise<void> {
    this.loading.add(block);
    try {
      const bytes = await this.store.block(block);
      // It may have been written in the meantime.
      if (!this.inMemory.has(block)) this.inMemory.set(block, bytes);
      this.forgetSome();
    } catch (error) {
      this.watcher.log(`the browser's storage, block ${block}: ${message(error)}`);
      this.broken.add(block);
    }
    this.loading.delete(block);
    this.watcher.news();
  }

  private async commit(): Promise<void> {
    const numbers = this.dirty;
    this.dirty = new Set();
    this.committing = true;
    const blocks = new Map<number, Uint8Array>();
    for (const number of numbers) {
      const bytes = this.inMemory.get(number);
      if (bytes !== undefined) blocks.set(number, bytes);
    }
    try {
      await this.store.put(blocks);
      for (const number of numbers) this.stored.add(number);
    } catch (error) {
      for (const number of numbers) this.dirty.add(number);
      const full = error instanceof DOMException && error.name === "QuotaExceededError";
      this.error = full ? ENOSPC : EIO;
      this.watcher.log(`the browser's storage: ${message(error)}`);
    }
    this.committing = false;
    this.forgetSome();
    this.watcher.news();
  }

  private forgetSome(): void {
    for (const number of this.inMemory.keys()) {
      if (this.inMemory.size <= MAX_CLEAN + this.dirty.size) return;
      if (this.stored.has(number) && !this.dirty.has(number) && !this.committing) {
        this.inMemory.delete(number);
      }
    }
  }

  private parts(
    offset: number,
    length: number,
    each: (block: number, from: number, at: number, length: number) => void,
  ): void {
    for (let at = 0; at < length; ) {
      const block = Math.floor((offset + at) / BLOCK);
      const from = (offset + at) % BLOCK;
      const part = Math.min(BLOCK - from, length - at);
      each(block, from, at, part);
      at += part;
    }
  }
}

function equal(left: Uint8Array | undefined, right: Uint8Array): boolean {
  return left !== undefined && left.every((byte, at) => byte === right[at]);
}
