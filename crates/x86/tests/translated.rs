//! Loops of random integer instructions, on registers and memory, end with the same registers,
//! flags and memory whether they are interpreted or translated. Code that changes is noticed.
#![cfg(target_arch = "x86_64")]

use sampan_translated::Native;
use sampan_x86::translate::Options;
use sampan_x86::{AddressSpace, Cpu, Exit, Mode, Prot, Registers};

const CODE: u64 = 0x10_0000;
const DATA: u64 = 0x20_0000;
/// Where the loop counts.
const COUNTER: u64 = DATA + 0x1800;

struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) % n
    }
    fn pick(&mut self, list: &[u8]) -> u8 {
        list[self.below(list.len() as u64) as usize]
    }
}

/// Appends a random instruction that cannot fault.
fn instruction(mode: Mode, random: &mut Random, code: &mut Vec<u8>) {
    // Opcode bytes, the values of the middle field if it is no register, bytes of immediate.
    let alu = (random.below(8) * 8 + random.below(4)) as u8;
    let any: &[u8] = &[];
    let condition = random.below(16) as u8;
    let (opcode, middle, immediate): (&[u8], &[u8], usize) = match random.below(16) {
        0..=4 => (&[alu], any, 0),
        5 => (&[0x83], &[0, 1, 2, 3, 4, 5, 6, 7], 1),
        6 => (&[0xc1], &[0, 1, 4, 5, 7], 1),
        7 => (&[0xd3], &[4, 5, 7], 0),
        8 => (&[0xf7], &[2, 3, 4, 5], 0),
        9 => (&[0x0f, 0xaf], any, 0),
        10 => (&[0x0f, [0xb6, 0xb7, 0xbe, 0xbf][random.below(4) as usize]], any, 0),
        11 => (&[0x0f, 0x40 | condition], any, 0),
        12 => (&[0x0f, 0x90 | condition], any, 0),
        13 => (&[0xff], &[0, 1], 0),
        14 => (&[0x0f, 0xba], &[4], 1),
        _ => (&[[0x8b, 0x89][random.below(2) as usize]], any, 0),
    };
    if random.below(8) == 0 {
        code.push(0x66);
    }
    let rex = mode == Mode::Amd64 && random.below(2) == 0;
    if rex {
        code.push(0x40 | [0, 1, 4, 5, 8, 9, 12, 13][random.below(8) as usize]);
    }
    code.extend(opcode);
    // The stack pointer stays.
    let register = random.pick(&[0, 1, 2, 3, 5, 6, 7]);
    let middle = if middle.is_empty() { register } else { random.pick(middle) };
    if random.below(4) == 0 {
        code.extend([middle << 3 | 4, 0x25]);
        code.extend((DATA as u32 + random.below(0xff0) as u32).to_le_bytes());
    } else {
        code.push(0xc0 | middle << 3 | random.pick(&[0, 1, 2, 3, 5, 6, 7]));
    }
    for _ in 0..immediate {
        code.push(random.below(256) as u8);
    }
}

fn run(mode: Mode, code: &[u8], seed: u64, translate: bool) -> (Exit, Registers, Vec<u8>, u64) {
    let mut space = AddressSpace::new(1 << 32).expect("address space");
    space.map_zero(CODE..CODE + 0x2000, Prot::READ | Prot::EXEC).expect("mapped");
    space.map_zero(DATA..DATA + 0x2000, Prot::READ | Prot::WRITE).expect("mapped");
    space.poke(CODE, code).expect("mapped");
    let mut random = Random(seed | 1);
    let data: Vec<u8> = (0..0x1000).map(|_| random.below(256) as u8).collect();
    space.poke(DATA, &data).expect("mapped");
    space.poke(COUNTER, &600_u32.to_le_bytes()).expect("mapped");
    let mut registers = Registers::new(mode);
    for n in 0..if mode == Mode::Amd64 { 16 } else { 8 } {
        registers.gpr[n] = random.below(u64::MAX);
        if mode == Mode::I386 {
            registers.gpr[n] &= 0xffff_ffff;
        }
    }
    registers.gpr[4] = DATA + 0x1700;
    registers.rip = CODE;
    let mut cpu = Cpu::new();
    if translate {
        let options = Options { turn: 0, samples: 1, wait: true, ..Options::default() };
        assert!(cpu.translate(Native::create, &space, options));
    }
    let exit = cpu.run(&mut registers, &mut space, 10_000_000);
    let mut after = vec![0; 0x2000];
    space.peek(DATA, &mut after).expect("mapped");
    (exit, registers, after, cpu.translated().map_or(0, |counts| counts.entered))
}

fn search(mode: Mode) {
    let mut entered = 0;
    for seed in 1..60 {
        let mut random = Random(u64::wrapping_mul(seed, 0x9e37_79b9_7f4a_7c15));
        let mut code = Vec::new();
        for _ in 0..1 + random.below(30) {
            instruction(mode, &mut random, &mut code);
        }
        // dec dword [COUNTER]; jnz to the start; int3
        code.extend([0xff, 0x0c, 0x25]);
        code.extend((COUNTER as u32).to_le_bytes());
        code.extend([0x0f, 0x85]);
        code.extend((-(code.len() as i32) - 4).to_le_bytes());
        code.push(0xcc);
        let plain = run(mode, &code, seed, false);
        let translated = run(mode, &code, seed, true);
        assert_eq!(plain.0, translated.0, "seed {seed}: {code:02x?}");
        assert_eq!(plain.1, translated.1, "seed {seed}: {code:02x?}");
        assert!(plain.2 == translated.2, "seed {seed}: memory differs: {code:02x?}");
        entered += translated.3;
    }
    assert!(entered > 59, "translated code has run");
}

#[test]
fn amd64_loops_end_alike() {
    search(Mode::Amd64);
}

#[test]
fn i386_loops_end_alike() {
    search(Mode::I386);
}

#[test]
fn code_that_changes_is_translated_anew() {
    let mut space = AddressSpace::new(1 << 32).expect("address space");
    let all = Prot::READ | Prot::WRITE | Prot::EXEC;
    space.map_zero(CODE..CODE + 0x1000, all).expect("mapped");
    // add eax, 1; dec ecx; jnz back; then, once: add eax, 2 instead, and again.
    let mut code = vec![0x83, 0xc0, 0x01, 0x49, 0x75, 0xfa];
    // cmp byte [CODE + 2], 2; je +12; mov byte [CODE + 2], 2; mov ecx, edx; jmp start; int3
    code.extend([0x80, 0x3d, 0x02, 0, 0x10, 0, 2, 0x74, 0x0b]);
    code.extend([0xc6, 0x05, 0x02, 0, 0x10, 0, 2, 0x89, 0xd1, 0xeb, 0xe6, 0xcc]);
    space.poke(CODE, &code).expect("mapped");
    let mut registers = Registers::new(Mode::I386);
    registers.rip = CODE;
    (registers.gpr[1], registers.gpr[2]) = (50_000, 50_000);
    let mut cpu = Cpu::new();
    let options = Options { turn: 0, samples: 1, wait: true, ..Options::default() };
    assert!(cpu.translate(Native::create, &space, options));
    assert_eq!(cpu.run(&mut registers, &mut space, 10_000_000), Exit::Breakpoint);
    assert_eq!(registers.gpr[0], 150_000);
    let counts = cpu.translated().expect("it translates");
    assert!(counts.dropped > 0 && counts.entered > 1, "{counts:?}");
}
