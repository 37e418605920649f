/**
 * What was fetched of an image, kept in this browser: a page that is loaded again fetches less,
 * and one that was used once works without a network, as far as what it needs was read then.
 * It only saves time: an image that is replaced, storage that is full or fails, empty it.
 */

const PREFIX = "sampan image ";
const UNITS = "units";
const FACTS = "facts";
/** Milliseconds that what came is collected before it is put away. */
const COLLECT_MS = 400;

export class KeptUnits {
  private readonly known = new Set<number>();
  private collected = new Map<number, Uint8Array>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private broken = false;

  private constructor(private readonly database: IDBDatabase) {}

  /**
   * Opens what is kept of the image at an address.
   * @param description what was found out about it, for when there is no network
   * @param identity what tells its content from another's
   */
  static async open(url: string, description: unknown, identity: string): Promise<KeptUnits | undefined> {
    try {
      const kept = new KeptUnits(await open(url));
      const transaction = kept.database.transaction([UNITS, FACTS], "readwrite");
      const [units, facts] = [transaction.objectStore(UNITS), transaction.objectStore(FACTS)];
      if ((await ended(facts.get("identity"))) !== identity) units.clear();
      facts.put(identity, "identity");
      facts.put(description, "description");
      for (const unit of await ended(units.getAllKeys())) kept.known.add(unit as number);
      return kept;
    } catch {
      // Private windows may have no such storage, and node has none.
      return undefined;
    }
  }

  /** What was found out about an image when it was opened last. */
  static async description(url: string): Promise<unknown> {
    try {
      const database = await open(url);
      const description = await ended(database.transaction(FACTS).objectStore(FACTS).get("description"));
      database.close();
      return description;
    } catch {
      return undefined;
    }
  }

  /** Units one after the other, if all of them are kept. */
  async get(first: number, count: number): Promise<Uint8Array[] | undefined> {
    for (let unit = first; unit < first + count; unit++) if (!this.known.has(unit)) return undefined;
    try {
      const store = this.database.transaction(UNITS).objectStore(UNITS);
      const units = await ended(store.getAll(IDBKeyRange.bound(first, first + count - 1)));
      return units.length === count ? (units as Uint8Array[]) : undefined;
    } catch {
      return undefined;
    }
  }

  put(unit: number, bytes: Uint8Array): void {
    if (this.broken || this.known.has(unit)) return;
    this.collected.set(unit, bytes);
    this.timer ??= setTimeout(() => this.putAway(), COLLECT_MS);
  }

  /** Throws all away, for what needs the room more. */
  clear(): void {
    this.stop();
    this.known.clear();
    try {
      this.database.transaction(UNITS, "readwrite").objectStore(UNITS).clear();
    } catch {
      // It is closed, or the browser has thrown it away itself.
    }
  }

  close(): void {
    this.putAway();
    this.broken = true;
    this.database.close();
  }

  private putAway(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    const units = this.collected;
    this.collected = new Map();
    if (units.size === 0 || this.broken) return;
    try {
      const transaction = this.database.transaction(UNITS, "readwrite", { durability: "relaxed" });
      for (const [unit, bytes] of units) transaction.objectStore(UNITS).put(bytes, unit);
      transaction.oncomplete = () => {
        for (const unit of units.keys()) this.known.add(unit);
      };
      transaction.onabort = () => this.stop();
    } catch {
      this.stop();
    }
  }

  private stop(): void {
    this.broken = true;
    this.collected.clear();
  }
}

function ended<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error("a request of the database failed"));
  });
}

function open(url: string): Promise<IDBDatabase> {
  const request = indexedDB.open(PREFIX + url, 1);
  request.onupgradeneeded = () => {
    request.result.createObjectStore(UNITS);
    request.result.createObjectStore(FACTS);
  };
  return ended(request);
}
