/** The worker's side: one machine, its disks, and the page's requests. */

import type { Blocks, Watcher } from "./blocks/blocks.js";
import { ChunkBlocks } from "./blocks/chunks.js";
import { FetchedBlocks } from "./blocks/fetched.js";
import { HttpBlocks } from "./blocks/http.js";
import { OverlayBlocks } from "./blocks/overlay.js";
import { SplitBlocks } from "./blocks/split.js";
import { Store } from "./blocks/store.js";
import { ZeroBlocks } from "./blocks/zeros.js";
import { concat, encode, message } from "./bytes.js";
import { DataFolder, WebFolder } from "./folders.js";
import type { Channel, DiskDescription, FolderDescription, Request, Setup } from "./protocol.js";
import { RESOLVER } from "./names.js";
import { PageConnections } from "./page-connections.js";
import { Relay } from "./relay.js";
import { Vm } from "./vm.js";

/** Bytes of output that the page has not shown yet, above which programs rest. */
const MAX_UNSHOWN = 512 << 10;
/** Milliseconds between two times that changes are put away by themselves. */
const SYNC_MS = 1000;

/** Bytes of a disk that is a folder of its own. */
const KEPT_SIZE = 1 << 30;

const NO_IMAGE = "an IDBDevice is no image: make an OverlayDevice of it and one, or mount it as dir";
const FULL =
  "the browser's storage has no more room for changes of the disk; they are kept in memory until there is";

/** Serves a page until it deletes its machine. */
export function serve(channel: Channel): void {
  let server: Server | undefined;
  channel.listen((request) => {
    if (request.type === "create") {
      const created = Server.create(channel, request.setup).then((made) => void (server = made));
      answer(channel, request.id, created);
    } else {
      server?.take(request);
    }
  });
}

class Server {
  private output: Uint8Array[] = [];
  private unshown = 0;
  private scheduled = false;
  private syncing = false;
  private readonly connections: PageConnections;

  private constructor(
    private readonly channel: Channel,
    readonly vm: Vm,
    private readonly disks: readonly Blocks[],
    private readonly folders: readonly (DataFolder | WebFolder)[],
    own: { write: (bytes: Uint8Array) => void },
  ) {
    own.write = (bytes) => this.write(bytes);
    this.connections = new PageConnections(vm, channel);
    if (disks.some((disk) => !disk.readOnly)) setInterval(() => void this.putAway(), SYNC_MS);
  }

  static async create(channel: Channel, setup: Setup): Promise<Server> {
    let vm: Vm | undefined;
    let requests = 0;
    const watcher: Watcher = {
      news: () => vm?.news(),
      log: (line) => channel.post({ type: "log", line }),
      busy: (count) => {
        if (requests > 0 !== count > 0) channel.post({ type: "disk", busy: count > 0 });
        requests = count;
      },
      latency: (milliseconds) => channel.post({ type: "latency", milliseconds }),
      full: (full) => {
        channel.post({ type: "full", full });
        if (full) channel.post({ type: "log", line: FULL });
      },
    };
    const transport = setup.relay === undefined ? {} : { transport: new Relay(setup.relay, watcher.log) };
    for (const { type, device = -1 } of setup.mounts) {
      if (type === "ext2" && setup.disks[device]?.kind === "idb") throw new Error(NO_IMAGE);
    }
    const modules = Promise.all([channel.module("kernel.wasm"), channel.module("processor.wasm")]);
    const disks = await Promise.all(setup.disks.map((disk) => openDisk(disk, watcher)));
    const folders = setup.folders.map((folder) => openFolder(folder, watcher));
    const [kernel, processor] = await modules;
    // What the machine calls belongs to the server, which needs the machine.
    const own = { write: (_: Uint8Array) => {} };
    vm = await Vm.create({
      modules: { kernel, processor },
      disks,
      folders,
      trace: setup.trace,
      ...transport,
      ...(setup.memory === undefined ? {} : { memory: setup.memory }),
      ...(setup.mode === undefined ? {} : { mode: setup.mode }),
      write: (bytes) => own.write(bytes),
      log: watcher.log,
      cpu: (busy) => channel.post({ type: "cpu", busy }),
      process: () => channel.post({ type: "process" }),
    });
    for (const mount of setup.mounts) await vm.mount(mount);
    if (setup.relay !== undefined) await vm.coverFile("/etc/resolv.conf", encode(RESOLVER));
    return new Server(channel, vm, disks, folders, own);
  }

