//! Operands: registers to offsets, addresses to fields of an op, widths.

use super::Builder;
use crate::Mode;
use crate::cpu::context::slot;
use crate::cpu::op::Op;
use crate::cpu::ops;
use iced_x86::{Instruction, MemorySize, OpKind, Register};

/// What an operand is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Place {
    Reg,
    Mem,
    Imm,
    /// Something else, or absent.
    Other,
}

pub(in crate::cpu) const EMPTY: Op = Op {
    run: ops::system::unsupported,
    imm: 0,
    disp: 0,
    rip: 0,
    a: 0,
    b: 0,
    base: offset(slot::ZERO),
    index: offset(slot::ZERO),
    scale: 0,
    len: 0,
    x: 0,
    y: 0,
};

/// The offset of a general register's or a slot's number.
pub(super) const fn offset(number: usize) -> u8 {
    (number * 8) as u8
}

/// The offset and width in bytes of a general register.
pub(crate) fn general(register: Register) -> Option<(u8, u32)> {
    let n = register as u32;
    let from = |first: Register| (n - first as u32) as usize;
    Some(match n {
        _ if (Register::AL as u32..=Register::BL as u32).contains(&n) => {
            (offset(from(Register::AL)), 1)
        }
        _ if (Register::AH as u32..=Register::BH as u32).contains(&n) => {
            (offset(from(Register::AH)) + 1, 1)
        }
        _ if (Register::SPL as u32..=Register::R15L as u32).contains(&n) => {
            (offset(from(Register::SPL) + 4), 1)
        }
        _ if (Register::AX as u32..=Register::R15W as u32).contains(&n) => {
            (offset(from(Register::AX)), 2)
        }
        _ if (Register::EAX as u32..=Register::R15D as u32).contains(&n) => {
            (offset(from(Register::EAX)), 4)
        }
        _ if (Register::RAX as u32..=Register::R15 as u32).contains(&n) => {
            (offset(from(Register::RAX)), 8)
        }
        _ => return None,
    })
}

/// The number of a segment register.
pub(super) fn segment(register: Register) -> Option<u8> {
    let n = (register as u32).checked_sub(Register::ES as u32)?;
    (n < 6).then_some(n as u8)
}

/// The number of a vector register, `xmm` or `mm`.
pub(super) fn vector(register: Register) -> Option<u8> {
    let n = register as u32;
    if (Register::XMM0 as u32..=Register::XMM15 as u32).contains(&n) {
        return Some((n - Register::XMM0 as u32) as u8);
    }
    (Register::MM0 as u32..=Register::MM7 as u32)
        .contains(&n)
        .then(|| (n - Register::MM0 as u32) as u8)
}

/// Bytes of a memory operand that an integer instruction accesses, or 0.
pub(crate) fn memory_bytes(size: MemorySize) -> u32 {
    match size {
        MemorySize::UInt8 | MemorySize::Int8 => 1,
        MemorySize::UInt16 | MemorySize::Int16 | MemorySize::WordOffset => 2,
        MemorySize::UInt32
        | MemorySize::Int32
        | MemorySize::DwordOffset
        | MemorySize::Bound16_WordWord => 4,
        MemorySize::UInt64
        | MemorySize::Int64
        | MemorySize::QwordOffset
        | MemorySize::Bound32_DwordDword => 8,
        _ => 0,
    }
}

/// An address before it becomes fields of an op.
pub(super) struct Address {
    /// The width in which it wraps.
    pub mask: u64,
    /// The offset of the segment's base, [`slot::ZERO`]'s if it is flat.
    pub segment: u8,
}

impl Builder {
    pub fn place(&self, i: &Instruction, n: u32) -> Place {
        if n >= i.op_count() {
            return Place::Other;
        }
        match i.op_kind(n) {
            OpKind::Register => Place::Reg,
            OpKind::Memory => Place::Mem,
            OpKind::Immediate8
            | OpKind::Immediate8_2nd
            | OpKind::Immediate16
            | OpKind::Immediate32
            | OpKind::Immediate64
            | OpKind::Immediate8to16
            | OpKind::Immediate8to32
            | OpKind::Immediate8to64
            | OpKind::Immediate32to64 => Place::Imm,
            _ => Place::Other,
        }
    }

