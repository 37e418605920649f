//! Instructions whose work outweighs their dispatch: see [`crate::exec::work`].

use crate::TrapKind;
#[cfg(feature = "gc")]
use crate::entity::InstanceData;
use crate::exec::classic::context::Context;
use crate::exec::classic::ops::trap;
use crate::exec::classic::regs::{handler, leb, leb_64};
use crate::exec::work::{self, Shape};
use crate::trap::DONE;
#[cfg(feature = "gc")]
use sampan_wasm::{Imm, Reader};
use sampan_wasm::{ImmKind, Opcode};

handler! {
    /// An opcode of one byte.
    fn slow(r) {
        r.spill(1);
        let next = perform(r.ctx, r.pc, r.sp, r.fp);
        if next.is_null() {
            return r.call(trap::refused);
        }
        r.sp = (*r.ctx).operands;
        r.pc = next;
        r.go(0)
    }

    /// An access to a memory that is not plain, or beyond its end. All operands are in memory,
    /// and `pc` is at the start of the instruction.
    fn far_access(r) {
        let next = perform(r.ctx, r.pc, r.sp, r.fp);
        if next.is_null() {
            return r.call(trap::refused);
        }
        r.sp = (*r.ctx).operands;
        r.pc = next;
        r.go(0)
    }
}

/// Executes the instruction at `pc` and gives the next one's address; where its operands end
/// is then in the context. Null leaves the number of a trap there.
#[inline(never)]
unsafe fn perform(ctx: *mut Context, pc: *const u8, sp: *mut u64, fp: *mut u64) -> *const u8 {
    // SAFETY: validation: the instruction has its operands and immediates; the machine keeps
    // its entities.
    unsafe {
        let ctx = &mut *ctx;
        let (op, mut at) = opcode(pc);
        let (i, j, shape) = match op.immediates() {
            ImmKind::MemArg(_) | ImmKind::MemArgLane(_) | ImmKind::AtomicMemArg(_) => {
                access(ctx, op, &mut at)
            }
            #[cfg(feature = "gc")]
            _ if op == Opcode::RefEq || (0x100..0x200).contains(&op.code()) => {
                let imm = match op.immediates() {
                    ImmKind::HeapType => {
                        let (imm, next) = decode(&*ctx.instance, pc);
                        at = next;
                        imm
                    }
                    kind => gc_indices(kind, &mut at),
                };
                let decl = (*ctx.instance).module.decl();
                match work::gc::shape(decl, op, &imm) {
                    Some((shape, i, j)) => (i, j, Some(shape)),
                    None => (0, 0, None),
                }
            }
            #[cfg(feature = "exceptions")]
            kind if op == Opcode::Throw => {
                let (tag, _) = indices(kind, &mut at);
                let shape = work::exception::throw_shape((*ctx.instance).module.decl(), tag as u32);
                (tag, 0, Some(shape))
            }
            kind => {
                let (i, j) = indices(kind, &mut at);
                (i, j, work::shape(op))
            }
        };
        // A build with plain memories only comes here for what is beyond their end.
        let Some(shape) = shape else {
            ctx.refusal = TrapKind::MemoryOutOfBounds.code();
            (ctx.trap_pc, ctx.trap_fp) = (pc.wrapping_add(1), fp);
            return core::ptr::null();
        };
        (ctx.trap_pc, ctx.trap_fp) = (pc.wrapping_add(1), fp);
        (ctx.at_pc, ctx.at_fp) = (at, fp);
        let slots = sp.sub(shape.operands as usize);
        let outcome = (shape.work)(ctx.machine, ctx.instance, slots, i, j);
        if outcome != DONE {
            ctx.refusal = outcome;
            return core::ptr::null();
        }
        if op == Opcode::MemoryGrow {
            ctx.load_memory();
        }
        ctx.operands = slots.add(shape.results as usize);
        at
    }
}

/// The opcode at `pc`, and the end of its bytes.
unsafe fn opcode(pc: *const u8) -> (Opcode, *const u8) {
    // SAFETY: the caller is at an instruction.
    let (code, at) = unsafe {
        match Opcode::page(*pc) {
            None => (u32::from(*pc), pc.add(1)),
            Some((page, _)) => {
                let (sub, len) = leb(pc.add(1));
                (page + sub, pc.add(1 + len))
            }
        }
    };
    (Opcode::from_code(code).expect("validated"), at)
}

unsafe fn indices(kind: ImmKind, at: &mut *const u8) -> (u64, u64) {
    let mut next = || {
        // SAFETY: the instruction has as many immediates.
        let (value, len) = unsafe { leb(*at) };
        // SAFETY: as above.
        *at = unsafe { at.add(len) };
        u64::from(value)
    };
    match kind {
        ImmKind::None => (0, 0),
        ImmKind::MemoryCopy | ImmKind::MemoryInit | ImmKind::TableCopy | ImmKind::TableInit => {
            (next(), next())
        }
        _ => (next(), 0),
    }
}

/// The immediates of an instruction that has indices only.
#[cfg(feature = "gc")]
unsafe fn gc_indices(kind: ImmKind, at: &mut *const u8) -> Imm<'static> {
    let mut next = || {
        // SAFETY: the instruction has as many immediates.
        let (value, len) = unsafe { leb(*at) };
        // SAFETY: as above.
        *at = unsafe { at.add(len) };
        value
    };
    match kind {
        ImmKind::None => Imm::None,
        ImmKind::Type => Imm::Index(next()),
        _ => Imm::Index2(next(), next()),
    }
}

/// The immediates of the instruction at `pc`, and the next one's address.
#[cfg(feature = "gc")]
pub(super) unsafe fn decode(instance: &InstanceData, pc: *const u8) -> (Imm<'_>, *const u8) {
    let bytes = instance.module.bytes();
    let offset = pc as usize - bytes.as_ptr() as usize;
    let features = instance.module.engine().config().features;
    let mut reader = Reader::new(bytes, offset..bytes.len(), features);
    let instr = reader.instr().expect("validated: it decodes");
    (instr.imm, bytes[reader.pos()..].as_ptr())
}

/// Reads the immediates of an access to memory, with its lane if it has one.
unsafe fn access(ctx: &Context, op: Opcode, at: &mut *const u8) -> (u64, u64, Option<Shape>) {
    // SAFETY: the instruction has these immediates.
    unsafe {
        let (align, len) = leb(*at);
        *at = at.add(len);
        let mut memory = 0;
        let features = (*ctx.machine).engine.config().features;
        if align & 0x40 != 0 && features.has(sampan_wasm::Feature::MultiMemory) {
            let (index, len) = leb(*at);
            *at = at.add(len);
            memory = u64::from(index);
        }
        let (offset, len) = leb_64(*at);
        *at = at.add(len);
        if let ImmKind::MemArgLane(_) = op.immediates() {
            memory |= u64::from(**at) << 32;
            *at = at.add(1);
        }
        // A vector's result takes two slots.
        let shape = work::access(op).map(|shape| Shape {
            results: shape.results * if work::is_vector_access(op) { 2 } else { 1 },
            ..shape
        });
        (memory, offset, shape)
    }
}
