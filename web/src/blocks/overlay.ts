/**
 * A disk whose changes are kept elsewhere. Blocks that were written are in memory until
 * `flush` puts all of them away in one transaction; so after the page's end, at whatever
 * moment, the disk is as it was between two writes.
 *
 * Where the storage has no more room, nothing that was written is lost: it stays in memory and
 * is offered again, at most once a second, until there is room. Until then a flush fails as on
 * a full disk, the file system takes no new blocks, and those that it gives back, or that the
 * user frees elsewhere, make room. What waits in memory is bounded at any time.
 */

import { message } from "../bytes.js";
import { DONE, EIO, ENOSPC, NOT_READY, type Blocks, type Watcher } from "./blocks.js";

/** Bytes of a block. */
export const BLOCK = 4096;
/** Blocks in memory that need not be. */
const MAX_CLEAN = 16384;
/** Blocks that wait to be put away, or are being; more wait for a transaction. */
const MAX_DIRTY = 8192;
/**
 * The same where the storage is full. The file system takes no new blocks then, but has to
 * change what it has to give some back.
 */
const MAX_DIRTY_FULL = 3 * MAX_DIRTY;
/** Milliseconds until a storage that was full is tried again. */
const FULL_MS = 1000;

/** What keeps blocks by their numbers. */
export interface BlockStorage {
  /** Numbers of all blocks. */
  numbers(): Promise<number[]>;
  /** A block that it has. */
  block(number: number): Promise<Uint8Array>;
  /**
   * Takes blocks and deletes others: all of it or, if it fails, nothing. A name
   * `QuotaExceededError` of the error says that there is no room.
   */
  put(blocks: ReadonlyMap<number, Uint8Array>, gone: Iterable<number>): Promise<void>;
  fact(name: string): Promise<string | undefined>;
  setFact(name: string, value: string): Promise<void>;
  close(): void;
}

export class OverlayBlocks implements Blocks {
  readonly readOnly = false;
  private readonly inMemory = new Map<number, Uint8Array>();
  private readonly loading = new Set<number>();
  private readonly broken = new Set<number>();
  private dirty = new Set<number>();
  /** Stored blocks whose content does not matter any more. */
  private gone = new Set<number>();
  /** Blocks of the transaction that is under way. */
  private leaving: ReadonlyMap<number, Uint8Array> = new Map();
  private committing = false;
  /** Of the last transaction, until somebody was told. */
  private error: number | undefined;
  /** When a storage that had no room is asked again, by `performance.now()`. */
  private fullUntil: number | undefined;
  private closed = false;

  private constructor(
    private readonly base: Blocks,
    private readonly storage: BlockStorage,
    private readonly stored: Set<number>,
    private readonly watcher: Watcher,
  ) {}

  /** @param name what the user knows the storage by */
  static async open(
    base: Blocks,
    storage: BlockStorage,
    name: string,
    watcher: Watcher,
  ): Promise<OverlayBlocks> {
    try {
      const stored = new Set(await storage.numbers());
      const identity = await storage.fact("base");
      if (stored.size > 0 && identity !== base.identity) {
        throw new Error(
          `the changes that this browser keeps as ${name} belong to another image, or the image ` +
            "was replaced; reset them, or take another name",
        );
      }
      if (stored.size === 0) await storage.setFact("base", base.identity);
      return new OverlayBlocks(base, storage, stored, watcher);
    } catch (error) {
      storage.close();
      throw error;
    }
  }

  get size(): number {
    return this.base.size;
  }

  get identity(): string {
    return this.base.identity;
  }

  get isFull(): boolean {
    return this.fullUntil !== undefined;
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
      if (equal(this.inMemory.get(block), whole)) filled.delete(block);
    }
    let added = 0;
    for (const block of filled.keys()) if (!this.dirty.has(block)) added += 1;
    const waiting = this.dirty.size + this.leaving.size + added;
    if (added > 0 && waiting > (this.isFull ? MAX_DIRTY_FULL : MAX_DIRTY)) {
      return this.takeError() ?? (this.putAway() ? NOT_READY : ENOSPC);
    }
    for (const [block, whole] of filled) {
      this.inMemory.set(block, whole);
      this.dirty.add(block);
      this.gone.delete(block);
    }
    return DONE;
  }

  discard(offset: number, length: number): void {
    if (this.closed) return;
    const end = Math.floor((offset + length) / BLOCK);
    for (let block = Math.ceil(offset / BLOCK); block < end; block++) {
      const wasDirty = this.dirty.delete(block);
      // What a transaction puts away now is deleted by the next one.
      const isKept = this.stored.has(block) || this.leaving.has(block);
      if (isKept) this.gone.add(block);
      else this.inMemory.delete(block);
      // There may be room now.
      if (this.isFull && (isKept || wasDirty)) this.fullUntil = 0;
    }
  }

  flush(): number {
    if (this.closed) return EIO;
    const error = this.takeError();
    if (error !== undefined) return error;
    if (!this.committing && this.dirty.size === 0 && this.gone.size === 0) return DONE;
    return this.putAway() ? NOT_READY : ENOSPC;
  }

  async close(): Promise<void> {
    this.closed = true;
    while (this.committing) await new Promise((resolve) => setTimeout(resolve, 5));
    this.storage.close();
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
      const bytes = await this.storage.block(block);
      // It may have been written, or thrown away, in the meantime.
      if (this.stored.has(block) && !this.inMemory.has(block)) this.inMemory.set(block, bytes);
      this.forgetSome();
    } catch (error) {
      this.watcher.log(`the browser's storage, block ${block}: ${message(error)}`);
      this.broken.add(block);
    }
    this.loading.delete(block);
    this.watcher.news();
  }

  private takeError(): number | undefined {
    const error = this.error;
    this.error = undefined;
    return error;
  }

  /** Begins a transaction if none is under way; false while the storage is known to be full. */
  private putAway(): boolean {
    if (this.committing) return true;
    if (this.fullUntil !== undefined && performance.now() < this.fullUntil) return false;
    void this.commit();
    return true;
  }

  private async commit(): Promise<void> {
    const { dirty, gone } = this;
    this.dirty = new Set();
    this.gone = new Set();
    this.committing = true;
    const blocks = new Map<number, Uint8Array>();
    for (const number of dirty) {
      const bytes = this.inMemory.get(number);
      if (bytes !== undefined) blocks.set(number, bytes);
    }
    this.leaving = blocks;
    try {
      await this.storage.put(blocks, gone);
      for (const number of blocks.keys()) this.stored.add(number);
      for (const number of gone) {
        this.stored.delete(number);
        if (!this.dirty.has(number)) this.inMemory.delete(number);
      }
      this.setFull(undefined);
    } catch (error) {
      for (const number of blocks.keys()) if (!this.gone.has(number)) this.dirty.add(number);
      for (const number of gone) if (!this.dirty.has(number)) this.gone.add(number);
      const isFull = (error as { name?: unknown } | null)?.name === "QuotaExceededError";
      this.error = isFull ? ENOSPC : EIO;
      if (isFull) this.setFull(performance.now() + FULL_MS);
      else this.watcher.log(`the browser's storage: ${message(error)}`);
    }
    this.leaving = new Map();
    this.committing = false;
    this.forgetSome();
    this.watcher.news();
  }

  private setFull(until: number | undefined): void {
    const was = this.isFull;
    this.fullUntil = until;
    if (was !== this.isFull) this.watcher.full(this.isFull);
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
  if (left === undefined) return false;
  for (let at = 0; at < right.length; at++) if (left[at] !== right[at]) return false;
  return true;
}
