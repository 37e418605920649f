//! Writes the function of a region.
//!
//! Guest registers are locals ([`registers`]). All exits branch to one label, behind which what
//! is in locals only is stored. Where the interpreter must go on is known beforehand, and how the flags
//! follow there mostly too: such an exit is a number, and what it stands for is kept beside the
//! code ([`Stop`]).
//!
//! Functions here are `inline(never)` where they would grow large: a browser's engine compiles a
//! function once more, well, when much of its code has run, and one of 40 KB took it 250 ms.

/// One instruction or another.
macro_rules! pick {
    ($self:ident, $choice:expr, $first:ident, $second:ident) => {
        if $choice {
            $self.s().$first();
        } else {
            $self.s().$second();
        }
    };
}

mod bits;
mod branch;
mod data;
mod flags;
mod float;
mod integer;
mod multiply;
mod operand;
mod plan;
mod registers;
mod status;
mod vector;

use super::flow::Flow;
use super::region::{End, Region, Target};
use super::state::{Cause, Layout, Stop, why};
use super::{Memory, Options, effects};
use crate::Mode;
use alloc::vec::Vec;
use iced_x86::Instruction;
pub(super) use registers::{is_stop, jump_place, look_up};
pub(super) use status::status_function;
pub(super) use vector::{binary, shuffle};
use wasm_encoder::{
    BlockType, BranchHint, Function, InstructionSink, MemArg, MemArgTarget, ValType,
};

/// Numbers of locals.
mod local {
    /// The parameter: which entry; then the next block for the dispatcher.
    pub const NEXT: u32 = 0;
    pub const GPR: u32 = 1;
    /// What the flags depend on; see `state`.
    pub const FA: u32 = 17;
    pub const FB: u32 = 18;
    pub const FC: u32 = 19;
    pub const LEFT: u32 = 20;
    pub const RIP: u32 = 21;
    /// Temporaries of 64 bits.
    pub const T: u32 = 22;
    /// A 64-bit address.
    pub const EA: u32 = 26;
    pub const FK: u32 = 27;
    pub const WHY: u32 = 28;
    /// A 32-bit address that has been checked.
    pub const ADDR: u32 = 29;
    /// Temporaries of 32 bits.
    pub const U: u32 = 30;
    /// Whether floating point rounds and ends as usual.
    pub const FP: u32 = 36;
    /// Whether string instructions go downwards.
    pub const DF: u32 = 37;
    pub const XMM: u32 = 38;
    /// Temporaries: vectors, numbers of 64 bits and of 32.
    pub const V: u32 = 54;
    pub const D: u32 = 58;
    pub const S: u32 = 61;
}

/// A label that branches may name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Label {
    /// Where the region is left.
    Exit,
    /// Back to a node.
    Loop(usize),
    /// On to a node.
    Join(usize),
    /// An arm of a branch.
    Arm,
}

/// What is to be written next.
enum Step {
    /// A node with all that it dominates; with what is known where it begins.
    Tree(usize, Known),
    /// A branch from a block.
    Edge(Target, Known),
    Else,
    End,
}

pub(super) struct Emitter<'a> {
    code: Function,
    mode: Mode,
    memory: Memory,
    chained: bool,
    layout: Layout,
    region: &'a Region,
    flow: &'a Flow,
    labels: Vec<Label>,
    /// How the flags follow from the locals, if that is known here; else the local says it.
    flags: Option<u32>,
    /// Whether the flags after the current instruction are never looked at.
    dead: bool,
    steps: Vec<Step>,
    /// By SSE register: whether its lowest lane is known to hold no subnormal number, as one of
    /// 8 bytes or of 4.
    clean: [u8; 16],
    /// How the current instruction's accesses are checked.
    checks: plan::Checks,
    /// SSE registers that the region names, by bit.
    vectors: u16,
    /// Branches that are hardly ever taken.
    rare: Vec<BranchHint>,
    /// General registers that the code so far names, by bit.
    used: Used,
    /// Those of the whole function: only these are locals that are loaded and stored.
    known: Used,
    /// Whether registers are loaded where they are used and stored before whatever may leave,
    /// rather than where the region is entered and left.
    lazy: bool,
    /// Lazy ones whose locals hold them.
    loaded: Set,
    /// Lazy ones whose locals are newer than the state.
    changed: Set,
    /// Where the interpreter may have to go on, by number.
    stops: Vec<Stop>,
    /// The instruction that is being written.
    at: u64,
    /// Whether the function that computes flags is called.
    status: bool,
}

/// What has been written for a region.
pub(super) struct Written {
    pub function: Function,
    /// Branches that are hardly ever taken.
    pub rare: Vec<BranchHint>,
    pub stops: Vec<Stop>,
    /// Whether function 1, which computes flags, is called.
    pub status: bool,
}

