/** A disk of zeros, under changes: a disk that is empty at first. */

import { DONE, EROFS, type Blocks } from "./blocks.js";

export class ZeroBlocks implements Blocks {
  readonly readOnly = true;
  readonly isFull = false;

  constructor(readonly size: number) {}

  get identity(): string {
    return `empty ${this.size}`;
  }

  read(_: number, into: Uint8Array): number {
    into.fill(0);
    return DONE;
  }

  write(): number {
    return EROFS;
  }

  flush(): number {
    return DONE;
  }

  discard(): void {}

  async close(): Promise<void> {}
}
