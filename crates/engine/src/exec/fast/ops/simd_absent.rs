//! In the place of vectors, where they are not built in: no opcode is one of theirs.

use crate::exec::fast::regs::{Handler, handler};
use sampan_wasm::Opcode;

#[allow(dead_code)] // There is none.
pub(in crate::exec::fast) enum Shape {
    Vector(usize, Handler),
    Scalar(Handler),
}

pub(in crate::exec::fast) fn shape(_: Opcode) -> Option<Shape> {
    None
}

pub(in crate::exec::fast) fn access(_: Opcode) -> Option<Handler> {
    None
}

pub(in crate::exec::fast) fn canonical(_: Opcode) -> Option<Handler> {
    None
}

handler! {
    fn constant(mut r) { r.trap(crate::TrapKind::Unreachable) }
}
