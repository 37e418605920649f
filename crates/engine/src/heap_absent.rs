//! In the place of the collected heap where no references to it are built in.

use crate::{Machine, RawRef, TrapKind};
use alloc::boxed::Box;
use core::any::Any;
use sampan_wasm::{RefType, room::OutOfMemory};

/// A reference that is alive until its scope ends; there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Handle(());

/// A reference that is alive as long as this is; there is none.
#[derive(Clone, Debug)]
pub struct OwnedRef(());

impl OwnedRef {
    /// The reference.
    pub fn raw(&self) -> RawRef {
        RawRef::NULL
    }
}

#[allow(missing_docs)] // See the heap's.
impl Machine {
    pub fn new_host_ref(&mut self, _: Box<dyn Any + Send + Sync>) -> Result<RawRef, TrapKind> {
        Err(TrapKind::HeapExhausted)
    }

    pub fn host_ref(&self, _: RawRef) -> Option<&(dyn Any + Send + Sync)> {
        None
    }

    pub fn handle(&mut self, _: RawRef) -> Handle {
        Handle(())
    }

    pub fn resolve(&self, _: Handle) -> Option<RawRef> {
        None
    }

    pub fn own(&mut self, _: RawRef) -> Result<OwnedRef, OutOfMemory> {
        Ok(OwnedRef(()))
    }

    pub fn open_scope(&mut self) -> usize {
        0
    }

    pub fn close_scope(&mut self, _: usize) {}

    pub fn collect(&mut self) {}

    pub fn is_of(&self, _: RawRef, _: RefType) -> bool {
        false
    }
}
