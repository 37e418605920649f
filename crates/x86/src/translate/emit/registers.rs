//! Registers between the state and locals, and the ways into a region and out of it.
//!
//! Either all registers that a region names are loaded where it is entered and stored where it
//! is left; or each is loaded where a block first uses it, and stored before whatever may leave:
//! then little is done where execution only passes through.

use super::{Emitter, Known, Set, local, memarg, vector};
use crate::Mode;
use crate::translate::effects;
use crate::translate::flow::Flow;
use crate::translate::region::Region;
use crate::translate::state::{self, Layout, why};
use iced_x86::Instruction;
use wasm_encoder::{BlockType, InstructionSink, MemArg};

impl Emitter<'_> {
    pub(super) fn state_arg(&self, offset: u32, align: u32) -> MemArg {
        memarg(self.layout.state + offset, align)
    }

    /// Loads the registers that the region uses.
    #[inline(never)]
    pub(super) fn enter(&mut self) {
        // One that is written may come out as it was.
        let loaded = if self.lazy { 0 } else { self.known.read | self.known.written };
        for number in (0..16).filter(|number| loaded >> number & 1 != 0) {
            self.load_state(state::GPR + 8 * number, local::GPR + number);
        }
        self.load_state(state::FA, local::FA);
        self.load_state(state::FB, local::FB);
        self.load_state(state::FC, local::FC);
        self.load_state(state::LEFT, local::LEFT);
        let code = || self.region.blocks.iter().flat_map(|block| &block.code);
        let floats = code().any(effects::is_float);
        let strings = code().any(effects::looks_at_direction);
        for (offset, to, used) in [
            (state::FK, local::FK, true),
            (state::FP, local::FP, floats),
            (state::DF, local::DF, strings),
        ] {
            if !used {
                continue;
            }
            let arg = self.state_arg(offset, 2);
            self.s().i32_const(0).i32_load(arg).local_set(to);
        }
        let vectors = if self.lazy { 0 } else { self.vectors };
        for number in (0..16).filter(|number| vectors >> number & 1 != 0) {
            let arg = self.state_arg(state::XMM + 16 * number, 4);
            self.s().i32_const(0).v128_load(arg).local_set(local::XMM + number);
        }
    }

    pub(super) fn load_state(&mut self, offset: u32, to: u32) {
        let arg = self.state_arg(offset, 3);
        self.s().i32_const(0).i64_load(arg).local_set(to);
    }

    pub(super) fn store_state(&mut self, offset: u32, from: u32) {
        let arg = self.state_arg(offset, 3);
        self.s().i32_const(0).local_get(from).i64_store(arg);
    }

    /// Stores the registers that the region writes.
    #[inline(never)]
    pub(super) fn leave(&mut self) {
        if !self.lazy {
            self.store_all(Set { general: self.known.written, vectors: self.vectors });
        }
        self.store_state(state::FA, local::FA);
        self.store_state(state::FB, local::FB);
        self.store_state(state::FC, local::FC);
        self.store_state(state::LEFT, local::LEFT);
        self.store_state(state::RIP, local::RIP);
        for (offset, from) in [(state::FK, local::FK), (state::WHY, local::WHY)] {
            let arg = self.state_arg(offset, 2);
            self.s().i32_const(0).local_get(from).i32_store(arg);
        }
    }

    pub(super) fn store_all(&mut self, set: Set) {
        for number in (0..16).filter(|number| set.general >> number & 1 != 0) {
            self.store_state(state::GPR + 8 * number, local::GPR + number);
        }
        for number in (0..16).filter(|number| set.vectors >> number & 1 != 0) {
            let arg = self.state_arg(state::XMM + 16 * number, 4);
            self.s().i32_const(0).local_get(local::XMM + number).v128_store(arg);
        }
    }

    /// Stores what was changed: what comes may leave.
    pub(super) fn flush(&mut self) {
        let changed = core::mem::take(&mut self.changed);
        self.store_all(changed);
    }

    /// Has a general register in its local.
    pub(super) fn need(&mut self, number: u32) {
        if self.lazy && self.loaded.general >> number & 1 == 0 {
            self.loaded.general |= 1 << number;
            self.load_state(state::GPR + 8 * number, local::GPR + number);
        }
    }

    /// Has the SSE registers that an instruction names in their locals.
    pub(super) fn need_vectors(&mut self, i: &Instruction) {
        for number in registers(i) {
            if self.lazy && self.loaded.vectors >> number & 1 == 0 {
                self.loaded.vectors |= 1 << number;
                let arg = self.state_arg(state::XMM + 16 * number, 4);
                self.s().i32_const(0).v128_load(arg).local_set(local::XMM + number);
            }
        }
    }

    pub(super) fn knowledge(&self) -> Known {
        Known { flags: self.flags, loaded: self.loaded }
    }

    /// Goes to the region at the next address, if there is one and none of the stops is why.
    pub(super) fn chain(&mut self) {
        let slot = self.state_arg(state::SLOT, 2);
        self.s().local_get(local::WHY);
        is_stop(&mut self.s());
        self.s().if_(BlockType::Empty).i32_const(0).global_get(0).i32_store(slot).return_().end();
        if !self.chained {
            return;
        }
        let (layout, rip, at) = (self.layout, local::U + 5, local::U + 4);
        self.s().block(BlockType::Empty);
        if self.mode == Mode::Amd64 {
            self.s().local_get(local::RIP).i64_const(32).i64_shr_u().i64_eqz().i32_eqz().br_if(0);
        }
        self.s().local_get(local::RIP).i32_wrap_i64().local_set(rip);
        look_up(&mut self.s(), layout, rip, at);
        self.s().return_call_indirect(0, 0).end();
    }
}

