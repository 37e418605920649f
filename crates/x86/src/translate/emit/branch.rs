//! How blocks end.

use super::operand::Reg;
use super::{Emitter, Label, Step, local};
use crate::Mode;
use crate::translate::effects;
use crate::translate::region::{Block, End, Target};
use crate::translate::state::why;
use iced_x86::{Code, Instruction, Mnemonic};

const RSP: u32 = 4;
/// So many addresses to return to are compared one by one.
const FEW: usize = 4;

impl Emitter<'_> {
    /// The end of a block, the instruction that branches included.
    #[inline(never)]
    pub(super) fn branch(&mut self, block: &Block) {
        let last = block.code.last();
        match (&block.end, last) {
            (&End::Jump(target), _) => self.edge(target),
            (&End::Stop(rip), _) => self.stop(rip),
            (&End::Branch { taken, fall }, Some(i)) => {
                let Some(condition) = effects::condition(i) else {
                    return self.stop(i.ip());
                };
                self.fork(condition, taken, fall);
            }
            (&End::Call(target), Some(i)) => {
                if self.push_return(i) {
                    self.flush();
                    self.edge(target);
                }
            }
            (End::Computed, Some(i)) => self.computed(i),
            (End::Return, Some(i)) => self.give_back(i),
            (_, None) => self.stop(block.start.into()),
        }
    }

    #[inline(never)]
    fn fork(&mut self, condition: u32, taken: Target, fall: Target) {
        self.condition(condition);
        let known = self.knowledge();
        if let Target::Inside(block) = taken
            && self.flow.number(block).is_none()
            && let Some(depth) = self.label(block)
        {
            // The condition may be below what this needs, which is only the kind of flags.
            self.sync();
            self.s().br_if(depth);
            return self.edge(fall);
        }
        if let Target::Inside(block) = fall
            && self.flow.number(block).is_none()
            && let Some(depth) = self.label(block)
        {
            self.sync();
            self.s().i32_eqz().br_if(depth);
            return self.edge(taken);
        }
        self.open(Label::Arm);
        self.steps.push(Step::End);
        self.steps.push(Step::Edge(fall, known));
        self.steps.push(Step::Else);
        self.steps.push(Step::Edge(taken, known));
    }

    fn pointer(&self) -> u32 {
        if self.mode == Mode::Amd64 { 8 } else { 4 }
    }

    /// Pushes a constant to the guest's stack.
    fn push_return(&mut self, i: &Instruction) -> bool {
        let width = self.pointer();
        if matches!(i.code(), Code::Call_rel16 | Code::Call_rm16) {
            self.stop(i.ip());
            return false;
        }
        let value = self.temp(width, 0);
        self.constant(width, i.next_ip());
        self.s().local_set(value);
        self.push(width, value);
        true
    }

    /// Pushes a temporary, not number 3, to the guest's stack.
    pub(super) fn push(&mut self, width: u32, from: u32) {
        let (stack, new) = (Reg::new(RSP, self.pointer()), self.temp(self.pointer(), 3));
        self.get(stack);
        self.constant(stack.width, u64::from(width).wrapping_neg());
        pick!(self, stack.width == 8, i64_add, i32_add);
        self.s().local_tee(new);
        self.check(width, true, self.checks.stack);
        self.store(width, from);
        self.s().local_get(new);
        self.set(stack);
    }

    /// Loads what the guest's stack pointer leads to, and leaves it on the stack.
    pub(super) fn peek(&mut self, width: u32) {
        self.get(Reg::new(RSP, self.pointer()));
        self.check(width, false, self.checks.stack);
        self.load(width);
    }

    /// Adds to the guest's stack pointer.
    pub(super) fn drop_bytes(&mut self, count: u64) {
        let stack = Reg::new(RSP, self.pointer());
        self.get(stack);
        self.constant(stack.width, count);
        pick!(self, stack.width == 8, i64_add, i32_add);
        self.set(stack);
    }

    /// An indirect jump or call.
    #[inline(never)]
    fn computed(&mut self, i: &Instruction) {
        let width = self.pointer();
        let target = self.temp(width, 1);
        if self.width(i, 0) != Some(width) || !self.prepare(i, false) || !self.read(i, 0, width) {
            return self.stop(i.ip());
        }
        self.s().local_set(target);
        if i.mnemonic() == Mnemonic::Call {
            if self.push_return(i) {
                self.flush();
                if !self.region.computed.is_empty() {
                    self.stay(target);
                }
                self.leave_for(target, i.ip() as u32);
            }
            return;
        }
        if !self.region.computed.is_empty() {
            self.stay(target);
        }
        // Jumps that are too low to be told apart from a reason are at no program's address.
        self.leave_for(target, i.ip() as u32);
    }

    /// A return: to one of the region's blocks behind calls, if it is one.
    fn give_back(&mut self, i: &Instruction) {
        let width = self.pointer();
        if matches!(i.code(), Code::Retnw | Code::Retnw_imm16) {
            return self.stop(i.ip());
        }
        let target = self.temp(width, 1);
        self.peek(width);
        self.s().local_set(target);
        let more = if i.op_count() > 0 { i.immediate(0) } else { 0 };
        self.drop_bytes(u64::from(width) + more);
        self.flush();
        self.sync();
        let region = self.region;
        if region.returns.len() > FEW {
            self.stay(target);
            return self.leave_for(target, why::JUMP);
        }
        for &(address, block) in &region.returns {
            let Some(number) = self.flow.number(block) else { continue };
            self.s().i32_const(number as i32).local_set(local::NEXT);
            self.s().local_get(target);
            self.constant(width, address);
            pick!(self, width == 8, i64_eq, i32_eq);
            let depth = self.depth(Label::Loop(0));
            self.s().br_if(depth);
        }
        self.leave_for(target, why::JUMP);
    }

    /// Goes on in this region if the address in a temporary is one of its entries: then it is in
    /// the table of jumps.
    fn stay(&mut self, target: u32) {
        self.sync();
        let (at, rip) = (local::U + 4, local::U + 5);
        self.s().local_get(target);
        if self.mode == Mode::Amd64 {
            self.s().i32_wrap_i64();
        }
        self.s().local_set(rip);
        super::jump_place(&mut self.s(), rip);
        let word = |word: u32| super::memarg(self.layout.jumps + 4 * word, 2);
        let [address, slot, entry] = [0, 1, 2].map(word);
        self.s().local_tee(at).i32_load(entry).local_set(local::NEXT);
        self.s().local_get(at).i32_load(address).local_get(rip).i32_eq();
        self.s().local_get(at).i32_load(slot).global_get(0).i32_eq().i32_and();
        if self.mode == Mode::Amd64 {
            self.s().local_get(target).i64_const(32).i64_shr_u().i64_eqz().i32_and();
        }
        let depth = self.depth(Label::Loop(0));
        self.s().br_if(depth);
    }

    /// Leaves for an address in a temporary.
    fn leave_for(&mut self, from: u32, why: u32) {
        self.sync();
        self.s().i32_const(why as i32).local_set(local::WHY);
        self.s().local_get(from);
        if self.mode == Mode::I386 {
            self.s().i64_extend_i32_u();
        }
        self.s().local_set(local::RIP);
        let exit = self.depth(Label::Exit);
        self.s().br(exit);
    }
}
