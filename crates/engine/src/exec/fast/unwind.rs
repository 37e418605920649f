//! Finding the frame that catches an exception: see [`crate::exec::unwind`].

use super::code::Code;
use super::ops::call::{CROSS, LEAVE};
use super::run::Ctx;
use crate::Machine;
use crate::entity::InstanceData;
use crate::module::CodeSlots;
use core::ptr::with_exposed_provenance;

/// The code and the frame that go on, if the run stopped for an exception that one of its
/// frames catches. The context is then as it is there.
///
/// # Safety
/// The run has stopped with a trap.
pub(super) unsafe fn catch(ctx: &mut Ctx) -> Option<(*const u64, *mut u64)> {
    // SAFETY: the caller's promise; frames, code and instances are as they were at the trap.
    unsafe {
        let machine = &mut *ctx.machine;
        if !machine.is_thrown(ctx.trap.as_ref()) {
            return None;
        }
        let (mut ip, mut sp, mut instance) = (ctx.trap_ip, ctx.trap_sp, ctx.instance);
        let mut cross = ctx.cross.len();
        // A frame that ended in a tail call of a host function catches nothing of its.
        let mut left = ctx.at_ip.is_null();
        loop {
            if ip == LEAVE.ip() || ip.is_null() {
                return None;
            }
            if ip == CROSS.ip() {
                cross = cross.checked_sub(1)?;
                let (back, caller) = ctx.cross[cross];
                instance = caller;
                sp = sp.sub(*back.sub(1) as usize);
                ip = back.sub(1);
            }
            let code = &*find(machine, instance, ip)?;
            if let Some(regions) = code.regions.as_deref()
                && !left
            {
                let position = (ip as usize - code.words.as_ptr() as usize) / 8;
                if let Some(clause) = machine.caught_by(regions, position as u32, &*instance) {
                    machine.deliver(clause, sp);
                    ctx.trap = None;
                    ctx.cross.truncate(cross);
                    ctx.enter_instance(instance);
                    return Some((code.words.as_ptr().add(clause.target as usize), sp));
                }
            }
            left = false;
            let back: *const u64 = with_exposed_provenance(*sp.sub(1) as usize);
            let distance = *back.sub(1) as usize;
            sp = sp.sub(distance);
            ip = if distance == 0 { back } else { back.sub(1) };
        }
    }
}

/// The code that an instruction is in. What was looked for once is found at once.
unsafe fn find(
    machine: &mut Machine,
    instance: *mut InstanceData,
    ip: *const u64,
) -> Option<*const Code> {
    let at = ip as usize;
    let place = machine.codes.partition_point(|code| code.0 <= at);
    if let Some(&(_, (end, code))) = machine.codes[..place].last()
        && at < end
    {
        return Some(with_exposed_provenance(code));
    }
    // SAFETY: the caller's promise: it is the instance that runs there, which lives as long as
    // the machine.
    let module = unsafe { (*instance).module.data() };
    let CodeSlots::Fast(slots) = &module.code else { return None };
    let code = slots.iter().filter_map(|slot| slot.get()).find(|code| code.contains(ip))?;
    let range = code.words.as_ptr_range();
    let known = (range.end as usize, core::ptr::from_ref(code).expose_provenance());
    let place = machine.codes.partition_point(|code| code.0 < at);
    // Else it is looked for again.
    let _ = machine.codes.put_at(place, (range.start as usize, known));
    Some(code)
}
