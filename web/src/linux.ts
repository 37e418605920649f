/** A Linux machine in a worker, as a page uses it. */

import { concat, encode } from "./bytes.js";
import type { Mode } from "./code.js";
import {
  BlockDevice, DataDevice, type DeviceUser, FolderDevice, IDBDevice,
} from "./devices.js";
import { exchange, type GuestRequest } from "./http.js";
import type { Answer, MountDescription, Request, Start, WorkerLike } from "./protocol.js";
import type { RelayOptions } from "./relay.js";
import { type Socket, Sockets } from "./sockets.js";
import { openTerminal, type PageTerminal } from "./terminal.js";

/** Something that is mounted. */
export type Mount =
  | { readonly type: "ext2"; readonly path: string; readonly dev: BlockDevice }
  | { readonly type: "dir"; readonly path: string; readonly dev: FolderDevice | IDBDevice }
  | { readonly type: "devs" | "devpts" | "proc" | "sys" | "tmpfs"; readonly path: string };

/** How a machine is set up. */
export interface LinuxOptions {
  /** What is mounted, in this order; without any, the root is an empty one in memory. */
  readonly mounts?: readonly Mount[];
  /** Bytes of memory for all processes together. */
  readonly memory?: number;
  /** The way to a network outside; without a relay (`sampan relay`) there is none. */
  readonly network?: "none" | RelayOptions;
  /** As pages of another maker name it. It gives no network here. */
  readonly networkInterface?: unknown;
  /** Whether hot code is translated to WebAssembly; it is (`"auto"`) if nothing is said. */
  readonly mode?: Mode;
  /** Tells each system call on the console of the developer. */
  readonly trace?: boolean;
  /** The worker; in node, `nodeWorker()`. */
  readonly worker?: WorkerLike;
}

/** How a program is run. */
export interface RunOptions {
  /** Its environment, as `NAME=value`. */
  readonly env?: readonly string[];
  readonly cwd?: string;
  readonly uid?: number;
  readonly gid?: number;
}

/** Takes bytes that the machine shows. What it returns may be waited for. */
export type WriteFunction = (bytes: Uint8Array, terminal: number) => unknown;
/** Takes keys: a code unit, text, or bytes. */
export type KeyFunction = (key: number | string | Uint8Array) => void;

/** What a machine tells of. */
export interface Callbacks {
  cpuActivity: (state: "ready" | "wait") => void;
  diskActivity: (state: "ready" | "wait") => void;
  diskLatency: (milliseconds: number) => void;
  processCreated: () => void;
  storage: (state: "ready" | "full") => void;
}

type Pending = { resolve: (value: never) => void; reject: (error: Error) => void };
/** A request without its number. */
type Question<T = Request> = T extends { id: number } ? Omit<T, "id"> : never;

/** Bytes of output that are kept until there is a console to show them. */
const MAX_EARLY = 1 << 18;

/** A Linux machine. */
export class Linux implements DeviceUser {
  private readonly pending = new Map<number, Pending>();
  private lastId = 0;
  private early: Uint8Array[] = [];
  private earlyLength = 0;
  private writeFunction: WriteFunction | undefined;
  private terminal: PageTerminal | undefined;
  private highSurrogate = "";
  private readonly sockets = new Sockets((request) => this.post(request));
  private readonly callbacks: { [Name in keyof Callbacks]: Set<Callbacks[Name]> } = {
    cpuActivity: new Set(),
    diskActivity: new Set(),
    diskLatency: new Set(),
    processCreated: new Set(),
    storage: new Set(),
  };
  private failure: Error | undefined;

  private constructor(
    private readonly worker: WorkerLike,
    private readonly disks: readonly BlockDevice[],
    private readonly folders: readonly FolderDevice[],
    /** Disks that are mounted as folders, and where. */
    private readonly kept: ReadonlyMap<BlockDevice, string>,
  ) {
    worker.onmessage = ({ data }) => this.take(data);
    worker.onerror = (event) => this.fail(new Error(`the worker failed: ${event.message ?? ""}`));
  }

