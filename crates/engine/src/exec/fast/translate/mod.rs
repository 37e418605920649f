//! Translation of a function, in the pass that validates it.
//!
//! The operand stack exists only here: an entry is a constant, a local that was read but
//! not yet needed, the accumulator, or its *home*, a slot of the frame that its height
//! determines. An instruction takes its operands from wherever they are and leaves its
//! result in an accumulator; when the result must be kept longer, the instruction is
//! patched to write a slot as well ([`stack`]). Where control flow meets, every value that
//! is not a constant is in its home ([`control`]).
//!
//! A frame: locals, constants that loops use, homes, and beyond the top the frame of the
//! next callee.

mod access;
mod calls;
mod control;
mod emit;
#[cfg_attr(not(feature = "exceptions"), path = "exceptions_absent.rs")]
mod exceptions;
mod fuse;
#[cfg_attr(not(feature = "gc"), path = "gc_absent.rs")]
mod gc;
#[cfg_attr(sampan_small, path = "joined_absent.rs")]
mod joined;
#[cfg_attr(not(feature = "reference-types"), path = "maps_absent.rs")]
mod maps;
mod numeric;
mod reference;
mod stack;
#[cfg(test)]
mod tests;
mod wide;

#[cfg(feature = "reference-types")]
pub(crate) use maps::record;

use super::code::Code;
use super::ops::{Loc, control as ctl, memory, moves, moves::Class};
use crate::exec::unwind::{Regions, legacy_depth};
use crate::exec::work;
use crate::module::ModuleData;
use alloc::{vec, vec::Vec};
use control::Block;
use core::ops::Range;
use sampan_wasm::{
    Error, ErrorKind, FuncType, Imm, Instr, Module, Opcode, Result, Scratch, State, ValType,
    Visitor,
};
use sampan_wasm::{List, room::OutOfMemory};
use stack::{Entry, Kind, Reg};

/// Translates the body with an index (imports not counted).
pub(crate) fn prepare(module: &ModuleData, body: u32) -> Result<Code> {
    let index = module.decl.imported_funcs + body;
    let mut translator = Translator::new(module, body)?;
    let features = module.engine.config().features;
    translator.caught_slots = legacy_depth(&module.bytes, features, &module.decl, index)?;
    let mut scratch = Scratch::default();
    sampan_wasm::validate_body(
        &module.bytes,
        features,
        &module.decl,
        index,
        &mut scratch,
        &mut translator,
    )?;
    translator.finish()
}

/// The class in whose accumulator a function of this type returns its result; `None` if it
/// returns in slots, or nothing.
pub(super) fn result_class(ty: &FuncType) -> Option<Class> {
    match ty.results() {
        [one] if class_of(*one) != Class::V128 => Some(class_of(*one)),
        _ => None,
    }
}

pub(super) fn class_of(ty: ValType) -> Class {
    match ty {
        ValType::I32 | ValType::I64 | ValType::Ref(_) => Class::Int,
        ValType::F32 => Class::F32,
        ValType::F64 => Class::F64,
        ValType::V128 => Class::V128,
    }
}

fn width(class: Class) -> u32 {
    if class == Class::V128 { 2 } else { 1 }
}

/// An instruction that was emitted last and whose result nobody used yet, so that it can
/// become part of the next one.
struct Pending {
    word: usize,
    end: usize,
    /// What the accumulator held before.
    before: Reg,
    last: Last,
}

/// What it was.
#[derive(Clone, Copy)]
enum Last {
    /// Arithmetic or a comparison of two operands.
    Binary(Opcode, Loc, Loc),
    /// The sum of an operand that is shifted left by a constant, and another.
    ShiftedSum { shifted: Loc, by: u8, other: Loc },
    /// A load of an f64, and the offset of its code.
    Load(access::Operand, u32),
}

