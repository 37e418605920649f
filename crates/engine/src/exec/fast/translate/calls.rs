//! Calls: where arguments and results go.

use super::stack::{Entry, Kind};
use super::{Class, Translator, class_of, emit, result_class, width};
use crate::exec::fast::ops::{Loc, call, call_ref, wide};
use crate::exec::fast::regs::Handler;
use crate::module::CodeSlots;
use sampan_wasm::{AddrType, Error, ErrorKind, FuncType, Imm, Instr, Opcode, Result};

/// The callee of a call.
enum Callee {
    /// A function by index.
    Func(u32),
    /// Whatever an element of a table is: type, table, and where the index is.
    Table { ty: u32, table: u16, index: Loc },
    /// What a reference refers to, and where that is.
    Ref(Loc),
}

impl Translator<'_> {
    pub(super) fn call_instr(&mut self, instr: &Instr<'_>) -> Result<()> {
        let decl = &self.module.decl;
        let (callee, ty) = match instr.imm {
            Imm::Index(ty) if matches!(instr.op, Opcode::CallRef | Opcode::ReturnCallRef) => {
                let func = decl.types.func(ty).expect("validated: a function type");
                (Callee::Ref(Loc::Acc), func)
            }
            Imm::Index(func) => (Callee::Func(func), decl.func_type(func)),
            Imm::CallIndirect { ty, table } => {
                let Ok(table) = u16::try_from(table) else {
                    let kind = ErrorKind::Limit { what: "tables", limit: u16::MAX.into() };
                    return Err(Error::new(kind, self.at as usize).in_func(self.index));
                };
                let func = decl.types.func(ty).expect("validated: a function type");
                (Callee::Table { ty, table, index: Loc::Acc }, func)
            }
            _ => unreachable!("a call has an index or two"),
        };
        match instr.op {
            Opcode::Call | Opcode::CallIndirect | Opcode::CallRef => self.call(callee, ty),
            _ => self.tail_call(callee, ty),
        }
        Ok(())
    }

    /// The slot of the callee's frame in ours, for a callee with so many parameters; the
    /// topmost `above` entries come after the arguments.
    fn callee_base(&self, params: usize, above: usize) -> u32 {
        let first = self.entries.len() - params - above;
        let home = self.entries.get(first).map_or(self.top, |entry| entry.home.into());
        // One slot is for the return address.
        home + 1
    }

    fn call(&mut self, mut callee: Callee, ty: &FuncType) {
        let params = ty.params();
        let table = !matches!(callee, Callee::Func(_));
        let base = self.callee_base(params.len(), usize::from(table));
        let arguments: u32 = params.iter().map(|&ty| width(class_of(ty))).sum();
        let results: u32 = ty.results().iter().map(|&ty| width(class_of(ty))).sum();
        self.reserve(base + arguments.max(results) + 1);
        let table64 = self.has_wide_index(&callee);
        let few = !cfg!(sampan_small) && params.len() <= 4 && arguments as usize == params.len();
        if let Callee::Table { index, .. } | Callee::Ref(index) = &mut callee {
            *index = self.pop_index(base + arguments, few);
            self.narrow(table64, index, base + arguments);
        }
        let first = self.entries.len() - params.len();
        self.settle(first);
        let (fields, copied) = if few {
            self.name_arguments(first, base)
        } else {
            self.place_arguments(first, base);
            (0, 0)
        };
        self.call_words(&callee, fields, copied, base);
        self.collecting_below = first;
        self.finish_call(first, base, ty);
    }

    fn has_wide_index(&self, callee: &Callee) -> bool {
        let Callee::Table { table, .. } = callee else { return false };
        self.module.decl.tables[*table as usize].ty.addr == AddrType::I64
    }

    /// Checks an index of 64 bits; calls look at the low half only.
    fn narrow(&mut self, wide: bool, index: &mut Loc, scratch: u32) {
        if !wide {
            return;
        }
        if *index == Loc::Acc {
            self.emit(Class::Int.store(), emit::fields(scratch as u16, 0, 0, 0));
            *index = Loc::Slot(scratch as u16);
        }
        self.note_offset();
        self.emit(wide::narrow_index, emit::fields(0, index.field(), 0, 0));
    }

    /// Pops the index of an indirect call into the accumulator or a slot that arguments do
    /// not touch.
    fn pop_index(&mut self, scratch: u32, few: bool) -> Loc {
        let entry = self.pop();
        let place = match entry.kind {
            Kind::Const(value) => {
                self.const_to_slot(value, scratch as u16);
                Loc::Slot(scratch as u16)
            }
            _ => self.operand(&entry, false),
        };
        match place {
            // The copying call reads the index first, but arguments that are placed one by
            // one may overwrite its home.
            Loc::Slot(slot) if slot == entry.home && !few => {
                self.copy(Class::Int, scratch as u16, slot);
                Loc::Slot(scratch as u16)
            }
            other => other,
        }
    }

    /// Says from which slots the call copies its arguments; computes them there if need be.
    fn name_arguments(&mut self, first: usize, base: u32) -> (u64, usize) {
        let count = self.entries.len() - first;
        let mut slots = [0u16; 4];
        let mut all_in_place = true;
        for (i, named) in slots.iter_mut().enumerate().take(count) {
            let to = (base + i as u32) as u16;
            let index = first + i;
            let entry = self.entries[index];
            *named = match entry.kind {
                Kind::Reg if self.is_last(entry.class) && self.slot_is_free(index + 1) => {
                    self.regs[entry.class as usize].owner = None;
                    self.acc_to_slot(entry.class, to, false);
                    // Nothing reads its home from now on.
                    self.entries[index].kind = Kind::Temp;
                    to
                }
                Kind::Local(slot) => slot,
                _ => self.slot_of(&entry),
            };
            if entry.kind == Kind::Reg {
                self.regs[entry.class as usize].owner = None;
                self.entries[index].kind = Kind::Temp;
            }
            all_in_place &= *named == to;
        }
        if all_in_place {
            return (0, 0);
        }
        (emit::fields(slots[0], slots[1], slots[2], slots[3]), count)
    }

    /// Whether the accumulator was written by the instruction just before.
    fn is_last(&self, class: Class) -> bool {
        self.regs[class as usize].site.is_some_and(|site| site.end() == self.words.len())
    }

    /// Whether nothing lies, or will be put, in the home of the entry with an index.
    fn slot_is_free(&self, index: usize) -> bool {
        self.entries.get(index).is_none_or(|entry| matches!(entry.kind, Kind::Local(_)))
    }

    /// Moves arguments to the callee's frame, the last first: each home lies below the
    /// place that its value goes to.
    fn place_arguments(&mut self, first: usize, base: u32) {
        // Every home is as far from its place.
        let distance = match self.entries.get(first) {
            Some(entry) => base - u32::from(entry.home),
            None => return,
        };
        let mut end = self.entries.len();
        while end > first {
            let Entry { class, kind, home } = self.entries[end - 1];
            if kind == Kind::Temp {
                end = self.place_temps(first, end, distance);
                continue;
            }
            end -= 1;
            self.store_entry(end, (u32::from(home) + distance) as u16, false);
            if kind == Kind::Reg {
                self.regs[class as usize].owner = None;
                self.entries[end].kind = Kind::Temp;
            }
        }
    }

    /// Moves the entries before `end` that are in their homes, and returns the first's index.
    fn place_temps(&mut self, first: usize, end: usize, distance: u32) -> usize {
        let in_home = |entry: &&Entry| entry.kind == Kind::Temp;
        let count = self.entries[first..end].iter().rev().take_while(in_home).count();
        let (from, last) = (&self.entries[end - count], &self.entries[end - 1]);
        let (from, to) = (u32::from(from.home), u32::from(last.home) + width(last.class));
        self.copy_span(from + distance, from, to - from);
        end - count
    }

    fn call_words(&mut self, callee: &Callee, fields: u64, copied: usize, base: u32) {
        // Entries below the arguments survive the call only in slots.
        match *callee {
            Callee::Func(func) => {
                let (handler, word) = self.direct(func, call::direct, call::import, copied);
                self.spill_for_call();
                self.note_offset();
                self.emit(handler, fields);
                self.words.push(word);
            }
            Callee::Table { ty, table, index } => {
                self.spill_for_call();
                self.note_offset();
                let handler = call::indirect(index, copied);
                self.emit(handler, emit::fields_imm(table, index.field(), ty as i32));
                self.words.push(fields);
            }
            Callee::Ref(reference) => {
                self.spill_for_call();
                self.note_offset();
                let handler = call_ref::through(reference, copied);
                self.emit(handler, emit::fields(0, reference.field(), 0, 0));
                self.words.push(fields);
            }
        }
        self.words.push(base.into());
        self.collecting = Some(self.words.len());
    }

    /// Values that only an accumulator holds go to their homes; the accumulators stay, as
    /// the call itself may use one.
    fn spill_for_call(&mut self) {
        for class in [Class::Int, Class::F32, Class::F64] {
            self.spill(class);
        }
    }

    /// The handler for a function of this module or an imported one, and its word.
    fn direct(
        &self,
        func: u32,
        own: fn(usize) -> Handler,
        import: fn(usize) -> Handler,
        copied: usize,
    ) -> (Handler, u64) {
        match (func.checked_sub(self.module.decl.imported_funcs), &self.module.code) {
            (Some(body), CodeSlots::Fast(slots)) => {
                (own(copied), &raw const slots[body as usize] as usize as u64)
            }
            _ => (import(copied), func.into()),
        }
    }

    /// Pops the arguments and pushes the results.
    fn finish_call(&mut self, first: usize, base: u32, ty: &FuncType) {
        while self.entries.len() > first {
            self.pop();
        }
        self.forget();
        if let Some(class) = result_class(ty) {
            self.regs[class as usize].owner = Some(self.entries.len());
            self.push(class, Kind::Reg);
            return;
        }
        let home = self.top;
        for &ty in ty.results() {
            self.push(class_of(ty), Kind::Temp);
        }
        self.copy_span(home, base, self.top - home);
    }

    fn tail_call(&mut self, mut callee: Callee, ty: &FuncType) {
        let params = ty.params();
        let table = !matches!(callee, Callee::Func(_));
        let base = self.callee_base(params.len(), usize::from(table));
        let arguments: u32 = params.iter().map(|&ty| width(class_of(ty))).sum();
        let results: u32 = ty.results().iter().map(|&ty| width(class_of(ty))).sum();
        self.reserve(base + arguments.max(results) + 1);
        let table64 = self.has_wide_index(&callee);
        if let Callee::Table { index, .. } | Callee::Ref(index) = &mut callee {
            let entry = self.pop();
            let from = self.slot_of(&entry);
            let scratch = (base + arguments) as u16;
            self.copy(Class::Int, scratch, from);
            *index = Loc::Slot(scratch);
            self.narrow(table64, index, base + arguments);
        }
        let first = self.entries.len() - params.len();
        self.place_arguments(first, base);
        self.note_offset();
        match callee {
            Callee::Func(func) => {
                let (handler, word) =
                    self.direct(func, |_| call::return_call, |_| call::return_call_import, 0);
                self.emit(handler, 0);
                self.words.push(word);
            }
            Callee::Table { ty, table, index } => {
                let operands = emit::fields_imm(table, index.field(), ty as i32);
                self.emit(call::return_call_indirect, operands);
                self.words.push(0);
            }
            Callee::Ref(reference) => {
                self.emit(call_ref::return_call_ref, emit::fields(0, reference.field(), 0, 0));
                self.words.push(0);
            }
        }
        self.words.push(arguments.into());
        self.words.push(base.into());
        while self.entries.len() > first {
            self.pop();
        }
        self.die_after_tail_call();
    }
}