  /** Sets a machine up: opens its disks and mounts them. */
  static async create(options: LinuxOptions = {}): Promise<Linux> {
    const { mounts = [], network = "none" } = options;
    const hasRelay = typeof network === "object" && typeof network.relay === "string" && typeof network.token === "string";
    if (network !== "none" && !hasRelay) {
      options.worker?.terminate();
      throw new Error(`not a network: ${JSON.stringify(network)}; it is "none", or has a relay and its token`);
    }
    const disks: BlockDevice[] = [];
    const folders: FolderDevice[] = [];
    const kept = new Map<BlockDevice, string>();
    const described = mounts.map((mount): MountDescription => {
      const { type, path } = mount;
      if (mount.type === "ext2") return { type, path, device: place(disks, mount.dev) };
      if (mount.type === "dir") {
        if (!(mount.dev instanceof IDBDevice)) return { type, path, device: place(folders, mount.dev) };
        kept.set(mount.dev, path);
        return { type: "kept", path, device: place(disks, mount.dev) };
      }
      return { type, path };
    });
    const worker = options.worker ?? browserWorker();
    const linux = new Linux(worker, disks, folders, kept);
    const setup = {
      disks: disks.map((disk) => disk.describe()),
      folders: folders.map((folder) => folder.describe()),
      mounts: described,
      memory: options.memory,
      mode: options.mode,
      trace: options.trace === true,
      relay: network === "none" ? undefined : { relay: network.relay, token: network.token },
    };
    try {
      await linux.ask({ type: "create", setup });
    } catch (error) {
      worker.terminate();
      throw error;
    }
    for (const disk of disks.flatMap((disk) => disk.parts())) disk.users.add(linux);
    for (const folder of folders) if (folder instanceof DataDevice) folder.users.add(linux);
    return linux;
  }

  /**
   * Runs a program on the console and waits until it ends.
   * @param args its arguments, without its own name
   * @returns its exit status, as a shell tells it
   */
  run(program: string, args: readonly string[] = [], options: RunOptions = {}): Promise<number> {
    const start: Start = { ...options, path: program, argv: [program, ...args], terminal: true };
    return this.ask({ type: "run", start });
  }

  /** Opens a terminal in an element, of its size, and makes it the console. */
  async setConsole(element: HTMLElement): Promise<void> {
    this.terminal?.dispose();
    const type = (data: string) => this.key(data);
    const resize = (columns: number, rows: number) => this.resize(columns, rows);
    this.terminal = await openTerminal(element, type, resize);
    const { columns, rows } = this.terminal;
    this.attach((bytes) => this.terminal?.write(bytes), columns, rows);
    this.terminal.focus();
  }

  /**
   * Makes something of the page's own the console. Call it again when the size changes.
   * @returns what takes keys
   */
  setCustomConsole(write: WriteFunction, columns: number, rows: number): KeyFunction {
    this.attach(write, columns, rows);
    return (key) => this.key(key);
  }

  /** Calls `callback` when such a thing happens. */
  registerCallback<Name extends keyof Callbacks>(name: Name, callback: Callbacks[Name]): void {
    this.callbacks[name].add(callback);
  }

  /** Does so no more. */
  unregisterCallback<Name extends keyof Callbacks>(name: Name, callback: Callbacks[Name]): void {
    this.callbacks[name].delete(callback);
  }

  /** Reads a file of the guest, as root. */
  readFile(path: string): Promise<Uint8Array> {
    return this.ask({ type: "readFile", path });
  }

  /** Connects by TCP to a port on which a program in the machine listens. */
  connect(port: number): Socket {
    if (this.failure !== undefined) throw this.failure;
    return this.sockets.connect(port);
  }

  /**
   * Asks a web server in the machine, as the global `fetch` asks others; the body streams.
   * @param path its path and query, which start with a slash
   */
  fetch(port: number, path: string, request: GuestRequest = {}): Promise<Response> {
    return exchange(this.connect(port), port, path, request);
  }

  /** Puts away all that the guest wrote; it also happens every second. */
  sync(): Promise<void> {
    return this.ask({ type: "sync" });
  }

