//! To come.
use crate::entity::InstanceData;
use crate::module::ModuleData;
use crate::{Machine, Trap};
use core::any::Any;

#[derive(Debug)]
pub(crate) struct Code {}

pub(crate) fn prepare(_module: &ModuleData, _body: u32) -> Result<Code, sampan_wasm::Error> {
    todo!()
}

pub(crate) fn run(
    _machine: &mut Machine,
    _data: &mut dyn Any,
    _instance: *mut InstanceData,
    _body: u32,
    _slots: &mut [u64],
) -> Result<(), Trap> {
    todo!()
}
