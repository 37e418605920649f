/** What lets `Linux` run in node: `Linux.create({ worker: nodeWorker(), … })`. */

import { Worker } from "node:worker_threads";
import type { Answer, Request, WorkerLike } from "./protocol.js";

/** A worker of node with the face of a browser's. */
export function nodeWorker(): WorkerLike {
  const worker = new Worker(new URL("./node-worker.js", import.meta.url));
  const face: WorkerLike = {
    postMessage: (request: Request, transfer?: ArrayBuffer[]) => worker.postMessage(request, transfer),
    terminate: () => worker.terminate(),
    onmessage: null,
    onerror: null,
  };
  worker.on("message", (data: Answer) => face.onmessage?.({ data }));
  worker.on("error", (error: Error) => face.onerror?.(error));
  return face;
}
