//! In the place of machine code where it is not built in: the engine's types carry nothing
//! for it, and no function has any.

use crate::entity::InstanceData;
use crate::module::ModuleData;
use crate::{Config, Engine, FuncId, Machine, Module, Trap, exec};
use core::any::Any;
use core::ptr::NonNull;
use core::sync::atomic::AtomicBool;
use sampan_wasm as wasm;
use sampan_wasm::room::OutOfMemory;

#[derive(Debug, Default)]
pub(crate) struct EnginePart;

impl EnginePart {
    pub fn rooms(&self) -> Option<Rooms> {
        None
    }
}

/// Nothing is of this type.
#[derive(Debug)]
pub(crate) enum Rooms {}

impl Rooms {
    pub fn reserve(&self) -> Option<NonNull<u8>> {
        match *self {}
    }

    pub fn commit(&self, _: NonNull<u8>, _: usize, _: usize) -> bool {
        match *self {}
    }

    pub unsafe fn release(&self, _: NonNull<u8>) {
        match *self {}
    }
}

pub(crate) struct ModulePart;

impl ModulePart {
    pub fn new(_: &Engine, _: &wasm::Module) -> ModulePart {
        ModulePart
    }

    #[cfg_attr(not(feature = "fast"), allow(dead_code))]
    pub fn tier(&self) -> Option<&()> {
        None
    }
}

pub(crate) struct MachinePart;

impl MachinePart {
    pub fn new(_: &AtomicBool, _: &Config) -> Result<MachinePart, OutOfMemory> {
        Ok(MachinePart)
    }

    #[cfg_attr(not(feature = "reference-types"), allow(dead_code))]
    pub fn is_running(&self) -> bool {
        false
    }
}

#[derive(Default)]
pub(crate) struct FuncPart;

#[derive(Default)]
pub(crate) struct InstancePart;

pub(crate) fn compile(_: &Module) -> wasm::Result<()> {
    Err(crate::module::not_built_in())
}

pub(crate) fn stub(_: &ModuleData, _: u32) -> Option<exec::fast::Code> {
    None
}

pub(crate) fn bind_function(_: &mut Machine, _: FuncId) {}

pub(crate) fn bind_instance(_: &mut Machine, _: usize) {}

#[inline(always)]
pub(crate) fn run(
    _: &mut Machine,
    _: &mut dyn Any,
    _: *mut InstanceData,
    _: u32,
    _: &mut [u64],
) -> Option<Result<(), Trap>> {
    None
}
