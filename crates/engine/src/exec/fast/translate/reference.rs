//! Branches and checks on references.

use super::stack::Kind;
use super::{Translator, control::Condition, emit};
use crate::exec::fast::ops::arith::{self, Shape};
use crate::exec::fast::ops::{Loc, call_ref, control as ctl};
use sampan_wasm::Opcode;

impl Translator<'_> {
    /// `ref.as_non_null`
    pub(super) fn ref_as_non_null(&mut self) {
        let top = self.entries.len() - 1;
        if matches!(self.entries[top].kind, Kind::Const(_)) {
            self.send_home(top);
        }
        let entry = self.entries[top];
        let place = self.operand(&entry, false);
        self.note_offset();
        self.emit(call_ref::check(place), emit::fields(0, place.field(), 0, 0));
    }

    /// `br_on_null`: the label does not get the reference.
    pub(super) fn br_on_null(&mut self, label: u32) {
        self.send_home(self.entries.len() - 1);
        let entry = self.pop();
        self.branch(label, null_test(entry.home, true));
        self.push(entry.class, Kind::Temp);
        self.new_segment();
    }

    /// `br_on_non_null`: only the label gets the reference.
    pub(super) fn br_on_non_null(&mut self, label: u32) {
        let top = self.entries.len() - 1;
        self.send_home(top);
        self.branch(label, null_test(self.entries[top].home, false));
        self.pop();
        self.new_segment();
    }
}

/// The condition that the reference in a slot is null, or is not.
fn null_test(slot: u16, null: bool) -> Condition {
    if cfg!(sampan_small) {
        // The lower half of a reference tells whether it is null.
        return Condition::If {
            when: ctl::br_if(Loc::Slot(slot), !null),
            unless: ctl::br_if(Loc::Slot(slot), null),
            operands: emit::fields(0, slot, 0, 0),
            extra: None,
        };
    }
    let Some(Shape::Compare { branch, .. }) = arith::shape(Opcode::I64Eq) else {
        unreachable!("i64.eq is a comparison")
    };
    let (left, right) = (Loc::Slot(slot), Loc::Imm(0));
    Condition::If {
        when: branch(left, right, null),
        unless: branch(left, right, !null),
        operands: emit::fields(0, slot, 0, 0),
        extra: Some(0),
    }
}
