/** Files into the machine and out of it. */

import { element } from "./elements.js";
import { DATA, type Machine } from "./machine.js";

/** Joins the page's elements with the machine. `tell` shows a line. */
export function takeFiles({ linux, data }: Machine, tell: (text: string) => void): void {
  const put = async (files: Iterable<File>) => {
    for (const file of files) {
      try {
        await data.writeFile(`/${file.name}`, new Uint8Array(await file.arrayBuffer()));
        tell(`${file.name} is at ${DATA}/${file.name}`);
      } catch (error) {
        tell(`${file.name}: ${String(error)}`);
      }
    }
  };
  const input = element("put", HTMLInputElement);
  input.addEventListener("change", () => void put(input.files ?? []));

  const console = element("console", HTMLElement);
  console.addEventListener("dragover", (event) => {
    event.preventDefault();
    console.classList.add("over");
  });
  console.addEventListener("dragleave", () => console.classList.remove("over"));
  console.addEventListener("drop", (event) => {
    event.preventDefault();
    console.classList.remove("over");
    void put(event.dataTransfer?.files ?? []);
  });

  element("get", HTMLFormElement).addEventListener("submit", (event) => {
    event.preventDefault();
    const path = String(new FormData(event.currentTarget as HTMLFormElement).get("path"));
    linux.readFile(path).then(
      (bytes) => save(path.split("/").pop() ?? "file", new Blob([bytes.slice()])),
      (error: unknown) => tell(error instanceof Error ? error.message : String(error)),
    );
  });
}

/** Hands a file to the user. */
export function save(name: string, content: Blob): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}
