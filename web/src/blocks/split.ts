/**
 * A disk image cut into files of 128 KiB, as `split` does it, for servers that take neither large
 * files nor range requests: `IMAGE.meta` holds the size in digits, and `IMAGE.c000000.txt` and
 * those after it, numbered in hexadecimal, the content. Pages for WebVM have their images so.
 */

import type { Watcher } from "./blocks.js";
import { message } from "../bytes.js";
import { KeptUnits } from "./kept.js";
import { failure, FetchedBlocks, TIMEOUT_MS } from "./fetched.js";

const UNIT = 128 << 10;
/** Images beyond have names that are longer. */
const MAX_SIZE = UNIT * 2 ** 24;

/** What the page found out about an image. */
export interface SplitImage {
  readonly url: string;
  readonly size: number;
  /** The server's mark of this version, or the empty string. */
  readonly mark: string;
}

export class SplitBlocks extends FetchedBlocks {
  private constructor(
    private readonly image: SplitImage,
    watcher: Watcher,
  ) {
    super({ bytes: UNIT, short: 1, long: 4, perRequest: 1, maxRequests: 6 }, watcher);
  }

  static async open(image: SplitImage, watcher: Watcher): Promise<SplitBlocks> {
    const blocks = new SplitBlocks(image, watcher);
    // Where nothing tells versions apart, what was kept might be another's.
    if (image.mark !== "") blocks.keep = await KeptUnits.open(image.url, image, blocks.identity);
    return blocks;
  }

  get size(): number {
    return this.image.size;
  }

  get identity(): string {
    return `split ${this.image.size} ${this.image.mark}`;
  }

  protected override nameOf(unit: number): string {
    return `${this.image.url}.c${unit.toString(16).padStart(6, "0")}.txt`;
  }

  protected override async fetchUnits(unit: number): Promise<Uint8Array> {
    const response = await fetch(this.nameOf(unit), { signal: AbortSignal.timeout(TIMEOUT_MS) });
    if (!response.ok) {
      await response.body?.cancel();
      throw failure(response.status);
    }
    const bytes = new Uint8Array(await response.arrayBuffer());
    const length = Math.min(UNIT, this.size - unit * UNIT);
    if (bytes.length !== length) throw new Error(`${bytes.length} bytes came, and not ${length}`);
    return bytes;
  }
}

/** Reads an image's size. */
export async function lookAtSplit(url: string): Promise<SplitImage> {
  const address = `${url}.meta`;
  let response: Response;
  try {
    response = await fetch(address, { cache: "no-cache" });
  } catch (error) {
    // Without a network, what is known from the last time has to do.
    const known = (await KeptUnits.description(url)) as SplitImage | undefined;
    if (known === undefined) throw new Error(`${address}: ${message(error)}`);
    return known;
  }
  if (!response.ok) throw new Error(`${address}: the server says ${response.status}`);
  const text = (await response.text()).trim();
  const size = Number(text);
  if (!/^\d+$/.test(text) || size === 0 || size > MAX_SIZE) {
    throw new Error(`${address}: not the size of an image: ${text.slice(0, 40)}`);
  }
  return { url, size, mark: response.headers.get("ETag") ?? response.headers.get("Last-Modified") ?? "" };
}
