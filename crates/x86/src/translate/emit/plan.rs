//! Which accesses of a block one check can answer for.
//!
//! Accesses through the same registers, unchanged in between, differ by constants only: the
//! stack's above all. The first of such a group checks the pages of all of it, if these are two
//! at most; when that fails the region is left there, which is precise, only earlier than need
//! be.

use crate::Mode;
use crate::cpu::{general, memory_bytes};
use crate::translate::effects::{self, xmm};
use crate::vector::table::common;
use alloc::vec::Vec;
use iced_x86::{Instruction, Mnemonic, OpKind, Register};

/// How an access is checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Check {
    /// For itself.
    #[default]
    Alone,
    /// With all from so many bytes before it to so many behind its start, the last included.
    Group { before: u32, last: u32, write: bool },
    /// By a group before.
    Done,
}

/// The checks of an instruction: of its memory operand, and of what it pushes or pops.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Checks {
    pub operand: Check,
    pub stack: Check,
}

impl Checks {
    /// Whether an instruction that may leave for its accesses alone cannot, as these have been
    /// checked.
    pub fn answer_for(&self, i: &Instruction) -> bool {
        use Mnemonic as N;
        let moves = matches!(i.mnemonic(), N::Mov | N::Movzx | N::Movsx | N::Movsxd);
        let computes = matches!(
            i.mnemonic(),
            N::Add | N::Sub | N::And | N::Or | N::Xor | N::Cmp | N::Test | N::Inc | N::Dec
        );
        let operand = (0..i.op_count()).all(|n| i.op_kind(n) != OpKind::Memory)
            || self.operand == Check::Done;
        match i.mnemonic() {
            N::Push | N::Pop => operand && self.stack == Check::Done,
            _ => (moves || computes) && operand,
        }
    }
}

/// What the addresses of a group have in common.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Key {
    base: Register,
    index: Register,
    scale: u32,
    segment: Register,
    /// How often the registers have been changed.
    versions: [u32; 2],
}

struct Access {
    key: Key,
    /// Bytes from what the group has in common.
    at: i64,
    width: u32,
    write: bool,
    /// Which instruction, and whether it is the operand.
    place: (usize, bool),
}

const RSP: usize = 4;

/// The checks of a block's instructions.
pub(super) fn of(mode: Mode, code: &[Instruction]) -> Vec<Checks> {
    let mut checks = alloc::vec![Checks::default(); code.len()];
    let accesses = accesses(mode, code);
    let mut done = alloc::vec![false; accesses.len()];
    for (n, first) in accesses.iter().enumerate() {
        if done[n] {
            continue;
        }
        let (mut low, mut high, mut write) = (first.at, first.at + i64::from(first.width), false);
        let mut members = Vec::new();
        for (m, other) in accesses.iter().enumerate().skip(n) {
            if done[m] || other.key != first.key {
                continue;
            }
            let (from, to) = (low.min(other.at), high.max(other.at + i64::from(other.width)));
            if to - from <= 4096 {
                (low, high) = (from, to);
                write |= other.write;
                members.push(m);
            }
        }
        if members.len() < 2 {
            continue;
        }
        for m in members {
            done[m] = true;
            let check = if m == n {
                let (before, last) = ((first.at - low) as u32, (high - 1 - first.at) as u32);
                Check::Group { before, last, write }
            } else {
                Check::Done
            };
            let (instruction, operand) = accesses[m].place;
            match operand {
                true => checks[instruction].operand = check,
                false => checks[instruction].stack = check,
            }
        }
    }
    checks
}

fn accesses(mode: Mode, code: &[Instruction]) -> Vec<Access> {
    let mut list = Vec::new();
    let mut versions = [0; 16];
    // What has been added to the stack pointer.
    let mut delta = 0;
    let pointer: u32 = if mode == Mode::Amd64 { 8 } else { 4 };
    let long_stack = if mode == Mode::Amd64 { Register::RSP } else { Register::ESP };
    for (n, i) in code.iter().enumerate() {
        let version = |register| number(register).map_or(0, |number| versions[number]);
        if let Some(width) = operand_width(i)
            && plain(mode, i)
        {
            let (base, index) = (i.memory_base(), i.memory_index());
            let is_stack = base == long_stack;
            let at = i.memory_displacement64() as i64;
            let at = if mode == Mode::I386 { i64::from(at as i32) } else { at };
            list.push(Access {
                key: Key {
                    base,
                    index,
                    scale: i.memory_index_scale(),
                    segment: match i.memory_segment() {
                        segment @ (Register::FS | Register::GS) => segment,
                        _ => Register::None,
                    },
                    versions: [version(base), version(index)],
                },
                at: at.wrapping_add(if is_stack { delta } else { 0 }),
                width,
                write: writes_memory(i),
                place: (n, true),
            });
        }
        let mut stack = |at: i64, width: u32, write: bool| {
            list.push(Access {
                key: Key {
                    base: long_stack,
                    index: Register::None,
                    scale: 1,
                    segment: Register::None,
                    versions: [versions[RSP], 0],
                },
                at,
                width,
                write,
                place: (n, false),
            });
        };
        match i.mnemonic() {
            Mnemonic::Push | Mnemonic::Call => {
                // Of 16 bits they are not translated.
                delta -= i64::from(pointer);
                stack(delta, pointer, true);
            }
            Mnemonic::Pop => {
                stack(delta, pointer, false);
                delta += i64::from(pointer);
            }
            Mnemonic::Ret => stack(delta, pointer, false),
            _ => {}
        }
        if let Some(count) = stack_step(i) {
            delta = delta.wrapping_add(count);
            continue;
        }
        for number in written(i) {
            versions[number] += 1;
        }
    }
    list
}

