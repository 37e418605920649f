/** What a disk is to the kernel. Calls answer at once; what has to wait says so. */

/** Of a call: all is done. */
export const DONE = 0;
/** Of a call: not now. Nothing was changed; whoever owns the disk is told when to ask again. */
export const NOT_READY = -1;
/** Errors, numbered as in errno(3). */
export const EIO = 5;
export const ENOSPC = 28;
export const EROFS = 30;

/** A disk. Offsets and lengths are bytes and lie within `size`. */
export interface Blocks {
  readonly size: number;
  readonly readOnly: boolean;
  /** What tells one content from another, for changes that belong to it. */
  readonly identity: string;
  /** Fills `into`: `DONE`, `NOT_READY` or an error's number. */
  read(offset: number, into: Uint8Array): number;
  /** Takes bytes, which are read from then on. */
  write(offset: number, bytes: Uint8Array): number;
  /**
   * `DONE` if all that was written would survive the page's end. At whatever moment that comes,
   * the disk is as it was between two writes, and so nothing else has to order them.
   */
  flush(): number;
  /** What is in a range does not matter any more. */
  discard(offset: number, length: number): void;
  /** Whether there is no room for what was not written before. */
  readonly isFull: boolean;
  /** Lets go of what it holds; calls then fail. */
  close(): Promise<void>;
}

/** What a disk tells its owner. */
export interface Watcher {
  /** Something that was not ready may be now. */
  news(): void;
  /** A line for whoever runs the VM. */
  log(line: string): void;
  /** So many requests are under way. */
  busy(requests: number): void;
  /** A request took so many milliseconds. */
  latency(milliseconds: number): void;
  /** Whether what keeps changes has no more room. */
  full(full: boolean): void;
}
