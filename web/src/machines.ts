/**
 * Processes as WebAssembly instances: each has the x86 processor and a memory of its own,
 * which holds the program. The kernel's module names them by number.
 */

import { Code, Compiler, type Mode, type Translated } from "./code.js";

/** What an instance of the processor's module exports; crates in `processor/` say more. */
interface Processor {
  readonly memory: WebAssembly.Memory;
  readonly __indirect_function_table: WebAssembly.Table;
  translate(turn: number, samples: number, wait: number): void;
  translated(which: number): number;
  base(): number;
  turn(): number;
  turn_size(): number;
  run(): void;
  call(what: number, a: bigint, b: bigint, c: bigint): bigint;
  list_runs(): number;
  runs(count: number): number;
  adopt(): bigint;
  is_touched(state: number): number;
  reset(): void;
}

/** Instances that wait for a process are kept up to this number. */
const MAX_IDLE = 16;
/** And up to so many bytes of memory in all, as a memory never shrinks. */
const MAX_IDLE_BYTES = 128 << 20;
/** Instructions for each sample of where a program is, and how many make code hot. */
const HEAT = { auto: [4000, 16], background: [4000, 16], eager: [1, 1] } as const;
/** What `translated` tells, in its order. */
const COUNTS = ["regions", "instructions", "bytes", "entered", "steps", "dropped"] as const;
/** Bytes of one run of pages as `list_runs` gives it: start, end, state. */
const RUN_SIZE = 24;

class Machine {
  private view: Uint8Array;
  /** Where the program's address 0 lies. */
  readonly base: number;
  readonly turn: number;
  /** Set when the processor itself trapped: its state may be anything. */
  broken = false;

  constructor(readonly processor: Processor, readonly code: Code) {
    this.base = processor.base() >>> 0;
    this.turn = processor.turn() >>> 0;
    this.view = new Uint8Array(processor.memory.buffer);
  }

  /** All of its memory; growing detaches what was given before. */
  bytes(): Uint8Array {
    if (this.view.buffer !== this.processor.memory.buffer) {
      this.view = new Uint8Array(this.processor.memory.buffer);
    }
    return this.view;
  }

  /** A part of the program's memory. */
  guest(addr: bigint, length: number): Uint8Array {
    const start = this.base + Number(addr);
    return this.bytes().subarray(start, start + length);
  }
}

/** All processes of one VM. */
export class Machines {
  private readonly machines = new Map<number, Machine>();
  private readonly idle: Machine[] = [];
  private last = 0;
  private readonly compiler = new Compiler();
  /** Of processes that have ended. */
  private readonly ended: Record<(typeof COUNTS)[number], number> = {
    regions: 0, instructions: 0, bytes: 0, entered: 0, steps: 0, dropped: 0,
  };

  /**
   * @param module the processor's module
   * @param kernel bytes of the kernel's memory, asked for anew each time as it may grow
   * @param forked told when a process has become two
   * @param log where the failure of a processor is told
   * @param mode how hot code is treated
   */
  constructor(
    private readonly module: WebAssembly.Module,
    private readonly kernel: () => Uint8Array,
    private readonly log: (line: string) => void,
    private readonly forked: () => void,
    private readonly mode: Mode,
  ) {}

  /** What has been translated. */
  translated(): Translated {
    const counts = { ...this.ended };
    for (const machine of this.machines.values()) count(machine, counts);
    const { compiled, shared } = this.compiler;
    return { ...counts, compiled, shared };
  }

  /** The kernel's imports. */
  imports(): WebAssembly.ModuleImports {
    return {
      create: () => this.create(),
      fork: (machine: number) => this.fork(machine),
      release: (machine: number) => this.release(machine),
      run: (machine: number, turn: number) => this.run(machine, turn >>> 0),
      call: (machine: number, what: number, a: bigint, b: bigint, c: bigint) =>
        this.call(machine, what, a, b, c),
      copy_out: (machine: number, addr: bigint, at: number, length: number) => {
        this.kernel().set(this.get(machine).guest(addr, length >>> 0), at >>> 0);
      },
      copy_in: (machine: number, addr: bigint, at: number, length: number) => {
        const start = at >>> 0;
        const from = this.kernel().subarray(start, start + (length >>> 0));
        this.get(machine).guest(addr, length >>> 0).set(from);
      },
    };
  }

