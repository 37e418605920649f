/** A row of keys for devices whose keyboard lacks them. */

const KEYS: readonly (readonly [string, string])[] = [
  ["Esc", "\x1b"], ["Tab", "\t"], ["←", "\x1b[D"], ["↓", "\x1b[B"], ["↑", "\x1b[A"], ["→", "\x1b[C"],
  ["|", "|"], ["/", "/"], ["-", "-"],
];

/** Fills the row. `apply` changes what is typed after Ctrl. */
export function keyRow(row: HTMLElement, type: (text: string) => void): { apply(text: string): string } {
  const button = (label: string, act: () => void) => {
    const made = document.createElement("button");
    made.type = "button";
    made.textContent = label;
    // The terminal keeps the focus, and so the device its keyboard.
    made.addEventListener("pointerdown", (event) => event.preventDefault());
    made.addEventListener("click", act);
    row.append(made);
    return made;
  };
  const control = button("Ctrl", () => press(control.ariaPressed !== "true"));
  const press = (held: boolean) => (control.ariaPressed = String(held));
  press(false);
  for (const [label, text] of KEYS) button(label, () => type(text));
  return {
    apply(text) {
      if (control.ariaPressed !== "true" || text === "") return text;
      press(false);
      const code = text.toUpperCase().charCodeAt(0);
      const controlled = code >= 0x40 && code < 0x60 ? String.fromCharCode(code & 0x1f) : text.slice(0, 1);
      return controlled + text.slice(1);
    },
  };
}
