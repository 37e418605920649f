//! Where a function catches exceptions. Positions are offsets in the module.

use super::{Block, Builder, NONE};
use crate::exec::classic::code::LINK;
use crate::exec::unwind::{Clause, NONE as NO_REGION, Regions};
use sampan_wasm::{Catches, Imm, Instr, Opcode, Result, State};

impl Builder {
    pub(super) fn exception_instr(
        &mut self,
        at: usize,
        next: usize,
        instr: &Instr<'_>,
        state: &State<'_>,
    ) -> Result<()> {
        match (instr.op, &instr.imm) {
            (Opcode::TryTable, Imm::TryTable(_, catches)) => {
                self.open(at, next, instr.op, state)?;
                if state.reachable {
                    let region = self.open_region(next)?;
                    self.clauses_of(region, catches, state)?;
                }
            }
            (Opcode::Try, _) => {
                self.open(at, next, instr.op, state)?;
                if state.reachable {
                    self.open_region(next)?;
                    // Behind all locals.
                    let slot = self.locals - self.caught + self.tries;
                    self.tries += 1;
                    self.block().caught = Some(slot);
                }
            }
            (Opcode::Catch, &Imm::Index(tag)) => self.catch(at, next, Some(tag), state)?,
            (Opcode::CatchAll, _) => self.catch(at, next, None, state)?,
            (Opcode::Delegate, &Imm::Label(label)) => {
                let blocks = self.blocks.len();
                if let Some(region) = self.blocks[blocks - 1].own_region {
                    let next = self.blocks[blocks - 2 - label as usize].region;
                    self.regions.delegate(region, next);
                }
                self.close(at, next)?;
            }
            (Opcode::Rethrow, &Imm::Label(label)) if state.reachable => {
                let target = self.blocks.len() - 1 - label as usize;
                if let Some(slot) = self.blocks[target].caught {
                    self.regions.rethrow(at as u32, slot)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Before another pass.
    pub(super) fn forget_exceptions(&mut self) {
        self.regions = Regions::default();
        self.tries = 0;
        self.clauses.clear();
    }

    /// Clauses that lead to the end of a block go on at `target`.
    pub(super) fn end_clauses(&mut self, block: &Block, target: u32, side: u32) {
        let mut last = block.clause;
        while last != NONE {
            let (number, before) = self.clauses[last as usize];
            let clause = self.regions.clause_mut(number);
            (clause.target, clause.side) = (target, side);
            last = before;
        }
    }

    fn block(&mut self) -> &mut Block {
        self.blocks.last_mut().expect("validated: a block is open")
    }

    /// Gives the block that was just opened a region of its own.
    fn open_region(&mut self, start: usize) -> Result<u32> {
        let outer = self.block().region;
        let region = self.regions.open(start as u32, outer)?;
        let block = self.block();
        (block.region, block.own_region) = (region, Some(region));
        Ok(region)
    }

    /// The first slot of the operands.
    fn operands(&self) -> u32 {
        self.locals + LINK as u32
    }

    fn clauses_of(&mut self, region: u32, catches: &Catches<'_>, state: &State<'_>) -> Result<()> {
        for catch in catches.iter() {
            // Labels count from outside the block, which is open already.
            let index = self.blocks.len() - 2 - catch.label as usize;
            let frame = state.frame(catch.label + 1);
            // The function's end takes its results from wherever the operands end.
            let height = if index == 0 { 0 } else { self.slot_height(frame.height) };
            let slot = self.operands() + height;
            let (tag, with_ref) = (catch.tag, catch.with_ref);
            let (target, side) = match self.blocks[index].start {
                Some((target, side)) => (target as u32, side),
                None => (0, 0),
            };
            let clause = Clause { tag, with_ref, target, side, slot, keep: None };
            let number = self.regions.clause(region, clause)?;
            if self.blocks[index].start.is_none() {
                self.clauses.put((number, self.blocks[index].clause))?;
                self.blocks[index].clause = self.clauses.len() as u32 - 1;
            }
            debug_assert_ne!(self.clauses.len() as u32, NONE);
            let carried = catch.tag.map_or(0, |tag| self.carried(tag, state));
            self.max_height = self.max_height.max(height + carried + 1);
        }
        Ok(())
    }

    /// Slots of what exceptions with a tag carry.
    fn carried(&self, tag: u32, state: &State<'_>) -> u32 {
        let module = state.module;
        let ty = module.types.func(module.tags[tag as usize]);
        ty.map_or(0, |ty| crate::slots_of_all(ty.params()))
    }

    /// `catch` and `catch_all` of the older proposal: the end of the part before.
    fn catch(&mut self, at: usize, next: usize, tag: Option<u32>, state: &State<'_>) -> Result<()> {
        if state.reachable {
            self.forward(self.blocks.len() - 1, at, 0, 0)?;
        }
        let blocks = self.blocks.len();
        let outer = self.blocks[..blocks - 1].last().map_or(NO_REGION, |block| block.region);
        let Some(region) = self.block().own_region else { return Ok(()) };
        self.regions.close(region, at as u32);
        self.block().region = outer;
        let (keep, side) = (self.block().caught, self.side.len() as u32);
        let height = self.slot_height(state.frame(0).height);
        let slot = self.operands() + height;
        let target = next as u32;
        let clause = Clause { tag, with_ref: false, target, side, slot, keep };
        self.regions.clause(region, clause)?;
        Ok(())
    }

    /// At a block's end.
    pub(super) fn end_region(&mut self, block: &Block, at: usize) {
        if let Some(region) = block.own_region {
            self.regions.close(region, at as u32);
        }
        if block.caught.is_some() {
            self.tries -= 1;
        }
    }
}
