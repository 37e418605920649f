//! Running functions: the two interpreters behind one entry.

pub(crate) mod classic;
pub(crate) mod fast;
#[allow(dead_code)] // The classic interpreter will use what the fast one fuses.
pub(crate) mod num;
pub(crate) mod simd;
pub(crate) mod work;

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
    match machine.engine.config().mode {
        Mode::Classic => classic::run(machine, data, instance, body, slots),
        Mode::Fast => fast::run(machine, data, instance, body, slots),
    }
}
