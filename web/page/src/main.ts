/**
 * The page: a terminal with a shell of the image beside it, and what one does with such a
 * machine. `?image=URL` takes another image (of an address with a slash at its end, a folder of
 * chunks), `?ephemeral` keeps no changes, `?memory=MB` is that of
 * all processes. `#relay=ADDRESS&token=TOKEN`, which no server gets to see,
 * names a relay to the network outside.
 */

import "@xterm/xterm/css/xterm.css";
import "./style.css";
import { type Linux, openTerminal } from "@sampan/linux";
import { element } from "./elements.js";
import { offerChanges } from "./changes.js";
import { offerExamples } from "./examples.js";
import { takeFiles } from "./files.js";
import { registerWorker, showServers } from "./guest.js";
import { keyRow } from "./keys.js";
import { discard, openMachine, runShell } from "./machine.js";
import { showActivity } from "./status.js";
import { chooseTheme } from "./themes.js";

const parameters = new URLSearchParams(location.search);
const image = new URL(parameters.get("image") ?? "image.ext2", document.baseURI).href;
const [address, token] = ["relay", "token"].map((name) => new URLSearchParams(location.hash.slice(1)).get(name));
const relay = address && token ? { relay: address, token } : undefined;
const megabytes = Number(parameters.get("memory"));
const memory = Number.isInteger(megabytes) && megabytes > 0 ? megabytes * 2 ** 20 : undefined;
const state = element("state", HTMLElement);
const FULL =
  "this browser has no more room: the disk is full until files are deleted in it, or room is made elsewhere";
/** Shows the terminal in the colours of the page. */
let restyle = () => {};

async function start(): Promise<void> {
  state.textContent = "starting";
  const machine = await openMachine(image, { keep: !parameters.has("ephemeral"), memory, relay });
  element("network", HTMLElement).textContent = relay === undefined ? "none" : "by a relay";
  // Now, as what it keeps should not be fetched before what the machine needs.
  registerWorker().catch((error: unknown) => console.warn(`no page without a network: ${String(error)}`));
  const { linux } = machine;
  showActivity(linux);
  await connect(linux);
  const tell = (text: string) => (state.textContent = text);
  takeFiles(machine, tell);
  offerChanges(machine, tell);
  showServers(linux, tell);
  linux.registerCallback("storage", (storage) => {
    state.textContent = storage === "full" ? FULL : "there is room for changes again";
  });
  // A tab that is hidden may never be seen again.
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) linux.sync().catch(() => {});
  });
  state.textContent = machine.keeps ? "running; changes are kept in this browser" : "running; changes are not kept";
  await runShell(linux, tell);
}

/** Opens the terminal and joins it with the machine. */
async function connect(linux: Linux): Promise<void> {
  const keys = keyRow(element("keys", HTMLElement), (text) => type(text));
  const main = element("console", HTMLElement);
  let key: (text: string) => void = () => {};
  const type = (text: string) => key(keys.apply(text));
  const resize = (columns: number, rows: number) => {
    key = linux.setCustomConsole((bytes) => terminal.write(bytes), columns, rows);
  };
  const terminal = await openTerminal(main, type, resize);
  resize(terminal.columns, terminal.rows);
  restyle = () => terminal.restyle();
  restyle();
  const reader = element("reader", HTMLInputElement);
  reader.addEventListener("change", () => {
    main.dataset["screenReader"] = String(reader.checked);
    terminal.restyle();
  });
  offerExamples((text) => {
    type(text);
    terminal.focus();
  });
  terminal.focus();
}

chooseTheme(element("theme", HTMLSelectElement), () => restyle());
start().catch((error: unknown) => {
  const text = error instanceof Error ? error.message : String(error);
  state.textContent = "stopped";
  element("reason", HTMLElement).textContent = text;
  element("again", HTMLButtonElement).onclick = () => location.reload();
  element("ephemeral", HTMLButtonElement).onclick = () => {
    parameters.set("ephemeral", "");
    location.search = parameters.toString();
  };
  element("discard", HTMLButtonElement).onclick = async () => {
    await discard(image);
    location.reload();
  };
  element("failure", HTMLDialogElement).showModal();
});
