//! Exceptions: where they are caught, and throwing.
//!
//! A clause of `try_table` leads to a landing pad in front of the block: what the exception
//! carries is put into homes on top of the stack, as if it had been pushed, and the pad
//! branches from there to the clause's label. A clause of the older `try` leads to its code.
//! What lies below is in homes, or constant, as at every label.

use super::control::{Block, BlockKind, Condition};
use super::stack::Kind;
use super::{Class, Translator, class_of, emit};
use crate::exec::fast::ops::{control as ctl, slow};
use crate::exec::unwind::{Clause, NONE as NO_REGION};
use crate::exec::work::{Shape, exception};
use alloc::vec::Vec;
use sampan_wasm::{BlockType, Catches, Imm, Instr, Opcode, State, ValType, block_params};

impl Translator<'_> {
    pub(super) fn exception_instr(&mut self, instr: &Instr<'_>, state: &State<'_>) {
        match (instr.op, &instr.imm) {
            (Opcode::TryTable, Imm::TryTable(ty, catches)) => self.try_table(*ty, catches),
            (Opcode::Try, &Imm::Block(ty)) => self.legacy_try(ty),
            (Opcode::Catch, &Imm::Index(tag)) => self.legacy_catch(Some(tag)),
            (Opcode::CatchAll, _) => self.legacy_catch(None),
            (Opcode::Delegate, &Imm::Label(label)) => self.delegate(label),
            _ if self.dead => {}
            (Opcode::Throw, &Imm::Index(tag)) => self.throw(tag, state),
            (Opcode::ThrowRef, _) => {
                let below = self.entries.len() - 1;
                let base = self.operands_home(below);
                self.raise(&exception::THROW_REF, base, 0);
            }
            (Opcode::Rethrow, &Imm::Label(label)) => {
                let target = self.control.len() - 1 - label as usize;
                if let Some(slot) = self.control[target].caught {
                    self.raise(&exception::THROW_REF, slot, 0);
                }
            }
            _ => {}
        }
    }

    /// What exceptions with a tag carry.
    fn carried(&self, tag: u32) -> Vec<ValType> {
        let decl = &self.module.decl;
        let ty = decl.types.func(decl.tags[tag as usize]);
        ty.map_or_else(Vec::new, |ty| ty.params().into())
    }

    fn throw(&mut self, tag: u32, state: &State<'_>) {
        let below = self.entries.len() - self.carried(tag).len();
        self.settle(below);
        let base = self.operands_home(below);
        self.raise(&exception::throw_shape(&self.module.decl, tag), base, tag);
        self.collecting = Some(self.words.len());
        // Nobody needs what lies above the block's bottom any more.
        self.collecting_below = below.min(state.height as usize);
    }

    fn raise(&mut self, shape: &Shape, base: u16, tag: u32) {
        self.note_offset();
        self.emit(slow::slow, emit::fields(base, 0, 0, 0));
        self.words.extend([shape.work as usize as u64, tag.into(), 0]);
        self.die();
    }

    fn try_table(&mut self, ty: BlockType, catches: &Catches<'_>) {
        if self.dead {
            return self.open(BlockKind::Block, ty, 0);
        }
        let params = block_params(&self.module.decl, &ty).len();
        self.zero.straight = false;
        self.flush();
        let over = self.emit_branch(ctl::br, 0, None);
        let mut clauses = Vec::new();
        for catch in catches.iter() {
            self.forget();
            let (target, slot) = (self.words.len() as u32, self.top);
            let height = self.entries.len();
            for ty in catch.tag.map_or_else(Vec::new, |tag| self.carried(tag)) {
                self.push(class_of(ty), Kind::Temp);
            }
            if catch.with_ref {
                self.push(Class::Int, Kind::Temp);
            }
            self.branch(catch.label, Condition::Always);
            while self.entries.len() > height {
                self.pop();
            }
            let (tag, with_ref) = (catch.tag, catch.with_ref);
            clauses.push(Clause { tag, with_ref, target, side: 0, slot, keep: None });
        }
        self.bind(over, self.words.len());
        self.forget();
        let region = self.open_region(BlockKind::Block, ty, params);
        for clause in clauses {
            self.lost |= self.regions.clause(region, clause).is_err();
        }
    }

    fn legacy_try(&mut self, ty: BlockType) {
        if self.dead {
            return self.open(BlockKind::Block, ty, 0);
        }
        let params = block_params(&self.module.decl, &ty).len();
        self.zero.straight = false;
        self.flush();
        self.forget();
        self.open_region(BlockKind::Block, ty, params);
        let slot = self.caught_base + self.tries;
        self.tries += 1;
        if let Some(block) = self.control.last_mut() {
            block.caught = Some(slot as u16);
        }
    }

    /// Opens a block with a region of its own, whose clauses are still to come.
    fn open_region(&mut self, kind: BlockKind, ty: BlockType, params: usize) -> u32 {
        let outer = self.control.last().map_or(NO_REGION, |block| block.region);
        let region = self.regions.open(self.words.len() as u32, outer).unwrap_or_else(|_| {
            self.lost = true;
            NO_REGION
        });
        self.open(kind, ty, params);
        if let Some(block) = self.control.last_mut() {
            (block.region, block.own_region) = (region, Some(region));
        }
        self.new_segment();
        region
    }

    /// What follows is not in a block's own region any more.
    fn leave_region(&mut self, block: &mut Block) {
        // Nothing of the region becomes part of what follows.
        self.label_here();
        if let Some(region) = block.own_region.take() {
            self.regions.close(region, self.words.len() as u32);
            let below = self.control.last();
            block.region = below.map_or(NO_REGION, |block| block.region);
        }
    }

    /// At a block's end, where it is no longer open.
    pub(super) fn end_region(&mut self, block: &mut Block) {
        if block.own_region.is_some() {
            self.leave_region(block);
        }
        if block.caught.is_some() {
            self.tries -= 1;
        }
    }

    /// `catch` and `catch_all` of the older proposal.
    fn legacy_catch(&mut self, tag: Option<u32>) {
        let Some(mut block) = self.control.pop() else { return };
        if block.dead {
            self.control.push(block);
            return;
        }
        if !self.dead {
            self.results_home(&block);
            let fixup = self.emit_branch(ctl::br, 0, None);
            block.fixups.push(fixup);
        }
        // The region whose clauses these are: it was opened with the block.
        let region = match block.own_region {
            Some(region) => region,
            None => self.tried[&block.caught.unwrap_or(0)],
        };
        if let Some(slot) = block.caught {
            self.tried.insert(slot, region);
        }
        self.leave_region(&mut block);
        self.dead = false;
        self.reset_stack(&block, &[]);
        let slot = self.top;
        for ty in tag.map_or_else(Vec::new, |tag| self.carried(tag)) {
            self.push(class_of(ty), Kind::Temp);
        }
        self.flushed = self.entries.len();
        self.new_segment();
        let (target, keep) = (self.words.len() as u32, block.caught.map(u32::from));
        let clause = Clause { tag, with_ref: false, target, side: 0, slot, keep };
        self.lost |= self.regions.clause(region, clause).is_err();
        self.control.push(block);
    }

    /// The end of a `try` that leaves its exceptions to another block.
    fn delegate(&mut self, label: u32) {
        let blocks = self.control.len();
        if let Some(region) = self.control[blocks - 1].own_region {
            let next = self.control[blocks - 2 - label as usize].region;
            self.regions.delegate(region, next);
        }
        self.end();
    }
}
