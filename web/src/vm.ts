/**
 * One virtual machine: the kernel's module, its processes, and the loop that gives them
 * time. It runs where it is created, in a worker of a page or in node, and never blocks the
 * event loop for long.
 */

import type { Blocks } from "./blocks/blocks.js";
import { concat, encode, decode } from "./bytes.js";
import type { Mode, Translated } from "./code.js";
import type { Folder } from "./folders.js";
import { diskImports, folderImports } from "./imports.js";
import { Connections, type Inner, type Outer, type Transport } from "./connections.js";
import { Machines } from "./machines.js";
import type { MountDescription, Start } from "./protocol.js";

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
  /** Whether hot code is translated to WebAssembly; it is (`"auto"`) if nothing is said. */
  readonly mode?: Mode;
  /** Tells each system call through `log`. */
  readonly trace?: boolean;
  /** Disks and folders that `mount` names by their places here. */
  readonly disks?: readonly Blocks[];
  readonly folders?: readonly Folder[];
  /** The way out of the machine for connections of programs; there is none without it. */
  readonly transport?: Transport;
  /** Takes what programs write: to the terminal (0), or to descriptors 1 and 2. */
  readonly write: (bytes: Uint8Array, stream: number) => void;
  /** Takes lines of the VM itself. */
  readonly log?: (line: string) => void;
  /** Told when the processor begins to work, and when it rests. */
  readonly cpu?: (busy: boolean) => void;
  /** Told when there is one process more. */
  readonly process?: () => void;
}

interface Kernel {
  readonly memory: WebAssembly.Memory;
  buffer(length: number): number;
  create(memory: number, trace: number): void;
  mount(kind: number, device: number): number;
  add_file(mode: number): number;
  cover_file(): number;
  read_file(): number;
  read_at(): number;
  sync(): number;
  start(argc: number, uid: number, gid: number, terminal: number): number;
  console_room(): number;
  console_input(): void;
  console_resize(rows: number, columns: number): void;
  run(turns: number): number;
  idle_until(): number;
  ended(): number;
  ended_status(): number;
  waits_for_host(): number;
  host_ready(): void;
}

interface Run {
  readonly resolve: (status: number) => void;
  readonly reject: (error: Error) => void;
}

const DEFAULT_MEMORY = 512 << 20;
/** Turns of threads between two looks at the clock. */
const TURNS = 4;
/** Milliseconds until the event loop gets its turn. */
const SLICE = 12;
const NOT_READY = -1;
/** What the kernel says where a disk has to bring something first. */
const DISK_NOT_READY = 601;
/** Numbers of mounts in the kernel's module. */
const MOUNTS = { ext2: 0, dir: 1, devs: 2, devpts: 3, proc: 4, sys: 5, tmpfs: 6, kept: 7 };
/** Bytes of typed input that wait; what comes then is dropped, as by a real terminal. */
const MAX_TYPED = 1 << 20;

/** A virtual machine. */
export class Vm {
  private readonly kernel: Kernel;
  private readonly machines: Machines;
  private readonly connections: Connections;
  private readonly input: Uint8Array[] = [];
  private inputClosed = false;
  private readonly typed: Uint8Array[] = [];
  private typedLength = 0;
  private readonly runs = new Map<number, Run>();
  private readonly waiters: (() => void)[] = [];
  private hasNews = false;
  private wake: (() => void) | undefined;
  private held = false;
  private busy = false;
  private failure: Error | undefined;
  private view = new Uint8Array();

