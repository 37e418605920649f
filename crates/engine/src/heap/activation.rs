//! Guest frames as a collection sees them.
//!
//! Unsafe because frames are reached by raw pointers; that they are as they should be is what
//! whoever enters an activation promises.

use crate::exec::maps::Maps;
use crate::{Machine, RawRef};
use sampan_wasm::room::OutOfMemory;

/// A run of guest frames, from where the host called to where they call it, or a service of
/// the machine. Each way of executing guests has its own `walk`.
#[derive(Clone, Copy)]
pub(crate) struct Activation {
    walk: unsafe fn(*const (), &mut Maps, &mut dyn FnMut(RawRef)),
    context: *const (),
}

// SAFETY: it is used only while the run that made it goes on, by the thread that runs it.
unsafe impl Send for Activation {}

/// An activation goes on until this is dropped, be it because of a panic in a host function.
pub(crate) struct Entered {
    machine: *mut Machine,
    outer: usize,
}

impl Activation {
    /// Adds an activation to a machine's. `walk` gets `context` and shows every reference to
    /// the heap in its frames.
    ///
    /// # Errors
    /// There is no memory left.
    ///
    /// # Safety
    /// The machine and the context outlive the result. Whenever a collection is possible, the
    /// context says where the frames are and at which instructions.
    pub unsafe fn enter(
        machine: *mut Machine,
        walk: unsafe fn(*const (), &mut Maps, &mut dyn FnMut(RawRef)),
        context: *const (),
    ) -> Result<Entered, OutOfMemory> {
        // SAFETY: the caller's promise.
        let activations = unsafe { &mut (*machine).activations };
        activations.put(Activation { walk, context })?;
        Ok(Entered { machine, outer: activations.len() - 1 })
    }

    /// Shows every reference to the heap in its frames.
    pub(super) fn show(&self, maps: &mut Maps, mark: &mut dyn FnMut(RawRef)) {
        // SAFETY: activations are taken away when their runs end; frames other than those of
        // the innermost are as they were when they called the host, and that one called the
        // instruction that allocates, or the host.
        unsafe { (self.walk)(self.context, maps, mark) }
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        // SAFETY: the promise of `enter`.
        unsafe { (*self.machine).activations.truncate(self.outer) };
    }
}
