/** Changes of the disk: into a file, out of one, or away. */

import { element } from "./elements.js";
import { save } from "./files.js";
import type { Machine } from "./machine.js";

export function offerChanges({ linux, changes, keeps }: Machine, tell: (text: string) => void): void {
  const attempt = (act: () => Promise<void>) => {
    act().catch((error: unknown) => tell(error instanceof Error ? error.message : String(error)));
  };
  const [saveButton, resetButton] = ["save", "reset"].map((id) => element(id, HTMLButtonElement));
  const load = element("load", HTMLInputElement);
  for (const control of [saveButton, resetButton, load]) if (control) control.disabled = !keeps;
  saveButton?.addEventListener("click", () => attempt(async () => {
    await linux.sync();
    save("changes.sampan", await changes.export());
    tell("the changes are in the file changes.sampan");
  }));
  load.addEventListener("change", () => attempt(async () => {
    const [file] = load.files ?? [];
    if (file === undefined || !confirm("Put the changes of this file in place of those that this browser keeps?")) return;
    await changes.import(file);
    location.reload();
  }));
  resetButton?.addEventListener("click", () => attempt(async () => {
    if (!confirm("Throw away all changes to the disk that this browser keeps?")) return;
    await changes.reset();
    location.reload();
  }));
}