    /// Bytes of an operand: of the register, or in memory.
    pub fn width(&self, i: &Instruction, n: u32) -> u32 {
        match self.place(i, n) {
            Place::Reg => general(i.op_register(n)).map_or(0, |(_, width)| width),
            Place::Mem => memory_bytes(i.memory_size()),
            _ => 0,
        }
    }

    /// An op with everything that can be told from the operands' kinds: the first operand
    /// in `a` if it is a register, the second in `b`, an immediate, the address.
    pub fn op(&mut self, i: &Instruction) -> Op {
        let mut op = self.bare(i);
        for n in 0..i.op_count() {
            match self.place(i, n) {
                Place::Reg => {
                    let register = i.op_register(n);
                    let field = general(register)
                        .map(|(offset, _)| offset)
                        .or_else(|| vector(register))
                        .unwrap_or(0);
                    match n {
                        0 => op.a = field,
                        1 => op.b = field,
                        _ => {}
                    }
                }
                Place::Mem => self.address(i, &mut op),
                Place::Imm => op.imm = i.immediate(n),
                Place::Other => {}
            }
        }
        op
    }

    /// An op with only what every instruction has.
    pub fn bare(&self, i: &Instruction) -> Op {
        Op { rip: i.ip() as u32, len: i.len() as u8, x: self.count, y: self.count, ..EMPTY }
    }

    /// Puts the memory operand into an op, behind an op that computes it where one cannot
    /// hold it.
    pub fn address(&mut self, i: &Instruction, op: &mut Op) {
        if let Some(value) = self.wide_absolute(i) {
            let segment = self.raw_address(i, &mut EMPTY.clone()).segment;
            let first = Op { imm: value, b: segment, ..self.bare(i) };
            self.emit(first, ops::data::absolute);
            op.base = offset(slot::TEMP);
            return;
        }
        let address = self.raw_address(i, op);
        let zero = offset(slot::ZERO);
        if address.mask == self.mask() {
            if address.segment == zero {
                return;
            }
            // The base takes a free place.
            if op.base == zero {
                op.base = address.segment;
                return;
            }
            if op.index == zero {
                (op.index, op.scale) = (address.segment, 0);
                return;
            }
        }
        let first = Op { imm: address.mask, b: address.segment, ..*op };
        self.emit(first, ops::data::address);
        (op.base, op.index, op.scale, op.disp) = (offset(slot::TEMP), zero, 0, 0);
    }

    /// Puts base, index and displacement into an op, and says how they make an address.
    pub fn raw_address(&self, i: &Instruction, op: &mut Op) -> Address {
        let mut width = match i.memory_displ_size() {
            2 => 2,
            8 => 8,
            4 => 4,
            _ => 0,
        };
        for (register, is_base) in [(i.memory_base(), true), (i.memory_index(), false)] {
            match register {
                Register::None => {}
                // The decoder has added the address of the next instruction.
                Register::RIP => width = 8,
                Register::EIP => width = 4,
                register => {
                    let (at, bytes) = general(register).unwrap_or((offset(slot::ZERO), 8));
                    width = bytes;
                    if is_base {
                        op.base = at;
                    } else {
                        (op.index, op.scale) = (at, i.memory_index_scale().trailing_zeros() as u8);
                    }
                }
            }
        }
        let displacement = i.memory_displacement64();
        op.disp = displacement as i32;
        // A displacement is sign-extended but for absolute addresses.
        if op.disp as i64 as u64 != displacement
            && op.base == offset(slot::ZERO)
            && displacement >> 32 == 0
            && self.mode == Mode::Amd64
        {
            op.base = offset(slot::HIGH);
        }
        let mask = match width {
            2 => 0xffff,
            4 => 0xffff_ffff,
            8 => u64::MAX,
            _ => self.mask(),
        };
        let segment = match i.memory_segment() {
            Register::FS => slot::FS,
            Register::GS => slot::GS,
            _ => slot::ZERO,
        };
        Address { mask, segment: offset(segment) }
    }

