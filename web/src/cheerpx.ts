/**
 * The names and calls that pages for WebVM use, so that such a page moves by another import. What
 * differs from the package's own: `run` tells `{ status }`, and what such pages may use of other
 * things is here, and says by name where it is not supported.
 */

import type { BlockDevice } from "./devices.js";
import {
  type Callbacks, type KeyFunction, Linux as Machine, type LinuxOptions, type RunOptions, type WriteFunction,
} from "./linux.js";

export { DataDevice, GitHubDevice, HttpBytesDevice, IDBDevice, OverlayDevice, WebDevice } from "./devices.js";

/** Images on servers of another maker, by a protocol that is not public. */
export class CloudDevice {
  static async create(url: string): Promise<BlockDevice> {
    throw new Error(`${url}: a CloudDevice is not supported; HttpBytesDevice, GitHubDevice and ChunkDevice are`);
  }
}

/** A machine. */
export class Linux {
  private constructor(private readonly machine: Machine) {}

  static async create(options: LinuxOptions = {}): Promise<Linux> {
    if (options.networkInterface !== undefined && options.network === undefined) {
      console.warn("sampan: networkInterface is not supported: the machine has no network; network: { relay, token } gives one");
    }
    return new Linux(await Machine.create(options));
  }

  /** @returns how the program ended, as a shell tells it */
  async run(program: string, args: readonly string[] = [], options: RunOptions = {}): Promise<{ status: number }> {
    return { status: await this.machine.run(program, args, options) };
  }

  setConsole(element: HTMLElement): Promise<void> {
    return this.machine.setConsole(element);
  }

  setCustomConsole(write: WriteFunction, columns: number, rows: number): KeyFunction {
    return this.machine.setCustomConsole(write, columns, rows);
  }

  registerCallback<Name extends keyof Callbacks>(name: Name, callback: Callbacks[Name]): void {
    this.machine.registerCallback(name, callback);
  }

  unregisterCallback<Name extends keyof Callbacks>(name: Name, callback: Callbacks[Name]): void {
    this.machine.unregisterCallback(name, callback);
  }

  /** There is one console, so no other is ever brought to the front. */
  setActivateConsole(_: (terminal: number) => void): void {}

  setKmsCanvas(): never {
    throw new Error("setKmsCanvas is not supported: the machine has no graphics");
  }

  async networkLogin(): Promise<never> {
    throw new Error("networkLogin is not supported; network: { relay, token } gives a network");
  }

  delete(): Promise<void> {
    return this.machine.delete();
  }
}

export type { LinuxOptions, Mount, RunOptions } from "./linux.js";
