/** Folders of files that the guest sees read-only: given by the page, or of the web server. */

import { message } from "./bytes.js";
import type { Watcher } from "./blocks/blocks.js";

/** What a path is. */
export const NOTHING = 0;
export const FILE = 1;
export const DIRECTORY = 2;
export const NOT_READY = -1;
export const FAILED = -2;

/** A folder. Paths have no slash at their ends; the root's is empty. */
export interface Folder {
  /** What a path is, or `NOT_READY`, or `FAILED`. */
  kind(path: string): number;
  /** A file whose kind was told. */
  file(path: string): Uint8Array | undefined;
  /** Names in a directory whose kind was told. */
  names(path: string): readonly string[] | undefined;
}

/** Files that JavaScript gives. */
export class DataFolder implements Folder {
  private readonly files = new Map<string, Uint8Array>();

  set(path: string, bytes: Uint8Array): void {
    this.files.set(path, bytes);
  }

  kind(path: string): number {
    if (this.files.has(path)) return FILE;
    return path === "" || this.names(path).length > 0 ? DIRECTORY : NOTHING;
  }

  file(path: string): Uint8Array | undefined {
    return this.files.get(path);
  }

  names(path: string): readonly string[] {
    const start = path === "" ? "" : `${path}/`;
    const names = new Set<string>();
    for (const name of this.files.keys()) {
      if (name.startsWith(start)) names.add(name.slice(start.length).split("/", 1)[0] ?? "");
    }
    return [...names];
  }
}

type Known = { kind: number; file?: Uint8Array; names?: readonly string[] };

/**
 * A folder of the web server. A directory is one that has a file `index.list`, with a name in
 * each line; the root may have none, and its files are then found but not listed.
 */
export class WebFolder implements Folder {
  private readonly known = new Map<string, Known>();

  /** @param url the folder's address, with a slash at its end */
  constructor(
    private readonly url: string,
    private readonly watcher: Watcher,
  ) {}

  kind(path: string): number {
    const known = this.known.get(path);
    if (known === undefined) {
      this.known.set(path, { kind: NOT_READY });
      void this.find(path);
      return NOT_READY;
    }
    // A failure may be over the next time.
    if (known.kind === FAILED) this.known.delete(path);
    return known.kind;
  }

  file(path: string): Uint8Array | undefined {
    return this.known.get(path)?.file;
  }

  names(path: string): readonly string[] | undefined {
    return this.known.get(path)?.names;
  }

  private async find(path: string): Promise<void> {
    const address = this.url + path.split("/").map(encodeURIComponent).join("/");
    try {
      this.known.set(path, await this.ask(path, address));
    } catch (error) {
      this.watcher.log(`${address}: ${message(error)}`);
      this.known.set(path, { kind: FAILED });
    }
    this.watcher.news();
  }

  private async ask(path: string, address: string): Promise<Known> {
    if (path !== "") {
      const response = await fetch(address);
      // Servers send who asks for a directory to the address with a slash.
      if (response.ok && !response.url.endsWith("/")) {
        return { kind: FILE, file: new Uint8Array(await response.arrayBuffer()) };
      }
      await response.body?.cancel();
      if (!response.ok && response.status !== 404) throw new Error(`the server says ${response.status}`);
    }
    const list = await fetch(path === "" ? `${this.url}index.list` : `${address}/index.list`);
    if (!list.ok) return path === "" ? { kind: DIRECTORY, names: [] } : { kind: NOTHING };
    const names = (await list.text()).split("\n").map((line) => line.trim());
    return { kind: DIRECTORY, names: names.filter((name) => name !== "" && !name.includes("/")) };
  }
}
