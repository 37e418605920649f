//! Running functions: the two interpreters behind one entry.

pub(crate) mod classic;
pub(crate) mod fast;
#[allow(dead_code)] // The classic interpreter will use what the fast one fuses.
pub(crate) mod num;
pub(crate) mod simd;

use crate::entity::InstanceData;
use crate::{Machine, Mode, Trap};
use core::any::Any;

/// Runs the body with an index of an instance. `slots` holds the arguments and takes the
/// results.
pub(crate) fn run(
    machine: &mut Machine,
    data: &mut dyn Any,
    instance: *mut InstanceData,
    body: u32,
    slots: &mut [u64],
) -> Result<(), Trap> {
    // SAFETY: the machine owns the instance.
    let code = unsafe { (*instance).module.code().cloned() };
    if let Some(code) = code.filter(|code| !code.entry(body).is_null()) {
        // SAFETY: the machine owns the instance; `slots` has room for arguments and results.
        return unsafe {
            crate::native::call(machine, data, &*code, instance, body, slots.as_mut_ptr())
        };
    }
    match machine.engine.config().mode {
        Mode::Classic => classic::run(machine, data, instance, body, slots),
        Mode::Fast | Mode::Jit => fast::run(machine, data, instance, body, slots),
    }
}
