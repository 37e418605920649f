/** What a page and the worker with its machine say to each other. */

import type { ChunkImage } from "./blocks/chunks.js";
import type { HttpImage } from "./blocks/http.js";
import type { SplitImage } from "./blocks/split.js";
import type { Mode } from "./code.js";
import type { RelayOptions } from "./relay.js";

export type DiskDescription =
  | { readonly kind: "http"; readonly image: HttpImage }
  | { readonly kind: "chunks"; readonly image: ChunkImage }
  | { readonly kind: "split"; readonly image: SplitImage }
  | { readonly kind: "idb"; readonly name: string }
  | { readonly kind: "overlay"; readonly lower: DiskDescription; readonly upper: DiskDescription };

export type FolderDescription =
  | { readonly kind: "web"; readonly url: string }
  | { readonly kind: "data"; readonly files: readonly (readonly [string, Uint8Array])[] };

export interface MountDescription {
  readonly type: "ext2" | "dir" | "kept" | "devs" | "devpts" | "proc" | "sys" | "tmpfs";
  readonly path: string;
  /** The place in the list of disks (`ext2`, `kept`) or of folders (`dir`). */
  readonly device?: number;
}

export interface Setup {
  readonly disks: readonly DiskDescription[];
  readonly folders: readonly FolderDescription[];
  readonly mounts: readonly MountDescription[];
  readonly memory: number | undefined;
  readonly mode: Mode | undefined;
  readonly trace: boolean;
  readonly relay: RelayOptions | undefined;
}

/** A program that shall run. */
export interface Start {
  readonly path: string;
  /** Its arguments, its own name first. */
  readonly argv: readonly string[];
  readonly env?: readonly string[];
  readonly cwd?: string;
  readonly uid?: number;
  readonly gid?: number;
  /** Its descriptors 0 to 2 are the console, and not streams. */
  readonly terminal?: boolean;
}

/** To the worker; what has an `id` is answered. */
export type Request =
  | { readonly id: number; readonly type: "create"; readonly setup: Setup }
  | { readonly id: number; readonly type: "run"; readonly start: Start }
  | { readonly id: number; readonly type: "readFile"; readonly path: string }
  | { readonly id: number; readonly type: "sync" }
  | { readonly id: number; readonly type: "release"; readonly disk: number }
  | { readonly id: number; readonly type: "delete" }
  | { readonly type: "input"; readonly bytes: Uint8Array }
  | { readonly type: "resize"; readonly rows: number; readonly columns: number }
  /** So many bytes of output were shown. */
  | { readonly type: "shown"; readonly count: number }
  | ToConnection
  | { readonly type: "file"; readonly folder: number; readonly path: string; readonly bytes: Uint8Array };

/** To a connection with a port of the guest, by a number that the page chooses. */
export type ToConnection =
  | { readonly type: "connect"; readonly connection: number; readonly port: number }
  | { readonly type: "give"; readonly connection: number; readonly bytes: Uint8Array }
  | { readonly type: "end"; readonly connection: number }
  | { readonly type: "drop"; readonly connection: number }
  /** So many bytes that came from it were taken. */
  | { readonly type: "taken"; readonly connection: number; readonly count: number };

/** From such a connection. */
export type FromConnection =
  | { readonly type: "data"; readonly connection: number; readonly bytes: Uint8Array }
  /** There is room for more. */
  | { readonly type: "drained"; readonly connection: number }
  | { readonly type: "finished"; readonly connection: number }
  | { readonly type: "closed"; readonly connection: number };

/** From the worker. */
export type Answer =
  | { readonly type: "done"; readonly id: number; readonly value: number | Uint8Array | undefined }
  | { readonly type: "failed"; readonly id: number; readonly message: string }
  | { readonly type: "output"; readonly bytes: Uint8Array }
  | { readonly type: "log"; readonly line: string }
  | { readonly type: "cpu"; readonly busy: boolean }
  | { readonly type: "disk"; readonly busy: boolean }
  | { readonly type: "latency"; readonly milliseconds: number }
  /** Whether the browser's storage has no more room for changes. */
  | { readonly type: "full"; readonly full: boolean }
  | FromConnection
  | { readonly type: "process" };

/** The worker's side of the channel, in a browser and in node. */
export interface Channel {
  post(answer: Answer, transfer?: ArrayBuffer[]): void;
  listen(take: (request: Request) => void): void;
  /** A file that lies beside the worker's. */
  module(name: string): Promise<WebAssembly.Module>;
}

/** The page's side: what a `Worker` of a browser is. */
export interface WorkerLike {
  postMessage(request: Request, transfer?: ArrayBuffer[]): void;
  terminate(): unknown;
  onmessage: ((event: { data: Answer }) => void) | null;
  onerror: ((event: { message?: string }) => void) | null;
}
