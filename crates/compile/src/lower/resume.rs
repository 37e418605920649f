//! Code of a function that begins at one of its loops, with the interpreter's frame.
//!
//! It is the whole function, but its start jumps to the loop; the back end removes what can't
//! be reached then. What is on the operand stack below an open block may so have come in two
//! ways: there it is kept in locals.

use super::{Lowering, slot_offsets};
use crate::builder::{Builder, Place, Ty};
use sampan_engine::native::Place as Start;
use sampan_wasm::ValType;
use std::collections::HashMap;

/// Where it begins.
pub(super) struct Resumed<B: Builder> {
    start: Start,
    /// The code that takes over the frame, which is made at the loop.
    block: Option<B::Block>,
    /// The function's locals: type, and place in the frame in bytes.
    locals: Vec<(ValType, i32)>,
    /// The locals for values of the operand stack, by height and type.
    kept: HashMap<(usize, Ty), u32>,
}

impl<B: Builder> Lowering<'_, B> {
    /// Lets the code begin at a loop. Its second parameter is the frame's address.
    pub fn resume(&mut self, start: Start) {
        let (locals, kept) = (Vec::new(), HashMap::new());
        self.resumed = Some(Resumed { start, block: None, locals, kept });
    }

    /// At the function's start.
    pub(super) fn begin_resumed(&mut self, locals: &[ValType]) {
        let Some(resumed) = &mut self.resumed else { return };
        resumed.locals = slot_offsets(locals).collect();
        let (begin, rest) = (self.builder.block(&[]), self.builder.block(&[]));
        resumed.block = Some(begin);
        self.builder.jump(begin, &[]);
        self.builder.seal(begin);
        self.builder.seal(rest);
        self.builder.enter(rest);
    }

    /// The locals in which the values on the operand stack are kept.
    fn kept_in(&mut self, types: &[Ty]) -> Vec<u32> {
        let Some(resumed) = &mut self.resumed else { return Vec::new() };
        let builder = &mut self.builder;
        let at = types.iter().enumerate();
        at.map(|(height, &ty)| {
            *resumed.kept.entry((height, ty)).or_insert_with(|| builder.new_local(ty))
        })
        .collect()
    }

    /// A block opens: what is below it is put where its end finds it.
    pub(super) fn keep_stack(&mut self) {
        if self.resumed.is_none() {
            return;
        }
        let types: Vec<Ty> = self.stack.iter().map(|&v| self.builder.type_of(v)).collect();
        for (i, local) in self.kept_in(&types).into_iter().enumerate() {
            self.builder.local_set(local, self.stack[i]);
        }
    }

    /// A block ended: what is below it may have come from its start or from the frame.
    pub(super) fn kept_stack(&mut self) {
        if self.resumed.is_none() {
            return;
        }
        let types: Vec<Ty> = self.stack.iter().map(|&v| self.builder.type_of(v)).collect();
        for (i, local) in self.kept_in(&types).into_iter().enumerate() {
            self.stack[i] = self.builder.local_get(local);
        }
    }

    /// Before a loop, whose parameters were popped: if the code begins there, takes the frame
    /// over and goes to `head`.
    pub(super) fn resume_at(&mut self, head: B::Block, params: &[ValType]) {
        let Some(resumed) = &mut self.resumed else { return };
        if resumed.start.at != self.at {
            return;
        }
        let Some(block) = resumed.block.take() else { return };
        let locals = resumed.locals.clone();
        let mut at = resumed.start.stack as i32 * 8;
        self.builder.enter(block);
        let frame = self.builder.parameter(1);
        for (index, (ty, at)) in locals.into_iter().enumerate() {
            let value = self.builder.load(ty.into(), frame, at, Place::Slots);
            self.builder.local_set(index as u32, value);
        }
        let mut load = |builder: &mut B, ty: Ty| {
            let value = builder.load(ty, frame, at, Place::Slots);
            at += if ty == Ty::V128 { 16 } else { 8 };
            value
        };
        let types: Vec<Ty> = self.stack.iter().map(|&v| self.builder.type_of(v)).collect();
        for (local, &ty) in self.kept_in(&types).into_iter().zip(&types) {
            let value = load(&mut self.builder, ty);
            self.builder.local_set(local, value);
        }
        let values: Vec<_> = params.iter().map(|&ty| load(&mut self.builder, ty.into())).collect();
        self.builder.jump(head, &values);
    }

    /// Whether the code has the loop that it was to begin at.
    pub fn is_resumed(&self) -> bool {
        self.resumed.as_ref().is_none_or(|resumed| resumed.block.is_none())
    }
}
