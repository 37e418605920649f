/** Connections with ports of the guest as the page has them: two streams of bytes each. */

import type { FromConnection, ToConnection } from "./protocol.js";

/** A connection by TCP with a program in the machine. */
export interface Socket {
  /** What the program sends; it ends when the program closes its end. */
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
}

interface Open {
  take(answer: FromConnection): void;
  fail(error: Error): void;
}

/** All connections of a page with a machine. */
export class Sockets {
  private readonly open = new Map<number, Open>();
  private last = 0;

  constructor(private readonly post: (request: ToConnection) => void) {}

  connect(port: number): Socket {
    const connection = ++this.last;
    let ended = false;
    let output!: ReadableStreamDefaultController<Uint8Array>;
    let room: { resolve: () => void; reject: (error: Error) => void } | undefined;
    const end = () => {
      if (!ended) output.close();
      ended = true;
    };
    // A reader that rests leaves what came uncounted, and the program waits.
    let unpaid = 0;
    const pay = () => {
      if (unpaid > 0) this.post({ type: "taken", connection, count: unpaid });
      unpaid = 0;
    };
    const drop = () => {
      ended = true;
      this.post({ type: "drop", connection });
    };
    const readable = new ReadableStream<Uint8Array>({
      start: (controller) => void (output = controller),
      pull: pay,
      cancel: drop,
    });
    const writable = new WritableStream<Uint8Array>({
      write: (bytes) => {
        if (!this.open.has(connection)) throw new Error("the connection is closed");
        this.post({ type: "give", connection, bytes: bytes.slice() });
        return new Promise<void>((resolve, reject) => (room = { resolve, reject }));
      },
      close: () => this.post({ type: "end", connection }),
      abort: drop,
    });
    this.open.set(connection, {
      take: (answer) => {
        switch (answer.type) {
          case "data":
            unpaid += answer.bytes.length;
            if (ended) pay();
            else output.enqueue(answer.bytes);
            return;
          case "drained":
            return room?.resolve();
          case "finished":
            return end();
          case "closed":
            this.open.delete(connection);
            room?.reject(new Error("the connection is closed"));
            return end();
        }
      },
      fail: (error) => {
        room?.reject(error);
        if (!ended) output.error(error);
        ended = true;
      },
    });
    this.post({ type: "connect", connection, port });
    return { readable, writable };
  }

  take(answer: FromConnection): void {
    this.open.get(answer.connection)?.take(answer);
  }

  fail(error: Error): void {
    for (const open of this.open.values()) open.fail(error);
    this.open.clear();
  }
}
