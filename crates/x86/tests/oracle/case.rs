//! Random instructions and states.

use iced_x86::{Decoder, DecoderOptions, FlowControl, Instruction, Mnemonic, OpKind, Register};
use sampan_x86::Mode;

pub const CODE: u64 = 0x2000_0000;
pub const DATA: u64 = 0x2100_0000;
/// Where in its page the data begin that are not zero.
pub const WINDOW: u64 = 1536;
pub const WINDOW_SIZE: usize = 1024;

/// Everything a program sees.
#[derive(Clone)]
pub struct State {
    pub gpr: [u64; 16],
    pub rip: u64,
    pub rflags: u64,
    pub fx: [u8; 512],
    pub data: [u8; WINDOW_SIZE],
}

impl State {
    pub const SIZE: usize = 18 * 8 + 512 + WINDOW_SIZE;

    pub fn write(&self, bytes: &mut Vec<u8>) {
        for word in self.gpr.iter().chain([&self.rip, &self.rflags]) {
            bytes.extend(word.to_le_bytes());
        }
        bytes.extend(self.fx);
        bytes.extend(self.data);
    }

    pub fn read(bytes: &[u8]) -> Self {
        let word =
            |i: usize| u64::from_le_bytes(bytes[8 * i..8 * i + 8].try_into().expect("eight bytes"));
        Self {
            gpr: std::array::from_fn(word),
            rip: word(16),
            rflags: word(17),
            fx: bytes[144..656].try_into().expect("512 bytes"),
            data: bytes[656..656 + WINDOW_SIZE].try_into().expect("the window"),
        }
    }
}

/// An instruction and the state before it.
#[derive(Clone)]
pub struct Test {
    pub code: [u8; 16],
    pub instruction: Instruction,
    pub before: State,
}

/// A small generator: xorshift64*.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        let mut random =
            Self((seed ^ 0x5851_f42d_4c95_7f2d).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        for _ in 0..4 {
            random.next();
        }
        random
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub fn below(&mut self, n: u64) -> u64 {
        (self.next() >> 20) % n
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    fn pick<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len() as u64) as usize]
    }
}

/// A random case; the same for the same seed.
pub fn random(mode: Mode, seed: u64) -> Test {
    let mut random = Random::new(seed);
    loop {
        if let Some(test) = try_random(mode, &mut random) {
            return test;
        }
    }
}

fn try_random(mode: Mode, random: &mut Random) -> Option<Test> {
    let mut bytes = Vec::new();
    for prefix in [0x66, 0xf2, 0xf3] {
        if random.one_in(6) {
            bytes.push(prefix);
        }
    }
    if random.one_in(20) {
        bytes.push(0x67);
    }
    if mode == Mode::Amd64 && random.one_in(2) {
        bytes.push(0x40 | random.below(16) as u8);
    }
    match random.below(8) {
        0..3 => {}
        3..6 => bytes.push(0x0f),
        6 => bytes.extend([0x0f, 0x38]),
        _ => bytes.extend([0x0f, 0x3a]),
    }
    // Floating point has few opcodes and many meanings.
    if bytes.last() != Some(&0x0f) && random.one_in(4) {
        bytes.push(0xd8 | random.below(8) as u8);
    }
    while bytes.len() < 15 {
        bytes.push(random.next() as u8);
    }
    let bits = if mode == Mode::Amd64 { 64 } else { 32 };
    let mut decoder = Decoder::with_ip(bits, &bytes, CODE, DecoderOptions::NONE);
    let instruction = decoder.decode();
    if instruction.is_invalid() || !is_wanted(&instruction) || instruction.len() > 15 {
        return None;
    }
    // Where the helper itself lies, and its heap at random behind it.
    if (0x5a00_0000..0xc000_0000).contains(&instruction.memory_displacement64()) {
        return None;
    }
    let mut code = [0xcc; 16];
    code[..instruction.len()].copy_from_slice(&bytes[..instruction.len()]);
    let mut before = state(mode, random);
    let steered = steer(mode, &instruction, &mut before, random);
    // A wild address must not meet the helper's own memory.
    if !steered && mode == Mode::I386 {
        return None;
    }
    Some(Test { code, instruction, before })
}

