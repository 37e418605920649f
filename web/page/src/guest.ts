/**
 * Web servers in the machine, shown in the page. Its service worker sends what is asked of their
 * addresses here.
 */

import type { Linux } from "@sampan/linux";
import { element } from "./elements.js";

interface Question {
  readonly type: "sampan fetch";
  readonly machine: string;
  readonly port: number;
  readonly path: string;
  readonly method: string;
  readonly headers: [string, string][];
  readonly body: Uint8Array | undefined;
}

/** Registers the service worker. Without one there is neither a page offline nor a server's. */
export async function registerWorker(): Promise<void> {
  // Pages that did not come over a safe channel have none.
  await navigator.serviceWorker?.register("service-worker.js", { type: "module" });
}

/** Answers for servers in the machine, and lets the user open them. */
export function showServers(linux: Linux, tell: (text: string) => void): void {
  const form = element("open", HTMLFormElement);
  const workers = navigator.serviceWorker;
  if (workers === undefined) return void (form.hidden = true);
  const machine = Array.from(crypto.getRandomValues(new Uint8Array(6)), (byte) => byte.toString(36)).join("");
  workers.addEventListener("message", ({ data, ports }: MessageEvent<Question>) => {
    const [port] = ports;
    if (data.type === "sampan fetch" && data.machine === machine && port !== undefined) void answer(linux, data, port);
  });
  workers.startMessages();

  const section = element("guest", HTMLElement);
  const frame = element("frame", HTMLIFrameElement);
  const link = element("address", HTMLAnchorElement);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const port = Number(new FormData(form).get("port"));
    void workers.ready.then(() => {
      link.href = new URL(`vm/${machine}/${port}/`, document.baseURI).href;
      link.textContent = `port ${port} of the machine`;
      frame.src = link.href;
      section.hidden = false;
    });
  });
  element("close", HTMLButtonElement).addEventListener("click", () => {
    section.hidden = true;
    frame.src = "about:blank";
  });
  frame.addEventListener("load", () => tell("the server's page is loaded"));
}

async function answer(linux: Linux, question: Question, to: MessagePort): Promise<void> {
  const { port, path, method, headers, body } = question;
  try {
    const response = await linux.fetch(port, path, { method, headers, ...(body === undefined ? {} : { body }) });
    const { status, statusText } = response;
    const answer = { status, statusText, headers: [...response.headers], body: response.body };
    to.postMessage(answer, response.body === null ? [] : [response.body]);
  } catch (error) {
    to.postMessage({ status: 502, error: error instanceof Error ? error.message : String(error) });
  }
}
