//! Loops of random instructions, on registers and memory, end with the same registers, flags
//! and memory whether they are interpreted or translated. Code that changes is noticed.
#![cfg(target_arch = "x86_64")]

use sampan_translated::Native;
use sampan_x86::translate::{Leave, Options};
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
    let (opcode, middle, immediate): (&[u8], &[u8], usize) = match random.below(18) {
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
        15 | 16 => (&[0x0f, [0xbc, 0xbd][random.below(2) as usize]], any, 0),
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
    if random.below(8) == 0 {
        return stack(mode, random, code);
    }
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

/// Appends what pushes, changes and pops, or exchanges with memory.
fn stack(mode: Mode, random: &mut Random, code: &mut Vec<u8>) {
    let mut register = || random.pick(&[0, 1, 2, 3, 5, 6, 7]);
    let [a, b, c] = [register(), register(), register()];
    let wide: &[u8] = if mode == Mode::Amd64 { &[0x48] } else { &[] };
    match random.below(6) {
        // push a; push b; add [rsp+x], c; pop b; pop c
        0 => {
            code.extend([0x50 | a, 0x50 | b]);
            code.extend(wide);
            code.extend([0x01, 0x44 | c << 3, 0x24, random.below(9) as u8]);
            code.extend([0x58 | b, 0x58 | c]);
        }
        // sub rsp, 40; mov [rsp+x], a; mov b, [rsp+y]; add rsp, 40
        1 => {
            code.extend(wide);
            code.extend([0x83, 0xec, 40]);
            code.extend([0x89, 0x44 | a << 3, 0x24, random.below(33) as u8]);
            code.extend([0x8b, 0x44 | b << 3, 0x24, random.below(33) as u8]);
            code.extend(wide);
            code.extend([0x83, 0xc4, 40]);
        }
        // lock xadd [m], a; xchg [m], b; lock cmpxchg [m], c
        2 => {
            for (opcode, register) in
                [(&[0xf0, 0x0f, 0xc1][..], a), (&[0x87], b), (&[0xf0, 0x0f, 0xb1], c)]
            {
                code.extend(opcode);
                code.extend([register << 3 | 4, 0x25]);
                code.extend((DATA as u32 + random.below(0xff0) as u32).to_le_bytes());
            }
        }
        // mov edi, DATA + x; mov esi, DATA + y; movs; stos
        3 => {
            for opcode in [0xbf, 0xbe] {
                code.push(opcode);
                code.extend((DATA as u32 + random.below(0x1600) as u32).to_le_bytes());
            }
            code.push(0xfc);
            code.extend([0xa4 | random.below(2) as u8, 0xaa | random.below(2) as u8]);
        }
        // bt a, b; popcnt c, a
        4 => {
            code.extend([0x0f, 0xa3, 0xc0 | b << 3 | a]);
            code.extend([0xf3, 0x0f, 0xb8, 0xc0 | c << 3 | a]);
        }
        // mov ebx, DATA + x, across the end of a page: mov [rbx], a; mov b, [rbx + y]
        _ => {
            code.push(0xbb);
            code.extend((DATA as u32 + 0xff0 + random.below(16) as u32).to_le_bytes());
            code.extend([0x89, 0x03 | a << 3, 0x8b, 0x43 | b << 3, random.below(16) as u8]);
        }
    }
}

/// Opcodes of SSE behind 0x0f, by mandatory prefix (0: none), that take a register and a
/// register or memory, without an immediate.
const VECTOR: &[(u8, &[u8])] = &[
    (
        0,
        &[0x10, 0x14, 0x15, 0x28, 0x2e, 0x2f, 0x51, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59, 0x5c, 0x5e],
    ),
    (
        0x66,
        &[
            0x10, 0x14, 0x15, 0x28, 0x2e, 0x2f, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59, 0x5c, 0x5e,
            0x60, 0x61, 0x62, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x6b, 0x6c, 0x6d,
            0x6e, 0x6f, 0x74, 0x75, 0x76, 0xd4, 0xd5, 0xd8, 0xd9, 0xda, 0xdb, 0xdc, 0xdd, 0xde,
            0xdf, 0xe0, 0xe3, 0xe4, 0xe5, 0xf4, 0xe8, 0xe9, 0xea, 0xeb, 0xec, 0xed, 0xee, 0xef,
            0xf5, 0xf8, 0xf9, 0xfa, 0xfb, 0xfc, 0xfd, 0xfe, 0xd6, 0x7e, 0x7f, 0x11, 0x29,
        ],
    ),
    (
        0xf3,
        &[0x10, 0x11, 0x2a, 0x51, 0x58, 0x59, 0x5a, 0x5c, 0x5d, 0x5e, 0x5f, 0x6f, 0x7e, 0x7f, 0xe6],
    ),
    (0xf2, &[0x10, 0x11, 0x2a, 0x51, 0x58, 0x59, 0x5a, 0x5c, 0x5d, 0x5e, 0x5f, 0x12]),
];
/// The same with an immediate; of 0x71 to 0x73 the middle field is a part of the opcode.
const VECTOR_BY_NUMBER: &[(u8, u8)] =
    &[(0, 0xc6), (0x66, 0xc6), (0x66, 0x70), (0xf2, 0x70), (0xf3, 0x70)];

/// Appends a random instruction of SSE that cannot fault.
fn vector(mode: Mode, random: &mut Random, code: &mut Vec<u8>) {
    let mut bytes: Vec<u8> = Vec::new();
    let mut immediate = None;
    let mut register = random.below(8) as u8;
    let mut memory = random.below(3) == 0;
    let prefix = match random.below(12) {
        0 => {
            let (group, middle) = [
                (0x71, 2),
                (0x71, 4),
                (0x72, 6),
                (0x72, 2),
                (0x73, 2),
                (0x73, 6),
                (0x73, 3),
                (0x73, 7),
                (0x71, 6),
                (0x72, 4),
            ][random.below(10) as usize];
            bytes.extend([0x0f, group]);
            (register, memory) = (middle, false);
            immediate = Some(random.below(20) as u8 * 2);
            0x66
        }
        1 => {
            let (prefix, opcode) = VECTOR_BY_NUMBER[random.below(5) as usize];
            bytes.extend([0x0f, opcode]);
            immediate = Some(random.below(256) as u8);
            prefix
        }
        2 => {
            // Of three bytes: pshufb, minima and maxima, comparisons, extensions, palignr.
            let opcode = [
                0x00, 0x20, 0x25, 0x29, 0x30, 0x33, 0x35, 0x37, 0x38, 0x39, 0x3a, 0x3b, 0x3c, 0x3d,
                0x3e, 0x3f, 0x40, 0x2b, 0x0f,
            ][random.below(19) as usize];
            bytes.extend([0x0f, if opcode == 0x0f { 0x3a } else { 0x38 }, opcode]);
            immediate = (opcode == 0x0f).then(|| random.below(40) as u8);
            0x66
        }
        // To general registers, but the stack pointer.
        3 => {
            let (prefix, opcode) =
                [(0x66, 0xd7), (0x66, 0x50), (0, 0x50), (0xf2, 0x2c), (0xf3, 0x2c)]
                    [random.below(5) as usize];
            bytes.extend([0x0f, opcode]);
            register = random.pick(&[0, 1, 2, 3, 5, 6, 7]);
            memory &= opcode == 0x2c;
            prefix
        }
        _ => {
            let (prefix, opcodes) = VECTOR[random.below(4) as usize];
            let opcode = random.pick(opcodes);
            bytes.extend([0x0f, opcode]);
            // Halves need memory.
            prefix
        }
    };
    if prefix != 0 {
        code.push(prefix);
    }
    let group = matches!(bytes[1], 0x71..=0x73);
    if mode == Mode::Amd64 && random.below(3) == 0 && bytes[1] != 0x7e && !group {
        // No `r9` to `r15` of these are the stack pointer; registers of SSE have all sixteen.
        code.push(0x40 | random.pick(&[0, 1, 4, 5, 8]));
    }
    code.extend(&bytes);
    if memory {
        code.extend([register << 3 | 4, 0x25]);
        code.extend((DATA as u32 + 16 * random.below(0xf0) as u32).to_le_bytes());
    } else {
        code.push(0xc0 | register << 3 | random.pick(&[0, 1, 2, 3, 5, 6, 7]));
    }
    code.extend(immediate);
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
    for n in 0..if mode == Mode::Amd64 { 16 } else { 8 } {
        // Numbers around one, for most arithmetic to be ordinary; then some that are not.
        let number = || f64::from_bits(0x3fe8_0000_0000_0000 | seed.rotate_left(n as u32) >> 13);
        registers.fpu.xmm[n] = match n % 4 {
            0 | 1 => u128::from(number().to_bits()) << 64 | u128::from(number().to_bits()),
            2 => u128::from((number() as f32).to_bits()) * 0x1_0000_0001_0000_0001_0000_0001,
            _ => u128::from(random.below(u64::MAX)) << 64 | u128::from(random.below(u64::MAX)),
        };
    }
    // With and without an inexact result before; rarely rounding up.
    registers.fpu.mxcsr = [0x1fa0, 0x1fa0, 0x1f80, 0x1fa0, 0x5fa0][seed as usize % 5];
    registers.gpr[4] = DATA + 0x1700;
    registers.rip = CODE;
    let mut cpu = Cpu::new();
    if translate {
        let options = Options { turn: 0, samples: 1, price: 0, wait: true, ..Options::default() };
        assert!(cpu.translate(Native::create, &space, options));
    }
    let exit = cpu.run(&mut registers, &mut space, 10_000_000);
    let mut after = vec![0; 0x2000];
    space.peek(DATA, &mut after).expect("mapped");
    (exit, registers, after, cpu.translated().map_or(0, |counts| counts.entered))
}

fn search(mode: Mode) {
    let mut entered = 0;
    // For a longer search.
    let seeds = std::env::var("SAMPAN_TRANSLATED_SEEDS");
    let seeds = seeds.map_or(400, |text| text.parse().expect("a number"));
    for seed in 1..seeds {
        let mut random = Random(u64::wrapping_mul(seed, 0x9e37_79b9_7f4a_7c15));
        let mut code = Vec::new();
        for _ in 0..1 + random.below(30) {
            if seed % 3 == 0 && random.below(3) > 0 {
                vector(mode, &mut random, &mut code);
            } else {
                instruction(mode, &mut random, &mut code);
            }
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
    let options = Options { turn: 0, samples: 1, price: 0, wait: true, ..Options::default() };
    assert!(cpu.translate(Native::create, &space, options));
    assert_eq!(cpu.run(&mut registers, &mut space, 10_000_000), Exit::Breakpoint);
    assert_eq!(registers.gpr[0], 150_000);
    let counts = cpu.translated().expect("it translates");
    assert!(counts.dropped > 0 && counts.entered > 1, "{counts:?}");
    // Each time that translated code was entered it was left, for a reason that was counted.
    assert_eq!(counts.left.iter().sum::<u64>(), counts.entered, "{counts:?}");
    let reasons = cpu.reasons();
    assert_eq!(reasons.iter().map(|reason| reason.count).sum::<u64>(), counts.entered);
    let end = reasons.iter().find(|reason| reason.rip == CODE + code.len() as u64 - 1);
    let end = end.map(|reason| (reason.leave, reason.instruction()));
    assert_eq!(end, Some((Leave::Outside, "cc".into())), "{reasons:?}");
}