fn is_wanted(i: &Instruction) -> bool {
    use iced_x86::CpuidFeature as F;
    let advertised = |feature: &F| {
        matches!(
            feature,
            F::INTEL8086
                | F::INTEL8086_ONLY
                | F::INTEL186
                | F::INTEL286
                | F::INTEL386
                | F::INTEL486
                | F::X64
                | F::CMOV
                | F::CX8
                | F::CMPXCHG16B
                | F::FPU
                | F::FPU287
                | F::FPU387
                | F::FXSR
                | F::MMX
                | F::SSE
                | F::SSE2
                | F::SSE3
                | F::SSSE3
                | F::SSE4_1
                | F::SSE4_2
                | F::POPCNT
        )
    };
    let segments = |r: Register| r.is_segment_register() || r.is_cr() || r.is_dr() || r.is_tr();
    i.cpuid_features().iter().all(advertised)
        && matches!(i.flow_control(), FlowControl::Next)
        && !i.is_privileged()
        && !(0..i.op_count())
            .any(|n| i.op_kind(n) == OpKind::Register && segments(i.op_register(n)))
        && matches!(i.segment_prefix(), Register::None)
        && !matches!(
            i.mnemonic(),
            // What depends on more than the state: the kernel, tables, time.
            Mnemonic::Cpuid
                | Mnemonic::Fxsave
                | Mnemonic::Fxsave64
                | Mnemonic::Lar
                | Mnemonic::Lsl
                | Mnemonic::Verr
                | Mnemonic::Verw
                | Mnemonic::Lds
                | Mnemonic::Les
                | Mnemonic::Lfs
                | Mnemonic::Lgs
                | Mnemonic::Lss
                | Mnemonic::Sgdt
                | Mnemonic::Sidt
                | Mnemonic::Sldt
                | Mnemonic::Str
                | Mnemonic::Smsw
                | Mnemonic::Popf
                | Mnemonic::Popfd
                | Mnemonic::Popfq
                | Mnemonic::In
                | Mnemonic::Out
                | Mnemonic::Insb
                | Mnemonic::Insw
                | Mnemonic::Insd
                | Mnemonic::Outsb
                | Mnemonic::Outsw
                | Mnemonic::Outsd
                | Mnemonic::Cli
                | Mnemonic::Sti
                // Estimates differ between processors.
                | Mnemonic::Rcpps
                | Mnemonic::Rcpss
                | Mnemonic::Rsqrtps
                | Mnemonic::Rsqrtss
                // Where the last instruction was, which processors save differently.
                | Mnemonic::Fnstenv
                | Mnemonic::Fstenv
                | Mnemonic::Fnsave
                | Mnemonic::Fsave
                | Mnemonic::Fstdw
                | Mnemonic::Fstsg
                | Mnemonic::Salc
                | Mnemonic::Umov
                | Mnemonic::Loadall
                | Mnemonic::Ud0
                | Mnemonic::Ud1
                | Mnemonic::Ud2
        )
}

fn integer(random: &mut Random) -> u64 {
    const EDGES: [u64; 12] = [
        0,
        1,
        0x7f,
        0x80,
        0xff,
        0x7fff,
        0x8000,
        0x7fff_ffff,
        0x8000_0000,
        0xffff_ffff,
        1 << 63,
        u64::MAX,
    ];
    match random.below(4) {
        0 => random.pick(&EDGES),
        1 => random.below(70),
        2 => random.next() >> random.below(64),
        _ => random.next(),
    }
}

