/** Changed blocks in the browser's own storage: an IndexedDB database for each name. */

import { message } from "../bytes.js";
import { BLOCK, type BlockStorage } from "./overlay.js";
import { Reserve } from "./reserve.js";

const PREFIX = "sampan ";
const BLOCKS = "blocks";
const FACTS = "facts";
/** Blocks that are read at a time. */
const SOME = 512;

function ended<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error("a request of the database failed"));
  });
}

/** The database of a name, open. */
export class Store implements BlockStorage {
  private constructor(
    private readonly database: IDBDatabase,
    private readonly unlock: () => void,
    private readonly reserve?: Reserve,
  ) {
    void reserve?.hold();
  }

  /** Opens it, and keeps other tabs out: two machines on one disk would ruin it. */
  static async open(name: string): Promise<Store> {
    return Store.openWith(name, await lock(PREFIX + name), new Reserve(name));
  }

  /** Opens it to read, whoever uses it. */
  static openToRead(name: string): Promise<Store> {
    return Store.openWith(name, () => {});
  }

  private static async openWith(name: string, unlock: () => void, reserve?: Reserve): Promise<Store> {
    const request = indexedDB.open(PREFIX + name, 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore(BLOCKS);
      request.result.createObjectStore(FACTS);
    };
    try {
      return new Store(await ended(request), unlock, reserve);
    } catch (error) {
      unlock();
      throw new Error(`the browser does not open its storage: ${message(error)}`);
    }
  }

  /** Deletes it with all blocks. */
  static async remove(name: string): Promise<void> {
    await ended(indexedDB.deleteDatabase(PREFIX + name));
    await new Reserve(name).giveUp();
  }

  close(): void {
    this.database.close();
    this.unlock();
  }

  /** Numbers of all blocks. */
  async numbers(): Promise<number[]> {
    return (await ended(this.store("readonly").getAllKeys())) as number[];
  }

  async block(number: number): Promise<Uint8Array> {
    return (await ended(this.store("readonly").get(number))) as Uint8Array;
  }

  /** All of it is on the device when it is done. */
  async put(blocks: ReadonlyMap<number, Uint8Array>, gone: Iterable<number>): Promise<void> {
    const all = [...gone];
    try {
      await this.putOnce(blocks, all);
    } catch (error) {
      const isFull = (error as { name?: unknown } | null)?.name === "QuotaExceededError";
      const isSmall = blocks.size * BLOCK <= Reserve.enough;
      // What only changes a little, perhaps to make room, has some that was held back.
      if (!isFull || !isSmall || !(await this.reserve?.giveUp())) throw error;
      await this.putOnce(blocks, all);
    }
    void this.reserve?.hold();
  }

  private putOnce(blocks: ReadonlyMap<number, Uint8Array>, gone: Iterable<number>): Promise<void> {
    const transaction = this.database.transaction(BLOCKS, "readwrite", { durability: "strict" });
    const store = transaction.objectStore(BLOCKS);
    return new Promise((resolve, reject) => {
      transaction.oncomplete = () => resolve();
      transaction.onabort = () => reject(transaction.error ?? new Error("the transaction failed"));
      try {
        // First, so that there is room.
        for (const number of gone) store.delete(number);
        for (const [number, bytes] of blocks) store.put(bytes, number);
      } catch (error) {
        // What was asked for so far shall not be done either.
        transaction.abort();
        reject(error);
      }
    });
  }

  /** All blocks at one moment, some at a time. `each` must not wait for anything. */
  async all(each: (numbers: readonly number[], blocks: readonly Uint8Array[]) => void): Promise<void> {
    const store = this.store("readonly");
    let after = -1;
    for (;;) {
      const range = IDBKeyRange.lowerBound(after, true);
      const [numbers, blocks] = await Promise.all([
        ended(store.getAllKeys(range, SOME)), ended(store.getAll(range, SOME)),
      ]);
      if (numbers.length === 0) return;
      each(numbers as number[], blocks as Uint8Array[]);
      after = numbers[numbers.length - 1] as number;
    }
  }

  async fact(name: string): Promise<string | undefined> {
    const store = this.database.transaction(FACTS, "readonly").objectStore(FACTS);
    return (await ended(store.get(name))) as string | undefined;
  }

  async setFact(name: string, value: string): Promise<void> {
    const store = this.database.transaction(FACTS, "readwrite").objectStore(FACTS);
    await ended(store.put(value, name));
  }

  private store(mode: IDBTransactionMode): IDBObjectStore {
    return this.database.transaction(BLOCKS, mode).objectStore(BLOCKS);
  }
}

/** Takes a lock that other tabs see; what gives it back. A reloaded page's may take a moment. */
async function lock(name: string): Promise<() => void> {
  // Pages that did not come over a safe channel have no locks.
  if (navigator.locks === undefined) return () => {};
  for (let attempt = 0; attempt < 20; attempt++) {
    const unlock = await new Promise<(() => void) | undefined>((resolve) => {
      void navigator.locks.request(name, { ifAvailable: true }, (held) => {
        if (held === null) {
          resolve(undefined);
          return undefined;
        }
        return new Promise<void>((release) => resolve(release));
      });
    });
    if (unlock !== undefined) return unlock;
    await new Promise((resolve) => setTimeout(resolve, 150));
  }
  throw new Error("another tab uses this disk; close it first, or take another name");
}
