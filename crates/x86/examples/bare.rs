//! Runs a statically linked program with just enough of a kernel to print: for measuring the
//! processor alone. `bare PROGRAM [ARGUMENT]...`; prints instructions per second at the end.
//! With `SAMPAN_TRANSLATE=strict` (or `plain`) hot code is translated.

use sampan_x86::translate::{Memory, Options};
use sampan_x86::{AddressSpace, Cpu, Exit, Mode, PAGE_SIZE, Prot, Registers, SyscallKind, gpr};
use std::io::Write;
use std::time::Instant;

const STACK_TOP: u64 = 0x003f_0000;
const MAPS: u64 = 0x6000_0000;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let file = std::fs::read(&args[0]).expect("the program can be read");
    let mode = if file[4] == 2 { Mode::Amd64 } else { Mode::I386 };
    let mut space = AddressSpace::new(1 << 32).expect("4 GiB can be reserved");
    let (entry, end, headers) = load(&file, mode, &mut space);
    let mut registers = Registers::new(mode);
    registers.rip = entry;
    let program = Program {
        count: u64::from(number(&file, if mode == Mode::Amd64 { 56 } else { 44 }, 2) as u16),
        headers,
        entry,
    };
    registers.gpr[gpr::RSP] = stack(&args, mode, &mut space, &program);
    let mut cpu = Cpu::new();
    let memory = match std::env::var("SAMPAN_TRANSLATE").as_deref() {
        Ok("strict") => Some(Memory::Strict),
        Ok("plain") => Some(Memory::Plain),
        _ => None,
    };
    if let Some(memory) = memory {
        cpu.translate(
            sampan_translated::Native::create,
            &space,
            Options { memory, ..Options::default() },
        );
    }
    let mut kernel = Kernel { space: &mut space, brk: end, maps: MAPS };
    let start = Instant::now();
    let mut left = u64::MAX >> 1;
    let code = loop {
        let exit = cpu.run(&mut registers, kernel.space, left);
        left -= cpu.executed();
        match exit {
            Exit::Syscall(kind) => {
                if let Some(code) = kernel.call(kind, &mut registers) {
                    break code;
                }
            }
            exit => {
                eprintln!("{exit:x?} {registers:x?}");
                break 128;
            }
        }
    };
    let seconds = start.elapsed().as_secs_f64();
    let count = (u64::MAX >> 1) - left;
    eprintln!(
        "{count} instructions in {seconds:.3} s: {:.0} million/s",
        count as f64 / seconds / 1e6
    );
    if let Some(counts) = cpu.translated() {
        eprintln!("{counts:?}");
        for reason in cpu.reasons().into_iter().take(10) {
            let (count, text) = (reason.count, reason.leave.text());
            eprintln!("{count:>10} {:x} {}, {text}", reason.rip, reason.instruction());
        }
    }
    std::process::exit(code);
}

struct Program {
    count: u64,
    headers: u64,
    entry: u64,
}

fn number(file: &[u8], at: usize, len: usize) -> u64 {
    file[at..at + len].iter().rev().fold(0, |value, &byte| value << 8 | u64::from(byte))
}

fn load(file: &[u8], mode: Mode, space: &mut AddressSpace) -> (u64, u64, u64) {
    let long = mode == Mode::Amd64;
    let (word, table, size, count) = if long {
        (8, number(file, 32, 8), 56, number(file, 56, 2))
    } else {
        (4, number(file, 28, 4), 32, number(file, 44, 2))
    };
    let (mut end, mut headers) = (0, 0);
    for i in 0..count {
        let at = (table + i * size) as usize;
        if number(file, at, 4) != 1 {
            continue;
        }
        let field =
            |long_at, short_at| number(file, at + if long { long_at } else { short_at }, word);
        let (offset, addr) = (field(8, 4), field(16, 8));
        let (in_file, in_memory) = (field(32, 16), field(40, 20));
        let start = addr & !(PAGE_SIZE - 1);
        let stop = (addr + in_memory).next_multiple_of(PAGE_SIZE);
        space.map_zero(start..stop, Prot::READ | Prot::WRITE | Prot::EXEC).expect("mapped");
        let bytes = &file[offset as usize..(offset + in_file) as usize];
        space.poke(addr, bytes).expect("just mapped");
        if offset == 0 {
            headers = addr + table;
        }
        end = end.max(stop);
    }
    (number(file, 24, word), end, headers)
}

