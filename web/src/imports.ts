/** The kernel's imports for disks and folders. */

import { EIO, type Blocks } from "./blocks/blocks.js";
import { concat, decode, encode } from "./bytes.js";
import { FAILED, NOT_READY, type Folder } from "./folders.js";

/** A part of the kernel's memory. */
export type Part = (at: number, length: number) => Uint8Array;

/** Disks by number. */
export function diskImports(disks: readonly Blocks[], part: Part): WebAssembly.ModuleImports {
  const within = (disk: Blocks | undefined, offset: number, length: number): disk is Blocks =>
    disk !== undefined && offset >= 0 && offset + length <= disk.size;
  return {
    size: (disk: number) => disks[disk]?.size ?? 0,
    read_only: (disk: number) => (disks[disk]?.readOnly === false ? 0 : 1),
    read: (disk: number, offset: number, at: number, length: number) => {
      const blocks = disks[disk];
      return within(blocks, offset, length >>> 0) ? blocks.read(offset, part(at, length)) : EIO;
    },
    write: (disk: number, offset: number, at: number, length: number) => {
      const blocks = disks[disk];
      return within(blocks, offset, length >>> 0) ? blocks.write(offset, part(at, length)) : EIO;
    },
    flush: (disk: number) => disks[disk]?.flush() ?? EIO,
    discard: (disk: number, offset: number, length: number) => {
      const blocks = disks[disk];
      if (within(blocks, offset, length)) blocks.discard(offset, length);
    },
    is_full: (disk: number) => (disks[disk]?.isFull === true ? 1 : 0),
  };
}

/** Folders by number. */
export function folderImports(folders: readonly Folder[], part: Part): WebAssembly.ModuleImports {
  let listing = new Uint8Array();
  const path = (at: number, length: number) => decode(part(at, length));
  return {
    kind: (folder: number, at: number, length: number) =>
      folders[folder]?.kind(path(at, length)) ?? FAILED,
    length: (folder: number, at: number, length: number) =>
      folders[folder]?.file(path(at, length))?.length ?? 0,
    contents: (folder: number, at: number, length: number, offset: number, to: number, size: number) => {
      const file = folders[folder]?.file(path(at, length));
      if (file === undefined) return FAILED;
      const bytes = file.subarray(Math.min(offset, file.length), offset + (size >>> 0));
      part(to, bytes.length).set(bytes);
      return bytes.length;
    },
    list: (folder: number, at: number, length: number) => {
      const kind = folders[folder]?.kind(path(at, length)) ?? FAILED;
      if (kind === NOT_READY) return NOT_READY;
      const names = folders[folder]?.names(path(at, length));
      if (names === undefined) return FAILED;
      listing = concat(names.map((name) => encode(`${name}\0`)));
      return listing.length;
    },
    listing: (at: number, length: number) => {
      part(at, length).set(listing.subarray(0, length >>> 0));
    },
  };
}
