//! In the place of structs, arrays and casts where they are not built in.

use super::Shape;
use sampan_wasm::{Imm, Module, Opcode};

pub(crate) fn shape(_: &Module, _: Opcode, _: &Imm<'_>) -> Option<(Shape, u64, u64)> {
    None
}

pub(crate) fn allocates(_: Opcode) -> bool {
    false
}
