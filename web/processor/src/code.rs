//! The translator's host in a browser and in node: JavaScript compiles modules and links them
//! with this instance's memory, and the processor enters them through its own table of
//! functions, without a detour.

use alloc::boxed::Box;
use alloc::vec::Vec;
use sampan_x86::AddressSpace;
use sampan_x86::translate::{Host, Readiness};

#[link(wasm_import_module = "code")]
unsafe extern "C" {
    /// Takes the module of an element of the instance's table of regions; `src/code.ts`. For
    /// element 0 it gives back where its function is in the processor's own table, or 0.
    safe fn submit(slot: u32, at: *const u8, len: usize) -> usize;
    /// How far a module is: 0 being compiled, 1 ready, 2 failed.
    safe fn poll(slot: u32) -> u32;
    /// Empties the table of regions, but for element 0.
    safe fn clear();
    /// Nothing of it is needed any more.
    safe fn release();
}

/// JavaScript's side of translated code, of which an instance has one.
struct Page {
    /// The dispatcher.
    enter: Option<extern "C" fn(u32)>,
}

/// The host of the address space, which is the only one.
pub fn create(_: &AddressSpace) -> Option<Box<dyn Host>> {
    Some(Box::new(Page { enter: None }))
}

impl Host for Page {
    fn submit(&mut self, slot: u32, module: Vec<u8>) {
        let place = submit(slot, module.as_ptr(), module.len());
        if slot == 0 && place != 0 {
            // SAFETY: the import put a function of this type there, where it stays. A function
            // pointer is a place in the table of functions; a call checks the type once more.
            self.enter = Some(unsafe { core::mem::transmute::<usize, extern "C" fn(u32)>(place) });
        }
    }

    fn poll(&mut self, slot: u32) -> Readiness {
        match poll(slot) {
            0 => Readiness::Pending,
            1 => Readiness::Ready,
            _ => Readiness::Failed,
        }
    }

    fn enter(&mut self) -> bool {
        // A trap ends the process: JavaScript sees it, and runs the instance no more.
        self.enter.map(|enter| enter(0)).is_some()
    }

    fn reset(&mut self) {
        clear();
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        release();
    }
}