fn single(random: &mut Random) -> u32 {
    const EDGES: [u32; 14] = [
        0,
        1 << 31,
        1,
        0x7f_ffff,
        0x80_0000,
        0x3f80_0000,
        0xbf80_0000,
        0x7f7f_ffff,
        0x7f80_0000,
        0xff80_0000,
        0x7fc0_0001,
        0x7f80_0001,
        0x4f00_0000,
        0x3f00_0000,
    ];
    match random.below(3) {
        0 => random.pick(&EDGES),
        // Near one, where results are ordinary.
        1 => random.next() as u32 & 0x83ff_ffff | 0x3c00_0000,
        _ => random.next() as u32,
    }
}

fn double(random: &mut Random) -> u64 {
    const EDGES: [u64; 12] = [
        0,
        1 << 63,
        1,
        0xf_ffff_ffff_ffff,
        0x10_0000_0000_0000,
        0x3ff0_0000_0000_0000,
        0x7fef_ffff_ffff_ffff,
        0x7ff0_0000_0000_0000,
        0xfff0_0000_0000_0000,
        0x7ff8_0000_0000_0001,
        0x7ff0_0000_0000_0001,
        0x43e0_0000_0000_0000,
    ];
    match random.below(3) {
        0 => random.pick(&EDGES),
        1 => random.next() & 0x807f_ffff_ffff_ffff | 0x3fc0_0000_0000_0000,
        _ => random.next(),
    }
}

fn extended(random: &mut Random) -> [u8; 10] {
    let sign = (random.next() as u16) & 0x8000;
    let (exp, sig): (u16, u64) = match random.below(10) {
        0 => (0, 0),
        1 => (0x3fff, 1 << 63),
        2 => {
            (0x7fff, random.pick(&[1 << 63, 3 << 62, 0xa000_0000_0000_0001, 0x4000_0000_0000_0000]))
        }
        3 => (0, random.next() >> random.below(64)),
        4 => (0x3fff + random.below(70) as u16, random.next() & !0xffff_ffff | 1 << 63),
        5 => (random.next() as u16 & 0x7fff, random.next()),
        _ => (0x3fc0 + random.below(128) as u16, random.next() | 1 << 63),
    };
    let mut bytes = [0; 10];
    bytes[..8].copy_from_slice(&sig.to_le_bytes());
    bytes[8..].copy_from_slice(&(sign | exp).to_le_bytes());
    bytes
}

fn state(mode: Mode, random: &mut Random) -> State {
    let mut gpr = [0; 16];
    for register in &mut gpr {
        *register = integer(random);
        if mode == Mode::I386 {
            *register &= 0xffff_ffff;
        }
    }
    if mode == Mode::I386 {
        gpr[8..].fill(0);
    }
    let rflags = 0x202 | random.next() & 0x8d5 | if random.one_in(8) { 0x400 } else { 0 };
    let mut fx = [0_u8; 512];
    let mut control = 0x7f_u16 | 0x300;
    if random.one_in(2) {
        control =
            control & !0x300 | random.pick(&[0, 0x200, 0x300]) | (random.below(4) as u16) << 10;
    }
    if random.one_in(16) {
        control &= !(1 << random.below(6));
    }
    let mut status = (random.below(8) as u16) << 11 | random.next() as u16 & 0x473f;
    if status & !control & 0x3f != 0 {
        if random.one_in(4) {
            status |= 0x8080;
        } else {
            status &= !0x3f;
        }
    }
    fx[0..2].copy_from_slice(&control.to_le_bytes());
    fx[2..4].copy_from_slice(&status.to_le_bytes());
    fx[4] = match random.below(3) {
        0 => 0xff,
        1 => {
            // Some free above the top, so that pushes succeed.
            let top = status >> 11 & 7;
            (0x0f_u8).rotate_left(top.into())
        }
        _ => random.next() as u8,
    };
    let mut mxcsr = 0x1f80_u32 | random.next() as u32 & 0x3f;
    if random.one_in(3) {
        mxcsr |= random.next() as u32 & 0xe040;
    }
    if random.one_in(16) {
        mxcsr &= !(0x80 << random.below(6));
    }
    fx[24..28].copy_from_slice(&mxcsr.to_le_bytes());
    fx[28..32].copy_from_slice(&0xffff_u32.to_le_bytes());
    for slot in fx[32..160].chunks_exact_mut(16) {
        slot[..10].copy_from_slice(&extended(random));
    }
    fill(&mut fx[160..if mode == Mode::Amd64 { 416 } else { 288 }], random);
    let mut data = [0; WINDOW_SIZE];
    fill(&mut data, random);
    State { gpr, rip: CODE, rflags, fx, data }
}