/// What is known at a place of the code.
#[derive(Clone, Copy, Debug, Default)]
struct Known {
    /// How the flags follow from the locals; else a local says it.
    flags: Option<u32>,
    /// Registers whose locals hold them, if registers are [lazy](Emitter::lazy).
    loaded: Set,
}

/// General registers and those of SSE, by bit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Set {
    general: u16,
    vectors: u16,
}

/// General registers by bit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Used {
    read: u16,
    written: u16,
}

/// The function of a region; calls of `status` go to function 1.
///
/// It is written twice, the first time to learn which registers it uses. What a region never
/// writes is one value for the compiler, and no exit has to bring it along.
pub(super) fn function(
    mode: Mode,
    options: &Options,
    layout: Layout,
    region: &Region,
    flow: &Flow,
) -> Written {
    let used = write(mode, options, layout, region, flow, Used::default()).used;
    let Emitter { code, rare, stops, status, .. } =
        write(mode, options, layout, region, flow, used);
    Written { function: code, rare, stops, status }
}

fn write<'a>(
    mode: Mode,
    options: &Options,
    layout: Layout,
    region: &'a Region,
    flow: &'a Flow,
    known: Used,
) -> Emitter<'a> {
    let code = Function::new([
        (26, ValType::I64),
        (11, ValType::I32),
        (20, ValType::V128),
        (3, ValType::F64),
        (3, ValType::F32),
    ]);
    let mut emitter = Emitter {
        code,
        mode,
        memory: options.memory,
        chained: options.chained,
        layout,
        region,
        flow,
        labels: Vec::new(),
        flags: None,
        dead: false,
        steps: Vec::new(),
        clean: [0; 16],
        checks: plan::Checks::default(),
        vectors: registers::vectors(region),
        rare: Vec::new(),
        used: Used::default(),
        known,
        lazy: registers::is_lazy(region, flow),
        loaded: Set::default(),
        changed: Set::default(),
        stops: Vec::new(),
        at: 0,
        status: false,
    };
    emitter.enter();
    emitter.open(Label::Exit);
    emitter.steps.push(Step::Tree(0, Known::default()));
    while let Some(step) = emitter.steps.pop() {
        emitter.step(step);
    }
    emitter.close();
    emitter.leave();
    emitter.chain();
    emitter.s().end();
    emitter
}

