//! From instructions to ops.
//!
//! One instruction becomes one op, behind ops that compute an address which has more parts
//! than an op can hold. Those have no effect a program sees, so a fault in the op is a
//! fault of the whole.

mod branch;
mod integer;
mod operand;
mod string;
mod system;
mod vector;
mod x87;

use super::cache::fetch_fault;
use super::op::{Handler, Op};
use super::ops;
use crate::exit::Access;
use crate::memory::PAGE_SIZE;
use crate::{AddressSpace, Exit, Mode};
use alloc::boxed::Box;
use alloc::vec::Vec;
use iced_x86::{Decoder, DecoderError, DecoderOptions, Instruction};
pub(super) use operand::EMPTY;
pub(crate) use operand::{Conditional, conditional, general, memory_bytes};

/// The longest instruction.
const MAX_INSTRUCTION: usize = 15;

/// What an instruction became.
enum Lowered {
    /// The next one follows.
    Next,
    /// Execution never reaches the next one by falling through.
    End,
}

/// Ops of a block under construction.
struct Builder {
    mode: Mode,
    ops: Vec<Op>,
    /// Instructions so far, the current one included.
    count: u8,
}

/// Decodes up to `max` instructions from an address on, and where they end.
pub(super) fn block(
    mode: Mode,
    rip: u32,
    space: &AddressSpace,
    max: usize,
) -> Result<(Box<[Op]>, u64), Exit> {
    let mut code = [0; 64 * MAX_INSTRUCTION];
    let bytes = fetch(space, u64::from(rip), &mut code);
    if bytes.is_empty() {
        return Err(fetch_fault(space, u64::from(rip)));
    }
    let bits = if mode == Mode::Amd64 { 64 } else { 32 };
    let mut decoder = Decoder::with_ip(bits, bytes, u64::from(rip), DecoderOptions::NONE);
    let mut builder = Builder { mode, ops: Vec::with_capacity(24), count: 0 };
    let mut instruction = Instruction::default();
    let start_page = u64::from(rip) / PAGE_SIZE;
    let mut at = u64::from(rip);
    loop {
        let more = usize::from(builder.count) < max && at / PAGE_SIZE == start_page;
        if !more {
            builder.fall_through(at);
            break;
        }
        decoder.decode_out(&mut instruction);
        if instruction.is_invalid() && decoder.last_error() == DecoderError::NoMoreBytes {
            // What is missing lies on a page from which nothing can be fetched, unless the
            // buffer is full.
            let end = u64::from(rip) + bytes.len() as u64;
            if builder.count > 0 {
                builder.fall_through(at);
            } else if end - at >= MAX_INSTRUCTION as u64 {
                builder.count += 1;
                builder.simple(at, 0, ops::system::privileged);
            } else {
                // Nothing is kept that would fault once the rest is there.
                return Err(fetch_fault(space, end));
            }
            break;
        }
        builder.count += 1;
        let flow = if instruction.is_invalid() {
            // Longer than 15 bytes is #GP, anything else #UD.
            let too_long =
                decoder.position() as u64 - (at - u64::from(rip)) > MAX_INSTRUCTION as u64;
            let handler =
                if too_long { ops::system::privileged } else { ops::system::invalid as Handler };
            builder.simple(at, 0, handler);
            Lowered::End
        } else {
            builder.instruction(&instruction)
        };
        at += instruction.len() as u64;
        if matches!(flow, Lowered::End) {
            break;
        }
    }
    Ok((builder.ops.into_boxed_slice(), at))
}

/// The bytes from an address on that can be fetched, as far as a block may need them.
fn fetch<'a>(space: &AddressSpace, rip: u64, buffer: &'a mut [u8]) -> &'a [u8] {
    let to_page_end = (PAGE_SIZE - rip % PAGE_SIZE) as usize;
    let wanted = buffer.len().min(to_page_end + MAX_INSTRUCTION - 1);
    let len = space.accessible(rip, wanted as u64, Access::Execute) as usize;
    let bytes = &mut buffer[..len];
    bytes.copy_from_slice(space.content(rip, len as u64));
    bytes
}

impl Builder {
    fn emit(&mut self, mut op: Op, run: Handler) {
        op.run = run;
        self.ops.push(op);
    }

    /// An op without operands.
    fn simple(&mut self, rip: u64, len: u8, run: Handler) {
        let op = Op { rip: rip as u32, len, x: self.count, y: self.count, ..EMPTY };
        self.emit(op, run);
    }

    fn fall_through(&mut self, target: u64) {
        let count = self.count;
        // It is no instruction of its own.
        match u32::try_from(target) {
            Ok(rip) => {
                let op = Op { rip, disp: rip as i32, x: count, ..EMPTY };
                self.emit(op, ops::branch::jmp);
            }
            Err(_) => {
                let op = Op { imm: target, x: count, ..EMPTY };
                self.emit(op, ops::branch::jmp_wild);
            }
        }
    }

    fn instruction(&mut self, i: &Instruction) -> Lowered {
        if let Some(flow) = self.branch(i) {
            return flow;
        }
        if let Some(flow) = self.system(i) {
            return flow;
        }
        if self.integer(i) || self.string(i) || self.vector(i) || self.x87(i) {
            return Lowered::Next;
        }
        self.simple(i.ip(), i.len() as u8, ops::system::unsupported);
        Lowered::End
    }
}