    /// An absolute address that no displacement holds.
    fn wide_absolute(&self, i: &Instruction) -> Option<u64> {
        let absolute = matches!(i.memory_base(), Register::None | Register::RIP)
            && i.memory_index() == Register::None;
        let value = i.memory_displacement64();
        (absolute && value >> 32 != 0 && value as i32 as i64 as u64 != value).then_some(value)
    }

    /// The width of addresses.
    pub fn mask(&self) -> u64 {
        if self.mode == Mode::Amd64 { u64::MAX } else { 0xffff_ffff }
    }
}

/// The handler for a width in bytes: `by_width!(width, T => expression)`; `None` for others.
macro_rules! by_width {
    ($width:expr, $t:ident => $e:expr) => {
        match $width {
            1 => {
                type $t = u8;
                Some::<$crate::cpu::op::Handler>($e)
            }
            2 => {
                type $t = u16;
                Some::<$crate::cpu::op::Handler>($e)
            }
            4 => {
                type $t = u32;
                Some::<$crate::cpu::op::Handler>($e)
            }
            8 => {
                type $t = u64;
                Some::<$crate::cpu::op::Handler>($e)
            }
            _ => None,
        }
    };
}
pub(super) use by_width;

/// The same without bytes.
macro_rules! by_wide_width {
    ($width:expr, $t:ident => $e:expr) => {
        match $width {
            2 => {
                type $t = u16;
                Some::<$crate::cpu::op::Handler>($e)
            }
            4 => {
                type $t = u32;
                Some::<$crate::cpu::op::Handler>($e)
            }
            8 => {
                type $t = u64;
                Some::<$crate::cpu::op::Handler>($e)
            }
            _ => None,
        }
    };
}
pub(super) use by_wide_width;

/// The expression for a condition's number.
macro_rules! by_condition {
    ($cc:expr, $c:ident => $e:expr) => {{
        use crate::cpu::flags as f;
        macro_rules! with {
            ($name:ident) => {{
                type $c = f::$name;
                $e
            }};
        }
        match $cc & 15 {
            0 => with!(O),
            1 => with!(No),
            2 => with!(B),
            3 => with!(Ae),
            4 => with!(E),
            5 => with!(Ne),
            6 => with!(Be),
            7 => with!(A),
            8 => with!(S),
            9 => with!(Ns),
            10 => with!(P),
            11 => with!(Np),
            12 => with!(L),
            13 => with!(Ge),
            14 => with!(Le),
            _ => with!(G),
        }
    }};
}
pub(super) use by_condition;

/// A conditional instruction's condition.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Conditional {
    Jump(u8),
    Set(u8),
    Move(u8),
}

/// Which condition an instruction tests, and what for.
pub(crate) fn conditional(i: &Instruction) -> Option<Conditional> {
    use Conditional::{Jump, Move, Set};
    macro_rules! table {
        ($($j:ident $s:ident $c:ident $n:expr;)*) => {
            match i.mnemonic() {
                $(iced_x86::Mnemonic::$j => Some(Jump($n)),
                iced_x86::Mnemonic::$s => Some(Set($n)),
                iced_x86::Mnemonic::$c => Some(Move($n)),)*
                _ => None,
            }
        };
    }
    table! {
        Jo Seto Cmovo 0;
        Jno Setno Cmovno 1;
        Jb Setb Cmovb 2;
        Jae Setae Cmovae 3;
        Je Sete Cmove 4;
        Jne Setne Cmovne 5;
        Jbe Setbe Cmovbe 6;
        Ja Seta Cmova 7;
        Js Sets Cmovs 8;
        Jns Setns Cmovns 9;
        Jp Setp Cmovp 10;
        Jnp Setnp Cmovnp 11;
        Jl Setl Cmovl 12;
        Jge Setge Cmovge 13;
        Jle Setle Cmovle 14;
        Jg Setg Cmovg 15;
    }
}