/// Sixteen bytes after the other: integers, singles, doubles.
fn fill(bytes: &mut [u8], random: &mut Random) {
    for chunk in bytes.chunks_exact_mut(16) {
        match random.below(4) {
            0 => chunk
                .chunks_exact_mut(4)
                .for_each(|c| c.copy_from_slice(&single(random).to_le_bytes())),
            1 => chunk
                .chunks_exact_mut(8)
                .for_each(|c| c.copy_from_slice(&double(random).to_le_bytes())),
            2 => {
                chunk[..10].copy_from_slice(&extended(random));
                chunk[10..].fill(random.next() as u8);
            }
            _ => chunk
                .chunks_exact_mut(8)
                .for_each(|c| c.copy_from_slice(&integer(random).to_le_bytes())),
        }
    }
}

/// Makes memory operands lie in the window, or now and then where nothing is mapped; whether
/// it could.
fn steer(mode: Mode, i: &Instruction, before: &mut State, random: &mut Random) -> bool {
    let mut inside = || DATA + WINDOW + 256 + random.below(32) * 16;
    before.gpr[4] = inside();
    let string = (0..i.op_count())
        .any(|n| (OpKind::MemorySegSI..=OpKind::MemoryESRDI).contains(&i.op_kind(n)));
    if string {
        (before.gpr[6], before.gpr[7]) = (inside(), inside());
        before.gpr[1] = random.below(9);
        return true;
    }
    let uses_stack = matches!(i.mnemonic(), Mnemonic::Push | Mnemonic::Pop);
    if i.mnemonic() == Mnemonic::Leave || i.mnemonic() == Mnemonic::Enter {
        before.gpr[5] = inside();
        return true;
    }
    let has_memory = (0..i.op_count()).any(|n| i.op_kind(n) == OpKind::Memory);
    if !has_memory {
        return true;
    }
    if mode == Mode::Amd64 && random.one_in(16) {
        return false;
    }
    let base = i.memory_base();
    if base == Register::None || base.is_ip() {
        return false;
    }
    if base.size() == 2 {
        return true;
    }
    let mut target = DATA + WINDOW + 256 + random.below(32) * 16;
    if random.one_in(4) {
        target += random.below(16);
    }
    if random.one_in(32) {
        // At the page's ends, and beyond.
        target = DATA + random.pick(&[4096, 0]) - 24 + random.below(32);
    }
    // A bit number in a register is part of the address.
    let bits = matches!(i.mnemonic(), Mnemonic::Bt | Mnemonic::Bts | Mnemonic::Btr | Mnemonic::Btc);
    if bits && i.op_kind(1) == OpKind::Register {
        before.gpr[i.op_register(1).full_register().number()] = random.below(2048);
    }
    let number = base.full_register().number();
    let index = i.memory_index();
    let mut rest = i.memory_displacement64();
    if index != Register::None {
        let k = index.full_register().number();
        if k == number {
            return false;
        }
        let value = if index.size() == 1 { before.gpr[k] & 0xff } else { before.gpr[k] };
        rest = rest.wrapping_add(value.wrapping_mul(i.memory_index_scale().into()));
    }
    if number == 4 && uses_stack {
        return false;
    }
    before.gpr[number] = target.wrapping_sub(rest);
    if mode == Mode::I386 {
        before.gpr[number] &= 0xffff_ffff;
    }
    true
}
