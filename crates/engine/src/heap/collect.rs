//! What is alive.
//!
//! Roots are: globals, tables, element segments, what the host holds, the exception that
//! travels through host code, and frames. Which slots of a frame hold references is known by
//! code position ([`crate::exec::maps`]); each way of executing guests says how its frames
//! are walked, by an [`Activation`].

use super::types::{Shape, Storage};
use super::{EXCEPTION, HOST, Header, MARK, content, reference_at};
use crate::{Machine, RawRef};
use alloc::vec::Vec;

/// A run of guest frames, from where the host called to where they call it, or a service of
/// the machine.
pub(crate) struct Activation {
    /// The one that the host function runs under which called; null for the outermost.
    pub outer: *const Activation,
    /// Shows every reference to the heap in its frames.
    pub walk: unsafe fn(*const (), &mut dyn FnMut(RawRef)),
    /// What `walk` gets.
    pub context: *const (),
}

impl Machine {
    /// Frees what no root leads to. Frames must be where their activations say.
    pub fn collect(&mut self) {
        for (class, blocks) in self.heap.classes.iter_mut().enumerate() {
            blocks.finish(class);
        }
        self.heap.collections += 1;
        let mut marking = core::mem::take(&mut self.heap.marking);
        let mut mark = |reference: RawRef| mark(&mut marking, reference);
        self.roots(&mut mark);
        while let Some(object) = marking.pop() {
            // SAFETY: only live objects are put there.
            unsafe { self.trace(object, &mut marking) };
        }
        self.heap.marking = marking;
        self.free();
    }

    fn roots(&self, mark: &mut dyn FnMut(RawRef)) {
        let is_func = |index| self.registry.func(index).is_some();
        let in_heap = |ty| super::types::in_heap(ty, is_func);
        for global in &self.globals {
            if global.ty.content.as_ref().is_some_and(in_heap) {
                mark(RawRef(global.value[0]));
            }
        }
        for table in &self.tables {
            if in_heap(table.ty().element) {
                table.elements.iter().for_each(|&element| mark(element));
            }
        }
        for instance in &self.instances {
            let decl = instance.module().decl();
            for (items, segment) in instance.elements.iter().zip(&decl.elements) {
                let ty = segment.ty.map_index(|index| instance.types[index as usize]);
                if in_heap(ty) {
                    items.iter().for_each(|&item| mark(item));
                }
            }
        }
        self.handles.each(mark);
        mark(self.exception);
        let mut activation = self.activation;
        while !activation.is_null() {
            // SAFETY: activations lie in frames of the host that are below this one, and what
            // they show is as it was when they called.
            unsafe {
                ((*activation).walk)((*activation).context, mark);
                activation = (*activation).outer;
            }
        }
    }

    /// Marks what an object refers to.
    unsafe fn trace(&self, object: *mut Header, marking: &mut Vec<*mut Header>) {
        // SAFETY: the object is as its kind says.
        unsafe {
            let Header { kind, len } = object.read();
            let at = content(object);
            match kind & !MARK {
                HOST => {}
                EXCEPTION => {
                    for &slot in &self.tags[len as usize].refs {
                        mark(marking, reference_at(at.add(slot as usize * 8)));
                    }
                }
                kind => match &self.types[kind as usize].shape {
                    Shape::Struct(shape) => {
                        for &offset in &shape.refs {
                            mark(marking, reference_at(at.add(offset as usize)));
                        }
                    }
                    Shape::Array(Storage::Ref) => {
                        for index in 0..len as usize {
                            mark(marking, reference_at(at.add(index * 8)));
                        }
                    }
                    _ => {}
                },
            }
        }
    }

    /// Takes back what was not marked; cells of blocks are swept later.
    fn free(&mut self) {
        let (heap, limits) = (&mut self.heap, &mut self.limits);
        let mut dead = Vec::new();
        for (index, host) in heap.hosts.iter_mut().enumerate() {
            let Some((object, _)) = host else { continue };
            // SAFETY: a host object's cell is not swept before its entry is taken away.
            if unsafe { (**object).kind & MARK == 0 } {
                dead.push(host.take());
                heap.free_hosts.push(index as u32);
            }
        }
        heap.large.retain_mut(|large| large.survives(limits));
        for (class, blocks) in heap.classes.iter_mut().enumerate() {
            blocks.restart(class, limits);
        }
        (heap.live, heap.fresh) = (core::mem::take(&mut heap.marked), 0);
        // Destructors are the embedder's code, and run when all is in order.
        drop(dead);
    }
}

/// Marks the object of a reference, and puts it where it is traced from, once.
#[inline]
fn mark(marking: &mut Vec<*mut Header>, reference: RawRef) {
    let Some(object) = reference.object() else { return };
    // SAFETY: roots and live objects refer to live objects only.
    unsafe {
        if (*object).kind & MARK == 0 {
            (*object).kind |= MARK;
            marking.push(object);
        }
    }
}
