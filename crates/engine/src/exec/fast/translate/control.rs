//! Blocks and branches.

use super::stack::Kind;
use super::{Class, Last, Translator, class_of, emit};
use crate::exec::fast::ops::arith::{self, Shape};
use crate::exec::fast::ops::{Loc, control as ctl};
use crate::exec::fast::regs::Handler;
use crate::exec::unwind::NONE;
use alloc::{collections::BTreeMap, vec::Vec};
use sampan_wasm::{BlockType, Imm, Instr, Opcode, State, ValType, block_params, block_results};

/// An open block.
pub(super) struct Block {
    pub kind: BlockKind,
    pub ty: BlockType,
    /// It began in dead code, so there is nothing of it.
    pub dead: bool,
    /// The entries below its parameters.
    entries: usize,
    /// The slot of its first parameter and of its first result.
    base: u32,
    /// Branches that wait for its end.
    pub fixups: Vec<Fixup>,
    /// The region of exceptions that its code is in.
    pub region: u32,
    /// Its own region, as long as its code is in that.
    #[cfg_attr(not(feature = "exceptions"), expect(dead_code))]
    pub own_region: Option<u32>,
    /// The slot for the exception that it caught, if it is an older `try`.
    #[cfg_attr(not(feature = "exceptions"), expect(dead_code))]
    pub caught: Option<u16>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum BlockKind {
    Func,
    Block,
    /// Where it begins, in words.
    Loop(usize),
    /// The branch that waits for `else`.
    If(Option<Fixup>),
}

/// A distance to be written when its target is known.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Fixup {
    /// The instruction from which the distance counts.
    instr: usize,
    /// The word that takes it: its upper half, or (of a table) all of it.
    word: usize,
    whole: bool,
}

/// The condition of a branch, popped.
pub(super) enum Condition {
    Always,
    /// The branch's handler with and without negation, its operands, and an extra word.
    If {
        when: Handler,
        unless: Handler,
        operands: u64,
        extra: Option<u64>,
    },
}

