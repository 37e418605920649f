//! What is alive.
//!
//! Roots are: globals, tables, element segments, what the host holds, and frames. Which slots
//! of a frame hold references is known by code position ([`crate::exec::maps`]); each way of
//! executing guests says how its frames are walked, by an
//! [`Activation`](super::Activation). What it shows is
//! exact, so that an object lives no longer than the guest can reach it; whatever a number
//! looks like, it is not taken for a reference.
//!
//! Marking keeps a list of what is still to be traced. Its length is bounded by a share of
//! the heap; where it is full, objects are only marked, and found by another walk through the
//! heap.

use super::space::{MARK, Space, TRACED};
use super::types::{Shape, Storage, TypeInfo, in_heap};
use super::{EXCEPTION, HEADER, HOST, Heap, Visit, exception};
use crate::{Machine, RawRef};
use sampan_wasm::List;

impl Machine {
    /// Frees what no root leads to. References that the caller holds as plain values must be
    /// among the handles.
    pub fn collect(&mut self) {
        self.collect_with(super::NOTHING);
    }

    pub(crate) fn collect_with(&mut self, also: Visit<'_>) {
        // What frames of compiled code hold is not known.
        if self.heap.paused > 0 || self.native.is_running() {
            return;
        }
        let mut heap = core::mem::take(&mut self.heap);
        // Where there is no memory for the maps of all frames, what is alive is not known.
        for activation in &self.activations {
            activation.show(&mut heap.maps, &mut |_| {});
        }
        if core::mem::take(&mut heap.maps.lost) {
            self.heap = heap;
            return;
        }
        heap.collections += 1;
        heap.space.finish();
        heap.handles.trim();
        let Heap { space, marking, maps, handles, .. } = &mut heap;
        let mut marker = Marker { space, list: marking, full: false, live: 0 };
        let mut mark = |reference| marker.mark(reference);
        also(&mut mark);
        handles.each(&mut mark);
        #[cfg(feature = "exceptions")]
        mark(self.exception);
        self.show_entities(&mut mark);
        for activation in &self.activations {
            activation.show(maps, &mut mark);
        }
        marker.trace_all(&self.types);
        (heap.live, heap.fresh) = (marker.live, 0);
        heap.space.restart();
        let dead = heap.dead_hosts();
        self.heap = heap;
        // Destructors are the embedder's code, and run when all is in order.
        drop(dead);
    }

    fn show_entities(&self, mark: &mut dyn FnMut(RawRef)) {
        let is_func = |index| self.registry.func(index).is_some();
        for global in &self.globals {
            if global.ty.content.as_ref().is_some_and(|ty| in_heap(ty, is_func)) {
                mark(RawRef(global.value[0]));
            }
        }
        for table in &self.tables {
            if in_heap(table.ty().element, is_func) {
                table.elements.iter().for_each(|&element| mark(element));
            }
        }
        for instance in &self.instances {
            let segments = &instance.module.decl().elements;
            for (items, segment) in instance.elements.iter().zip(segments) {
                let ty = segment.ty.map_index(|index| instance.types[index as usize]);
                if in_heap(ty, is_func) {
                    items.iter().for_each(|&item| mark(item));
                }
            }
        }
    }
}

impl Heap {
    /// Takes away the host objects whose references are dead. They are not swept yet.
    fn dead_hosts(&mut self) -> List<super::HostObject> {
        let mut dead = List::new();
        for (index, entry) in self.hosts.iter_mut().enumerate() {
            let Some((place, _)) = entry else { continue };
            if !self.space.header(*place).has(MARK) {
                // Without room to keep it, its destructor runs at once.
                let _ = entry.take().map(|entry| dead.put(entry));
                self.free_hosts.put(index as u32).expect("reserved with the entry");
            }
        }
        dead
    }
}

struct Marker<'a> {
    space: &'a mut Space,
    /// What is marked and not yet traced.
    list: &'a mut List<u32>,
    /// Something is marked, not traced, and not in the list.
    full: bool,
    /// Bytes of what is traced.
    live: u64,
}

impl Marker<'_> {
    /// Marks the object of a reference, and puts it where it is traced from, once.
    #[inline]
    fn mark(&mut self, reference: RawRef) {
        let Some(place) = reference.place() else { return };
        let header = self.space.header(place);
        if header.has(MARK) {
            return;
        }
        self.space.set(place, header, MARK);
        let room = self.list.len() < self.list.capacity()
            || self.list.len() < (self.space.capacity() as usize / 64).max(64);
        if !room || self.list.put(place).is_err() {
            self.full = true;
        }
    }

    fn trace_all(&mut self, types: &[TypeInfo]) {
        loop {
            while let Some(place) = self.list.pop() {
                self.trace(place, types);
            }
            if !core::mem::take(&mut self.full) {
                return;
            }
            let mut at = None;
            while let Some(place) = self.space.next(at) {
                let header = self.space.header(place);
                if header.has(MARK) && !header.has(TRACED) {
                    self.trace(place, types);
                    while let Some(place) = self.list.pop() {
                        self.trace(place, types);
                    }
                }
                at = Some(place);
            }
        }
    }

    /// Marks what an object refers to.
    fn trace(&mut self, place: u32, types: &[TypeInfo]) {
        let header = self.space.header(place);
        self.space.set(place, header, TRACED);
        self.live += u64::from(header.size().expect("an object in the space"));
        let content = place + HEADER;
        match header.kind() {
            HOST => {}
            EXCEPTION => {
                for slot in 0..exception::slots(self.space, content) {
                    if let Some(at) = exception::reference(self.space, content, slot) {
                        self.mark_at(at);
                    }
                }
            }
            kind => match &types[kind as usize].shape {
                Shape::Struct(shape) => {
                    for &offset in &shape.refs {
                        self.mark_at(content + offset);
                    }
                }
                Shape::Array(Storage::Ref) => {
                    for index in 0..header.len {
                        self.mark_at(content + index * 4);
                    }
                }
                _ => {}
            },
        }
    }

    #[inline]
    fn mark_at(&mut self, at: u32) {
        self.mark(RawRef(self.space.word(at).into()));
    }
}
