/**
 * Disks and folders as a page names them. They are only descriptions here; the worker that
 * runs the machine opens them.
 */

import { encode } from "./bytes.js";
import { look, type HttpImage } from "./blocks/http.js";
import type { DiskDescription, FolderDescription } from "./protocol.js";

/** What a device tells machines that use it. */
export interface DeviceUser {
  /** A file of a `DataDevice` is there or was replaced. */
  file(device: DataDevice, path: string, bytes: Uint8Array): void;
}

/** A disk. */
export abstract class BlockDevice {
  /** What the worker opens. */
  abstract describe(): DiskDescription;
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
