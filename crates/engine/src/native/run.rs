//! Entering compiled code, and what its traps become.

use super::{CodeFrame, CodeTrap, Entry, PENDING, Runtime, TrapCode};
use crate::entity::{FuncKind, InstanceData};
use crate::{FuncId, Machine, Trap, TrapFrame, TrapKind, exec};
use core::any::Any;

/// Runs a body if it has code; `slots` holds the arguments and takes the results.
pub(crate) fn run(
    machine: &mut Machine,
    data: &mut dyn Any,
    instance: *mut InstanceData,
    body: u32,
    slots: &mut [u64],
) -> Option<Result<(), Trap>> {
    // SAFETY: the machine owns the instance.
    let entry = unsafe { (*instance).module.data().native.entry(body)? };
    // SAFETY: as above; `slots` has room for arguments and results.
    Some(unsafe { call(machine, data, entry, instance, slots.as_mut_ptr()) })
}

/// The call of a function without machine code by compiled code. Calls from code to
/// interpreted functions are bounded by the native stack.
///
/// # Safety
/// `slots` has room for the arguments and the results; the caller's instance exists.
pub(super) unsafe fn call_from(
    machine: &mut Machine,
    data: &mut dyn Any,
    func: FuncId,
    caller: *mut InstanceData,
    slots: *mut u64,
) -> Result<(), Trap> {
    let entity = &machine.funcs[func.0 as usize];
    // SAFETY: the caller's promise.
    let slots = unsafe { core::slice::from_raw_parts_mut(slots, entity.slots as usize) };
    match &entity.kind {
        FuncKind::Host(call) => {
            let call = call.clone();
            // SAFETY: as above.
            let caller = unsafe { (*caller).id };
            call(machine, data, Some(caller), slots)
        }
        &FuncKind::Wasm { instance, body } => {
            // SAFETY: the machine owns the instance.
            let (part, context) =
                unsafe { (&(*instance).module.data().native, (*instance).native.context.as_ptr()) };
            if let Some(entry) = part.entry(body) {
                // It got its code meanwhile: next time compiled code finds it.
                let func = &mut machine.funcs[func.0 as usize].native;
                (func.entry, func.context) = (entry.code, context.cast_mut());
            }
            let top = machine.stack.top;
            let result = exec::run(machine, data, instance, body, slots);
            machine.stack.top = top;
            result
        }
    }
}

/// Calls code. `slots` has room for arguments and results.
///
/// # Safety
/// The machine owns the instance, and nothing refers to what is in the machine.
pub(crate) unsafe fn call(
    machine: *mut Machine,
    data: *mut dyn Any,
    entry: Entry,
    instance: *mut InstanceData,
    slots: *mut u64,
) -> Result<(), Trap> {
    // SAFETY: the caller's promise; the runtime lives as long as the machine.
    unsafe {
        let runtime: *mut Runtime = (*machine).native.0.as_ptr();
        (*runtime).machine = machine;
        (*runtime).fuel = &raw mut (*machine).fuel;
        let outer = ((*runtime).data, (*runtime).caller);
        (*runtime).data = data;
        (*runtime).depth += 1;
        let context = (*instance).native.context.as_mut_ptr();
        let result = (*machine).engine.native().call(entry, context, slots, runtime);
        (*runtime).depth -= 1;
        ((*runtime).data, (*runtime).caller) = outer;
        #[cfg(feature = "std")]
        if let Some(panic) = (*runtime).panic.take() {
            std::panic::resume_unwind(panic);
        }
        result.map_err(|CodeTrap { code: number, frames }| {
            if number == TrapCode::Interrupted as u8 {
                (*machine).interrupt.take();
            }
            let mut trap = match number {
                PENDING => (*runtime).trap.take().expect("set by the call that failed"),
                number => Trap::new(TrapKind::from_code(number)),
            };
            trap.add_frames(frames_of(&*machine, instance, &frames));
            trap
        })
    }
}

/// The frames with their functions. Code does not know its instance: the one that was
/// entered, if the code is its module's, else the first of the module.
pub(crate) fn frames_of(
    machine: &Machine,
    entered: *mut InstanceData,
    frames: &[CodeFrame],
) -> impl Iterator<Item = TrapFrame> {
    frames.iter().filter_map(move |frame| {
        let func = |instance: &InstanceData| {
            let index = instance.module.decl().imported_funcs + frame.body;
            Some(TrapFrame { func: *instance.funcs.get(index as usize)?, offset: frame.offset })
        };
        let of_module = |i: &&InstanceData| i.module.data().native.id() == frame.module;
        // SAFETY: the machine owns it.
        let entered = unsafe { &*entered };
        if of_module(&entered) {
            return func(entered);
        }
        machine.instances.iter().map(|instance| &**instance).find(of_module).and_then(func)
    })
}
