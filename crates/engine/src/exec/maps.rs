//! Which slots of a frame hold references to the heap, by code position.
//!
//! Nothing of this is made before a collection meets a function. Then the pass that prepared
//! it is done once more, with a [`Recorder`]: it notes for each instruction at which a
//! collection may happen, calls and allocations, which slots below its operands hold
//! references. (Arguments are the callee's; what an allocating instruction takes it shows
//! itself.)
//!
//! The operand stack at one point and at the next have most in common, so that what is noted
//! are lists that share their tails: an entry of the stack is one [`Node`], however many
//! points it is alive at.

use crate::RawRef;
use crate::heap::types::in_heap;
use sampan_wasm::room::OutOfMemory;
use sampan_wasm::{CompositeType, List, Module, State, ValType};

/// The maps of the functions that collections have met, in the order of their code's addresses.
#[derive(Default)]
pub(crate) struct Maps {
    frames: List<(usize, FrameMap)>,
    /// There was no memory for one.
    pub lost: bool,
}

impl Maps {
    /// The map of the code that begins at an address, made by `record` if it is not known.
    /// `None` if there is no memory for it.
    pub fn find(
        &mut self,
        start: usize,
        record: impl FnOnce() -> Result<FrameMap, OutOfMemory>,
    ) -> Option<&FrameMap> {
        let place = match self.frames.binary_search_by_key(&start, |frame| frame.0) {
            Ok(place) => place,
            Err(place) => {
                let made = record().and_then(|map| self.frames.put_at(place, (start, map)));
                if made.is_err() {
                    self.lost = true;
                    return None;
                }
                place
            }
        };
        Some(&self.frames[place].1)
    }

    /// Where the last code begins that begins before an address, and its map.
    #[cfg_attr(not(feature = "fast"), allow(dead_code))]
    pub fn before(&self, at: usize) -> Option<(usize, &FrameMap)> {
        let place = self.frames.partition_point(|frame| frame.0 < at);
        self.frames[..place].last().map(|(start, map)| (*start, map))
    }
}

/// A function's.
pub(crate) struct FrameMap {
    /// Where its code ends, for those who find it by an address within.
    #[cfg_attr(not(feature = "fast"), allow(dead_code))]
    pub end: usize,
    /// Slots of locals, which are null until they are set.
    locals: List<u32>,
    /// Positions, in order, with the head of each one's list.
    points: List<(u32, u32)>,
    nodes: List<Node>,
}

/// A slot, and the rest of the list.
#[derive(Clone, Copy)]
struct Node {
    slot: u32,
    next: u32,
}

/// The end of a list.
const NONE: u32 = u32::MAX;

impl FrameMap {
    /// Shows the references of a frame that is at a position.
    ///
    /// # Safety
    /// The frame is one of this function at the position.
    pub unsafe fn show(&self, position: u32, frame: *const u64, mark: &mut dyn FnMut(RawRef)) {
        // SAFETY: the caller's promise: the slots are in the frame.
        let mut slot = |slot: u32| mark(RawRef(unsafe { *frame.add(slot as usize) }));
        self.locals.iter().for_each(|&local| slot(local));
        let found = self.points.binary_search_by_key(&position, |point| point.0);
        let point = found.expect("every call and every allocation is a point");
        let mut at = self.points[point].1;
        while let Some(&Node { slot: number, next }) = self.nodes.get(at as usize) {
            slot(number);
            at = next;
        }
    }
}

/// Makes a [`FrameMap`].
#[derive(Default)]
pub(crate) struct Recorder {
    locals: List<u32>,
    points: List<(u32, u32)>,
    nodes: List<Node>,
    /// The list up to and including each of the lowest entries of the operand stack.
    heads: List<u32>,
    /// There was no memory for something.
    lost: bool,
}

impl Recorder {
    /// A local that is in a slot.
    pub fn local(&mut self, module: &Module, ty: ValType, slot: u32) {
        if is_heap_ref(module, ty) {
            self.lost |= self.locals.put(slot).is_err();
        }
    }

    /// A slot that always holds a reference or null.
    pub fn slot(&mut self, slot: u32) {
        self.lost |= self.locals.put(slot).is_err();
    }

    /// Entries of the operand stack from `height` on are not what they were.
    pub fn forget(&mut self, height: usize) {
        self.heads.truncate(height);
    }

    /// Entries up to `height` are there; `slot` says where one is, if it is in a slot of its
    /// own. Those below `settled` stay where they are until they are forgotten.
    pub fn point(
        &mut self,
        position: u32,
        state: &State<'_>,
        height: usize,
        settled: usize,
        mut slot: impl FnMut(usize) -> Option<u32>,
    ) {
        let mut head = self.heads.last().copied().unwrap_or(NONE);
        for index in self.heads.len()..height {
            let ty = state.operand_below(state.height - 1 - index as u32);
            if ty.is_some_and(|ty| is_heap_ref(state.module, ty))
                && let Some(slot) = slot(index)
            {
                self.lost |= self.nodes.put(Node { slot, next: head }).is_err();
                head = (self.nodes.len() as u32).wrapping_sub(1);
            }
            if index < settled {
                self.lost |= self.heads.put(head).is_err();
            }
        }
        self.lost |= self.points.put((position, head)).is_err();
    }

    pub fn finish(mut self, end: usize) -> Result<FrameMap, OutOfMemory> {
        if self.lost {
            return Err(OutOfMemory);
        }
        self.points.sort_unstable_by_key(|point| point.0);
        Ok(FrameMap { end, locals: self.locals, points: self.points, nodes: self.nodes })
    }
}

/// Whether values of a module's type are references to the heap.
pub(crate) fn is_heap_ref(module: &Module, ty: ValType) -> bool {
    let is_func = |index| {
        matches!(module.types.get(index).map(|sub| &sub.composite), Some(CompositeType::Func(_)))
    };
    ty.as_ref().is_some_and(|ty| in_heap(ty, is_func))
}
