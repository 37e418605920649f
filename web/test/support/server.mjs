// A web server for tests: files with range requests, and faults on demand.

import { createServer } from "node:http";
import { readFile } from "node:fs/promises";

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
  const cache = new Map();
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
      let bytes = found;
      if (typeof found === "string") {
        try {
          bytes = cache.get(found) ?? (await readFile(found));
        } catch {
          return void response.writeHead(404).end();
        }
        cache.set(found, bytes);
      }
      const name = typeof found === "string" ? found : path;
      const type = TYPES[/\.\w+$/.exec(name)?.[0]] ?? "application/octet-stream";
      const headers = { "Content-Type": type, "Cache-Control": "no-cache", ETag: `"${bytes.length}"` };
      if (range === null) return void response.writeHead(200, headers).end(bytes);
      const [start, end] = [log.range[0], Math.min(log.range[1], bytes.length - 1)];
      headers["Content-Range"] = `bytes ${start}-${end}/${bytes.length}`;
      response.writeHead(206, headers).end(bytes.subarray(start, end + 1));
    } catch (error) {
      response.writeHead(500).end(String(error));
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${server.address().port}/`;
  const close = () => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  };
  return { url, requests, close };
}
