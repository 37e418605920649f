/** What the processor and the disk are doing, in words. */

import type { Linux } from "@sampan/linux";
import { element } from "./elements.js";

/** Milliseconds that an activity is shown at least. */
const SHOWN = 150;

export function showActivity(linux: Linux): void {
  const cpu = indicator(element("cpu", HTMLElement), "busy");
  const disk = indicator(element("disk", HTMLElement), "reading");
  linux.registerCallback("cpuActivity", (state) => cpu.set(state === "wait"));
  linux.registerCallback("diskActivity", (state) => disk.set(state === "wait"));
  linux.registerCallback("diskLatency", (milliseconds) => {
    disk.place.title = `the last request took ${Math.round(milliseconds)} ms`;
  });
}

function indicator(place: HTMLElement, word: string) {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const show = (busy: boolean) => {
    place.textContent = busy ? word : "idle";
    place.dataset["busy"] = String(busy);
  };
  const set = (busy: boolean) => {
    clearTimeout(timer);
    if (busy) show(true);
    else timer = setTimeout(() => show(false), SHOWN);
  };
  return { place, set };
}
