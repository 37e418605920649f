/** The machine of the page: an image of the web server, with changes in the browser. */

import { type BlockDevice, ChunkDevice, DataDevice, HttpBytesDevice, IDBDevice, Linux, OverlayDevice, type RelayOptions } from "@sampan/linux";

/** Where files lie that the user put in. */
export const DATA = "/data";

/** A machine, and what the page does with its disks. */
export interface Machine {
  readonly linux: Linux;
  readonly data: DataDevice;
  /** Whether changes outlive the page. */
  readonly keeps: boolean;
  /** Where they are kept. */
  readonly changes: IDBDevice;
}

const ENV = [
  "HOME=/root", "USER=root", "LOGNAME=root", "TERM=xterm-256color", "LANG=C.UTF-8", "SHELL=/bin/bash",
  "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
];

/** The image at an address: one file, or a folder of chunks. */
function openImage(image: string): Promise<BlockDevice> {
  return image.endsWith("/") ? ChunkDevice.create(image) : HttpBytesDevice.create(image);
}

/** What the page's address says of a machine. */
export interface Wishes {
  /** Whether changes outlive the page. */
  readonly keep: boolean;
  /** Bytes of memory for all processes. */
  readonly memory: number | undefined;
  /** The way to a network outside. */
  readonly relay: RelayOptions | undefined;
}

/** Opens the image at an address. */
export async function openMachine(image: string, { keep, memory, relay }: Wishes): Promise<Machine> {
  const disk = await openImage(image);
  const changes = await IDBDevice.create(image);
  const data = await DataDevice.create();
  const linux = await Linux.create({
    network: relay ?? "none",
    ...(memory === undefined ? {} : { memory }),
    mounts: [
      { type: "ext2", dev: keep ? await OverlayDevice.create(disk, changes) : disk, path: "/" },
      { type: "devs", path: "/dev" },
      { type: "devpts", path: "/dev/pts" },
      { type: "proc", path: "/proc" },
      { type: "sys", path: "/sys" },
      { type: "dir", dev: data, path: DATA },
    ],
  });
  return { linux, data, keeps: keep, changes };
}

/** Throws away what the browser keeps of an image that no machine uses. */
export async function discard(image: string): Promise<void> {
  await (await IDBDevice.create(image)).reset();
}

/** Runs a login shell, and another when it ends. */
export async function runShell(linux: Linux, tell: (text: string) => void): Promise<never> {
  for (;;) {
    const status = await shell(linux);
    tell(`the shell ended with status ${status}; here is a new one`);
  }
}

async function shell(linux: Linux): Promise<number> {
  const options = { env: ENV, cwd: "/root", uid: 0, gid: 0 };
  try {
    return await linux.run("/bin/bash", ["--login"], options);
  } catch (error) {
    // A small system may have no bash (ENOENT).
    if (!/error 2 of/.test(String(error))) throw error;
    return linux.run("/bin/sh", ["-l"], options);
  }
}
