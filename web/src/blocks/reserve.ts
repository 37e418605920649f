/**
 * Room of the browser's storage that is held back. To delete something takes a transaction, for
 * which a storage that is full to the last byte has no room either, and what it deletes is
 * free only some time later. A file outside of the database (in the origin's private file system)
 * gives its room back at once.
 */

const PREFIX = "sampan reserve ";
/** Bytes that are held back. */
const SIZE = 8 << 20;
/** Milliseconds between two attempts to hold them back again. */
const PAUSE_MS = 10_000;

export class Reserve {
  private held = false;
  private tried = -Infinity;

  constructor(private readonly name: string) {}

  /** Bytes that a transaction may have for which it is given up. */
  static readonly enough = SIZE / 4;

  /** Holds room back, if it is not and there is some. */
  async hold(): Promise<void> {
    if (this.held || performance.now() - this.tried < PAUSE_MS) return;
    this.tried = performance.now();
    try {
      const folder = await navigator.storage.getDirectory();
      const file = await folder.getFileHandle(PREFIX + this.name, { create: true });
      const access = await (file as unknown as Openable).createSyncAccessHandle();
      try {
        const size = access.getSize();
        this.held = size === SIZE || access.write(new Uint8Array(SIZE - size), { at: size }) === SIZE - size;
      } finally {
        access.close();
      }
    } catch {
      // There is no room, or the browser has no such files.
    }
    if (!this.held) await this.giveUp();
  }

  /** Gives the room back; whether there was some. */
  async giveUp(): Promise<boolean> {
    this.held = false;
    try {
      const folder = await navigator.storage.getDirectory();
      await folder.removeEntry(PREFIX + this.name);
      return true;
    } catch {
      return false;
    }
  }
}

/** What workers have of such files beside pages. */
interface Openable {
  createSyncAccessHandle(): Promise<{
    getSize(): number;
    write(bytes: Uint8Array, options: { at: number }): number;
    close(): void;
  }>;
}
