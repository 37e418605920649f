//! The engine's compiler, but for where memories are.
//!
//! Unsafe because it hands on a call of compiled code.

use crate::room::Rooms;
use sampan_compile::Jit;
use sampan_engine::native::{Code, CodeTrap, Compiler, Entry, Job, Reservations, Runtime};
use sampan_engine::{Config, Module, Trap};
use std::sync::Arc;

/// The compiler, with memories that are where the guest's are.
#[derive(Debug)]
pub struct Compile {
    pub jit: Jit,
    pub rooms: Arc<Rooms>,
}

impl Compiler for Compile {
    fn compile(&self, module: &Module, config: &Config) -> Result<Arc<dyn Code>, Trap> {
        self.jit.compile(module, config)
    }

    fn begin(&self, job: Job) {
        self.jit.begin(job);
    }

    unsafe fn call(
        &self,
        entry: Entry,
        context: *mut u64,
        slots: *mut u64,
        runtime: *mut Runtime,
    ) -> Result<(), CodeTrap> {
        // SAFETY: the caller's promise.
        unsafe { self.jit.call(entry, context, slots, runtime) }
    }

    fn reservations(&self) -> Arc<dyn Reservations> {
        self.rooms.clone()
    }
}