struct Translator<'m> {
    module: &'m ModuleData,
    /// The function's index.
    index: u32,
    words: Vec<u64>,
    offsets: Vec<(u32, u32)>,
    /// The module offset of the instruction.
    at: u32,
    /// Slot and class of each local.
    locals: Vec<(u16, Class)>,
    /// How many stack entries are an unread copy of each local, by slot.
    local_refs: Vec<u32>,
    zero: ZeroLocals,
    constants: Vec<u64>,
    constants_base: u16,
    max_constants: usize,
    entries: Vec<Entry>,
    /// Entries below this index are constants or in their homes.
    flushed: usize,
    /// Entries with these indices are in their homes.
    homed: Range<usize>,
    /// The home of the next entry.
    top: u32,
    /// The slots that the frame needs.
    frame_slots: u32,
    regs: [Reg; 3],
    pending: Option<Pending>,
    /// What the next instructions may take in, beside `pending`.
    recent: joined::Recent,
    /// Where the last instruction begins and ends, if it copies one slot.
    copied: Option<(usize, usize)>,
    /// The last vector instruction: its operand word and end, to redirect its result.
    last_vector: Option<(usize, usize)>,
    control: Vec<Block>,
    /// The code at this point cannot be reached, and none is made.
    dead: bool,
    loops: u32,
    /// The operand word of the latest `fuel`, and what it takes.
    fuel: Option<(usize, u32)>,
    need_fuel: bool,
    #[cfg_attr(not(feature = "exceptions"), expect(dead_code))]
    regions: Regions,
    /// The first of the slots for exceptions that older `try` blocks caught, and how many
    /// such blocks are open.
    #[cfg_attr(not(feature = "exceptions"), allow(dead_code))]
    caught_base: u32,
    #[cfg_attr(not(feature = "exceptions"), allow(dead_code))]
    tries: u32,
    /// The region of each such block that has come to its clauses, by its slot.
    #[cfg_attr(not(feature = "exceptions"), allow(dead_code))]
    tried: alloc::collections::BTreeMap<u16, u32>,
    /// How many such slots there are.
    caught_slots: u32,
    /// There was no memory for something; looked at after each instruction.
    lost: bool,
    /// The word behind a call or an allocation.
    collecting: Option<usize>,
    /// The entries below what that takes.
    #[cfg_attr(not(feature = "reference-types"), allow(dead_code))]
    collecting_below: usize,
    /// What notes where references are, when that is why a function is translated again.
    #[cfg(feature = "reference-types")]
    recorder: Option<crate::exec::maps::Recorder>,
}

/// Which declared locals may be read before they are written, and so must be cleared.
struct ZeroLocals {
    /// Whether each local was written on every way to this point.
    assigned: Vec<bool>,
    /// The range of slots to clear.
    low: u32,
    high: u32,
    /// Nothing but straight code so far: what is written here is written for good.
    straight: bool,
}

/// The words in front of the body: `load_constants` (3), then `clear` (2).
const PROLOGUE: usize = 5;

impl<'m> Translator<'m> {
    fn new(module: &'m ModuleData, body: u32) -> Result<Translator<'m>, OutOfMemory> {
        let span = &module.decl.bodies[body as usize];
        Ok(Translator {
            module,
            index: module.decl.imported_funcs + body,
            words: List::with_room((span.end - span.start) as usize)?.into(),
            offsets: Vec::new(),
            at: span.start,
            locals: Vec::new(),
            local_refs: Vec::new(),
            zero: ZeroLocals { assigned: Vec::new(), low: u32::MAX, high: 0, straight: true },
            constants: Vec::new(),
            constants_base: 0,
            #[cfg(sampan_small)]
            max_constants: 0,
            #[cfg(not(sampan_small))]
            max_constants: ((span.end - span.start) as usize / 40).min(16),
            entries: Vec::new(),
            flushed: 0,
            homed: 0..0,
            top: 0,
            frame_slots: 0,
            regs: [Reg::default(); 3],
            pending: None,
            recent: joined::Recent::default(),
            copied: None,
            last_vector: None,
            control: Vec::new(),
            dead: false,
            loops: 0,
            fuel: None,
            need_fuel: false,
            regions: Regions::default(),
            caught_base: 0,
            tries: 0,
            tried: Default::default(),
            caught_slots: 0,
            lost: false,
            collecting: None,
            collecting_below: 0,
            #[cfg(feature = "reference-types")]
            recorder: None,
        })
    }

    fn ty(&self) -> &'m FuncType {
        self.module.decl.func_type(self.index)
    }