  private get(number: number): Machine {
    const machine = this.machines.get(number);
    if (machine === undefined) throw new Error(`the kernel names a machine ${number} that is gone`);
    return machine;
  }

  private create(): number {
    let machine = this.idle.pop();
    if (machine === undefined) {
      try {
        const code = new Code(this.compiler, this.mode);
        const instance = new WebAssembly.Instance(this.module, { code: code.imports() });
        const processor = instance.exports as unknown as Processor;
        code.owner = processor;
        machine = new Machine(processor, code);
      } catch (error) {
        // The browser has no more memories, or no more room for them.
        this.log(`no memory for another process: ${String(error)}`);
        return -1;
      }
    }
    if (this.mode !== "interpreter") {
      const [turn, samples] = HEAT[this.mode];
      machine.processor.translate(turn, samples, this.mode === "eager" ? 1 : 0);
    }
    this.last += 1;
    this.machines.set(this.last, machine);
    return this.last;
  }

  private fork(number: number): number {
    const parent = this.get(number);
    const child = this.create();
    if (child < 0) return -1;
    if (!copy(parent, this.get(child))) {
      this.release(child);
      return -1;
    }
    this.forked();
    return child;
  }

  private release(number: number): void {
    const machine = this.get(number);
    this.machines.delete(number);
    if (machine.broken) machine.code.release();
    else count(machine, this.ended);
    const bytes = [machine, ...this.idle].reduce((sum, { processor }) => sum + processor.memory.buffer.byteLength, 0);
    if (machine.broken || bytes > MAX_IDLE_BYTES || this.idle.length >= MAX_IDLE) return;
    machine.processor.reset();
    this.idle.push(machine);
  }

  private run(number: number, at: number): number {
    const machine = this.get(number);
    if (machine.broken) return 0;
    const { processor, turn } = machine;
    const size = processor.turn_size();
    machine.bytes().set(this.kernel().subarray(at, at + size), turn);
    try {
      processor.run();
    } catch (error) {
      machine.broken = true;
      this.log(`the processor failed: ${String(error)}`);
      return 0;
    }
    this.kernel().set(machine.bytes().subarray(turn, turn + size), at);
    return 1;
  }

  private call(number: number, what: number, a: bigint, b: bigint, c: bigint): bigint {
    const machine = this.get(number);
    return machine.broken ? BROKEN : machine.processor.call(what, a, b, c);
  }
}

/** An answer that is an error whatever was asked. */
const BROKEN = 3n;

/** Adds what an instance has translated. */
function count(machine: Machine, to: Record<(typeof COUNTS)[number], number>): void {
  if (machine.broken) return;
  COUNTS.forEach((name, which) => (to[name] += machine.processor.translated(which)));
}

/** Copies what is mapped in one instance into another that has nothing. */
function copy(parent: Machine, child: Machine): boolean {
  const count = parent.processor.list_runs();
  const size = count * RUN_SIZE;
  const from = parent.processor.runs(count) >>> 0;
  const list = parent.bytes().slice(from, from + size);
  const to = child.processor.runs(count) >>> 0;
  child.bytes().set(list, to);
  if (child.processor.adopt() !== 0n) return false;
  const view = new DataView(list.buffer);
  for (let at = 0; at < size; at += RUN_SIZE) {
    const start = view.getBigUint64(at, true);
    const end = view.getBigUint64(at + 8, true);
    if (parent.processor.is_touched(view.getUint32(at + 16, true)) === 0) continue;
    const length = Number(end - start);
    child.guest(start, length).set(parent.guest(start, length));
  }
  return true;
}
