//! Entering compiled code, and what its traps become.

use super::{Code, CodeFrame, CodeTrap, PENDING, Runtime};
use crate::entity::InstanceData;
use crate::{Machine, Trap, TrapFrame, exec};
use core::any::Any;

/// Calls a body that has code. `slots` has room for arguments and results.
///
/// # Safety
/// The machine owns the instance, and nothing refers to what is in the machine.
pub(crate) unsafe fn call(
    machine: *mut Machine,
    data: *mut dyn Any,
    code: &dyn Code,
    instance: *mut InstanceData,
    body: u32,
    slots: *mut u64,
) -> Result<(), Trap> {
    // SAFETY: the caller's promise; the runtime lives as long as the machine.
    unsafe {
        let runtime: *mut Runtime = (*machine).runtime.as_ptr();
        (*runtime).machine = machine;
        (*runtime).fuel = &raw mut (*machine).fuel;
        let outer = ((*runtime).data, (*runtime).caller);
        (*runtime).data = data;
        (*runtime).depth += 1;
        let result = code.call(body, (*instance).context.as_mut_ptr(), slots, runtime);
        (*runtime).depth -= 1;
        ((*runtime).data, (*runtime).caller) = outer;
        result.map_err(|CodeTrap { code: number, frames }| {
            let mut trap = match number {
                PENDING => (*runtime).trap.take().expect("set by the call that failed"),
                number => Trap::new(exec::fast::kind_of(number)),
            };
            trap.add_frames(frames_of(&*machine, instance, code.id(), &frames));
            trap
        })
    }
}

/// The frames with their functions. Code does not know its instance: the one that was
/// entered, if the code is its module's, else the first of the module.
pub(crate) fn frames_of(
    machine: &Machine,
    entered: *mut InstanceData,
    code: u64,
    frames: &[CodeFrame],
) -> impl Iterator<Item = TrapFrame> {
    frames.iter().filter_map(move |frame| {
        let func = |instance: &InstanceData| {
            let index = instance.module.decl().imported_funcs + frame.body;
            Some(TrapFrame { func: *instance.funcs.get(index as usize)?, offset: frame.offset })
        };
        if frame.code == code {
            // SAFETY: the machine owns it.
            return func(unsafe { &*entered });
        }
        let of_module =
            |i: &&InstanceData| i.module.code().is_some_and(|c| c.id() == frame.code);
        machine.instances.iter().map(|instance| &**instance).find(of_module).and_then(func)
    })
}