  private constructor(private readonly options: VmOptions) {
    const log = options.log ?? ((line: string) => console.warn(line));
    this.machines = new Machines(
      options.modules.processor,
      () => this.bytes(),
      log,
      options.process ?? (() => {}),
      options.mode ?? "auto",
    );
    const part = (at: number, length: number) => this.part(at, length);
    this.connections = new Connections(() => this.news(), options.transport);
    const instance = new WebAssembly.Instance(options.modules.kernel, {
      host: this.host(log),
      machines: this.machines.imports(),
      disks: diskImports(options.disks ?? [], part),
      folders: folderImports(options.folders ?? [], part),
      network: this.connections.imports(part),
    });
    this.kernel = instance.exports as unknown as Kernel;
    this.kernel.create(options.memory ?? DEFAULT_MEMORY, options.trace === true ? 1 : 0);
    void this.loop();
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

  /** Mounts something, before anything runs. */
  async mount({ type, path, device }: MountDescription): Promise<void> {
    const errno = await this.retry(() => {
      this.fill(encode(path));
      return this.kernel.mount(MOUNTS[type], device ?? 0);
    });
    check(errno, `cannot mount ${type} on ${path}`);
  }

  /** Lets a path show a file of this content, before anything runs and after mounts. */
  async coverFile(path: string, content: Uint8Array): Promise<void> {
    const errno = await this.retry(() => {
      this.fill(concat([encode(`${path}\0`), content]));
      return this.kernel.cover_file();
    });
    check(errno, path);
  }

  /** Starts a program and waits until it ends; its status as a shell tells it. */
  async run(start: Start): Promise<number> {
    const strings = [start.path, start.cwd ?? "/", ...start.argv, ...(start.env ?? [])];
    for (const string of strings) {
      if (string.includes("\0")) throw new Error(`a string holds a zero byte: ${string}`);
    }
    const terminal = start.terminal === true ? 1 : 0;
    const { uid = 0, gid = 0 } = start;
    let status: Promise<number> | undefined;
    const pid = await this.retry(() => {
      this.fill(encode(strings.map((string) => `${string}\0`).join("")));
      const pid = this.kernel.start(start.argv.length, uid, gid, terminal);
      // At once: the program may have ended before anything else has its turn.
      if (pid > 0) status = new Promise((resolve, reject) => this.runs.set(pid, { resolve, reject }));
      return pid;
    });
    check(-Math.min(pid, 0), start.path);
    this.options.process?.();
    this.news();
    if (status === undefined) throw new Error(`${start.path}: the kernel names no process`);
    return status;
  }

  /** What has been translated so far, over all processes. */
  translated(): Translated {
    return this.machines.translated();
  }

  /** Reads a file of the guest, as root. */
  async readFile(path: string): Promise<Uint8Array> {
    const length = await this.retry(() => {
      this.fill(encode(path));
      return this.kernel.read_file();
    });
    check(-Math.min(length, 0), path);
    return this.part(this.kernel.read_at(), length).slice();
  }

  /** Puts away all that the guest wrote. */
  async sync(): Promise<void> {
    check(await this.retry(() => this.kernel.sync()), "cannot write to the disk");
  }

  /** Gives bytes to whoever reads descriptor 0 where that is a stream. */
  write(bytes: Uint8Array): void {
    if (bytes.length > 0) this.input.push(bytes);
    this.news();
  }

  /** Descriptor 0 is at its end, once all is read. */
  closeInput(): void {
    this.inputClosed = true;
    this.news();
  }

  /** Bytes that were typed on the terminal. */
  type(bytes: Uint8Array): void {
    if (bytes.length === 0 || this.typedLength + bytes.length > MAX_TYPED) return;
    this.typed.push(bytes);
    this.typedLength += bytes.length;
    this.news();
  }

  /** The terminal's size. */
  resize(rows: number, columns: number): void {
    this.kernel.console_resize(rows, columns);
    this.news();
  }

  /** Connects to a port of the guest by TCP; if nobody listens there it is closed at once. */
  connect(port: number, outer: Outer): Inner {
    return this.connections.open(port, outer);
  }

  /** Something that was not ready may be now. */
  news(): void {
    this.hasNews = true;
    for (const waiter of this.waiters.splice(0)) waiter();
    this.wake?.();
  }

  /** Programs rest while nobody takes their output. */
  hold(held: boolean): void {
    this.held = held;
    this.wake?.();
  }

  /** Stops everything; a pending `run` is rejected. */
  delete(): void {
    this.fail(new Error("the virtual machine was deleted"));
  }

  private fail(error: Error): void {
    this.failure ??= error;
    for (const run of this.runs.values()) run.reject(this.failure);
    this.runs.clear();
    this.connections.close();
    this.news();
  }

  /** Asks the kernel until the disk has what it needs. */
  private async retry(ask: () => number): Promise<number> {
    for (;;) {
      if (this.failure !== undefined) throw this.failure;
      const answer = ask();
      if (Math.abs(answer) !== DISK_NOT_READY) return answer;
      await new Promise<void>((resolve) => this.waiters.push(resolve));
    }
  }

  private async loop(): Promise<void> {
    // Whoever creates a machine still mounts its disks.
    await yieldToEvents();
    while (this.failure === undefined) {
      let runnable = false;
      try {
        runnable = !this.held && this.slice();
      } catch (error) {
        this.fail(new Error(`the kernel failed: ${String(error)}`));
        return;
      }
      if (runnable !== this.busy) this.options.cpu?.((this.busy = runnable));
      if (runnable) await yieldToEvents();
      else await this.sleep(this.held ? Infinity : this.kernel.idle_until());
    }
  }

  /** Runs programs for a moment; whether there is more to do. */
  private slice(): boolean {
    const until = performance.now() + SLICE;
    let runnable: boolean;
    do {
      if (this.hasNews) {
        this.hasNews = false;
        if (this.kernel.waits_for_host() !== 0) this.kernel.host_ready();
      }
      this.feed();
      runnable = this.kernel.run(TURNS) === RUNNABLE;
    } while ((runnable || this.hasNews) && !this.held && performance.now() < until);
    for (let pid = this.kernel.ended(); pid !== 0; pid = this.kernel.ended()) {
      const status = this.kernel.ended_status();
      const signal = status & 0x7f;
      this.runs.get(pid)?.resolve(signal === 0 ? (status >> 8) & 0xff : 128 + signal);
      this.runs.delete(pid);
    }
    return runnable || this.hasNews;
  }

  /** Gives the console what was typed, as far as it takes it. */
  private feed(): void {
    for (let first = this.typed[0]; first !== undefined; first = this.typed[0]) {
      const room = this.kernel.console_room();
      if (room === 0) return;
      const bytes = first.subarray(0, room);
      this.fill(bytes);
      this.kernel.console_input();
      this.typedLength -= bytes.length;
      if (bytes.length === first.length) this.typed.shift();
      else this.typed[0] = first.subarray(bytes.length);
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
      console_write: (at: number, length: number) => this.options.write(this.part(at, length).slice(), TERMINAL),
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

/** What `run` of the kernel's module says. */
const RUNNABLE = 0;
/** The number under which the terminal's output is given. */
const TERMINAL = 0;

function check(errno: number, what: string): void {
  if (errno !== 0) throw new Error(`${what}: error ${errno} of errno(3)`);
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
