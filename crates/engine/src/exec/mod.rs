//! Running functions: the two interpreters behind one entry.

#[cfg_attr(not(feature = "classic"), path = "absent.rs")]
pub(crate) mod classic;
#[cfg_attr(not(feature = "fast"), path = "absent.rs")]
pub(crate) mod fast;
#[cfg(feature = "reference-types")]
pub(crate) mod maps;
#[allow(dead_code, unused_macros, unused_imports)] // Each interpreter uses what the other does not.
pub(crate) mod num;
#[cfg(feature = "simd")]
#[allow(dead_code, unused_macros, unused_imports)]
pub(crate) mod simd;
#[cfg_attr(not(feature = "exceptions"), path = "unwind_absent.rs")]
#[allow(dead_code)] // As above.
pub(crate) mod unwind;
#[allow(dead_code)] // As above.
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
    if let Some(result) = crate::native::run(machine, data, instance, body, slots) {
        return result;
    }
    match machine.engine.config().mode {
        Mode::Classic => classic::run(machine, data, instance, body, slots),
        _ => fast::run(machine, data, instance, body, slots),
    }
}

/// Validates the body with an index by preparing it.
#[cfg(sampan_small)]
pub(crate) fn validate(module: &crate::module::ModuleData, body: u32) -> sampan_wasm::Result<()> {
    match module.engine.config().mode {
        Mode::Classic => classic::prepare(module, body).map(drop),
        _ => fast::prepare(module, body).map(drop),
    }
}
