//! Machine code, as this crate sees it: what a compiler gives, and what compiled code may
//! reach at which offset.
//!
//! A function compiled by a [`Compiler`] gets the address of a *context* as its first
//! argument, then its parameters in registers. The context of an instance is a sequence of
//! 64-bit words ([`Layout`]); that of a function without machine code has the header only.
//! [`Runtime`] is the part that a machine's contexts share. Compiled code reaches whatever
//! has no machine code through [`calls`], with the arguments in slots as an interpreter
//! has them.
//!
//! Everything that a compiler relies on is in this folder, and in the first fields of the
//! entities, which are `repr(C)`: [`offsets`].

mod calls;
mod context;
mod lent;
mod parts;
mod run;
mod tier;

pub use crate::trap::TrapCode;
pub use calls::{CALLS, Calls};
pub use context::{Layout, Runtime, offsets};
pub(crate) use context::{bind_function, bind_instance};
pub use lent::Lent;
pub(crate) use parts::{
    EnginePart, FuncPart, InstancePart, MachinePart, ModulePart, Rooms, compile, load, stub,
};
pub(crate) use run::{call, run};
pub use tier::Job;

use crate::{Config, Module, Trap};
use alloc::sync::Arc;
use alloc::{string::String, vec::Vec};
use core::fmt::Debug;
use core::ptr::NonNull;

/// Makes machine code of modules, and gives memories the room that the code expects.
pub trait Compiler: Debug + Send + Sync {
    /// The code of a valid module. Functions that it can't compile are interpreted.
    ///
    /// # Errors
    /// What keeps it from making any code on this host.
    fn compile(&self, module: &Module, config: &Config) -> Result<Arc<dyn Code>, Trap>;

    /// What code depends on beside the module: versions, processor, choices. Only where this is
    /// the same can code be taken over; words are separated by blanks.
    ///
    /// # Errors
    /// What keeps it from making any code on this host.
    fn describe(&self, config: &Config) -> Result<String, Trap>;

    /// The code that [`Code::to_bytes`] gave. It stays where it is, if it can be executed there.
    ///
    /// # Errors
    /// The bytes are not those of this module's code, as far as that can be seen.
    ///
    /// # Safety
    /// They are, and the compiler that made them describes itself as this one does.
    unsafe fn load(&self, module: &Module, bytes: Lent) -> Result<Arc<dyn Code>, Trap>;

    /// Makes the code of one place, in the background if it takes time.
    fn begin(&self, job: Job);

    /// Puts what was made so far where a later start finds it, if it keeps anything.
    fn settle(&self) {}

    /// Calls code.
    ///
    /// # Errors
    /// The number of a trap ([`TrapCode`]) and the calls that led there.
    ///
    /// # Safety
    /// `context` is that of an instance of the code's module, `slots` holds the arguments (of a
    /// loop: the frame) and has room for the results, and nothing else uses the machine.
    unsafe fn call(
        &self,
        entry: Entry,
        context: *mut u64,
        slots: *mut u64,
        runtime: *mut Runtime,
    ) -> Result<(), CodeTrap>;

    /// The room for memories with 32-bit addresses.
    fn reservations(&self) -> Arc<dyn Reservations>;
}

/// The machine code of a module's functions.
pub trait Code: Send + Sync {
    /// Where the code of a body (imports not counted) is; `None` if it is interpreted.
    fn entry(&self, body: u32) -> Option<Entry>;

    /// What [`Compiler::load`] makes the same code from, in any process. It begins with what is
    /// executed.
    fn to_bytes(&self) -> Vec<u8>;
}

/// Where code begins.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// For other compiled code, with arguments in registers.
    pub code: *const u8,
    /// What calls `code` with arguments in slots, and puts the results there. The compiler
    /// gives and calls it.
    pub through: *const u8,
}

/// A function, or one of its loops, which is then entered at its next round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The function's body (imports not counted).
    pub body: u32,
    /// The loop's instruction, in bytes from the module's start; 0 is the function.
    pub at: u32,
    /// Of a loop: the slot of the first value on the operand stack. Before are the locals from
    /// slot 0 on, and both are without gaps.
    pub stack: u32,
}

/// Why compiled code stopped.
#[derive(Debug)]
pub struct CodeTrap {
    /// The number of the trap; [`PENDING`] if [`Runtime::trap`] has it.
    pub code: u8,
    /// The calls, innermost first.
    pub frames: Vec<CodeFrame>,
}

/// A call on the native stack.
#[derive(Clone, Copy, Debug)]
pub struct CodeFrame {
    /// Which module; see [`module_id`].
    pub module: u64,
    /// The body.
    pub body: u32,
    /// The instruction, in bytes from the module's start.
    pub offset: u32,
}

/// A number that no other module of the process has.
pub fn module_id(module: &Module) -> u64 {
    module.data().native.id()
}

/// The trap is in [`Runtime::trap`].
pub const PENDING: u8 = 200;

/// Address space for linear memories.
///
/// # Safety
/// A reservation is valid, and its bytes that were never committed fault, until released.
pub unsafe trait Reservations: Debug + Send + Sync {
    /// Address space for one memory: four gibibytes, and beyond them as much as an access
    /// with any 32-bit offset can reach, of which nothing can be accessed.
    fn reserve(&self) -> Option<NonNull<u8>>;

    /// Makes `from..to` accessible; it is zero.
    fn commit(&self, base: NonNull<u8>, from: usize, to: usize) -> bool;

    /// Ends a reservation.
    ///
    /// # Safety
    /// Nothing uses it any more.
    unsafe fn release(&self, base: NonNull<u8>);
}