/// The addition of a constant to the stack pointer.
fn stack_step(i: &Instruction) -> Option<i64> {
    let fixed = matches!(i.op0_register(), Register::RSP | Register::ESP)
        && i.op_count() == 2
        && i.op0_kind() == OpKind::Register
        && !matches!(i.op1_kind(), OpKind::Register | OpKind::Memory);
    let whole = number(i.op0_register()).is_some();
    match i.mnemonic() {
        Mnemonic::Add if fixed && whole => Some(i.immediate(1) as i64),
        Mnemonic::Sub if fixed && whole => Some((i.immediate(1) as i64).wrapping_neg()),
        _ => None,
    }
}

/// Bytes of the memory operand that the code for an instruction accesses.
fn operand_width(i: &Instruction) -> Option<u32> {
    let memory = (0..i.op_count()).any(|n| i.op_kind(n) == OpKind::Memory);
    if !memory || matches!(i.mnemonic(), Mnemonic::Lea | Mnemonic::Nop) {
        return None;
    }
    if effects::is_vector(i) || effects::is_float(i) {
        use Mnemonic as N;
        return Some(match i.mnemonic() {
            N::Movss | N::Movd | N::Comiss | N::Ucomiss | N::Cvttss2si => 4,
            N::Movsd | N::Movq | N::Movlps | N::Movlpd | N::Movhps | N::Movhpd => 8,
            N::Comisd | N::Ucomisd | N::Cvttsd2si | N::Cvtdq2pd => 8,
            N::Pmovzxbw | N::Pmovzxwd | N::Pmovzxdq | N::Pmovsxbw | N::Pmovsxwd | N::Pmovsxdq => 8,
            N::Cvtsi2sd | N::Cvtsi2ss => memory_bytes(i.memory_size()),
            mnemonic => common(mnemonic).map_or(16, |(_, size)| u32::from(size.min(16))),
        });
    }
    Some(memory_bytes(i.memory_size())).filter(|size| *size > 0)
}

/// Whether an address is made of registers of full width.
fn plain(mode: Mode, i: &Instruction) -> bool {
    let wanted = if mode == Mode::Amd64 { 8 } else { 4 };
    [i.memory_base(), i.memory_index()].into_iter().all(|register| match register {
        Register::None => true,
        _ => general(register).is_some_and(|(_, width)| width == wanted),
    })
}

fn writes_memory(i: &Instruction) -> bool {
    use Mnemonic as N;
    let reads_only = matches!(i.mnemonic(), N::Cmp | N::Test | N::Bt | N::Push | N::Call | N::Jmp)
        || matches!(i.mnemonic(), N::Mul | N::Imul | N::Div | N::Idiv);
    i.op0_kind() == OpKind::Memory && !reads_only || i.mnemonic() == N::Xchg
}

/// The number of a general register's whole.
fn number(register: Register) -> Option<usize> {
    general(register).map(|(offset, _)| usize::from(offset) / 8)
}

/// Numbers of the general registers that an instruction changes, but for constant steps of the
/// stack pointer by pushes and pops. None that is translated changes others.
fn written(i: &Instruction) -> impl Iterator<Item = usize> {
    use Mnemonic as N;
    const RAX: usize = 0;
    const RDX: usize = 2;
    const RBP: usize = 5;
    const RSI: usize = 6;
    const RDI: usize = 7;
    let named = |n: u32| {
        let register = i.op_count() > n && i.op_kind(n) == OpKind::Register;
        register.then(|| i.op_register(n)).filter(|r| xmm(*r).is_none()).and_then(number)
    };
    let list = match i.mnemonic() {
        N::Cmp | N::Test | N::Push | N::Bt | N::Call | N::Jmp | N::Ret => [None, None, None],
        N::Xchg | N::Xadd => [named(0), named(1), None],
        N::Mul | N::Div | N::Idiv => [Some(RAX), Some(RDX), None],
        N::Imul if i.op_count() == 1 => [Some(RAX), Some(RDX), None],
        N::Cwd | N::Cdq | N::Cqo | N::Cbw | N::Cwde | N::Cdqe => [Some(RAX), Some(RDX), None],
        N::Cmpxchg => [named(0), Some(RAX), None],
        N::Leave => [Some(RSP), Some(RBP), None],
        N::Movsb | N::Movsw | N::Movsq | N::Stosb | N::Stosw | N::Stosd | N::Stosq => {
            [Some(RSI), Some(RDI), Some(RAX)]
        }
        N::Movsd if named(0).is_none() && xmm(i.op0_register()).is_none() => {
            [Some(RSI), Some(RDI), None]
        }
        _ => [named(0), None, None],
    };
    list.into_iter().flatten()
}
