/** A terminal in an element of the page: xterm.js, loaded when it is first wanted. */

/** What a terminal gives. */
export interface PageTerminal {
  /** Shows bytes; done when they are shown. */
  write(bytes: Uint8Array): Promise<void>;
  readonly columns: number;
  readonly rows: number;
  focus(): void;
  dispose(): void;
}

/**
 * Opens a terminal that fills `element` and stays as large as it.
 * @param type takes what the user types
 * @param resize told of each new size
 */
export async function openTerminal(
  element: HTMLElement,
  type: (data: string) => void,
  resize: (columns: number, rows: number) => void,
): Promise<PageTerminal> {
  const [{ Terminal }, { FitAddon }, { WebLinksAddon }] = await Promise.all([
    import("@xterm/xterm"),
    import("@xterm/addon-fit"),
    import("@xterm/addon-web-links"),
  ]);
  const style = getComputedStyle(element);
  const terminal = new Terminal({
    cursorBlink: true,
    fontFamily: "ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace",
    fontSize: Number.parseInt(style.fontSize, 10) || 15,
    screenReaderMode: element.dataset["screenReader"] === "true",
    theme: { background: style.backgroundColor, foreground: style.color },
  });
  const fit = new FitAddon();
  terminal.loadAddon(fit);
  terminal.loadAddon(new WebLinksAddon());
  terminal.open(element);
  fit.fit();
  terminal.onData(type);
  // Bytes that are no text: reports of the mouse.
  terminal.onBinary(type);
  terminal.onResize(({ cols, rows }) => resize(cols, rows));
  const observer = new ResizeObserver(() => fit.fit());
  observer.observe(element);
  return {
    write: (bytes) => new Promise((shown) => terminal.write(bytes, shown)),
    get columns() {
      return terminal.cols;
    },
    get rows() {
      return terminal.rows;
    },
    focus: () => terminal.focus(),
    dispose: () => {
      observer.disconnect();
      terminal.dispose();
    },
  };
}