impl Translator<'_> {
    pub(super) fn open_function(&mut self) {
        self.new_segment();
        self.check_interrupt();
        self.count_round(0);
        let ty = BlockType::Func(self.module.decl.funcs[self.index as usize]);
        self.open(BlockKind::Func, ty, 0);
    }

    pub(super) fn control_instr(&mut self, instr: &Instr<'_>, state: &State<'_>) {
        match (instr.op, &instr.imm) {
            (Opcode::Block, &Imm::Block(ty)) => self.block(BlockKind::Block, ty),
            (Opcode::Loop, &Imm::Block(ty)) => self.block(BlockKind::Loop(0), ty),
            (Opcode::If, &Imm::Block(ty)) => self.block_if(ty),
            (Opcode::Else, _) => self.block_else(),
            (Opcode::End, _) => self.end(),
            _ if self.dead => {}
            (Opcode::Br, &Imm::Label(label)) => {
                self.zero.straight = false;
                self.branch(label, Condition::Always);
                self.die();
            }
            (Opcode::BrIf, &Imm::Label(label)) => {
                self.zero.straight = false;
                let condition = self.condition();
                if let Some(condition) = condition {
                    let always = matches!(condition, Condition::Always);
                    self.branch(label, condition);
                    if always {
                        self.die();
                    }
                }
                self.new_segment();
            }
            (Opcode::BrTable, Imm::BrTable(table)) => {
                self.zero.straight = false;
                self.branch_table(table);
                self.die();
            }
            (Opcode::BrOnNull, &Imm::Label(label)) => {
                self.zero.straight = false;
                self.br_on_null(label);
            }
            (Opcode::BrOnNonNull, &Imm::Label(label)) => {
                self.zero.straight = false;
                self.br_on_non_null(label);
            }
            (Opcode::BrOnCast | Opcode::BrOnCastFail, &Imm::BrOnCast { label, to, .. }) => {
                self.zero.straight = false;
                self.br_on_cast(label, to, instr.op == Opcode::BrOnCastFail);
            }
            (Opcode::Return, _) => {
                self.emit_return();
                self.die();
            }
            _ => {
                self.note_offset();
                self.emit(ctl::unreachable, 0);
                self.die();
            }
        }
        let _ = state;
    }

    pub(super) fn open(&mut self, kind: BlockKind, ty: BlockType, params: usize) {
        let entries = self.entries.len() - if self.dead { 0 } else { params };
        let base = self.entries.get(entries).map_or(self.top, |first| first.home.into());
        let fixups = Vec::new();
        let dead = self.dead;
        let region = self.control.last().map_or(NONE, |outer| outer.region);
        let (own_region, caught) = (None, None);
        self.control.push(Block {
            kind,
            ty,
            dead,
            entries,
            base,
            fixups,
            region,
            own_region,
            caught,
        });
    }

    fn block(&mut self, kind: BlockKind, ty: BlockType) {
        let params = block_params(&self.module.decl, &ty).len();
        if self.dead {
            return self.open(kind, ty, 0);
        }
        self.flush();
        let mut counts = false;
        let kind = match kind {
            BlockKind::Loop(_) => {
                // Parameters are in their homes wherever the loop is entered from.
                self.home_top(params);
                counts = self.write_constants(params);
                self.forget();
                self.loops += 1;
                self.new_segment();
                BlockKind::Loop(self.words.len())
            }
            other => other,
        };
        self.open(kind, ty, params);
        if matches!(kind, BlockKind::Loop(_)) {
            self.check_interrupt();
            if counts {
                self.count_round(self.at);
            }
        }
    }

    fn block_if(&mut self, ty: BlockType) {
        let params = block_params(&self.module.decl, &ty).len();
        if self.dead {
            return self.open(BlockKind::If(None), ty, 0);
        }
        self.zero.straight = false;
        let condition = self.pop_condition();
        self.flush();
        self.home_top(params);
        self.pending = None;
        let fixup = match condition {
            Condition::Always => unreachable!("an if's condition is not folded"),
            Condition::If { unless, operands, extra, .. } => {
                self.emit_branch(unless, operands, extra)
            }
        };
        self.open(BlockKind::If(Some(fixup)), ty, params);
        self.new_segment();
    }

    fn block_else(&mut self) {
        let Some(mut block) = self.control.pop() else { return };
        if !block.dead {
            if !self.dead {
                self.results_home(&block);
                let fixup = self.emit_branch(ctl::br, 0, None);
                block.fixups.push(fixup);
            }
            if let BlockKind::If(fixup) = &mut block.kind
                && let Some(fixup) = fixup.take()
            {
                self.bind(fixup, self.words.len());
            }
            self.dead = false;
            self.reset_stack(&block, block_params(&self.module.decl, &block.ty));
            self.new_segment();
        }
        self.control.push(block);
    }

    pub(super) fn end(&mut self) {
        let Some(mut block) = self.control.pop() else { return };
        if block.dead {
            return;
        }
        #[cfg(feature = "exceptions")]
        self.end_region(&mut block);
        if block.kind == BlockKind::Func {
            if !self.dead {
                self.emit_return();
            }
            return;
        }
        if let BlockKind::If(Some(fixup)) = block.kind {
            // There was no else: the parameters are the results.
            block.fixups.push(fixup);
        }
        if matches!(block.kind, BlockKind::Loop(_)) {
            self.loops -= 1;
        }
        let joined = !block.fixups.is_empty();
        if !self.dead {
            if joined {
                self.results_home(&block);
            } else {
                // Nothing but the code before leads here, so all stays as it is.
                return;
            }
        }
        if joined {
            for fixup in core::mem::take(&mut block.fixups) {
                self.bind(fixup, self.words.len());
            }
            self.dead = false;
            let module = self.module;
            self.reset_stack(&block, block_results(&module.decl, &block.ty));
            self.new_segment();
        }
    }

    /// The code that follows cannot be reached, up to the next label.
    pub(super) fn die(&mut self) {
        self.dead = true;
        self.forget();
        self.end_fuel();
        self.need_fuel = true;
    }

    pub(super) fn die_after_tail_call(&mut self) {
        self.die();
    }

    /// Makes the stack what it is at a block's label.
    pub(super) fn reset_stack(&mut self, block: &Block, types: &[ValType]) {
        self.forget();
        while self.entries.len() > block.entries {
            self.pop();
        }
        for &ty in types {
            self.push(class_of(ty), Kind::Temp);
        }
        self.flushed = self.entries.len();
    }

    /// Brings the values of a block's end to where its label has them.
    pub(super) fn results_home(&mut self, block: &Block) {
        let count = block_results(&self.module.decl, &block.ty).len();
        self.home_top(count);
    }

    /// Pops the condition of a branch; `None` if the branch is never taken.
    fn condition(&mut self) -> Option<Condition> {
        if let Some(top) = self.entries.last()
            && let Kind::Const(value) = top.kind
        {
            self.pop();
            return if value as u32 == 0 { None } else { Some(Condition::Always) };
        }
        Some(self.pop_condition())
    }

    pub(super) fn pop_condition(&mut self) -> Condition {
        if !cfg!(sampan_small)
            && let Some(Last::Binary(op, left, right)) =
                self.take_pending(super::fuse::is_comparison)
            && let Some(Shape::Compare { branch, .. }) = arith::shape(op)
        {
            if let Some(condition) = self.joined_condition(op, left, right) {
                return condition;
            }
            let extra = match right {
                Loc::Imm(imm) => Some(imm as u32 as u64),
                _ => None,
            };
            return Condition::If {
                when: branch(left, right, true),
                unless: branch(left, right, false),
                operands: emit::fields(right.field(), left.field(), 0, 0),
                extra,
            };
        }
        let entry = self.pop();
        let place = self.operand(&entry, false);
        if place == Loc::Acc
            && let Some(condition) = self.joined_condition(Opcode::I32Ne, Loc::Acc, Loc::Imm(0))
        {
            return condition;
        }
        Condition::If {
            when: ctl::br_if(place, true),
            unless: ctl::br_if(place, false),
            operands: emit::fields(0, place.field(), 0, 0),
            extra: None,
        }
    }

    /// Emits a branch whose distance is to be bound.
    pub(super) fn emit_branch(
        &mut self,
        handler: Handler,
        operands: u64,
        extra: Option<u64>,
    ) -> Fixup {
        let instr = self.words.len();
        self.emit(handler, operands);
        self.words.extend(extra);
        Fixup { instr, word: instr + 1, whole: false }
    }

    pub(super) fn bind(&mut self, fixup: Fixup, target: usize) {
        let bytes = ((target as i64 - fixup.instr as i64) * 8) as i32;
        if fixup.whole {
            self.words[fixup.word] = bytes as u32 as u64;
        } else {
            self.patch_upper(fixup.word, bytes);
        }
    }

    /// A branch to a label.
    pub(super) fn branch(&mut self, label: u32, condition: Condition) {
        let target = self.control.len() - 1 - label as usize;
        let (arity, in_place) = self.label_values(target);
        if self.control[target].kind == BlockKind::Func || !in_place {
            // The values must be moved, which only a taken branch may do.
            let skip = match condition {
                Condition::Always => None,
                Condition::If { unless, operands, extra, .. } => {
                    // What moves below happens on one way only.
                    self.home_top(arity);
                    Some(self.emit_branch(unless, operands, extra))
                }
            };
            self.leave_to(target, arity);
            if let Some(skip) = skip {
                self.bind(skip, self.words.len());
            }
            self.label_here();
            return;
        }
        self.home_top(arity);
        let fixup = match condition {
            Condition::Always => self.emit_branch(ctl::br, 0, None),
            Condition::If { when, operands, extra, .. } => self.emit_branch(when, operands, extra),
        };
        self.join(target, fixup);
    }

    /// How many values a label takes, and whether their homes are where it has them.
    fn label_values(&self, target: usize) -> (usize, bool) {
        let block = &self.control[target];
        let types = match block.kind {
            BlockKind::Loop(_) => block_params(&self.module.decl, &block.ty),
            _ => block_results(&self.module.decl, &block.ty),
        };
        let arity = types.len();
        let first = self.entries.len() - arity;
        (arity, arity == 0 || u32::from(self.entries[first].home) == block.base)
    }

    /// Moves values to a label and jumps there; or returns, if it is the function's. The
    /// stack stays as it is for the code that does not jump.
    fn leave_to(&mut self, target: usize, arity: usize) {
        if self.control[target].kind == BlockKind::Func {
            return self.emit_return();
        }
        let to = self.control[target].base;
        self.home_top(arity);
        self.copy_top_away(arity, to);
        let fixup = self.emit_branch(ctl::br, 0, None);
        self.join(target, fixup);
    }

    /// Copies the topmost entries from their homes to the slots from `to` on, on a way that
    /// ends in a jump or a return.
    fn copy_top_away(&mut self, count: usize, to: u32) {
        let first = self.entries.len() - count;
        let Some(from) = self.entries.get(first).map(|entry| u32::from(entry.home)) else { return };
        // The other way does not see the copy.
        let alias = self.regs.map(|reg| reg.alias);
        self.copy_span(to, from, self.top - from);
        for (reg, alias) in self.regs.iter_mut().zip(alias) {
            reg.alias = alias;
        }
    }

    /// Has a branch wait for a label, or binds it if that is behind.
    fn join(&mut self, target: usize, fixup: Fixup) {
        match self.control[target].kind {
            BlockKind::Loop(start) => self.bind(fixup, start),
            _ => self.control[target].fixups.push(fixup),
        }
    }

    fn branch_table(&mut self, table: &sampan_wasm::BrTable<'_>) {
        let index = self.pop();
        let index = self.operand(&index, false);
        let default = self.control.len() - 1 - table.default as usize;
        let (arity, _) = self.label_values(default);
        self.home_top(arity);
        let instr = self.words.len();
        self.emit(ctl::table(index), emit::fields_imm(0, index.field(), table.len() as i32));
        let first = self.words.len();
        let labels: Vec<u32> = table.labels().chain([table.default]).collect();
        self.words.resize(first + labels.len(), 0);
        let mut stubs: BTreeMap<u32, usize> = BTreeMap::new();
        for (i, label) in labels.into_iter().enumerate() {
            let fixup = Fixup { instr, word: first + i, whole: true };
            let target = self.control.len() - 1 - label as usize;
            let (arity, in_place) = self.label_values(target);
            if in_place && self.control[target].kind != BlockKind::Func {
                self.join(target, fixup);
                continue;
            }
            let stub = match stubs.get(&label) {
                Some(&stub) => stub,
                None => {
                    let stub = self.words.len();
                    self.leave_to(target, arity);
                    stubs.insert(label, stub);
                    stub
                }
            };
            self.bind(fixup, stub);
        }
    }

    /// Returns the function's results, which are on top of the stack.
    pub(super) fn emit_return(&mut self) {
        let results = self.ty().results();
        let first = self.entries.len() - results.len();
        match *results {
            [] => self.emit(ctl::ret, 0),
            [one] if class_of(one) != Class::V128 => self.return_one(first),
            _ => {
                self.home_top(results.len());
                self.copy_top_away(results.len(), 0);
                self.emit(ctl::ret, 0);
            }
        }
    }

    /// Returns the entry with an index in its accumulator.
    fn return_one(&mut self, index: usize) {
        let entry = self.entries[index];
        let slot = match entry.kind {
            Kind::Reg => return self.emit(ctl::ret, 0),
            Kind::Const(value) if entry.class == Class::Int && super::stack::fits(value) => {
                return self.emit(ctl::ret_imm, emit::fields_imm(0, 0, value as i32));
            }
            #[cfg(sampan_small)]
            Kind::Const(value) => {
                self.const_to_slot(value, entry.home);
                entry.home
            }
            #[cfg(not(sampan_small))]
            Kind::Const(value) => {
                self.emit(entry.class.constant().acc, 0);
                self.words.push(value);
                self.emit(ctl::ret, 0);
                return;
            }
            Kind::Local(slot) => slot,
            Kind::Temp => entry.home,
        };
        let handler: Handler = match entry.class {
            Class::F32 => ctl::ret_slot::<f32>,
            Class::F64 => ctl::ret_slot::<f64>,
            _ => ctl::ret_slot::<u64>,
        };
        self.emit(handler, emit::fields(0, slot, 0, 0));
    }
}
