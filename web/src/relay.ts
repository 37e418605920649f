/**
 * The way out of a machine through `sampan relay`: a WebSocket for each connection, and one for
 * each name. What they say to each other is written at the head of that program's source.
 */

import { message } from "./bytes.js";
import type { Inner, Outer, Transport } from "./connections.js";

/** Where a relay is. */
export interface RelayOptions {
  /** Its address: `ws:` or `wss:`. */
  readonly relay: string;
  /** What it wants of its clients. */
  readonly token: string;
}

/** Bytes that are sent at a time; the relay takes no larger messages. */
const MAX_MESSAGE = 64 << 10;
/** Numbers of errno(3). */
const [EINVAL, ENETUNREACH, ECONNRESET] = [22, 101, 104];

/** What a relay says. */
interface Told {
  readonly opened?: boolean;
  readonly failed?: number;
  readonly message?: string;
  readonly taken?: number;
  readonly end?: boolean;
  readonly addresses?: readonly string[];
}

export class Relay implements Transport {
  /** @param log takes lines for whoever runs the machine */
  constructor(
    private readonly options: RelayOptions,
    private readonly log: (line: string) => void,
  ) {
    const { protocol } = new URL(options.relay);
    if (protocol !== "ws:" && protocol !== "wss:") throw new Error(`${options.relay}: not the address of a relay`);
  }

  connect(address: Uint8Array, port: number, inner: Inner): Outer {
    try {
      return new Carried(this.ask({ connect: `${addressText(address)}:${port}` }), inner, this.log);
    } catch (error) {
      // Browsers refuse a relay without TLS to a page with it.
      this.log(`${this.options.relay}: ${message(error)}`);
      inner.failed(ENETUNREACH);
      return { data: () => {}, finished: () => {}, closed: () => {} };
    }
  }

  /** The addresses of a name; none if it has none. */
  resolve(name: string): Promise<Uint8Array[]> {
    const socket = this.ask({ resolve: name });
    return new Promise((resolve, reject) => {
      socket.onmessage = ({ data }) => {
        const { addresses, message } = parse(data);
        if (addresses === undefined && message !== undefined) this.log(`relay: ${message}`);
        resolve((addresses ?? []).map(addressBytes).filter((bytes) => bytes !== undefined));
        socket.close();
      };
      socket.onclose = () => reject(new Error(`${this.options.relay} does not answer`));
    });
  }

  private ask(what: { connect: string } | { resolve: string }): WebSocket {
    const socket = new WebSocket(this.options.relay);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => socket.send(JSON.stringify({ token: this.options.token, ...what }));
    return socket;
  }
}

/** A connection that a relay carries. */
class Carried implements Outer {
  private opened = false;
  /** Whether the other side sends nothing more, or somebody was told why. */
  private over = false;
  /** Bytes that the guest has no room for yet, for the relay to wait. */
  private unpaid = 0;
  private taken: (count: number) => void = () => {};

  constructor(
    private readonly socket: WebSocket,
    private readonly inner: Inner,
    log: (line: string) => void,
  ) {
    inner.drained = () => this.pay();
    socket.onmessage = ({ data }: MessageEvent<unknown>) => {
      if (data instanceof ArrayBuffer) {
        this.unpaid += data.byteLength;
        if (inner.give(new Uint8Array(data))) this.pay();
        return;
      }
      const { opened, failed, taken, end, message } = parse(data);
      if (opened === true) {
        this.opened = true;
        inner.opened();
      }
      if (typeof taken === "number") this.taken(taken);
      if (end === true) {
        this.over = true;
        inner.end();
      }
      if (failed !== undefined) {
        if (message !== undefined) log(`relay: ${message}`);
        this.fail(Number.isInteger(failed) && failed > 0 && failed < 4096 ? failed : EINVAL);
      }
    };
    socket.onclose = () => {
      if (!this.opened && !this.over) log(`${socket.url}: the relay does not answer`);
      this.fail(this.opened ? ECONNRESET : ENETUNREACH);
    };
  }

  data(bytes: Uint8Array, taken: (count: number) => void): void {
    this.taken = taken;
    if (this.socket.readyState !== WebSocket.OPEN) return;
    for (let at = 0; at < bytes.length; at += MAX_MESSAGE) this.socket.send(bytes.slice(at, at + MAX_MESSAGE));
  }

  finished(): void {
    this.tell({ end: true });
  }

  closed(): void {
    this.over = true;
    this.socket.close();
  }

  private fail(errno: number): void {
    if (!this.over) this.inner.failed(errno);
    this.over = true;
  }

  private pay(): void {
    if (this.unpaid > 0) this.tell({ taken: this.unpaid });
    this.unpaid = 0;
  }

  private tell(what: Told): void {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(what));
  }
}

function parse(data: unknown): Told {
  try {
    return Object(JSON.parse(String(data))) as Told;
  } catch (error) {
    return { failed: EINVAL, message: `the relay says what is no JSON: ${message(error)}` };
  }
}

/** Whether 16 bytes are an address of IPv4, which is in the last four. */
function isOld(address: Uint8Array): boolean {
  return address.subarray(0, 10).every((byte) => byte === 0) && address[10] === 0xff && address[11] === 0xff;
}

/** An address as a relay takes it, with brackets if it has colons. */
function addressText(address: Uint8Array): string {
  if (isOld(address)) return address.subarray(12).join(".");
  const parts = Array.from({ length: 8 }, (_, at) => (((address[2 * at] ?? 0) << 8) | (address[2 * at + 1] ?? 0)).toString(16));
  return `[${parts.join(":")}]`;
}

/** The 16 bytes of an address; undefined if the text is none. */
function addressBytes(text: string): Uint8Array | undefined {
  const bytes = new Uint8Array(16);
  const old = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text)?.slice(1).map(Number);
  if (old !== undefined) {
    if (old.some((byte) => byte > 255)) return undefined;
    bytes.set([0xff, 0xff, ...old], 10);
    return bytes;
  }
  const halves = text.split("::");
  const words = halves.map((half) => (half === "" ? [] : half.split(":")));
  const [first = [], last = []] = words;
  const count = first.length + last.length;
  if (halves.length > 2 || count > 8 || (halves.length === 1 && count !== 8)) return undefined;
  const all = [...first, ...Array<string>(8 - count).fill("0"), ...last];
  if (!all.every((word) => /^[0-9a-f]{1,4}$/i.test(word))) return undefined;
  for (const [at, word] of all.entries()) new DataView(bytes.buffer).setUint16(2 * at, Number.parseInt(word, 16));
  return bytes;
}
