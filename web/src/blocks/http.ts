/** A disk image that is one file of a web server, read in ranges. */

import { message } from "../bytes.js";
import type { Watcher } from "./blocks.js";
import { KeptUnits } from "./kept.js";
import { failure, FetchedBlocks, Refusal, TIMEOUT_MS } from "./fetched.js";

/** Bytes of the units that are fetched and kept. */
const UNIT = 32 << 10;
const UNITS = { bytes: UNIT, short: 2, long: 32, perRequest: 32, maxRequests: 4 };

/** What the page found out about an image. */
export interface HttpImage {
  readonly url: string;
  readonly size: number;
  /** The server's mark of this version, or the empty string. */
  readonly etag: string;
}

export class HttpBlocks extends FetchedBlocks {
  private constructor(
    private readonly image: HttpImage,
    watcher: Watcher,
  ) {
    super(UNITS, watcher);
  }

  static async open(image: HttpImage, watcher: Watcher): Promise<HttpBlocks> {
    const blocks = new HttpBlocks(image, watcher);
    // Where nothing tells versions apart, what was kept might be another's.
    if (image.etag !== "") blocks.keep = await KeptUnits.open(image.url, image, blocks.identity);
    return blocks;
  }

  get size(): number {
    return this.image.size;
  }

  get identity(): string {
    return `${this.image.size} ${this.image.etag}`;
  }

  protected override nameOf(first: number, count: number): string {
    const [start, end] = this.range(first, count);
    return `${this.image.url}, bytes ${start} to ${end - 1}`;
  }

  protected override async fetchUnits(first: number, count: number): Promise<Uint8Array> {
    const [start, end] = this.range(first, count);
    const response = await fetch(this.image.url, {
      headers: { Range: `bytes=${start}-${end - 1}` },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const etag = response.headers.get("ETag") ?? "";
    if (response.status === 206) {
      if (etag !== "" && this.image.etag !== "" && etag !== this.image.etag) {
        throw new Refusal("the image was replaced while it was in use");
      }
      const bytes = new Uint8Array(await response.arrayBuffer());
      if (bytes.length === end - start) return bytes;
      throw new Error(`${bytes.length} bytes came`);
    }
    await response.body?.cancel();
    throw failure(response.status, response.status === 200 ? NO_RANGES : undefined);
  }

  private range(first: number, count: number): [start: number, end: number] {
    return [first * UNIT, Math.min((first + count) * UNIT, this.size)];
  }
}

const NO_RANGES = "the server sends whole files only; disk images need range requests";

/** Finds out what an image is, with a request for its first byte. */
export async function look(url: string): Promise<HttpImage> {
  let response: Response;
  try {
    response = await fetch(url, { headers: { Range: "bytes=0-0" } });
  } catch (error) {
    // Without a network, what is known from the last time has to do.
    const known = (await KeptUnits.description(url)) as HttpImage | undefined;
    if (known === undefined) throw new Error(`${url}: ${message(error)}`);
    return known;
  }
  await response.body?.cancel();
  if (response.status === 200) throw new Error(`${url}: ${NO_RANGES}`);
  if (response.status !== 206) throw new Error(`${url}: the server says ${response.status}`);
  const range = response.headers.get("Content-Range");
  const size = Number(/\/(\d+)$/.exec(range ?? "")?.[1] ?? NaN);
  if (!Number.isSafeInteger(size)) {
    throw new Error(`${url}: the server does not tell the image's size (Content-Range: ${range})`);
  }
  return { url, size, etag: response.headers.get("ETag") ?? "" };
}
