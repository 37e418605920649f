/**
 * One virtual machine: the kernel's module, its processes, and the loop that gives them
 * time. It runs where it is created, in a worker of a page or in node, and never blocks the
 * event loop for long.
 */

import { Machines } from "./machines.js";

/** The two modules, compiled. */
export interface Modules {
  readonly kernel: WebAssembly.Module;
  readonly processor: WebAssembly.Module;
}

/** How a VM is set up. */
export interface VmOptions {
  readonly modules: Modules;
  /** Bytes of memory for all processes together. */
  readonly memory?: number;
  /** Tells each system call through `log`. */
  readonly trace?: boolean;
  /** Takes what programs write to descriptors 1 and 2. */
  readonly write: (bytes: Uint8Array, stream: number) => void;
  /** Takes lines of the VM itself. */
  readonly log?: (line: string) => void;
}

/** The first program. */
export interface Start {
  readonly path: string;
  /** Its arguments, its own name first. */
  readonly argv: readonly string[];
  readonly env?: readonly string[];
  readonly cwd?: string;
  readonly uid?: number;
  readonly gid?: number;
}

interface Kernel {
  readonly memory: WebAssembly.Memory;
  buffer(length: number): number;
  create(memory: number, trace: number): void;
  add_file(mode: number): number;
  start(argc: number, uid: number, gid: number): number;
  run(turns: number): number;
  idle_until(): number;
  exit_status(): number;
  waits_for_host(): number;
  host_ready(): void;
}

const DEFAULT_MEMORY = 512 << 20;
/** Turns of threads between two looks at the clock. */
const TURNS = 4;
/** Milliseconds until the event loop gets its turn. */
const SLICE = 12;
const NOT_READY = -1;

/** A virtual machine. */
export class Vm {
  private readonly kernel: Kernel;
  private readonly input: Uint8Array[] = [];
  private inputClosed = false;
  private wake: (() => void) | undefined;
  private deleted = false;
  private view = new Uint8Array();

  private constructor(private readonly options: VmOptions) {
    const log = options.log ?? ((line: string) => console.warn(line));
    const machines = new Machines(options.modules.processor, () => this.bytes(), log);
    const imports = { host: this.host(log), machines: machines.imports() };
    const instance = new WebAssembly.Instance(options.modules.kernel, imports);
    this.kernel = instance.exports as unknown as Kernel;
    this.kernel.create(options.memory ?? DEFAULT_MEMORY, options.trace === true ? 1 : 0);
  }

  /** Sets one up; nothing runs yet. */
  static async create(options: VmOptions): Promise<Vm> {
    return new Vm(options);
  }

  /** Puts a file into the root directory, which is in memory. */
  addFile(name: string, mode: number, content: Uint8Array): void {
    this.fill(concat([encode(`${name}\0`), content]));
    check(this.kernel.add_file(mode), name);
  }

  /** Starts the first program and runs until it ends; its status as a shell tells it. */
  async run(start: Start): Promise<number> {
    const strings = [start.path, start.cwd ?? "/", ...start.argv, ...(start.env ?? [])];
    for (const string of strings) {
      if (string.includes("\0")) throw new Error(`a string holds a zero byte: ${string}`);
    }
    this.fill(encode(strings.map((string) => `${string}\0`).join("")));
    check(this.kernel.start(start.argv.length, start.uid ?? 0, start.gid ?? 0), start.path);
    return this.loop();
  }

  /** Gives bytes to whoever reads descriptor 0. */
  write(bytes: Uint8Array): void {
    if (bytes.length > 0) this.input.push(bytes);
    this.wake?.();
  }

  /** Descriptor 0 is at its end, once all is read. */
  closeInput(): void {
    this.inputClosed = true;
    this.wake?.();
  }

  /** Stops everything; a pending `run` is rejected. */
  delete(): void {
    this.deleted = true;
    this.wake?.();
  }

  private async loop(): Promise<number> {
    for (;;) {
      if (this.deleted) throw new Error("the virtual machine was deleted");
      const until = performance.now() + SLICE;
      let state: number;
      do {
        if (this.kernel.waits_for_host() !== 0) this.kernel.host_ready();
        state = this.kernel.run(TURNS);
      } while (state === RUNNABLE && performance.now() < until);
      if (state === EXITED) {
        const status = this.kernel.exit_status();
        const signal = status & 0x7f;
        return signal === 0 ? (status >> 8) & 0xff : 128 + signal;
      }
      if (state === RUNNABLE) await yieldToEvents();
      else await this.sleep(this.kernel.idle_until());
    }
  }

  /** Waits until a moment of `performance.now()`, or for news. */
  private sleep(until: number): Promise<void> {
    return new Promise((resolve) => {
      const milliseconds = until - performance.now();
      const timer = Number.isFinite(until)
        ? setTimeout(() => this.wake?.(), Math.min(Math.max(milliseconds, 0), 0x7fffffff))
        : undefined;
      this.wake = () => {
        clearTimeout(timer);
        this.wake = undefined;
        resolve();
      };
    });
  }

  private bytes(): Uint8Array {
    if (this.view.buffer !== this.kernel.memory.buffer) {
      this.view = new Uint8Array(this.kernel.memory.buffer);
    }
    return this.view;
  }

  private part(at: number, length: number): Uint8Array {
    return this.bytes().subarray(at >>> 0, (at >>> 0) + (length >>> 0));
  }

  private fill(bytes: Uint8Array): void {
    const at = this.kernel.buffer(bytes.length);
    this.part(at, bytes.length).set(bytes);
  }

  private host(log: (line: string) => void): WebAssembly.ModuleImports {
    return {
      realtime: () => performance.timeOrigin + performance.now(),
      monotonic: () => performance.now(),
      random: (at: number, length: number) => {
        // What getRandomValues fills at a time is limited.
        for (let done = 0; done < length; done += 65536) {
          crypto.getRandomValues(this.part(at + done, Math.min(length - done, 65536)));
        }
      },
      console_write: (at: number, length: number) => this.options.write(this.part(at, length).slice(), 1),
      stream_read: (stream: number, at: number, length: number) => this.read(stream, at, length),
      stream_write: (stream: number, at: number, length: number) => {
        this.options.write(this.part(at, length).slice(), stream);
        return length;
      },
      stream_ready: (stream: number, write: number) =>
        write !== 0 || (stream === 0 && (this.input.length > 0 || this.inputClosed)) ? 1 : 0,
      log: (at: number, length: number) => log(decode(this.part(at, length))),
    };
  }

  private read(stream: number, at: number, length: number): number {
    const first = this.input[0];
    if (stream !== 0 || (first === undefined && this.inputClosed)) return 0;
    if (first === undefined) return NOT_READY;
    const taken = first.subarray(0, length);
    this.part(at, taken.length).set(taken);
    if (taken.length === first.length) this.input.shift();
    else this.input[0] = first.subarray(taken.length);
    return taken.length;
  }
}

// What `run` of the kernel's module says.
const RUNNABLE = 0;
const EXITED = 2;

function check(errno: number, what: string): void {
  if (errno !== 0) throw new Error(`${what}: error ${errno} of errno(3)`);
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function decode(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** Lets messages and timers have their turn; not slowed down as nested timers are. */
function yieldToEvents(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(undefined);
  });
}
