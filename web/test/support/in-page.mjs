// A program in a machine in a browser, without a terminal: for what is measured and compared.

import { serveFiles } from "./server.mjs";
import { site } from "./browser.mjs";

/** A worker that runs one program and tells how it went. */
const WORKER = `
import { Vm } from "/dist/vm.js";
onmessage = async ({ data: { mode, args } }) => {
  try {
    const load = async (name) => WebAssembly.compileStreaming(fetch(name));
    const [kernel, processor] = await Promise.all([load("/dist/kernel.wasm"), load("/dist/processor.wasm")]);
    let stdout = "";
    const decoder = new TextDecoder("latin1");
    const write = (bytes) => (stdout += decoder.decode(bytes));
    const vm = await Vm.create({ modules: { kernel, processor }, mode, write });
    const program = await (await fetch("/program")).arrayBuffer();
    vm.addFile("program", 0o755, new Uint8Array(program));
    vm.closeInput();
    const status = await vm.run({ path: "/program", argv: ["/program", ...args] });
    postMessage({ status, stdout, translated: vm.translated() });
  } catch (error) {
    postMessage({ error: String(error) });
  }
};
`;

/** Runs the program at a path of this machine; its status, output, and what was translated. */
export async function runInPage(browser, { mode, path, args }) {
  const more = {
    "/program": path,
    "/worker.mjs": Buffer.from(WORKER),
    "/empty.html": Buffer.from("<!doctype html><title>A program</title>"),
  };
  const server = await serveFiles(site(undefined, more));
  const context = await browser.newContext();
  try {
    const page = await context.newPage();
    await page.goto(`${server.url}empty.html`);
    const run = (request) =>
      new Promise((resolve, reject) => {
        const worker = new Worker("/worker.mjs", { type: "module" });
        worker.onmessage = ({ data }) => ("error" in data ? reject(new Error(data.error)) : resolve(data));
        worker.onerror = (event) => reject(new Error(`the worker failed: ${event.message}`));
        worker.postMessage(request);
      });
    return await page.evaluate(run, { mode, args });
  } finally {
    await context.close();
    await server.close();
  }
}
