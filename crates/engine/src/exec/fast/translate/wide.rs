//! Instructions that [`crate::exec::work`] executes, accesses to memories that are not plain,
//! wide arithmetic.

use super::numeric::result_class;
use super::stack::Kind;
use super::{Class, Translator, class_of, emit};
use crate::exec::fast::ops::{slow, wide};
use crate::exec::work::{self, Shape};
use crate::memory::is_plain;
use sampan_wasm::{Imm, Instr, MemArg, MemoryType, Opcode, State};

impl Translator<'_> {
    /// Whether an access goes to memory 0 with the length and base that handlers keep.
    pub(super) fn is_plain_access(&self, memarg: &MemArg) -> bool {
        memarg.memory == 0 && is_plain(&self.module.decl.memories[0])
    }

    /// Translates an instruction that a [`work::Work`] executes.
    pub(super) fn slow(&mut self, shape: &Shape, i: u64, j: u64, state: &State<'_>) {
        let below = (state.height - shape.results) as usize;
        self.settle(below);
        let base = self.operands_home(below);
        self.note_offset();
        self.emit(slow::slow, emit::fields(base, 0, 0, 0));
        self.words.push(shape.work as usize as u64);
        self.words.push(i);
        self.words.push(j);
        // Others than allocations are not asked, but may be.
        (self.collecting, self.collecting_below) = (Some(self.words.len()), below);
        for result in (0..shape.results).rev() {
            let ty = state.operand_below(result).expect("reachable code has types");
            self.push(class_of(ty), Kind::Temp);
        }
    }

    /// Brings the entries above `below` to their homes and pops them. Gives the first home;
    /// the instruction writes results there.
    pub(super) fn operands_home(&mut self, below: usize) -> u16 {
        for index in below..self.entries.len() {
            self.send_home(index);
        }
        while self.entries.len() > below {
            let entry = self.pop();
            self.invalidate(entry.home);
        }
        let base = self.top as u16;
        self.reserve(self.top + 4);
        for slot in 0..4 {
            self.invalidate(base + slot);
        }
        base
    }

    /// Translates an access to a memory that is not plain.
    pub(super) fn wide_access(&mut self, instr: &Instr<'_>, state: &State<'_>) -> bool {
        let (memarg, lane) = match &instr.imm {
            Imm::MemArg(memarg) => (memarg, 0),
            Imm::MemArgLane(memarg, lane) => (memarg, *lane),
            _ => return false,
        };
        if !work::is_atomic(instr.op)
            && self.is_plain_access(memarg)
            && u32::try_from(memarg.offset).is_ok()
        {
            return false;
        }
        let ty = self.module.decl.memories[memarg.memory as usize];
        if self.wide_number(instr.op, memarg, &ty) {
            return true;
        }
        let Some(shape) = work::access(instr.op) else { return false };
        let (i, j) = work::access_immediates(memarg, lane);
        self.slow(&shape, i, j, state);
        true
    }

    fn wide_number(&mut self, op: Opcode, memarg: &MemArg, ty: &MemoryType) -> bool {
        let memory = memarg.memory as u16;
        if let Some(handler) = wide::store_handler(op, ty) {
            let value = self.pop();
            let value = self.slot_of(&value);
            let address = self.pop();
            let address = self.slot_of(&address);
            self.note_offset();
            self.emit(handler, emit::fields(value, address, memory, 0));
            self.words.push(memarg.offset);
            return true;
        }
        let Some(handler) = wide::load_handler(op, ty) else { return false };
        let address = self.pop();
        let address = self.slot_of(&address);
        self.produce_scalar(result_class(op), handler, |home| {
            emit::fields(home, address, memory, 0)
        });
        self.words.push(memarg.offset);
        true
    }

    /// Emits an instruction whose result goes to its home and the accumulator of its class.
    pub(super) fn produce_scalar(
        &mut self,
        class: Class,
        handler: crate::exec::fast::regs::Handler,
        operands: impl FnOnce(u16) -> u64,
    ) {
        self.spill(class);
        let home = self.top as u16;
        self.invalidate(home);
        self.note_offset();
        self.emit(handler, operands(home));
        self.push(class, Kind::Temp);
        let reg = &mut self.regs[class as usize];
        (reg.alias, reg.site) = (Some(home), None);
    }

    /// Translates an operation of wide arithmetic.
    pub(super) fn wide_arithmetic(&mut self, op: Opcode) -> bool {
        let Some((handler, operands)) = wide::arithmetic(op) else { return false };
        let base = self.operands_home(self.entries.len() - operands as usize);
        self.emit(handler, emit::fields(base, 0, 0, 0));
        self.push(Class::Int, Kind::Temp);
        self.push(Class::Int, Kind::Temp);
        true
    }
}
