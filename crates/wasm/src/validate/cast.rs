//! Comparison, tests, casts and conversions of references.

use super::body::Validator;
use crate::{CompositeType, HeapType, RefType, Result, ValType};

/// `eqref`
const EQREF: ValType = ValType::Ref(RefType::new(true, HeapType::Eq));

impl Validator<'_> {
    pub(super) fn ref_eq(&mut self) -> Result<()> {
        self.pop_all(&[EQREF, EQREF])?;
        self.push(ValType::I32)
    }

    pub(super) fn ref_test(&mut self, to: HeapType) -> Result<()> {
        self.pop_castable(to)?;
        self.push(ValType::I32)
    }

    pub(super) fn ref_cast(&mut self, to: RefType) -> Result<()> {
        self.pop_castable(to.heap())?;
        self.push(ValType::Ref(to))
    }

    /// Takes a reference that can be cast to `to`: one of the same hierarchy.
    fn pop_castable(&mut self, to: HeapType) -> Result<()> {
        self.check_heap_type(to)?;
        let top = match to {
            HeapType::Func | HeapType::NoFunc => HeapType::Func,
            HeapType::Extern | HeapType::NoExtern => HeapType::Extern,
            HeapType::Exn | HeapType::NoExn => HeapType::Exn,
            HeapType::Any
            | HeapType::Eq
            | HeapType::I31
            | HeapType::Struct
            | HeapType::Array
            | HeapType::None => HeapType::Any,
            HeapType::Concrete(index) => match self.module.types.get(index).map(|t| &t.composite) {
                Some(CompositeType::Func(_)) => HeapType::Func,
                _ => HeapType::Any,
            },
        };
        self.pop(ValType::Ref(RefType::new(true, top)))
    }

    pub(super) fn br_on_cast(&mut self, label: u32, from: RefType, to: RefType) -> Result<()> {
        self.cast_branch(label, from, to, to, difference(from, to))
    }

    pub(super) fn br_on_cast_fail(&mut self, label: u32, from: RefType, to: RefType) -> Result<()> {
        self.cast_branch(label, from, to, difference(from, to), to)
    }

    /// A cast of `from` to `to` that passes a reference of type `branch` to the label, and
    /// one of type `next` to the next instruction.
    fn cast_branch(
        &mut self,
        label: u32,
        from: RefType,
        to: RefType,
        branch: RefType,
        next: RefType,
    ) -> Result<()> {
        self.check_heap_type(from.heap())?;
        self.check_heap_type(to.heap())?;
        if !self.module.types.ref_matches(to, from) {
            return Err(
                self.invalid("type mismatch: the cast's target is not a subtype of its source")
            );
        }
        let frame = self.label(label)?;
        let Some((&last, rest)) = frame.label_types(self.module).split_last() else {
            return Err(self.invalid("type mismatch: the label takes no reference"));
        };
        if !self.module.types.matches(ValType::Ref(branch), last) {
            return Err(self.invalid("type mismatch: the label does not take what the cast passes"));
        }
        self.pop(ValType::Ref(from))?;
        self.retype_top(rest)?;
        self.push(ValType::Ref(next))
    }

    /// `any.convert_extern` and `extern.convert_any`.
    pub(super) fn convert(&mut self, from: HeapType, to: HeapType) -> Result<()> {
        let top = self.pop_ref()?;
        let from_type = RefType::new(true, from);
        if top.is_some_and(|top| !self.module.types.ref_matches(top, from_type)) {
            return Err(self.invalid("type mismatch: the reference is of another hierarchy"));
        }
        let nullable = top.is_some_and(|top| top.is_nullable());
        self.push(ValType::Ref(RefType::new(nullable, to)))
    }
}

/// What remains of `from` where a cast to `to` fails.
fn difference(from: RefType, to: RefType) -> RefType {
    if to.is_nullable() { from.with_nullable(false) } else { from }
}