  take(request: Exclude<Request, { type: "create" }>): void {
    switch (request.type) {
      case "run":
        return answer(this.channel, request.id, this.vm.run(request.start), () => this.send());
      case "readFile":
        return answer(this.channel, request.id, this.vm.readFile(request.path));
      case "sync":
        return answer(this.channel, request.id, this.vm.sync());
      case "release":
        return answer(this.channel, request.id, this.disks[request.disk]?.close());
      case "delete":
        return answer(this.channel, request.id, this.end());
      case "input":
        return this.vm.type(request.bytes);
      case "resize":
        return this.vm.resize(request.rows, request.columns);
      case "shown":
        this.unshown -= request.count;
        if (this.unshown <= MAX_UNSHOWN) this.vm.hold(false);
        return;
      case "connect":
      case "give":
      case "end":
      case "drop":
      case "taken":
        return this.connections.take(request);
      case "file": {
        const folder = this.folders[request.folder];
        if (folder instanceof DataFolder) folder.set(request.path, request.bytes);
      }
    }
  }

  private async end(): Promise<void> {
    try {
      await this.vm.sync();
    } finally {
      this.vm.delete();
      await Promise.all(this.disks.map((disk) => disk.close()));
    }
  }

  /** Output goes to the page in as few messages as there are moments. */
  private write(bytes: Uint8Array): void {
    this.output.push(bytes);
    this.unshown += bytes.length;
    if (this.unshown > MAX_UNSHOWN) this.vm.hold(true);
    if (this.scheduled) return;
    this.scheduled = true;
    queueMicrotask(() => this.send());
  }

  private send(): void {
    this.scheduled = false;
    if (this.output.length === 0) return;
    const bytes = concat(this.output);
    this.output = [];
    this.channel.post({ type: "output", bytes }, [bytes.buffer]);
  }

  /** Nothing to put away costs nothing. */
  private async putAway(): Promise<void> {
    if (this.syncing) return;
    this.syncing = true;
    try {
      await this.vm.sync();
    } catch (error) {
      this.channel.post({ type: "log", line: message(error) });
    }
    this.syncing = false;
  }
}

function answer(
  channel: Channel,
  id: number,
  result: Promise<number | Uint8Array | void> | undefined,
  before?: () => void,
): void {
  Promise.resolve(result).then(
    (value) => {
      before?.();
      channel.post({ type: "done", id, value: value ?? undefined });
    },
    (error: unknown) => channel.post({ type: "failed", id, message: message(error) }),
  );
}

async function openDisk(disk: DiskDescription, watcher: Watcher): Promise<Blocks> {
  switch (disk.kind) {
    case "http":
      return HttpBlocks.open(disk.image, watcher);
    case "chunks":
      return ChunkBlocks.open(disk.image, watcher);
    case "split":
      return SplitBlocks.open(disk.image, watcher);
    case "overlay": {
      if (disk.upper.kind !== "idb") throw new Error("changes can be kept on an IDBDevice only");
      const base = await openDisk(disk.lower, watcher);
      const { name } = disk.upper;
      const full = (full: boolean) => {
        if (full && base instanceof FetchedBlocks) base.makeRoom();
        watcher.full(full);
      };
      return OverlayBlocks.open(base, await Store.open(name), name, { ...watcher, full });
    }
    case "idb":
      return OverlayBlocks.open(new ZeroBlocks(KEPT_SIZE), await Store.open(disk.name), disk.name, watcher);
  }
}

function openFolder(folder: FolderDescription, watcher: Watcher): DataFolder | WebFolder {
  if (folder.kind === "web") return new WebFolder(folder.url, watcher);
  const data = new DataFolder();
  for (const [path, bytes] of folder.files) data.set(path, bytes);
  return data;
}
