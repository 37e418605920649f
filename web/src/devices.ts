/**
 * Disks and folders as a page names them. They are only descriptions here; the worker that
 * runs the machine opens them.
 */

import { encode } from "./bytes.js";
import { type ChunkImage, lookAtChunks } from "./blocks/chunks.js";
import { look, type HttpImage } from "./blocks/http.js";
import { loadChanges, saveChanges } from "./blocks/saved.js";
import { lookAtSplit, type SplitImage } from "./blocks/split.js";
import { Store } from "./blocks/store.js";
import type { DiskDescription, FolderDescription } from "./protocol.js";

/** What a device tells machines that use it. */
export interface DeviceUser {
  /** A file of a `DataDevice` is there or was replaced. */
  file(device: DataDevice, path: string, bytes: Uint8Array): void;
  /** Lets go of the disk for good. */
  release(device: BlockDevice): Promise<void>;
  /** Reads a file of a disk that is mounted as a folder, by its path there. */
  readKept(device: BlockDevice, path: string): Promise<Uint8Array>;
}

/** A disk. */
export abstract class BlockDevice {
  /** Machines that use it. */
  readonly users = new Set<DeviceUser>();
  /** What the worker opens. */
  abstract describe(): DiskDescription;
  /** Itself, and what it is made of. */
  parts(): readonly BlockDevice[] {
    return [this];
  }
}

/** A disk image on a web server that answers range requests. */
export class HttpBytesDevice extends BlockDevice {
  private constructor(private readonly image: HttpImage) {
    super();
  }

  /** Looks whether the image is there, and whether the server can send parts of it. */
  static async create(url: string | URL): Promise<HttpBytesDevice> {
    return new HttpBytesDevice(await look(new URL(url, base()).href));
  }

  override describe(): DiskDescription {
    return { kind: "http", image: this.image };
  }
}

/** A disk image in chunks, as `sampan image chunk` makes it, on any web server. */
export class ChunkDevice extends BlockDevice {
  private constructor(private readonly image: ChunkImage) {
    super();
  }

  /** Reads the image's index. @param folder where `index.json` is */
  static async create(folder: string | URL): Promise<ChunkDevice> {
    return new ChunkDevice(await lookAtChunks(new URL(folder, base()).href));
  }

  override describe(): DiskDescription {
    return { kind: "chunks", image: this.image };
  }
}

/** A disk image in files of 128 KiB, as pages for WebVM have it on GitHub, on any web server. */
export class GitHubDevice extends BlockDevice {
  private constructor(private readonly image: SplitImage) {
    super();
  }

  /** Reads the image's size. @param url the image's, to which `.meta` and the like are added */
  static async create(url: string | URL): Promise<GitHubDevice> {
    return new GitHubDevice(await lookAtSplit(new URL(url, base()).href));
  }

  override describe(): DiskDescription {
    return { kind: "split", image: this.image };
  }
}

/**
 * Blocks in this browser (IndexedDB), under a name: changes of another disk, in an
 * `OverlayDevice`, or a disk of its own, which is mounted as a folder.
 */
export class IDBDevice extends BlockDevice {
  private constructor(private readonly name: string) {
    super();
  }

  static async create(name: string): Promise<IDBDevice> {
    return new IDBDevice(name);
  }

  override describe(): DiskDescription {
    return { kind: "idb", name: this.name };
  }

  /** Throws all blocks away. A machine that uses them has no disk afterwards: reload the page. */
  async reset(): Promise<void> {
    await this.release();
    await Store.remove(this.name);
  }

  /** Reads a file, where this is mounted as a folder, by its path there; a machine must use it. */
  async readFileAsBlob(path: string): Promise<Blob> {
    const [user] = this.users;
    if (user === undefined) throw new Error(`${path}: no machine uses the device ${this.name}`);
    return new Blob([(await user.readKept(this, path)).slice()]);
  }

  /** All blocks as a file, as they were at the last `sync`. A machine may use them. */
  export(): Promise<Blob> {
    return saveChanges(this.name);
  }

  /**
   * Puts the blocks of such a file in place of those that are here. A machine that uses them has
   * no disk afterwards: reload the page. A file that is damaged is refused, and nothing changes.
   */
  async import(file: Blob): Promise<void> {
    await loadChanges(this.name, file, () => this.release());
  }

  private async release(): Promise<void> {
    await Promise.all([...this.users].map((user) => user.release(this)));
  }
}

/** A disk whose changes are kept on another. */
export class OverlayDevice extends BlockDevice {
  private constructor(
    private readonly lower: BlockDevice,
    private readonly upper: IDBDevice,
  ) {
    super();
  }

  static async create(lower: BlockDevice, upper: IDBDevice): Promise<OverlayDevice> {
    if (!(upper instanceof IDBDevice)) throw new Error("changes can be kept on an IDBDevice only");
    return new OverlayDevice(lower, upper);
  }

  override describe(): DiskDescription {
    return { kind: "overlay", lower: this.lower.describe(), upper: this.upper.describe() };
  }

  override parts(): readonly BlockDevice[] {
    return [this, ...this.lower.parts(), ...this.upper.parts()];
  }
}

/** A folder. */
export abstract class FolderDevice {
  abstract describe(): FolderDescription;
}

/** Files that JavaScript gives to the guest. */
export class DataDevice extends FolderDevice {
  readonly users = new Set<DeviceUser>();
  private readonly files = new Map<string, Uint8Array>();

  static async create(): Promise<DataDevice> {
    return new DataDevice();
  }

  /** Puts a file there, or replaces it. `path` starts with a slash and is in this folder. */
  async writeFile(path: string, data: string | Uint8Array): Promise<void> {
    const name = path.split("/").filter((part) => part !== "").join("/");
    const odd = name.split("/").some((part) => part === "." || part === ".." || part.length > 255);
    if (name === "" || odd || name.includes("\0")) throw new Error(`not a file's path: ${path}`);
    const bytes = typeof data === "string" ? encode(data) : data.slice();
    this.files.set(name, bytes);
    for (const user of this.users) user.file(this, name, bytes);
  }

  override describe(): FolderDescription {
    return { kind: "data", files: [...this.files] };
  }
}

/** A folder of the web server, relative to the page. */
export class WebDevice extends FolderDevice {
  private constructor(private readonly url: string) {
    super();
  }

  static async create(folder: string): Promise<WebDevice> {
    const url = new URL(folder === "" || folder.endsWith("/") ? folder : `${folder}/`, base());
    // Of the page itself, the folder that it is in.
    return new WebDevice(new URL(".", url).href);
  }

  override describe(): FolderDescription {
    return { kind: "web", url: this.url };
  }
}

/** What addresses are relative to. */
function base(): string | undefined {
  return typeof document === "undefined" ? undefined : document.baseURI;
}
