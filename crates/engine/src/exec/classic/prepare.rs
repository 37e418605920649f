//! Building a function's side table while its body is validated.

#[cfg(feature = "exceptions")]
mod exceptions;

use super::code::{Code, Entry, FAR, LINK, Record};
use super::tables;
use crate::Config;
#[cfg(feature = "exceptions")]
use crate::exec::unwind::Regions;
use crate::exec::unwind::{NONE as NO_REGION, legacy_depth};
use crate::module::ModuleData;
use crate::{slots_of, slots_of_all};
use sampan_wasm::room::OutOfMemory;
use sampan_wasm::{
    BlockType, Imm, Instr, List, Module, Opcode, Result, Scratch, State, ValType, Visitor,
    block_params, validate_body,
};

/// Prepares the body with an index (imports not counted).
pub(crate) fn prepare(data: &ModuleData, body: u32) -> Result<Code> {
    let config = data.engine.config();
    let index = data.decl.imported_funcs + body;
    let mut scratch = Scratch::default();
    let caught = legacy_depth(&data.bytes, config.features, &data.decl, index)?;
    let mut builder = Builder { interruptible: config.interruptible, caught, ..Builder::default() };
    validate_body(&data.bytes, config.features, &data.decl, index, &mut scratch, &mut builder)?;
    if cfg!(feature = "simd") && builder.saw_vector {
        builder.vectors = true;
        validate_body(&data.bytes, config.features, &data.decl, index, &mut scratch, &mut builder)?;
    }
    let ty = data.decl.func_type(index);
    Ok(builder.finish(
        config,
        &data.bytes,
        body,
        slots_of_all(ty.params()),
        slots_of_all(ty.results()),
    )?)
}

#[derive(Default)]
struct Builder {
    interruptible: bool,
    /// Whether the function handles vectors, from the second pass on.
    vectors: bool,
    saw_vector: bool,
    entry: Option<usize>,
    end: usize,
    locals: u32,
    local_slots: List<u32>,
    max_height: u32,
    /// The height before the current instruction, in values.
    height: u32,
    /// For vectors: the height in slots up to and including each operand.
    slots: List<u32>,
    blocks: List<Block>,
    /// The last loop that was opened, by index in `blocks`.
    last_loop: usize,
    side: List<Entry>,
    far: List<Record>,
    /// Branches forward: a list for each open block.
    pending: List<Pending>,
    #[cfg(feature = "exceptions")]
    regions: Regions,
    /// How many slots there are for exceptions that older `try` blocks caught; how many
    /// such blocks are open.
    caught: u32,
    #[cfg(feature = "exceptions")]
    tries: u32,
    /// Clauses whose target is the end of an open block, each with its block.
    #[cfg(feature = "exceptions")]
    clauses: List<(u32, u32)>,
}

#[derive(Clone, Copy)]
struct Block {
    /// Where a branch goes, if it is a loop: address and entry.
    start: Option<(usize, u32)>,
    /// The last of the branches to its end, by index in `pending`.
    last: u32,
    /// The entry of `if`, and the address of its opcode, until its `else`.
    condition: Option<(usize, u32)>,
    /// The region of exceptions that its code is in.
    region: u32,
    /// Its own region, be its code still in it or not.
    #[cfg(feature = "exceptions")]
    own_region: Option<u32>,
    /// The slot for the exception that it caught, if it is an older `try`.
    #[cfg(feature = "exceptions")]
    caught: Option<u32>,
    /// The last of the clauses that lead to its end, by index in `clauses`.
    #[cfg(feature = "exceptions")]
    clause: u32,
}

impl Block {
    fn new(region: u32) -> Block {
        Block {
            start: None,
            last: NONE,
            condition: None,
            region,
            #[cfg(feature = "exceptions")]
            own_region: None,
            #[cfg(feature = "exceptions")]
            caught: None,
            #[cfg(feature = "exceptions")]
            clause: NONE,
        }
    }
}

#[derive(Clone, Copy)]
struct Pending {
    at: usize,
    entry: u32,
    keep: u32,
    drop: u32,
    before: u32,
}

const NONE: u32 = u32::MAX;

impl Visitor for Builder {
    fn begin(&mut self, module: &Module, index: u32, locals: &[ValType]) -> Result<()> {
        let _ = (module, index);
        self.entry = None;
        self.max_height = 0;
        self.height = 0;
        self.slots.clear();
        self.blocks.clear();
        self.side.clear();
        self.far.clear();
        self.pending.clear();
        #[cfg(feature = "exceptions")]
        self.forget_exceptions();
        self.saw_vector = cfg!(feature = "simd") && locals.contains(&ValType::V128);
        self.locals = slots_of_all(locals) + self.caught;
        self.local_slots.clear();
        if self.vectors() {
            let mut slot = 0;
            self.local_slots.put(0)?;
            for &ty in locals {
                slot += slots_of(ty);
                self.local_slots.put(slot)?;
            }
        }
        Ok(self.blocks.put(Block::new(NO_REGION))?)
    }