    fn finish(mut self) -> Result<Code> {
        self.end_fuel();
        let frame_bytes = self.frame_slots as usize * 8;
        let (words, constants) = (
            List::from(self.words).into_boxed_slice()?,
            List::from(self.constants).into_boxed_slice()?,
        );
        let mut code = Code::new(frame_bytes, words, constants);
        code.offsets = List::from(self.offsets).into_boxed_slice()?;
        #[cfg(feature = "exceptions")]
        {
            code.regions = self.regions.finish()?;
        }
        #[cfg(feature = "native")]
        {
            code.stub =
                super::ops::native::stub_words(self.index - self.module.decl.imported_funcs);
        }
        let clear = self.zero.high.saturating_sub(self.zero.low);
        let mut entry = PROLOGUE;
        if clear > 0 {
            entry -= 2;
            code.words[entry] = super::code::handler_word(ctl::clear_slots(clear));
            code.words[entry + 1] = emit::fields(self.zero.low as u16, clear as u16, 0, 0);
        }
        if let Some(handler) = ctl::copy_constants(code.constants.len()) {
            entry -= 3;
            code.words[entry] = super::code::handler_word(handler);
            code.words[entry + 1] = emit::fields(self.constants_base, 0, 0, 0);
            code.words[entry + 2] = code.constants.as_ptr() as usize as u64;
        }
        code.set_entry(&raw const code.words[entry]);
        Ok(code)
    }

    /// The slots of the frame up to `end` are in use.
    fn reserve(&mut self, end: u32) {
        self.frame_slots = self.frame_slots.max(end);
    }

    fn check_frame(&self) -> Result<()> {
        if self.lost {
            return Err(OutOfMemory.into());
        }
        if self.frame_slots > MAX_FRAME_SLOTS {
            let kind = ErrorKind::Limit { what: "slots in a frame", limit: MAX_FRAME_SLOTS };
            return Err(Error::new(kind, self.at as usize).in_func(self.index));
        }
        Ok(())
    }
}

/// Slots are numbered with 16 bits; calls look a little past the frame.
const MAX_FRAME_SLOTS: u32 = 60_000;

impl Visitor for Translator<'_> {
    fn begin(&mut self, module: &Module, _: u32, locals: &[ValType]) -> Result<()> {
        let mut slot = 0;
        let params = self.ty().params().len();
        for (i, &ty) in locals.iter().enumerate() {
            let class = class_of(ty);
            self.locals.push((slot as u16, class));
            self.zero.assigned.push(i < params);
            self.note_local(module, i < params, ty, slot);
            slot += width(class);
            self.reserve(slot);
            self.check_frame()?;
        }
        self.caught_base = slot;
        for _ in 0..self.caught_slots {
            self.note_caught(slot);
            slot += 1;
        }
        self.reserve(slot);
        self.check_frame()?;
        self.local_refs = vec![0; slot as usize];
        self.constants_base = slot as u16;
        self.top = slot + self.max_constants as u32;
        let results: u32 = self.ty().results().iter().map(|&ty| width(class_of(ty))).sum();
        self.reserve(self.top.max(results));
        self.check_frame()?;
        self.words.resize(PROLOGUE, 0);
        self.open_function();
        Ok(())
    }

    fn instr(&mut self, at: usize, _: usize, instr: &Instr<'_>, state: &State<'_>) -> Result<()> {
        self.at = at as u32;
        self.count_fuel(instr.op);
        match instr.op {
            Opcode::Block
            | Opcode::Loop
            | Opcode::If
            | Opcode::Else
            | Opcode::End
            | Opcode::Br
            | Opcode::BrIf
            | Opcode::BrTable
            | Opcode::BrOnNull
            | Opcode::BrOnNonNull
            | Opcode::BrOnCast
            | Opcode::BrOnCastFail
            | Opcode::Return
            | Opcode::Unreachable => self.control_instr(instr, state),
            Opcode::Try
            | Opcode::Catch
            | Opcode::CatchAll
            | Opcode::Delegate
            | Opcode::TryTable
            | Opcode::Throw
            | Opcode::ThrowRef
            | Opcode::Rethrow => {
                self.exception_instr(instr, state);
                self.record_point(state);
            }
            _ if self.dead => {}
            _ => {
                self.plain_instr(instr, state)?;
                self.record_point(state);
            }
        }
        self.check_frame()
    }
}