/// Whether the reason on the stack is a stop.
pub(in crate::translate) fn is_stop(s: &mut InstructionSink<'_>) {
    s.i32_const(why::FIRST_STOP as i32).i32_sub();
    s.i32_const((why::END - why::FIRST_STOP) as i32).i32_lt_u();
}

/// Pushes the number of an entry and its region's element of the table, for an address in a
/// local; branches out of the innermost block if the table of jumps does not have it.
pub(in crate::translate) fn look_up(
    s: &mut InstructionSink<'_>,
    layout: Layout,
    rip: u32,
    at: u32,
) {
    let word = |n: u32| memarg(layout.jumps + 4 * n, 2);
    jump_place(s, rip);
    s.local_tee(at).i32_load(word(0)).local_get(rip).i32_ne().if_(BlockType::Empty);
    s.local_get(at).i32_const((state::BESIDE as usize * size_of::<state::Jump>()) as i32);
    s.i32_xor().local_tee(at).i32_load(word(0)).local_get(rip).i32_ne().br_if(1).end();
    s.local_get(at).i32_load(word(2)).local_get(at).i32_load(word(1));
}

/// Pushes where an address is in the table of jumps, in bytes from its start.
pub(in crate::translate) fn jump_place(s: &mut InstructionSink<'_>, rip: u32) {
    s.local_get(rip).local_get(rip).i32_const(state::JUMPS.ilog2() as i32).i32_shr_u().i32_xor();
    s.i32_const(state::JUMPS as i32 - 1).i32_and().i32_const(4).i32_shl();
}

/// The SSE registers that instructions name. None that is translated has one that it does not
/// name.
pub(super) fn vectors(region: &Region) -> u16 {
    let mut vectors = 0;
    for i in region.blocks.iter().flat_map(|block| &block.code) {
        for number in registers(i) {
            vectors |= 1 << number;
        }
    }
    vectors
}

fn registers(i: &Instruction) -> impl Iterator<Item = u32> {
    let operands = (0..i.op_count()).filter(|&n| i.op_kind(n) == iced_x86::OpKind::Register);
    operands.filter_map(|n| vector::xmm(i.op_register(n)))
}

/// Whether registers of a region are better loaded where they are used: where execution only
/// passes through, for a short while it would load and store all; not if most of it are loops.
pub(super) fn is_lazy(region: &Region, flow: &Flow) -> bool {
    let (mut all, mut in_loops) = (0, 0);
    for (number, block) in region.blocks.iter().enumerate() {
        all += block.code.len();
        if flow.in_loop[number + 1] {
            in_loops += block.code.len();
        }
    }
    2 * in_loops < all
}
