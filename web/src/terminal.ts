/** A terminal in an element of the page: xterm.js, loaded when it is first wanted. */

/** What a terminal gives. */
export interface PageTerminal {
  /** Shows bytes; done when they are shown. */
  write(bytes: Uint8Array): Promise<void>;
  readonly columns: number;
  readonly rows: number;
  focus(): void;
  /** Takes colours, size of letters and `data-screen-reader` from the element anew. */
  restyle(): void;
  dispose(): void;
}

const WRITE_ONLY = {
  readText: async () => "",
  writeText: (_: string, text: string) => navigator.clipboard.writeText(text),
};

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
  const [{ Terminal }, { FitAddon }, { WebLinksAddon }, { ClipboardAddon }] = await Promise.all([
    import("@xterm/xterm"),
    import("@xterm/addon-fit"),
    import("@xterm/addon-web-links"),
    import("@xterm/addon-clipboard"),
  ]);
  const terminal = new Terminal({
    cursorBlink: true,
    fontFamily: "ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace",
    // What WCAG asks for text; programs choose colours for a background that they do not know.
    minimumContrastRatio: 4.5,
  });
  const fit = new FitAddon();
  const restyle = () => {
    const { backgroundColor, color, fontSize } = getComputedStyle(element);
    terminal.options.fontSize = Number.parseInt(fontSize, 10) || 15;
    terminal.options.screenReaderMode = element.dataset["screenReader"] === "true";
    terminal.options.theme = { background: backgroundColor, foreground: color, cursor: color };
  };
  restyle();
  terminal.loadAddon(fit);
  terminal.loadAddon(new WebLinksAddon());
  // Guests may write to the clipboard, as terminals allow (OSC 52), and not read it.
  terminal.loadAddon(new ClipboardAddon(undefined, WRITE_ONLY));
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
    restyle,
    dispose: () => {
      observer.disconnect();
      terminal.dispose();
    },
  };
}
