//! Operands: registers, immediates, and the one way to memory.
//!
//! Values of up to four bytes are of type i32 and have zeros above their width when they are
//! read; those of eight are i64.

use super::plan::Check;
use super::{Emitter, local, memarg};
use crate::Mode;
use crate::cpu::{general, memory_bytes};
use crate::memory::page;
use crate::translate::{Memory, state};
use iced_x86::{Instruction, OpKind, Register};

/// A general register: its number, where in it, how many bytes.
#[derive(Clone, Copy)]
pub(super) struct Reg {
    pub number: u32,
    high: bool,
    pub width: u32,
}

impl Reg {
    pub fn of(register: Register) -> Option<Reg> {
        // As the interpreter has them: a byte's offset among registers of eight bytes.
        let (offset, width) = general(register)?;
        let offset = u32::from(offset);
        Some(Reg { number: offset / 8, high: offset % 8 != 0, width })
    }

    pub fn new(number: u32, width: u32) -> Reg {
        Reg { number, high: false, width }
    }
}

impl Emitter<'_> {
    /// A temporary for a value of a width.
    pub(super) fn temp(&self, width: u32, number: u32) -> u32 {
        if width == 8 { local::T + number } else { local::U + number }
    }

    /// Bytes of an operand.
    pub(super) fn width(&self, i: &Instruction, n: u32) -> Option<u32> {
        match i.op_kind(n) {
            OpKind::Register => Some(Reg::of(i.op_register(n))?.width),
            OpKind::Memory => {
                let size = memory_bytes(i.memory_size());
                (size != 0).then_some(size)
            }
            _ => None,
        }
    }

    #[inline(never)]
    pub(super) fn get(&mut self, reg: Reg) {
        self.used.read |= 1 << reg.number;
        self.need(reg.number);
        self.s().local_get(local::GPR + reg.number);
        match reg.width {
            8 => {}
            4 => {
                self.s().i32_wrap_i64();
            }
            2 => {
                self.s().i32_wrap_i64().i32_const(0xffff).i32_and();
            }
            _ if reg.high => {
                self.s().i32_wrap_i64().i32_const(8).i32_shr_u().i32_const(0xff).i32_and();
            }
            _ => {
                self.s().i32_wrap_i64().i32_const(0xff).i32_and();
            }
        }
    }

    #[inline(never)]
    pub(super) fn set(&mut self, reg: Reg) {
        self.used.written |= 1 << reg.number;
        if reg.width < 4 {
            self.used.read |= 1 << reg.number;
            self.need(reg.number);
        }
        if self.lazy {
            self.loaded.general |= 1 << reg.number;
            self.changed.general |= 1 << reg.number;
        }
        let at = local::GPR + reg.number;
        match reg.width {
            8 => {
                self.s().local_set(at);
            }
            4 => {
                self.s().i64_extend_i32_u().local_set(at);
            }
            width => {
                let shift = if reg.high { 8 } else { 0 };
                let mask: i64 = if width == 2 { 0xffff } else { 0xff };
                self.s().i64_extend_i32_u().i64_const(mask).i64_and().i64_const(shift).i64_shl();
                self.s().local_get(at).i64_const(!(mask << shift)).i64_and().i64_or().local_set(at);
            }
        }
    }

    #[inline(never)]
    pub(super) fn constant(&mut self, width: u32, value: u64) {
        match width {
            8 => self.s().i64_const(value as i64),
            4 => self.s().i32_const(value as i32),
            2 => self.s().i32_const((value & 0xffff) as i32),
            _ => self.s().i32_const((value & 0xff) as i32),
        };
    }

    /// Computes and checks the address of the memory operand, if there is one; `false` if it
    /// is of a kind that is not translated.
    #[inline(never)]
    pub(super) fn prepare(&mut self, i: &Instruction, write: bool) -> bool {
        let Some(n) = (0..i.op_count()).find(|&n| i.op_kind(n) == OpKind::Memory) else {
            return true;
        };
        let Some(width) = self.width(i, n) else { return false };
        if !self.address(i) {
            return false;
        }
        self.segment(i);
        self.check(width, write, self.checks.operand);
        true
    }

    /// The effective address without segment, on the stack: of 32 bits in i386 mode, else 64.
    #[inline(never)]
    pub(super) fn address(&mut self, i: &Instruction) -> bool {
        let (base, index) = (i.memory_base(), i.memory_index());
        let reg = |r: Register| if r == Register::None { None } else { Reg::of(r) };
        let relative = matches!(base, Register::RIP | Register::EIP);
        let width = if self.mode == Mode::Amd64 { 8 } else { 4 };
        let mut short = false;
        for register in [base, index] {
            match general(register) {
                Some((_, 2)) => return false,
                Some((_, 4)) => short |= width == 8,
                None if register != Register::None && !relative => return false,
                _ => {}
            }
        }
        self.constant(width, i.memory_displacement64());
        if !relative && let Some(base) = reg(base) {
            self.get(Reg { width, ..base });
            self.add(width);
        }
        if let Some(index) = reg(index) {
            self.get(Reg { width, ..index });
            let scale = i.memory_index_scale().trailing_zeros();
            if scale > 0 {
                self.constant(width, scale.into());
                pick!(self, width == 8, i64_shl, i32_shl);
            }
            self.add(width);
        }
        if short {
            self.s().i64_const(0xffff_ffff).i64_and();
        }
        true
    }

    fn add(&mut self, width: u32) {
        pick!(self, width == 8, i64_add, i32_add);
    }

    /// Adds the segment's base to the address on the stack.
    pub(super) fn segment(&mut self, i: &Instruction) {
        let offset = match i.memory_segment() {
            Register::FS => state::FS_BASE,
            Register::GS => state::GS_BASE,
            _ => return,
        };
        let arg = self.state_arg(offset, 3);
        self.s().i32_const(0).i64_load(arg);
        if self.mode == Mode::I386 {
            self.s().i32_wrap_i64().i32_add();
        } else {
            self.s().i64_add();
        }
    }

    /// Takes the address on the stack to `ADDR`, and leaves unless `width` bytes may be
    /// accessed there at once: within one page, whose byte allows it; or as the plan says.
    #[inline(never)]
    pub(super) fn check(&mut self, width: u32, write: bool, how: Check) {
        if self.mode == Mode::Amd64 {
            self.s().local_tee(local::EA).i32_wrap_i64().local_set(local::ADDR);
        } else {
            self.s().local_set(local::ADDR);
        }
        if self.memory == Memory::Plain || how == Check::Done {
            return;
        }
        if let Check::Group { before, last, write } = how {
            return self.check_group(before, last, write);
        }
        let end = 4096 - i64::from(width);
        if self.mode == Mode::Amd64 {
            // One comparison for both: below 4 GiB, and not across the page's end.
            let mask = 0xffff_ffff_0000_0fff_u64 as i64;
            self.s().local_get(local::EA).i64_const(mask).i64_and();
            self.s().i64_const(end).i64_gt_u();
            self.leave_if();
        } else if width > 1 {
            self.s().local_get(local::ADDR).i32_const(0xfff).i32_and();
            self.s().i32_const(end as i32).i32_gt_u();
            self.leave_if();
        }
        let bit = if write { page::FAST_WRITE } else { page::FAST_READ };
        let arg = memarg(self.layout.pages, 0);
        self.s().local_get(local::ADDR).i32_const(12).i32_shr_u().i32_load8_u(arg);
        self.s().i32_const(bit.into()).i32_and().i32_eqz();
        self.leave_if();
    }

    /// Leaves unless all bytes around the address may be accessed, which are on two pages at
    /// most: those of the first and of the last.
    fn check_group(&mut self, before: u32, last: u32, write: bool) {
        let bits: i32 = (page::FAST_READ | if write { page::FAST_WRITE } else { 0 }).into();
        let arg = memarg(self.layout.pages, 0);
        let mut s = self.code.instructions();
        for (n, offset) in [-i64::from(before), i64::from(last)].into_iter().enumerate() {
            s.local_get(local::ADDR).i32_const(offset as i32).i32_add();
            s.i32_const(12).i32_shr_u().i32_load8_u(arg);
            if n > 0 {
                s.i32_and();
            }
        }
        s.i32_const(bits).i32_and().i32_const(bits).i32_ne();
        if self.mode == Mode::Amd64 {
            // All lies below 4 GiB: what is across its end, or before 0, is no page of theirs,
            // for none is there.
            s.local_get(local::EA).i64_const(32).i64_shr_u().i32_wrap_i64().i32_or();
        }
        self.leave_if();
    }

    /// Loads from `ADDR`.
    #[inline(never)]
    pub(super) fn load(&mut self, width: u32) {
        let arg = memarg(self.layout.guest, 0);
        self.s().local_get(local::ADDR);
        match width {
            8 => self.s().i64_load(arg),
            4 => self.s().i32_load(arg),
            2 => self.s().i32_load16_u(arg),
            _ => self.s().i32_load8_u(arg),
        };
    }

    /// Stores a local to `ADDR`.
    #[inline(never)]
    pub(super) fn store(&mut self, width: u32, from: u32) {
        let arg = memarg(self.layout.guest, 0);
        self.s().local_get(local::ADDR).local_get(from);
        match width {
            8 => self.s().i64_store(arg),
            4 => self.s().i32_store(arg),
            2 => self.s().i32_store16(arg),
            _ => self.s().i32_store8(arg),
        };
    }

    /// Pushes an operand's value; its address has been prepared.
    #[inline(never)]
    pub(super) fn read(&mut self, i: &Instruction, n: u32, width: u32) -> bool {
        match i.op_kind(n) {
            OpKind::Register => match Reg::of(i.op_register(n)) {
                Some(reg) => self.get(reg),
                None => return false,
            },
            OpKind::Memory => self.load(width),
            _ => self.constant(width, i.immediate(n)),
        }
        true
    }

    /// Writes a local to the first operand.
    #[inline(never)]
    pub(super) fn write(&mut self, i: &Instruction, width: u32, from: u32) {
        match Reg::of(i.op0_register()) {
            Some(reg) if i.op0_kind() == OpKind::Register => {
                self.s().local_get(from);
                self.set(reg);
            }
            _ => self.store(width, from),
        }
    }
}