fn stack(args: &[String], mode: Mode, space: &mut AddressSpace, program: &Program) -> u64 {
    let size = STACK_TOP;
    space
        .map_zero(STACK_TOP - size + 0x10000..STACK_TOP, Prot::READ | Prot::WRITE)
        .expect("mapped");
    let mut at = STACK_TOP - 64;
    let mut pointers = Vec::new();
    for arg in args {
        at -= arg.len() as u64 + 1;
        space.write(at, arg.as_bytes()).expect("on the stack");
        pointers.push(at);
    }
    let mut words = vec![args.len() as u64];
    words.extend(pointers);
    words.extend([0, 0]);
    // AT_PHDR, AT_PHENT, AT_PHNUM, AT_PAGESZ, AT_ENTRY, AT_RANDOM.
    let entry_size = if mode == Mode::Amd64 { 56 } else { 32 };
    words.extend([3, program.headers, 4, entry_size, 5, program.count, 6, 4096]);
    words.extend([9, program.entry, 25, STACK_TOP - 32, 0, 0]);
    let word = if mode == Mode::Amd64 { 8 } else { 4 };
    at = (at - words.len() as u64 * word) & !15;
    for (i, value) in words.iter().enumerate() {
        let bytes = value.to_le_bytes();
        space.write(at + i as u64 * word, &bytes[..word as usize]).expect("on the stack");
    }
    at
}

struct Kernel<'a> {
    space: &'a mut AddressSpace,
    brk: u64,
    maps: u64,
}

impl Kernel<'_> {
    fn call(&mut self, kind: SyscallKind, r: &mut Registers) -> Option<i32> {
        let g = r.gpr;
        let (nr, a, b, c) = if kind == SyscallKind::Syscall {
            (g[0], g[7], g[6], g[2])
        } else {
            (g[0] | 1 << 32, g[3], g[1], g[2])
        };
        const I386: u64 = 1 << 32;
        let result: i64 = match nr {
            1 | 0x1_0000_0004 => {
                let mut bytes = vec![0; c as usize];
                self.space.read(b, &mut bytes).expect("readable");
                std::io::stdout().write_all(&bytes).expect("stdout is open");
                c as i64
            }
            60 | 231 | 0x1_0000_0001 | 0x1_0000_00fc => return Some(a as i32),
            12 | 0x1_0000_002d => {
                if a > self.brk {
                    let new = a.next_multiple_of(PAGE_SIZE);
                    let from = self.brk.next_multiple_of(PAGE_SIZE);
                    if from < new {
                        self.space.map_zero(from..new, Prot::READ | Prot::WRITE).expect("mapped");
                    }
                    self.brk = a;
                }
                self.brk as i64
            }
            9 | 0x1_0000_00c0 => {
                let len = b.next_multiple_of(PAGE_SIZE);
                let at = self.maps;
                self.maps += len;
                self.space.map_zero(at..at + len, Prot::READ | Prot::WRITE).expect("mapped");
                at as i64
            }
            10 | 11 | 0x1_0000_007d | 0x1_0000_005b => 0,
            158 => {
                r.fs_base = b;
                0
            }
            n if n == I386 | 243 => {
                let mut bytes = [0; 8];
                self.space.read(a, &mut bytes).expect("readable");
                r.tls[0].base = u32::from_le_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]);
                r.tls[0].present = true;
                self.space.write(a, &12_u32.to_le_bytes()).expect("writable");
                0
            }
            228 | 0x1_0000_0193 => {
                let now = std::time::SystemTime::UNIX_EPOCH.elapsed().expect("after 1970");
                self.space.write(b, &now.as_secs().to_le_bytes()).expect("writable");
                self.space
                    .write(b + 8, &u64::from(now.subsec_nanos()).to_le_bytes())
                    .expect("writable");
                0
            }
            // getpid and its kin.
            39 | 186 | 0x1_0000_0014 => 1,
            _ => -38,
        };
        r.gpr[0] = if kind == SyscallKind::Syscall { result as u64 } else { result as u32 as u64 };
        None
    }
}
