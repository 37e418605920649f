//! Where size counts: loads are not joined with branches.

use super::Loc;
use crate::exec::fast::regs::Handler;
use sampan_wasm::Opcode;

/// There is no such branch.
pub(in crate::exec::fast) fn branch(_: Opcode, _: Opcode, _: Loc) -> Option<(Handler, Handler)> {
    None
}
