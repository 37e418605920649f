// A small system of Debian's busybox in an ext2 image.

import { execFileSync } from "node:child_process";
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

const NAMES = [
  "sh", "ash", "ls", "cat", "echo", "stty", "sleep", "sync", "seq", "md5sum", "sha256sum", "uname",
  "ps", "head", "wc", "grep", "find", "vi", "top", "dd", "mkdir", "rm", "cp", "yes", "true", "id",
  "mount", "df", "touch", "mv", "tr", "sort", "tee", "clear", "cut", "uniq",
];

/** Makes the image; where it is. `files`: more files, by their paths; `revision`: ext2's. */
export async function makeImage({ files = {}, megabytes = 16, revision = 1 } = {}) {
  const folder = await mkdtemp(join(tmpdir(), "sampan-image-"));
  try {
    const root = join(folder, "root");
    for (const name of ["bin", "dev", "proc", "sys", "tmp", "root", "etc", "data", "web"]) {
      await mkdir(join(root, name), { recursive: true });
    }
    const busybox = execFileSync("sh", ["-c", "command -v busybox"], { encoding: "utf8" }).trim();
    await cp(busybox, join(root, "bin/busybox"), { dereference: true });
    for (const name of NAMES) await symlink("busybox", join(root, "bin", name));
    await writeFile(join(root, "etc/passwd"), "root:x:0:0:root:/root:/bin/sh\n");
    await writeFile(join(root, "etc/profile"), "export PS1='sampan# '\n");
    for (const [path, content] of Object.entries(files)) {
      await mkdir(dirname(join(root, path)), { recursive: true });
      await writeFile(join(root, path), content);
    }
    const image = join(folder, "image.ext2");
    const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` };
    const size = `${megabytes}M`;
    execFileSync("mke2fs", ["-q", "-t", "ext2", "-r", String(revision), "-E", "root_owner=0:0", "-d", root, image, size], { env });
    return { image, remove: () => rm(folder, { recursive: true }) };
  } catch (error) {
    await rm(folder, { recursive: true });
    throw error;
  }
}
