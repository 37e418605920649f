//! Branches and checks on references.

use super::control::skip;
use super::trap;
use crate::exec::classic::regs::handler;

handler! {
    /// The label does not get the reference.
    fn br_on_null(r) {
        let entry = r.side();
        if r.a == 0 {
            return r.branch(0, entry);
        }
        r.set_side(entry.add(1));
        skip(r, 1)
    }

    /// Only the label gets the reference.
    fn br_on_non_null(r) {
        let entry = r.side();
        if r.a != 0 {
            return r.branch(1, entry);
        }
        r.set_side(entry.add(1));
        skip(r, 0)
    }

    fn ref_as_non_null(r) {
        if r.a == 0 {
            return r.call(trap::null_reference);
        }
        r.next(1, 1)
    }
}