impl Emitter<'_> {
    fn s(&mut self) -> InstructionSink<'_> {
        self.code.instructions()
    }

    fn open(&mut self, label: Label) {
        match label {
            Label::Loop(_) => self.s().loop_(BlockType::Empty),
            Label::Arm => self.s().if_(BlockType::Empty),
            _ => self.s().block(BlockType::Empty),
        };
        self.labels.push(label);
    }

    fn close(&mut self) {
        self.s().end();
        self.labels.pop();
    }

    fn depth(&self, label: Label) -> u32 {
        let place = self.labels.iter().rposition(|&other| other == label);
        (self.labels.len() - 1 - place.expect("structured: the label encloses the branch")) as u32
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Tree(node, known) => self.tree(node, known),
            Step::Edge(target, known) => {
                (self.flags, self.loaded) = (known.flags, known.loaded);
                self.edge(target);
            }
            Step::Else => {
                self.s().else_();
            }
            Step::End => self.close(),
        }
    }

    /// A node: its loop, labels for the joins behind it, its code.
    fn tree(&mut self, node: usize, known: Known) {
        if self.flow.is_loop[node] {
            self.open(Label::Loop(node));
            self.steps.push(Step::End);
        }
        let flow = self.flow;
        let joins = flow.children[node].iter().copied().filter(|&child| flow.is_join[child]);
        // The innermost label is the one that is written first.
        let joins: Vec<usize> = joins.collect();
        for &join in joins.iter().rev() {
            self.open(Label::Join(join));
            self.steps.push(Step::Tree(join, Known::default()));
            self.steps.push(Step::End);
        }
        match node.checked_sub(1) {
            None => self.dispatch(),
            Some(block) => self.block(block, known),
        }
    }

    fn dispatch(&mut self) {
        let labels: Vec<u32> =
            self.flow.dispatched.iter().map(|block| self.depth(Label::Join(block + 1))).collect();
        match labels[..] {
            [only] => self.s().br(only),
            _ => self.s().local_get(local::NEXT).br_table(labels.iter().copied(), labels[0]),
        };
    }

    #[inline(never)]
    fn block(&mut self, number: usize, known: Known) {
        let region = self.region;
        let block = &region.blocks[number];
        (self.flags, self.loaded) = (known.flags, known.loaded);
        self.clean = [0; 16];
        let start = u64::from(block.start);
        if self.flow.is_loop[number + 1] || self.flow.number(number).is_some() {
            self.s().local_get(local::LEFT).i64_const(0).i64_le_s();
            self.stop_if(start, Cause::Budget);
        }
        let branches = !matches!(block.end, End::Stop(_) | End::Jump(_))
            || block.code.last().is_some_and(|i| i.mnemonic() == iced_x86::Mnemonic::Jmp);
        let straight = block.code.len() - usize::from(branches);
        let checks = match self.memory {
            Memory::Strict => plan::of(self.mode, &block.code),
            Memory::Plain => alloc::vec![plan::Checks::default(); block.code.len()],
        };
        for (place, i) in block.code[..straight].iter().enumerate() {
            self.checks = checks[place];
            self.dead = is_dead(&block.code[place + 1..], &checks[place + 1..]);
            self.at = i.ip();
            if effects::of(i).is_some_and(|effects| effects.may_leave) && !self.checks.answer_for(i)
            {
                self.flush();
            }
            self.need_vectors(i);
            if !self.instruction(i) {
                self.count(place);
                return self.stop(i.ip());
            }
        }
        self.dead = false;
        self.checks = checks.last().copied().unwrap_or_default();
        self.at = block.code.last().map_or(start, Instruction::ip);
        self.count(block.code.len());
        self.flush();
        self.branch(block);
    }

    /// Takes instructions from the budget.
    fn count(&mut self, count: usize) {
        self.s().local_get(local::LEFT).i64_const(count as i64).i64_sub().local_set(local::LEFT);
    }

    /// Says how the flags are to be had, in the local.
    fn sync(&mut self) {
        if let Some(kind) = self.flags {
            self.s().i32_const(kind as i32).local_set(local::FK);
        }
    }

    /// Leaves for an address outside.
    fn go(&mut self, rip: u64) {
        self.sync();
        self.s().i64_const(rip as i64).local_set(local::RIP);
        self.s().i32_const(why::JUMP as i32).local_set(local::WHY);
        let exit = self.depth(Label::Exit);
        self.s().br(exit);
    }

    /// Leaves before an instruction, for the interpreter to execute it.
    fn stop(&mut self, rip: u64) {
        self.flush();
        self.number(rip, Cause::Step);
        let exit = self.depth(Label::Exit);
        self.s().br(exit);
    }

    /// Leaves before the current instruction if the condition on the stack holds.
    fn leave_if(&mut self) {
        self.stop_if(self.at, Cause::Step);
    }

    /// Says why a region is left.
    fn number(&mut self, rip: u64, cause: Cause) {
        let stop = Stop { rip, cause, flags: self.flags };
        if self.stops.last() != Some(&stop) {
            self.stops.push(stop);
        }
        let number = why::FIRST_STOP + self.stops.len() as u32 - 1;
        self.s().i32_const(number as i32).local_set(local::WHY);
    }

    #[inline(never)]
    fn stop_if(&mut self, rip: u64, cause: Cause) {
        self.number(rip, cause);
        let exit = self.depth(Label::Exit);
        let branch_func_offset = self.code.byte_len() as u32;
        self.rare.push(BranchHint { branch_func_offset, branch_hint_value: 0 });
        self.s().br_if(exit);
    }

    /// Goes where a branch leads.
    #[inline(never)]
    fn edge(&mut self, target: Target) {
        match target {
            Target::Outside(rip) => self.go(rip),
            Target::Inside(block) => match self.label(block) {
                Some(depth) => {
                    self.sync();
                    if let Some(number) = self.flow.number(block) {
                        self.s().i32_const(number as i32).local_set(local::NEXT);
                    }
                    self.s().br(depth);
                }
                None => {
                    if self.flow.is_loop[block + 1] {
                        self.sync();
                    }
                    self.steps.push(Step::Tree(block + 1, self.here(block)));
                }
            },
        }
    }

    /// What is known at a block to which only this place leads, unless it is a loop.
    fn here(&self, block: usize) -> Known {
        if self.flow.is_loop[block + 1] { Known::default() } else { self.knowledge() }
    }

    /// The label that leads to a block; `None` if its code comes right here.
    fn label(&self, block: usize) -> Option<u32> {
        let node = block + 1;
        if self.flow.number(block).is_some() {
            return Some(self.depth(Label::Loop(0)));
        }
        if self.labels.contains(&Label::Loop(node)) {
            return Some(self.depth(Label::Loop(node)));
        }
        self.flow.is_join[node].then(|| self.depth(Label::Join(node)))
    }
}

/// An offset in the memory, and the logarithm of an alignment.
pub(super) fn memarg(offset: u32, align: u32) -> MemArg {
    MemArg { offset: offset.into(), align, target: MemArgTarget::Memory(0), ordering: None }
}

/// Whether the flags are written anew by what follows, before anything can look at them.
fn is_dead(rest: &[Instruction], checks: &[plan::Checks]) -> bool {
    for (i, checks) in rest.iter().zip(checks) {
        match effects::of(i) {
            Some(effects) if effects.reads => return false,
            Some(effects) if effects.may_leave && !checks.answer_for(i) => return false,
            Some(effects) if effects.writes_all => return true,
            Some(_) if effects::flow(i) == effects::Flow::Next => {}
            _ => return false,
        }
    }
    false
}
