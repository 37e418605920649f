/** The worker in node. */

import { readFile } from "node:fs/promises";
import { parentPort } from "node:worker_threads";
import type { Request } from "./protocol.js";
import { serve } from "./serve.js";

serve({
  post: (answer, transfer) => parentPort?.postMessage(answer, transfer),
  listen: (take) => parentPort?.on("message", (request: Request) => take(request)),
  module: async (name) => WebAssembly.compile(await readFile(new URL(name, import.meta.url))),
});
