//! Finding the frame that catches an exception: see [`crate::exec::unwind`].

use super::code::{Code, LINK};
use super::context::Context;
use super::regs::{NO_SIDE, Regs};
use super::tables::{CROSS, LEAVE};
use core::ptr::{with_exposed_provenance, with_exposed_provenance_mut};

/// The registers with which execution goes on, if the run stopped for an exception that one
/// of its frames catches. The context is then as it is there.
///
/// # Safety
/// The run has stopped.
pub(super) unsafe fn catch(context: &mut Context) -> Option<Regs> {
    // SAFETY: the caller's promise; frames, code and instances are as they were at the trap.
    unsafe {
        let machine = &mut *context.machine;
        if !machine.is_thrown(context.trap.as_ref()) {
            return None;
        }
        let (mut pc, mut fp, mut code) = (context.trap_pc, context.trap_fp, context.code);
        let (mut instance, mut cross) = (context.instance, context.cross.len());
        // A frame that ended in a tail call of a host function catches nothing of its.
        let mut left = context.at_pc.is_null();
        loop {
            if pc == CROSS.as_ptr() {
                cross = cross.checked_sub(1)?;
                (pc, instance) = context.cross[cross];
            }
            if pc == LEAVE.as_ptr() {
                return None;
            }
            if let Some(regions) = (*code).regions.as_deref()
                && !left
            {
                let bytes = (*instance).module.bytes().as_ptr();
                // `pc` lies behind at least one byte of the instruction.
                let position = (pc as usize - bytes as usize - 1) as u32;
                if let Some(clause) = machine.caught_by(regions, position, &*instance) {
                    let count = machine.deliver(clause, fp);
                    context.trap = None;
                    context.cross.truncate(cross);
                    context.enter_instance(instance);
                    (context.code, context.tables) = (code, (*code).tables);
                    #[cfg(not(sampan_tail_calls))]
                    {
                        context.running = true;
                    }
                    let mut r = Regs {
                        pc: bytes.add(clause.target as usize),
                        sp: fp.add(clause.slot as usize + count),
                        fp,
                        ctx: context,
                        a: 0,
                        b: 0,
                        side: NO_SIDE,
                    };
                    r.set_side((*code).side.as_ptr().wrapping_add(clause.side as usize));
                    return Some(r);
                }
            }
            left = false;
            let link = fp.byte_add((*code).local_bytes);
            let [back, _, outer, caller] = link.cast::<[u64; LINK]>().read();
            pc = with_exposed_provenance(back as usize);
            fp = with_exposed_provenance_mut(outer as usize);
            code = with_exposed_provenance::<Code>(caller as usize);
        }
    }
}
