/**
 * Connections between the guest and the outside: streams of bytes with a number. The page opens
 * them to ports of the guest; programs open them where the machine has a way out (a
 * `Transport`). Both ends wait while the other has enough.
 */

import type { Part } from "./imports.js";
import { answerQuery, NAMES, NAMES_PORT, type Resolve } from "./names.js";

/** Bytes that wait on either side before the one that sends has to wait. */
const MAX_WAITING = 256 << 10;
/** Queries for names of one socket that are under way or not read. */
const MAX_QUERIES = 32;
/** Numbers of errno(3). */
const [EAGAIN, ENETUNREACH, ECONNRESET, ENOTCONN, ECONNREFUSED] = [11, 101, 104, 107, 111];

/** The outside's end of a connection. */
export interface Outer {
  /** What the guest sent. `taken` is called with what need not be counted as waiting any more. */
  data(bytes: Uint8Array, taken: (count: number) => void): void;
  /** The guest sends nothing more. */
  finished(): void;
  /** The connection is no more; after this nothing comes. */
  closed(): void;
}

/** What leads out of the machine. */
export interface Transport {
  /** Opens a connection by TCP; its inner end is used once `opened` was called. */
  connect(address: Uint8Array, port: number, inner: Inner): Outer;
  /** Finds the addresses of a name, 16 bytes each: with it, the guest has a server for names. */
  resolve?(name: string): Promise<readonly Uint8Array[]>;
}

/** The guest's end of a connection, as the outside sees it. */
export interface Inner {
  /** It is open: what connected may send. */
  opened(): void;
  /** It could not be opened, or is broken: an error of errno(3). */
  failed(errno: number): void;
  /** Gives bytes to the guest; false if it should wait until `drained`. */
  give(bytes: Uint8Array): boolean;
  /** Called each time when there is room again. */
  drained: () => void;
  /** Nothing more comes. */
  end(): void;
  /** Lets go of it; the guest sees its connection reset. */
  close(): void;
}

class Connection implements Inner {
  outer!: Outer;
  private input: Uint8Array[] = [];
  private waitingIn = 0;
  private waitingOut = 0;
  private ended = false;
  private errno = 0;
  isOpen = false;
  drained = () => {};

  constructor(
    readonly port: number,
    private readonly news: () => void,
  ) {}

  opened(): void {
    this.isOpen = true;
    this.news();
  }

  failed(errno: number): void {
    this.errno ||= errno;
    this.news();
  }

  give(bytes: Uint8Array): boolean {
    if (bytes.length > 0) this.input.push(bytes);
    this.waitingIn += bytes.length;
    this.news();
    return this.waitingIn < MAX_WAITING;
  }

  end(): void {
    this.ended = true;
    this.news();
  }

  close(): void {
    this.failed(ECONNRESET);
  }

  connected(): number {
    if (this.errno !== 0) return -this.errno;
    return this.isOpen ? 0 : -EAGAIN;
  }

  send(bytes: Uint8Array): number {
    if (this.errno !== 0) return -this.errno;
    const count = Math.min(bytes.length, MAX_WAITING - this.waitingOut);
    if (count <= 0) return -EAGAIN;
    this.waitingOut += count;
    this.outer.data(bytes.slice(0, count), (taken) => {
      this.waitingOut -= taken;
      this.news();
    });
    return count;
  }

  receive(into: Uint8Array): number {
    const first = this.input[0];
    if (first === undefined) {
      if (this.errno !== 0) return -this.errno;
      return this.ended ? 0 : -EAGAIN;
    }
    const taken = first.subarray(0, into.length);
    into.set(taken);
    if (taken.length === first.length) this.input.shift();
    else this.input[0] = first.subarray(taken.length);
    const wasFull = this.waitingIn >= MAX_WAITING;
    this.waitingIn -= taken.length;
    if (wasFull && this.waitingIn < MAX_WAITING) this.drained();
    return taken.length;
  }
}

/** A socket of UDP, which reaches the server for names and nothing else. */
class Queries {
  private readonly answers: Uint8Array[] = [];
  private asked = 0;

  constructor(
    private readonly resolve: Resolve,
    private readonly news: () => void,
  ) {}

  /** As with any network, what is too much is lost. */
  send(query: Uint8Array): number {
    if (this.asked + this.answers.length < MAX_QUERIES) {
      this.asked += 1;
      void answerQuery(query.slice(), this.resolve).then((answer) => {
        this.asked -= 1;
        if (answer !== undefined) this.answers.push(answer);
        this.news();
      });
    }
    return query.length;
  }

  receive(into: Uint8Array): number {
    const answer = this.answers.shift();
    if (answer === undefined) return -EAGAIN;
    const part = answer.subarray(0, into.length);
    into.set(part);
    return part.length;
  }
}

/** All connections of a machine. */
export class Connections {
  private readonly connections = new Map<number, Connection>();
  private readonly queries = new Map<number, Queries>();
  private readonly arrived: number[] = [];
  private last = 0;

  /** @param news wakes the kernel; @param transport the way out, if there is one */
  constructor(
    private readonly news: () => void,
    private readonly transport: Transport | undefined,
  ) {}

  /** Opens a connection to a port of the guest. If nobody listens there it is closed at once. */
  open(port: number, outer: Outer): Inner {
    const connection = this.add(port);
    connection.outer = outer;
    connection.isOpen = true;
    this.arrived.push(this.last);
    this.news();
    return connection;
  }

  /** Closes all. */
  close(): void {
    for (const { outer } of this.connections.values()) outer.closed();
    this.connections.clear();
    this.queries.clear();
  }

  /** The kernel's imports. */
  imports(part: Part): WebAssembly.ModuleImports {
    const get = (id: number) => this.connections.get(id);
    return {
      accept: () => this.arrived.shift() ?? -1,
      port: (id: number) => get(id)?.port ?? 0,
      reaches: () => (this.transport === undefined ? -ENETUNREACH : 0),
      connect: (at: number, port: number) => {
        if (this.transport === undefined) return -ENETUNREACH;
        const connection = this.add(port);
        const id = this.last;
        connection.outer = this.transport.connect(part(at, 16).slice(), port, connection);
        return id;
      },
      datagrams: (at: number, port: number) => {
        const { transport } = this;
        const isNames = port === NAMES_PORT && part(at, 16).every((byte, place) => byte === NAMES[place]);
        if (transport?.resolve === undefined || !isNames) return -ENETUNREACH;
        this.last = (this.last + 1) % 0x7fffffff;
        this.queries.set(this.last, new Queries((name) => transport.resolve?.(name) ?? Promise.resolve([]), this.news));
        return this.last;
      },
      connected: (id: number) => get(id)?.connected() ?? -ECONNREFUSED,
      send: (id: number, at: number, length: number) =>
        (get(id) ?? this.queries.get(id))?.send(part(at, length)) ?? -ENOTCONN,
      receive: (id: number, at: number, length: number) =>
        (get(id) ?? this.queries.get(id))?.receive(part(at, length)) ?? -ENOTCONN,
      finish: (id: number) => get(id)?.outer.finished(),
      close: (id: number) => {
        get(id)?.outer.closed();
        this.connections.delete(id);
        this.queries.delete(id);
      },
    };
  }

  private add(port: number): Connection {
    this.last = (this.last + 1) % 0x7fffffff;
    const connection = new Connection(port, this.news);
    this.connections.set(this.last, connection);
    return connection;
  }
}
