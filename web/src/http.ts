/**
 * A client of HTTP/1.1 (RFC 9112) over a connection with a program in the machine: one request
 * each, whose answer is a `Response` with a body that streams.
 */

import { concat, encode } from "./bytes.js";
import type { Socket } from "./sockets.js";

/** Bytes of a head beyond which an answer is refused. */
const MAX_HEAD = 64 << 10;
/** Of one connection alone (RFC 9110, section 7.6.1), and what is set here. */
const NOT_PASSED = /^(connection|keep-alive|transfer-encoding|upgrade|te|trailer|host|content-length|proxy-.*)$/i;
/** Answers that have no body. */
const EMPTY = [204, 205, 304];
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** A request, as `fetch` has it. */
export interface GuestRequest {
  readonly method?: string;
  readonly headers?: HeadersInit;
  readonly body?: Uint8Array | string;
}

/** Sends a request; the answer as soon as its head is there. */
export async function exchange(socket: Socket, port: number, path: string, request: GuestRequest): Promise<Response> {
  const method = request.method ?? "GET";
  if (!TOKEN.test(method)) throw new Error(`not a method of HTTP: ${method}`);
  if (!/^\/[!-~]*$/.test(path)) throw new Error(`not a path of HTTP: ${path}`);
  const input = new Input(socket.readable.getReader());
  try {
    // An answer may come before all of the request was taken.
    const sent = send(socket, head(method, path, port, request), request.body);
    sent.catch(() => {});
    return await answer(input, method);
  } catch (error) {
    input.cancel();
    throw error;
  }
}

function head(method: string, path: string, port: number, { headers, body }: GuestRequest): string {
  const lines = [`${method} ${path} HTTP/1.1`, `Host: localhost:${port}`, "Connection: close"];
  for (const [name, value] of new Headers(headers)) if (!NOT_PASSED.test(name)) lines.push(`${name}: ${value}`);
  const length = typeof body === "string" ? encode(body).length : body?.length;
  if (length !== undefined || /^(POST|PUT|PATCH)$/.test(method)) lines.push(`Content-Length: ${length ?? 0}`);
  return `${lines.join("\r\n")}\r\n\r\n`;
}

async function send(socket: Socket, text: string, body: Uint8Array | string | undefined): Promise<void> {
  const writer = socket.writable.getWriter();
  await writer.write(encode(text));
  // The connection stays open for writing: servers take a closed one for a client that is gone.
  if (body !== undefined && body.length > 0) await writer.write(typeof body === "string" ? encode(body) : body);
}

async function answer(input: Input, method: string): Promise<Response> {
  for (;;) {
    const line = await input.line();
    const [, code, statusText = ""] = /^HTTP\/1\.[01] (\d{3})(?: (.*))?$/.exec(line) ?? [];
    if (code === undefined) throw new Error(line === "" ? NOBODY : `not an answer of HTTP: ${line.slice(0, 80)}`);
    const status = Number(code);
    const headers = new Headers();
    let length = line.length;
    for (let field = await input.line(); field !== ""; field = await input.line()) {
      if ((length += field.length) > MAX_HEAD) throw new Error("a head of HTTP without end");
      const colon = field.indexOf(":");
      const [name, value] = [field.slice(0, Math.max(colon, 0)), field.slice(colon + 1).trim()];
      if (!TOKEN.test(name)) throw new Error(`not a header of HTTP: ${field.slice(0, 80)}`);
      headers.append(name, value);
    }
    // What comes before the answer itself.
    if (status >= 100 && status < 200) continue;
    if (status < 200 || status > 599) throw new Error(`an answer with status ${status}`);
    const isEmpty = method === "HEAD" || EMPTY.includes(status);
    const body = isEmpty ? null : content(input, headers);
    if (isEmpty) input.cancel();
    for (const name of [...headers.keys()]) if (NOT_PASSED.test(name) && name !== "content-length") headers.delete(name);
    return new Response(body, { status, statusText: statusText.replace(/[^\t -~]/g, "?"), headers });
  }
}

const NOBODY = "nothing in the machine listens on this port, or it closed the connection";

/** The body, as the head says how it is delimited. */
function content(input: Input, headers: Headers): ReadableStream<Uint8Array> {
  const chunked = /\bchunked\s*$/i.test(headers.get("Transfer-Encoding") ?? "");
  const length = headers.get("Content-Length");
  if (!chunked && length !== null && !/^\d+$/.test(length)) throw new Error(`Content-Length: ${length}`);
  /** Bytes until the end of the body, or of the chunk. */
  let left = chunked ? 0 : length === null ? Infinity : Number(length);
  let first = true;
  return new ReadableStream<Uint8Array>({
    pull: async (controller) => {
      if (chunked && left === 0) {
        if (!first) await input.line();
        first = false;
        const size = /^([0-9a-f]{1,12})\s*(;|$)/i.exec(await input.line())?.[1];
        if (size === undefined) throw new Error("a chunk of HTTP without its size");
        left = Number.parseInt(size, 16);
        if (left === 0) left = -1;
      }
      const bytes = left > 0 ? await input.some(left) : undefined;
      if (bytes === undefined) {
        input.cancel();
        if (left > 0 && left !== Infinity) throw new Error(`the answer ended ${left} bytes too early`);
        return controller.close();
      }
      left -= bytes.length;
      controller.enqueue(bytes);
      if (!chunked && left === 0) {
        input.cancel();
        controller.close();
      }
    },
    cancel: () => input.cancel(),
  });
}

/** Bytes as text, one for each, as HTTP's heads are. */
function text(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
}

/** What comes, by lines and by bytes. */
class Input {
  private rest: Uint8Array = new Uint8Array();

  constructor(private readonly reader: ReadableStreamDefaultReader<Uint8Array>) {}

  /** A line without its end; empty at the end of what comes. */
  async line(): Promise<string> {
    let line: Uint8Array = new Uint8Array();
    for (;;) {
      const end = this.rest.indexOf(10);
      line = concat([line, end < 0 ? this.rest : this.rest.subarray(0, end)]);
      this.rest = end < 0 ? new Uint8Array() : this.rest.subarray(end + 1);
      if (line.length > MAX_HEAD) throw new Error("a line of HTTP without end");
      if (end >= 0 || !(await this.more())) return text(line).replace(/\r$/, "");
    }
  }

  /** Some bytes, at most so many; undefined at the end. */
  async some(most: number): Promise<Uint8Array | undefined> {
    if (this.rest.length === 0 && !(await this.more())) return undefined;
    const bytes = this.rest.subarray(0, most);
    this.rest = this.rest.subarray(bytes.length);
    return bytes;
  }

  cancel(): void {
    this.reader.cancel().catch(() => {});
  }

  private async more(): Promise<boolean> {
    const { done, value } = await this.reader.read();
    if (done) return false;
    this.rest = value;
    return true;
  }
}
