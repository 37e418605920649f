/**
 * The machine's server for names, 10.0.2.3: it answers queries of DNS (RFC 1035) for addresses
 * with what the way out finds. Everything else has no answer, which is none of an error.
 */

/** Bytes of a query beyond which it is not read, and of an answer (RFC 1035, section 4.2.1). */
const MAX_MESSAGE = 512;
/** Seconds that answers may be kept. */
const LIFETIME = 60;
const HEAD = 12;
const [A, AAAA, ANY_CLASS, INTERNET] = [1, 28, 255, 1];
/** Codes of answers. */
const [OK, FORMAT, FAILED, NO_NAME, NOT_DONE] = [0, 1, 2, 3, 4];

/** The address of the server, as the guest has it. */
export const NAMES = new Uint8Array([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 2, 3]);
export const NAMES_PORT = 53;
/** What the guest's `/etc/resolv.conf` says. */
export const RESOLVER = "nameserver 10.0.2.3\n";

/** Finds the addresses of a name, 16 bytes each; none if it has none. */
export type Resolve = (name: string) => Promise<readonly Uint8Array[]>;

/** Answers a query; undefined for what is none. */
export async function answerQuery(query: Uint8Array, resolve: Resolve): Promise<Uint8Array | undefined> {
  const view = new DataView(query.buffer, query.byteOffset, query.length);
  if (query.length < HEAD || query.length > MAX_MESSAGE || (view.getUint8(2) & 0x80) !== 0) return undefined;
  if ((view.getUint8(2) & 0x78) !== 0) return reply(query, HEAD, NOT_DONE, []);
  const question = readQuestion(query, view);
  if (view.getUint16(4) !== 1 || question === undefined) return reply(query, HEAD, FORMAT, []);
  const { name, type, end } = question;
  if (question.class !== INTERNET && question.class !== ANY_CLASS) return reply(query, end, OK, []);
  if (type !== A && type !== AAAA) return reply(query, end, OK, []);
  let addresses: readonly Uint8Array[];
  try {
    addresses = await resolve(name);
  } catch {
    return reply(query, end, FAILED, []);
  }
  if (addresses.length === 0) return reply(query, end, NO_NAME, []);
  const isOld = (address: Uint8Array) => address[10] === 0xff && address.subarray(0, 10).every((byte) => byte === 0);
  const wanted = addresses.filter((address) => isOld(address) === (type === A));
  return reply(query, end, OK, wanted.map((address) => record(type, type === A ? address.subarray(12) : address)));
}

interface Question {
  readonly name: string;
  readonly type: number;
  readonly class: number;
  /** Where it ends. */
  readonly end: number;
}

function readQuestion(query: Uint8Array, view: DataView): Question | undefined {
  const labels: string[] = [];
  let at = HEAD;
  for (;;) {
    const length = query[at];
    if (length === undefined || length > 63) return undefined;
    at += 1;
    if (length === 0) break;
    const label = query.subarray(at, at + length);
    if (label.length < length || at + length - HEAD > 254) return undefined;
    labels.push(String.fromCharCode(...label));
    at += length;
  }
  if (at + 4 > query.length) return undefined;
  return { name: labels.join("."), type: view.getUint16(at), class: view.getUint16(at + 2), end: at + 4 };
}

/** The question, which ends at `end`, with as many records as have room. */
function reply(query: Uint8Array, end: number, code: number, records: readonly Uint8Array[]): Uint8Array {
  const fits: Uint8Array[] = [];
  let length = end;
  for (const record of records) {
    if (length + record.length > MAX_MESSAGE) break;
    fits.push(record);
    length += record.length;
  }
  const bytes = new Uint8Array(length);
  bytes.set(query.subarray(0, end));
  const view = new DataView(bytes.buffer);
  // An answer, with what was asked for of recursion, which there is.
  view.setUint8(2, 0x80 | ((query[2] ?? 0) & 0x79));
  view.setUint8(3, 0x80 | code);
  view.setUint16(4, end > HEAD ? 1 : 0);
  view.setUint16(6, fits.length);
  view.setUint32(8, 0);
  for (const record of fits) {
    bytes.set(record, end);
    end += record.length;
  }
  return bytes;
}

function record(type: number, data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(12 + data.length);
  const view = new DataView(bytes.buffer);
  // The name is that of the question.
  view.setUint16(0, 0xc000 | HEAD);
  view.setUint16(2, type);
  view.setUint16(4, INTERNET);
  view.setUint32(6, LIFETIME);
  view.setUint16(10, data.length);
  bytes.set(data, 12);
  return bytes;
}
