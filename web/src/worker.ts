/** The worker in a browser. */

import type { Request } from "./protocol.js";
import { serve } from "./serve.js";

// Written out, so that whoever puts a page together finds the files.
const MODULES: Record<string, URL> = {
  "kernel.wasm": new URL("./kernel.wasm", import.meta.url),
  "processor.wasm": new URL("./processor.wasm", import.meta.url),
};

serve({
  post: (answer, transfer) => self.postMessage(answer, { transfer: transfer ?? [] }),
  listen: (take) => (self.onmessage = (event: MessageEvent<Request>) => take(event.data)),
  module: async (name) => {
    const url = MODULES[name] ?? name;
    const response = await fetch(url);
    if (!response.ok) throw new Error(`${url}: the server says ${response.status}`);
    // Servers that do not know the type of such files are many.
    return response.headers.get("Content-Type") === "application/wasm"
      ? WebAssembly.compileStreaming(response)
      : WebAssembly.compile(await response.arrayBuffer());
  },
});