impl Translator<'_> {
    fn plain_instr(&mut self, instr: &Instr<'_>, state: &State<'_>) -> Result<()> {
        let op = instr.op;
        match (op, &instr.imm) {
            (Opcode::Nop, _) => {}
            (Opcode::LocalGet, &Imm::Index(local)) => self.local_get(local),
            (Opcode::LocalSet, &Imm::Index(local)) => self.local_set(local, false),
            (Opcode::LocalTee, &Imm::Index(local)) => self.local_set(local, true),
            (Opcode::I32Const, &Imm::I32(value)) => {
                self.push_const(Class::Int, value as i64 as u64)
            }
            (Opcode::I64Const, &Imm::I64(value)) => self.push_const(Class::Int, value as u64),
            (Opcode::F32Const, &Imm::F32(bits)) => self.push_const(Class::F32, bits.into()),
            (Opcode::F64Const, &Imm::F64(bits)) => self.push_const(Class::F64, bits),
            (Opcode::RefNull, _) => self.push_const(Class::Int, 0),
            (Opcode::Drop, _) => {
                self.pop();
            }
            (Opcode::AnyConvertExtern | Opcode::ExternConvertAny, _) => {}
            (Opcode::RefAsNonNull, _) => self.ref_as_non_null(),
            (Opcode::Select | Opcode::SelectTyped, _) => self.select(),
            (Opcode::GlobalGet, &Imm::Index(global)) => self.global_get(global),
            (Opcode::GlobalSet, &Imm::Index(global)) => self.global_set(global),
            (
                Opcode::Call
                | Opcode::CallIndirect
                | Opcode::CallRef
                | Opcode::ReturnCall
                | Opcode::ReturnCallIndirect
                | Opcode::ReturnCallRef,
                _,
            ) => self.call_instr(instr)?,
            _ if self.numeric(op) => {}
            (_, Imm::MemArg(_) | Imm::MemArgLane(..)) if self.wide_access(instr, state) => {}
            (_, Imm::MemArg(memarg)) if self.access(op, memarg) => {}
            _ if self.vector(instr) => {}
            _ if self.wide_arithmetic(op) => {}
            _ if self.gc_instr(instr, state) => {}
            _ => match work::shape(op) {
                Some(shape) => {
                    let (i, j) = work::immediates(instr);
                    self.slow(&shape, i, j, state);
                }
                None => {
                    let kind = ErrorKind::Other(alloc::format!(
                        "the instruction {} is not executed by this version",
                        op.text()
                    ));
                    return Err(Error::new(kind, self.at as usize).in_func(self.index));
                }
            },
        }
        Ok(())
    }

    fn local_get(&mut self, local: u32) {
        let (slot, class) = self.locals[local as usize];
        if !self.zero.assigned[local as usize] {
            self.zero.low = self.zero.low.min(slot.into());
            self.zero.high = self.zero.high.max(u32::from(slot) + width(class));
        }
        self.local_refs[slot as usize] += 1;
        self.push(class, Kind::Local(slot));
    }

    fn local_set(&mut self, local: u32, tee: bool) {
        let (slot, class) = self.locals[local as usize];
        if self.zero.straight || self.control.len() == 1 {
            self.zero.assigned[local as usize] = true;
        }
        let value = self.entries.len() - 1;
        let preserved = self.preserve_local(slot, value);
        self.store_entry(value, slot, !preserved);
        self.pop();
        if tee {
            self.local_refs[slot as usize] += 1;
            self.push(class, Kind::Local(slot));
        }
    }

    fn select(&mut self) {
        let condition = self.pop();
        let b = self.pop();
        let a = self.pop();
        let class = a.class;
        let condition = self.operand(&condition, false);
        let a = self.slot_of(&a);
        let b = self.slot_of(&b);
        if class == Class::V128 {
            let condition = match condition {
                Loc::Slot(slot) => slot,
                _ => {
                    let scratch = self.scratch(3);
                    self.emit(Class::Int.store(), emit::fields(scratch, 0, 0, 0));
                    scratch
                }
            };
            self.produce_vector(moves::select_v128, emit::fields(0, a, b, condition), &[]);
            return;
        }
        let pair = class.select(condition);
        self.produce(class, pair, emit::fields(0, a, b, condition.field()), &[]);
    }

    fn global_get(&mut self, global: u32) {
        let class = class_of(self.module.decl.globals[global as usize].ty.content);
        let operands = emit::fields_imm(0, 0, global as i32);
        if class == Class::V128 {
            self.produce_vector(memory::global_get_v128, operands, &[]);
        } else {
            let word = self.words.len();
            self.produce(class, memory::get(class), operands, &[]);
            self.note_global_get(word, global);
        }
    }

    fn global_set(&mut self, global: u32) {
        let value = self.pop();
        if value.class == Class::V128 {
            let slot = self.slot_of(&value);
            self.emit(memory::global_set_v128, emit::fields_imm(0, slot, global as i32));
            return;
        }
        let value_loc = self.operand(&value, false);
        if self.joined_global_set(value_loc, global) {
            return;
        }
        let handler = memory::set(value.class, value_loc);
        self.emit(handler, emit::fields_imm(0, value_loc.field(), global as i32));
    }
}
