/** Unmodified Linux x86 programs in a browser tab. */

export type { Mode, Translated } from "./code.js";
export {
  BlockDevice, ChunkDevice, DataDevice, FolderDevice, GitHubDevice, HttpBytesDevice, IDBDevice, OverlayDevice, WebDevice,
} from "./devices.js";
export {
  Linux, type Callbacks, type KeyFunction, type LinuxOptions, type Mount, type RunOptions, type WriteFunction,
} from "./linux.js";
export type { Inner, Outer, Transport } from "./connections.js";
export type { RelayOptions } from "./relay.js";
export type { GuestRequest } from "./http.js";
export type { Socket } from "./sockets.js";
export type { Start, WorkerLike } from "./protocol.js";
export { Vm, type Modules, type VmOptions } from "./vm.js";
export { openTerminal, type PageTerminal } from "./terminal.js";
