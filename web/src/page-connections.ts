/** Connections of the page with ports of the guest, on the worker's side of the channel. */

import type { Inner } from "./connections.js";
import type { Channel, ToConnection } from "./protocol.js";
import type { Vm } from "./vm.js";

export class PageConnections {
  private readonly inner = new Map<number, Inner>();
  /** What tells the machine that bytes were taken. */
  private readonly taken = new Map<number, (count: number) => void>();

  constructor(
    private readonly vm: Vm,
    private readonly channel: Channel,
  ) {}

  take(request: ToConnection): void {
    const { connection } = request;
    switch (request.type) {
      case "connect":
        return this.connect(connection, request.port);
      case "give":
        // Else it is told by `drained`.
        if (this.inner.get(connection)?.give(request.bytes) === true) this.post("drained", connection);
        return;
      case "end":
        return this.inner.get(connection)?.end();
      case "drop":
        return this.inner.get(connection)?.close();
      case "taken":
        return this.taken.get(connection)?.(request.count);
    }
  }

  private connect(connection: number, port: number): void {
    const inner = this.vm.connect(port, {
      data: (bytes, taken) => {
        this.taken.set(connection, taken);
        this.channel.post({ type: "data", connection, bytes });
      },
      finished: () => this.post("finished", connection),
      closed: () => {
        this.inner.delete(connection);
        this.taken.delete(connection);
        this.post("closed", connection);
      },
    });
    inner.drained = () => this.post("drained", connection);
    this.inner.set(connection, inner);
  }

  private post(type: "drained" | "finished" | "closed", connection: number): void {
    this.channel.post({ type, connection });
  }
}
