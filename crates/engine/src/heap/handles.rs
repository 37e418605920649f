//! What hosts hold.
//!
//! A [`Handle`] is a number, cheap and copied freely; handles are given up together, when a
//! scope ends: the host function's that got or made them, or one that the embedder opened.
//! Using one after that is noticed. An [`OwnedRef`] keeps its object until the last clone is
//! dropped.

use crate::sync::Arc;
use crate::{Machine, RawRef};
use sampan_wasm::List;
use sampan_wasm::room::OutOfMemory;

/// A reference that is alive until its scope ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Handle {
    index: u32,
    /// Of the scope that it was made in.
    generation: u32,
}

/// A reference that is alive as long as this, or a clone, is.
#[derive(Clone, Debug)]
pub struct OwnedRef(Arc<RawRef>);

impl OwnedRef {
    /// The reference. It means something only in the machine that made this.
    pub fn raw(&self) -> RawRef {
        *self.0
    }
}

#[derive(Default)]
pub(crate) struct Handles {
    scoped: List<(RawRef, u32)>,
    /// Changes when a scope ends.
    generation: u32,
    owned: List<Arc<RawRef>>,
    /// When there are so many owned ones, those that were dropped are looked for.
    trim_at: usize,
}

impl Handles {
    pub(super) fn each(&self, mark: &mut dyn FnMut(RawRef)) {
        self.scoped.iter().for_each(|&(reference, _)| mark(reference));
        self.owned.iter().for_each(|reference| mark(**reference));
    }

    /// Forgets owned references that nobody holds any more.
    pub(super) fn trim(&mut self) {
        self.owned.retain(|reference| Arc::strong_count(reference) > 1);
        self.trim_at = (self.owned.len() * 2).max(16);
    }
}

impl Machine {
    /// Keeps a reference to the heap (not one to a function) until the scope ends. Where there is
    /// no memory for that, it is as if the scope had ended already.
    pub fn handle(&mut self, reference: RawRef) -> Handle {
        let handles = &mut self.heap.handles;
        let index = match handles.scoped.put((reference, handles.generation)) {
            Ok(()) => handles.scoped.len() as u32 - 1,
            Err(OutOfMemory) => u32::MAX,
        };
        Handle { index, generation: handles.generation }
    }

    /// The reference; `None` if its scope has ended.
    pub fn resolve(&self, handle: Handle) -> Option<RawRef> {
        let &(reference, generation) = self.heap.handles.scoped.get(handle.index as usize)?;
        (generation == handle.generation).then_some(reference)
    }

    /// Keeps a reference to the heap for as long as the result or a clone of it lives.
    ///
    /// # Errors
    /// There is no memory left.
    pub fn own(&mut self, reference: RawRef) -> Result<OwnedRef, OutOfMemory> {
        let owned = Arc::try_new(reference)?;
        let handles = &mut self.heap.handles;
        if handles.owned.len() >= handles.trim_at {
            handles.trim();
        }
        handles.owned.put(owned.clone())?;
        Ok(OwnedRef(owned))
    }

    /// Opens a scope; to be ended with the number, after all that were opened within.
    pub fn open_scope(&mut self) -> usize {
        self.heap.handles.scoped.len()
    }

    /// Gives up all handles that were made since a scope was opened.
    pub fn close_scope(&mut self, scope: usize) {
        let handles = &mut self.heap.handles;
        if handles.scoped.len() > scope {
            handles.scoped.truncate(scope);
            handles.generation = handles.generation.wrapping_add(1);
        }
    }

    /// How many references hosts hold.
    pub fn handle_count(&self) -> usize {
        let handles = &self.heap.handles;
        let owned = handles.owned.iter().filter(|owned| Arc::strong_count(owned) > 1);
        handles.scoped.len() + owned.count()
    }
}