    fn instr(
        &mut self,
        at: usize,
        next: usize,
        instr: &Instr<'_>,
        state: &State<'_>,
    ) -> Result<()> {
        self.entry.get_or_insert(at);
        match (instr.op, &instr.imm) {
            (Opcode::Block | Opcode::Loop | Opcode::If, _) => {
                self.open(at, next, instr.op, state)?;
            }
            (Opcode::Else, _) => {
                if state.reachable {
                    self.forward(self.blocks.len() - 1, at, 0, 0)?;
                }
                self.end_condition(next)?;
            }
            (Opcode::End, _) => self.close(at, next)?,
            #[cfg(feature = "exceptions")]
            (
                Opcode::Try
                | Opcode::Catch
                | Opcode::CatchAll
                | Opcode::Delegate
                | Opcode::TryTable
                | Opcode::Rethrow,
                _,
            ) => self.exception_instr(at, next, instr, state)?,
            (Opcode::Br, &Imm::Label(label)) if state.reachable => {
                self.branch(at, label, 0, state)?;
            }
            (Opcode::BrIf, &Imm::Label(label)) if state.reachable => {
                self.branch(at, label, 1, state)?;
            }
            (Opcode::BrOnNull, &Imm::Label(label)) if state.reachable => {
                self.branch(at, label, 1, state)?;
            }
            (Opcode::BrOnNonNull, &Imm::Label(label))
            | (Opcode::BrOnCast | Opcode::BrOnCastFail, &Imm::BrOnCast { label, .. })
                if state.reachable =>
            {
                self.branch(at, label, 0, state)?;
            }
            (Opcode::BrTable, Imm::BrTable(table)) if state.reachable => {
                for label in table.labels() {
                    self.branch(at, label, 1, state)?;
                }
                self.branch(at, table.default, 1, state)?;
            }
            (Opcode::Drop | Opcode::Select | Opcode::SelectTyped, imm)
                if self.vectors() && state.reachable =>
            {
                let ty = match imm {
                    Imm::SelectType(ty) => Some(*ty),
                    _ => state.operand,
                };
                self.side.put(Entry { bytes: ty.map_or(1, slots_of) as i16, entries: 0 })?;
            }
            _ => {}
        }
        self.follow(instr, state)
    }
}

impl Builder {
    fn open(&mut self, at: usize, next: usize, op: Opcode, state: &State<'_>) -> Result<()> {
        let entry = self.side.len() as u32;
        let mut block = Block::new(self.blocks.last().map_or(NO_REGION, |outer| outer.region));
        match op {
            // `loop` itself looks whether there was an interruption.
            Opcode::Loop => {
                block.start = Some((if self.interruptible { at } else { next }, entry));
                self.last_loop = self.blocks.len();
            }
            // A branch to a loop leads behind all blocks that begin there.
            Opcode::Block => {
                if let Some(outer) = self.blocks.get_mut(self.last_loop)
                    && let Some((start, _)) = &mut outer.start
                    && *start == at
                {
                    *start = next;
                }
            }
            Opcode::If if state.reachable => {
                block.condition = Some((at, entry));
                self.side.put(Entry::default())?;
            }
            _ => {}
        }
        Ok(self.blocks.put(block)?)
    }

    /// The entry of an `if` leads behind its `else`, or its `end` if there is none.
    fn end_condition(&mut self, next: usize) -> Result<()> {
        let block = self.blocks.last_mut().expect("validated: a block is open");
        if let Some((at, entry)) = block.condition.take() {
            let target = self.side.len() as u32;
            self.set(Pending { at, entry, keep: 0, drop: 0, before: NONE }, next, target)?;
        }
        Ok(())
    }

    fn close(&mut self, at: usize, next: usize) -> Result<()> {
        self.end_condition(next)?;
        let block = self.blocks.pop().expect("validated: a block is open");
        #[cfg(feature = "exceptions")]
        self.end_region(&block, at);
        // The function's last `end` returns; others need not be executed.
        let target = if self.blocks.is_empty() { at } else { next };
        let entry = self.side.len() as u32;
        let mut last = block.last;
        while last != NONE {
            let branch = self.pending[last as usize];
            self.set(branch, target, entry)?;
            last = branch.before;
        }
        #[cfg(feature = "exceptions")]
        self.end_clauses(&block, target as u32, entry);
        self.end = at;
        Ok(())
    }

    fn branch(&mut self, at: usize, label: u32, operands: u32, state: &State<'_>) -> Result<()> {
        let index = self.blocks.len() - 1 - label as usize;
        let types = state.label_types(label);
        let above = self.height - operands;
        let below = above - types.len() as u32;
        let drop = match index {
            // The function's end takes its results from the top.
            0 => 0,
            _ => self.slot_height(below) - self.slot_height(state.frame(label).height),
        };
        let keep = slots_of_all(types);
        match self.blocks[index].start {
            Some((target, target_entry)) => {
                let entry = self.side.len() as u32;
                self.side.put(Entry::default())?;
                self.set(Pending { at, entry, keep, drop, before: NONE }, target, target_entry)
            }
            None => self.forward(index, at, keep, drop),
        }
    }

