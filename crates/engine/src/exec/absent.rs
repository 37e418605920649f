//! In the place of an interpreter that is not built in: it has no code, so nothing is run.

use crate::entity::InstanceData;
use crate::module::ModuleData;
use crate::{Machine, Trap, TrapKind};
use core::any::Any;

/// Nothing is of this type.
#[derive(Debug)]
pub(crate) enum Code {}

pub(crate) fn prepare(_: &ModuleData, _: u32) -> sampan_wasm::Result<Code> {
    Err(crate::module::not_built_in())
}

pub(crate) fn run(
    _: &mut Machine,
    _: &mut dyn Any,
    _: *mut InstanceData,
    _: u32,
    _: &mut [u64],
) -> Result<(), Trap> {
    // Not reached: making a module for this interpreter fails.
    Err(Trap::new(TrapKind::OutOfMemory))
}