  /**
   * Stops the machine, its disks put away, and gives all memory back. It fails if they could not
   * be put away; the machine is gone then too.
   */
  async delete(): Promise<void> {
    if (this.failure !== undefined) return;
    const ended = this.ask<void>({ type: "delete" });
    try {
      await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 2000))]);
    } finally {
      this.fail(new Error("the machine was deleted"));
      ended.catch(() => {});
    }
  }

  /** Of a `DataDevice`. */
  file(device: DataDevice, path: string, bytes: Uint8Array): void {
    this.post({ type: "file", folder: this.folders.indexOf(device), path, bytes });
  }

  /** Of a disk that is about to be emptied. */
  async release(device: BlockDevice): Promise<void> {
    const disk = this.disks.findIndex((disk) => disk.parts().includes(device));
    await this.ask({ type: "release", disk });
  }

  /** Of a disk that is mounted as a folder. */
  async readKept(device: BlockDevice, path: string): Promise<Uint8Array> {
    const folder = this.kept.get(device);
    if (folder === undefined) throw new Error(`${path}: the device is not mounted as a folder`);
    return this.readFile(`${folder}/${path}`);
  }

  private attach(write: WriteFunction, columns: number, rows: number): void {
    this.writeFunction = write;
    this.resize(columns, rows);
    const bytes = concat(this.early);
    this.early = [];
    this.earlyLength = 0;
    if (bytes.length > 0) void this.show(bytes, 0);
  }

  private resize(columns: number, rows: number): void {
    this.post({ type: "resize", rows, columns });
  }

  private key(key: number | string | Uint8Array): void {
    if (typeof key !== "number" && typeof key !== "string") {
      this.post({ type: "input", bytes: key.slice() });
      return;
    }
    let text = this.highSurrogate + (typeof key === "number" ? String.fromCharCode(key) : key);
    // The other half of the character comes with the next call.
    const last = text.charCodeAt(text.length - 1);
    this.highSurrogate = last >= 0xd800 && last < 0xdc00 ? text.slice(-1) : "";
    text = text.slice(0, text.length - this.highSurrogate.length);
    if (text !== "") this.post({ type: "input", bytes: encode(text) });
  }

  private async show(bytes: Uint8Array, count: number): Promise<void> {
    try {
      // Terminals are numbered from 1.
      await this.writeFunction?.(bytes, 1);
    } finally {
      if (count > 0) this.post({ type: "shown", count });
    }
  }

  private take(answer: Answer): void {
    switch (answer.type) {
      case "done":
      case "failed": {
        const pending = this.pending.get(answer.id);
        this.pending.delete(answer.id);
        if (answer.type === "failed") pending?.reject(new Error(answer.message));
        else pending?.resolve(answer.value as never);
        return;
      }
      case "output":
        if (this.writeFunction !== undefined) void this.show(answer.bytes, answer.bytes.length);
        else this.keep(answer.bytes);
        return;
      case "data":
      case "drained":
      case "finished":
      case "closed":
        return this.sockets.take(answer);
      case "log":
        console.warn(`sampan: ${answer.line}`);
        return;
      case "cpu":
        return this.tell("cpuActivity", answer.busy ? "wait" : "ready");
      case "disk":
        return this.tell("diskActivity", answer.busy ? "wait" : "ready");
      case "latency":
        return this.tell("diskLatency", answer.milliseconds);
      case "full":
        return this.tell("storage", answer.full ? "full" : "ready");
      case "process":
        return this.tell("processCreated");
    }
  }

  private keep(bytes: Uint8Array): void {
    if (this.earlyLength + bytes.length <= MAX_EARLY) {
      this.early.push(bytes);
      this.earlyLength += bytes.length;
    }
    this.post({ type: "shown", count: bytes.length });
  }

  private tell<Name extends keyof Callbacks>(name: Name, ...values: Parameters<Callbacks[Name]>): void {
    for (const callback of this.callbacks[name]) {
      (callback as (...values: Parameters<Callbacks[Name]>) => void)(...values);
    }
  }

  private ask<T>(question: Question): Promise<T> {
    if (this.failure !== undefined) return Promise.reject(this.failure);
    const id = ++this.lastId;
    return new Promise<T>((resolve, reject) => {
      this.pending.set(id, { resolve: resolve as (value: never) => void, reject });
      this.post({ ...question, id } as Request);
    });
  }

  private post(request: Request): void {
    if (this.failure === undefined) this.worker.postMessage(request);
  }

  private fail(error: Error): void {
    if (this.failure !== undefined) return;
    this.failure = error;
    this.sockets.fail(error);
    this.worker.terminate();
    this.terminal?.dispose();
    for (const disk of this.disks.flatMap((disk) => disk.parts())) disk.users.delete(this);
    for (const folder of this.folders) if (folder instanceof DataDevice) folder.users.delete(this);
    for (const pending of this.pending.values()) pending.reject(error);
    this.pending.clear();
  }
}

/** The place of a device in a list, at whose end it is put if it is not there. */
function place<T>(list: T[], device: T): number {
  const at = list.indexOf(device);
  return at >= 0 ? at : list.push(device) - 1;
}

function browserWorker(): WorkerLike {
  // Written so that whoever puts a page together finds the file.
  const worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
  return worker as unknown as WorkerLike;
}
