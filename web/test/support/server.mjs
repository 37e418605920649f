// A web server for tests: files with range requests, and faults on demand.

import { createServer } from "node:http";
import { open } from "node:fs/promises";

const TYPES = {
  ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".mjs": "text/javascript",
  ".css": "text/css", ".wasm": "application/wasm", ".json": "application/json",
};

/**
 * Serves files.
 * @param find gives the file (a path of this machine, or bytes) for a path of the server
 * @param fault may answer a request in the server's place, and returns true then; it may wait
 */
export async function serveFiles(find, fault = async () => false) {
  const files = new Map();
  /** Images may be larger than memory. */
  const opened = async (path) => {
    if (!files.has(path)) {
      const handle = await open(path).catch(() => undefined);
      const status = await handle?.stat();
      if (!status?.isFile()) return void (await handle?.close());
      const read = async (start, end) => (await handle.read(Buffer.alloc(end - start), 0, end - start, start)).buffer;
      files.set(path, { size: status.size, read, close: () => handle.close() });
    }
    return files.get(path);
  };
  const inMemory = (bytes) => ({ size: bytes.length, read: async (start, end) => bytes.subarray(start, end) });
  const requests = [];
  const server = createServer(async (request, response) => {
    try {
      const path = decodeURIComponent(new URL(request.url, "http://host").pathname);
      const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "");
      const log = { path, range: range && [Number(range[1]), Number(range[2])] };
      requests.push(log);
      if (await fault(log, request, response)) return;
      const found = find(path);
      if (found === undefined) return void response.writeHead(404).end();
      const file = typeof found === "string" ? await opened(found) : inMemory(found);
      if (file === undefined) return void response.writeHead(404).end();
      const name = typeof found === "string" ? found : path;
      const type = TYPES[/\.\w+$/.exec(name)?.[0]] ?? "application/octet-stream";
      // What is named by its content, browsers may keep.
      const lifetime = /^\/assets\/|\/(chunks|maps)\//.test(path) ? "max-age=31536000, immutable" : "no-cache";
      const headers = { "Content-Type": type, "Cache-Control": lifetime, ETag: `"${file.size}"` };
      if (range === null) {
        log.sent = file.size;
        return void response.writeHead(200, headers).end(await file.read(0, file.size));
      }
      const [start, end] = [log.range[0], Math.min(log.range[1], file.size - 1)];
      headers["Content-Range"] = `bytes ${start}-${end}/${file.size}`;
      log.sent = end + 1 - start;
      response.writeHead(206, headers).end(await file.read(start, end + 1));
    } catch (error) {
      response.writeHead(500).end(String(error));
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${server.address().port}/`;
  const close = () => {
    server.closeAllConnections();
    for (const file of files.values()) void file.close();
    return new Promise((resolve) => server.close(resolve));
  };
  return { url, requests, close };
}
