/**
 * Translated code: modules that the processor's translator writes are compiled here, once for
 * all processes, and linked with the memory of each.
 */

/** How hot code is treated. */
export type Mode =
  /** It is translated. Large modules are compiled while the interpreter goes on. */
  | "auto"
  /** The same with all modules, which takes longer until they are there. */
  | "background"
  /** Everything is interpreted. */
  | "interpreter"
  /** Translated at first sight, and the program waits for it: for tests. */
  | "eager";

/** What has been translated and compiled, over all processes. */
export interface Translated {
  /** Regions, instructions in them, and bytes of their modules. */
  regions: number;
  instructions: number;
  bytes: number;
  /** How often translated code was entered, and left for one instruction of the interpreter. */
  entered: number;
  steps: number;
  /** Regions dropped because their code changed. */
  dropped: number;
  /** Modules compiled, and how often one was there already. */
  compiled: number;
  shared: number;
}

/** Bytes of modules that are kept for other processes. Then all are forgotten. */
const KEPT = 32 << 20;
/**
 * Bytes of a module up to which it is compiled at once, in a millisecond or two: engines then
 * compile a function fast, and well when it has run for long. In the background it would wait
 * behind all that the engine compiles well, for 30 to 400 milliseconds under node 20.
 */
const SMALL = 64 << 10;
/** Modules that are compiled in the background at a time. */
const MAX_RUNNING = 4;
/** Elements that a table begins with. */
const FIRST_SLOTS = 64;

/** A module that a process waits for; `undefined` inside once it has failed. */
interface Order {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly key: string;
  /** Whether somebody still waits. */
  wanted: boolean;
  done: boolean;
  module: WebAssembly.Module | undefined;
}

const LATIN1 = new TextDecoder("latin1");

/** Compiles the modules of all processes of a machine. */
export class Compiler {
  private readonly kept = new Map<string, WebAssembly.Module>();
  private keptBytes = 0;
  private readonly waiting: Order[] = [];
  private running = 0;
  compiled = 0;
  shared = 0;

  /** Begins to compile a module, or finds it. */
  order(bytes: Uint8Array<ArrayBuffer>): Order {
    // A module is known by its bytes, which depend on nothing but the guest's code.
    const key = LATIN1.decode(bytes);
    const module = this.kept.get(key);
    if (module !== undefined) this.shared += 1;
    const order = { bytes, key, wanted: true, done: module !== undefined, module };
    if (!order.done) {
      this.waiting.push(order);
      this.next();
    }
    return order;
  }

  /** Compiles a module at once, or finds it. */
  now(bytes: Uint8Array<ArrayBuffer>): WebAssembly.Module {
    const key = LATIN1.decode(bytes);
    let module = this.kept.get(key);
    if (module !== undefined) {
      this.shared += 1;
      return module;
    }
    module = new WebAssembly.Module(bytes);
    this.keep(key, module);
    return module;
  }

  private next(): void {
    while (this.running < MAX_RUNNING) {
      const order = this.waiting.shift();
      if (order === undefined) return;
      // Nobody waits any more for what a process that ended has asked for.
      if (order.wanted) void this.compile(order);
    }
  }

  private async compile(order: Order): Promise<void> {
    this.running += 1;
    try {
      // Another process may have asked for the same just before.
      order.module = this.kept.get(order.key) ?? (await WebAssembly.compile(order.bytes));
      if (!this.kept.has(order.key)) this.keep(order.key, order.module);
    } catch {
      // The browser has no room: the code stays interpreted.
    }
    order.done = true;
    this.running -= 1;
    this.next();
  }

  private keep(key: string, module: WebAssembly.Module): void {
    this.compiled += 1;
    if (this.keptBytes + key.length > KEPT) {
      this.kept.clear();
      this.keptBytes = 0;
    }
    this.keptBytes += key.length;
    this.kept.set(key, module);
  }
}

/** What an instance of the processor gives to translated code. */
interface Owner {
  readonly memory: WebAssembly.Memory;
  /** Its own table, through which it calls the dispatcher. */
  readonly __indirect_function_table: WebAssembly.Table;
}

const PENDING = 0;
const READY = 1;
const FAILED = 2;

/** The translated code of one process. */
export class Code {
  private table: WebAssembly.Table | undefined;
  private readonly orders = new Map<number, Order>();
  /** The dispatcher's place in the processor's own table. */
  private place = 0;
  /** Set before the first call. */
  owner: Owner | undefined;

  /** Bytes of a module up to which it is compiled when it is handed over */
  private readonly small: number;

  constructor(private readonly compiler: Compiler, mode: Mode) {
    this.small = mode === "auto" ? SMALL : mode === "eager" ? Infinity : 0;
  }

  /** What the processor's module imports. */
  imports(): WebAssembly.ModuleImports {
    return {
      submit: (slot: number, at: number, length: number) => this.submit(slot, at >>> 0, length >>> 0),
      poll: (slot: number) => this.poll(slot),
      clear: () => this.clear(),
      release: () => this.release(),
    };
  }

  private submit(slot: number, at: number, length: number): number {
    if (this.owner === undefined) return 0;
    const bytes = new Uint8Array(this.owner.memory.buffer).slice(at, at + length);
    if (slot === 0) return this.start(this.owner, bytes);
    try {
      const order = length <= this.small
        ? { bytes, key: "", wanted: true, done: true, module: this.compiler.now(bytes) }
        : this.compiler.order(bytes);
      this.orders.set(slot, order);
    } catch {
      // As if it had been compiled in vain: `poll` knows nothing of it.
    }
    return 0;
  }

  private poll(slot: number): number {
    const order = this.orders.get(slot);
    if (order === undefined || this.owner === undefined) return FAILED;
    if (!order.done) return PENDING;
    this.orders.delete(slot);
    if (order.module === undefined) return FAILED;
    return this.link(this.owner, order.module, slot) === undefined ? FAILED : READY;
  }

  /** Has the dispatcher at its place; that place, or 0. */
  private start(owner: Owner, bytes: Uint8Array<ArrayBuffer>): number {
    try {
      this.table = new WebAssembly.Table({ element: "anyfunc", initial: FIRST_SLOTS });
      const run = this.link(owner, this.compiler.now(bytes), 0);
      if (run === undefined) return 0;
      const functions = owner.__indirect_function_table;
      if (this.place === 0) this.place = functions.grow(1);
      functions.set(this.place, run);
      return this.place;
    } catch {
      return 0;
    }
  }

  /** Instantiates a module, which puts its function into the table; that function. */
  private link(owner: Owner, module: WebAssembly.Module, slot: number): Function | undefined {
    const { table } = this;
    if (table === undefined) return undefined;
    try {
      if (slot >= table.length) table.grow(Math.max(slot + 1 - table.length, table.length));
      const { memory } = owner;
      const { exports } = new WebAssembly.Instance(module, { "": { memory, table, slot } });
      return exports.run as Function;
    } catch {
      return undefined;
    }
  }

  /** Forgets all regions. */
  private clear(): void {
    for (const order of this.orders.values()) order.wanted = false;
    this.orders.clear();
    for (let slot = 1; slot < (this.table?.length ?? 0); slot += 1) this.table?.set(slot, null);
  }

  /** Forgets everything; the place in the processor's table stays for the next process. */
  release(): void {
    this.clear();
    if (this.place !== 0) this.owner?.__indirect_function_table.set(this.place, null);
    this.table = undefined;
  }
}
