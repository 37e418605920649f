// The program of `hot.c`, and what it does on this machine.

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Builds it; where it is. */
export async function buildHot() {
  const folder = await mkdtemp(join(tmpdir(), "sampan-hot-"));
  const path = join(folder, "hot");
  const source = new URL("hot.c", import.meta.url).pathname;
  execFileSync("cc", ["-O1", "-static", "-o", path, source]);
  return { path, remove: () => rm(folder, { recursive: true }) };
}

/** What a program does on this machine; its status as a shell tells it. */
export function native(file, args, input = "") {
  const { status, signal, stdout } = spawnSync(file, args, { input, encoding: "latin1" });
  assert.ok(signal === null || signal === "SIGSEGV");
  return { status: signal === null ? status : 128 + 11, stdout };
}
