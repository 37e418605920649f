//! What compiled code calls.
//!
//! Most take slots as the interpreters have them. All return zero, or one if
//! [`Runtime::trap`](super::Runtime) says why execution must stop.

use super::{Layout, Runtime, run::call_from};
use crate::entity::InstanceData;
use crate::trap::DONE;
use crate::{FuncId, MemoryEntity, Trap, TrapKind, exec};
use sampan_wasm::Opcode;

/// The table of these functions.
pub struct Calls(pub [*const u8; 5]);

// SAFETY: addresses of functions.
unsafe impl Sync for Calls {}

impl Calls {
    /// `(context, slots) -> status`: calls the function whose header `context` is.
    pub const FUNCTION: usize = 0;
    /// `(context, opcode, slots, immediate, immediate) -> status`: an instruction whose
    /// operands are in `slots` and whose result goes to the first.
    pub const INSTRUCTION: usize = 1;
    /// `(context, type, wanted type) -> 0 or 1`: whether a function type is a subtype.
    pub const SUBTYPE: usize = 2;
    /// `(context, to, from, bytes, memory, memory) -> status`: `memory.copy`.
    pub const COPY: usize = 3;
    /// `(context, to, value, bytes, memory) -> status`: `memory.fill`.
    pub const FILL: usize = 4;
}

/// See [`Calls`].
pub static CALLS: Calls = Calls([
    function as extern "C" fn(*mut u64, *mut u64) -> u32 as *const u8,
    instruction as extern "C" fn(*mut u64, u32, *mut u64, u64, u64) -> u32 as *const u8,
    subtype as extern "C" fn(*mut u64, u32, u32) -> u32 as *const u8,
    copy as extern "C" fn(*mut u64, u64, u64, u64, u32, u32) -> u32 as *const u8,
    fill as extern "C" fn(*mut u64, u64, u32, u64, u32) -> u32 as *const u8,
]);

/// A word of a context.
unsafe fn word(context: *mut u64, offset: i32) -> u64 {
    // SAFETY: every context has a header.
    unsafe { *context.byte_offset(offset as isize) }
}

unsafe fn runtime(context: *mut u64) -> *mut Runtime {
    // SAFETY: as above.
    unsafe { word(context, Layout::RUNTIME) as *mut Runtime }
}

/// Does `work`. A panic is kept, as it must not pass compiled code, and goes on outside.
#[cfg(feature = "std")]
unsafe fn guard(runtime: *mut Runtime, work: impl FnOnce() -> Result<(), Trap>) -> u32 {
    let work = std::panic::AssertUnwindSafe(work);
    let result = std::panic::catch_unwind(work).unwrap_or_else(|panic| {
        // SAFETY: nobody else uses the runtime now.
        unsafe { (*runtime).panic = Some(panic) };
        Err(Trap::new(crate::TrapKind::Unreachable))
    });
    // SAFETY: as above.
    unsafe { finish(runtime, result) }
}

/// Does `work`; a panic ends the process.
#[cfg(not(feature = "std"))]
unsafe fn guard(runtime: *mut Runtime, work: impl FnOnce() -> Result<(), Trap>) -> u32 {
    // SAFETY: the caller's promise.
    unsafe { finish(runtime, work()) }
}

unsafe fn finish(runtime: *mut Runtime, result: Result<(), Trap>) -> u32 {
    match result {
        Ok(()) => 0,
        Err(trap) => {
            // SAFETY: nobody else uses the runtime now.
            unsafe { (*runtime).trap = Some(trap) };
            1
        }
    }
}

extern "C" fn function(context: *mut u64, slots: *mut u64) -> u32 {
    // SAFETY: called by compiled code with what it was given; the machine outlives it, and
    // compiled code holds no reference into it.
    unsafe {
        let runtime = runtime(context);
        let func = FuncId(word(context, Layout::FUNC) as u32);
        let caller = word((*runtime).caller, Layout::INSTANCE) as *mut InstanceData;
        let machine = &mut *(*runtime).machine;
        let data = &mut *(*runtime).data;
        guard(runtime, || call_from(machine, data, func, caller, slots))
    }
}

extern "C" fn instruction(context: *mut u64, op: u32, slots: *mut u64, i: u64, j: u64) -> u32 {
    // SAFETY: as above.
    unsafe {
        let runtime = runtime(context);
        let instance = word(context, Layout::INSTANCE) as *mut InstanceData;
        let op = Opcode::from_code(op).expect("compiled from a valid instruction");
        let machine = (*runtime).machine;
        guard(runtime, || {
            let shape = exec::work::shape(op)
                .or_else(|| exec::work::access(op))
                .expect("compiled for such an instruction only");
            match (shape.work)(machine, instance, slots, i, j) {
                DONE => Ok(()),
                code => Err(Trap::new(TrapKind::from_code(code))),
            }
        })
    }
}

extern "C" fn subtype(context: *mut u64, ty: u32, wanted: u32) -> u32 {
    // SAFETY: as above.
    unsafe { u32::from((*(*runtime(context)).machine).registry.is_subtype(ty, wanted)) }
}

/// A memory of the instance whose context it is.
unsafe fn memory(context: *mut u64, index: u32) -> *mut MemoryEntity {
    // SAFETY: as in `function`; compiled from a valid index.
    unsafe {
        let instance = word(context, Layout::INSTANCE) as *mut InstanceData;
        (&(*instance).memories)[index as usize]
    }
}

extern "C" fn copy(context: *mut u64, to: u64, from: u64, len: u64, into: u32, of: u32) -> u32 {
    // SAFETY: as in `function`. Nothing here panics.
    unsafe {
        let memory = |index| memory(context, index);
        let result = match into == of {
            true => (*memory(into)).copy_within(to, from, len),
            false => (*memory(into)).copy_from(to, &*memory(of), from, len),
        };
        finish(runtime(context), result.map_err(Trap::new))
    }
}

extern "C" fn fill(context: *mut u64, to: u64, value: u32, len: u64, into: u32) -> u32 {
    // SAFETY: as above.
    unsafe {
        let result = (*memory(context, into)).fill(to, value as u8, len);
        finish(runtime(context), result.map_err(Trap::new))
    }
}