    fn forward(&mut self, block: usize, at: usize, keep: u32, drop: u32) -> Result<()> {
        let entry = self.side.len() as u32;
        self.side.put(Entry::default())?;
        let before = self.blocks[block].last;
        self.blocks[block].last = self.pending.len() as u32;
        Ok(self.pending.put(Pending { at, entry, keep, drop, before })?)
    }

    fn set(&mut self, branch: Pending, target: usize, target_entry: u32) -> Result<()> {
        // A body is far smaller than 2 GB, wherever in the module it is.
        let bytes = (target as i32).wrapping_sub(branch.at as i32);
        let entries = (target_entry as i32).wrapping_sub(branch.entry as i32);
        let near = branch.drop == 0 && bytes > FAR.into();
        self.side[branch.entry as usize] = match (i16::try_from(bytes), i16::try_from(entries)) {
            (Ok(bytes), Ok(entries)) if near => Entry { bytes, entries },
            _ => {
                let number = self.far.len() as u16 as i16;
                self.far.put(Record {
                    entry: branch.entry,
                    bytes,
                    entries,
                    keep: branch.keep,
                    drop: branch.drop,
                })?;
                Entry { bytes: FAR, entries: number }
            }
        };
        Ok(())
    }

    /// Whether values may have two slots. Where vectors are not built in, the compiler knows.
    fn vectors(&self) -> bool {
        cfg!(feature = "simd") && self.vectors
    }

    /// Slots of the `values` lowest operands.
    fn slot_height(&self, values: u32) -> u32 {
        if !self.vectors() {
            return values;
        }
        values.checked_sub(1).map_or(0, |last| self.slots[last as usize])
    }

    /// Notes heights, and whether vectors are handled.
    fn follow(&mut self, instr: &Instr<'_>, state: &State<'_>) -> Result<()> {
        let height = state.height;
        if self.vectors() {
            let pushed = pushed(instr, state).min(height);
            self.slots.truncate((height - pushed) as usize);
            for index in self.slots.len() as u32..height {
                let ty = state.operand_below(height - 1 - index);
                let below = self.slots.last().copied().unwrap_or(0);
                self.slots.put(below + ty.map_or(1, slots_of))?;
            }
        } else if cfg!(feature = "simd") && !self.saw_vector {
            let pushed = pushed(instr, state).min(height);
            self.saw_vector = instr.op.code() >= Opcode::V128Load.code()
                || (0..pushed).any(|above| state.operand_below(above) == Some(ValType::V128));
        }
        self.height = height;
        self.max_height = self.max_height.max(self.slot_height(height));
        Ok(())
    }

    fn finish(
        self,
        config: &Config,
        bytes: &[u8],
        body: u32,
        params: u32,
        results: u32,
    ) -> Result<Code, OutOfMemory> {
        let base = tables::base(self.vectors(), config);
        // Operands in registers may be written back while there is one more than before.
        let slots = self.locals as usize + LINK + self.max_height as usize + 4;
        Ok(Code {
            entry: bytes[self.entry.unwrap_or(0)..].as_ptr(),
            end: bytes[self.end..].as_ptr(),
            #[cfg(sampan_small)]
            tables: base,
            #[cfg(not(sampan_small))]
            tables: if config.fuel { tables::metered() } else { base },
            base,
            side: self.side.into_boxed_slice()?,
            far: self.far.into_boxed_slice()?,
            param_bytes: params as usize * 8,
            local_bytes: self.locals as usize * 8,
            results,
            frame_bytes: slots * 8,
            body,
            local_slots: self.local_slots.into_boxed_slice()?,
            #[cfg(feature = "exceptions")]
            regions: self.regions.finish()?,
        })
    }
}

/// How many of the topmost operands an instruction may have made; not less.
pub(super) fn pushed(instr: &Instr<'_>, state: &State<'_>) -> u32 {
    let module = state.module;
    let count = match (instr.op, &instr.imm) {
        (_, Imm::Block(ty) | Imm::TryTable(ty, _)) => block_params(module, ty).len(),
        (Opcode::Catch, &Imm::Index(tag)) => {
            module.types.func(module.tags[tag as usize]).map_or(0, |ty| ty.params().len())
        }
        (Opcode::Else, _) => state.ended.map_or(0, |frame| match frame.ty {
            BlockType::Func(_) => block_params(module, &frame.ty).len(),
            _ => 0,
        }),
        (Opcode::End | Opcode::Delegate, _) => {
            state.ended.map_or(0, |frame| frame.results(module).len())
        }
        (Opcode::Call, &Imm::Index(index)) => module.func_type(index).results().len(),
        (_, Imm::CallIndirect { ty, .. }) => {
            module.types.func(*ty).map_or(0, |ty| ty.results().len())
        }
        (Opcode::CallRef, &Imm::Index(ty)) => {
            module.types.func(ty).map_or(0, |ty| ty.results().len())
        }
        (Opcode::BrIf | Opcode::BrOnNonNull, &Imm::Label(label))
        | (_, &Imm::BrOnCast { label, .. }) => state.label_types(label).len(),
        (Opcode::BrOnNull, &Imm::Label(label)) => state.label_types(label).len() + 1,
        _ => 2,
    };
    count as u32
}
