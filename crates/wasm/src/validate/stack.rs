//! The stack of operand types.
//!
//! A block sees only the operands above its frame's height. Below a branch the stack is
//! polymorphic: it yields [`Slot::Bottom`] as often as it is asked.

use super::body::Validator;
use crate::{Error, ErrorKind, Result, ValType, limits};

/// What is known of an operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slot {
    /// A type.
    Val(ValType),
    /// Any type: unreachable code.
    Bottom,
    /// Any reference that is not null: unreachable code.
    #[cfg_attr(not(feature = "function-references"), allow(dead_code))]
    BottomRef,
}

impl Slot {
    #[inline]
    pub(super) fn val(self) -> Option<ValType> {
        match self {
            Slot::Val(ty) => Some(ty),
            Slot::Bottom | Slot::BottomRef => None,
        }
    }
}

impl<'m> Validator<'m> {
    #[inline]
    pub(super) fn push(&mut self, ty: ValType) -> Result<()> {
        self.push_slot(Slot::Val(ty))
    }

    #[inline]
    pub(super) fn push_slot(&mut self, slot: Slot) -> Result<()> {
        Ok(self.operands.put(slot)?)
    }

    /// Pushes `types`. An instruction of two bytes can push a thousand values, so here the
    /// height is limited; what [`Validator::push`] adds is bounded by the body's size.
    pub(super) fn push_all(&mut self, types: &[ValType]) -> Result<()> {
        if types.len() + self.operands.len() > limits::MAX_OPERANDS as usize {
            let kind = ErrorKind::Limit { what: "operands", limit: limits::MAX_OPERANDS };
            return Err(Error::new(kind, self.at));
        }
        types.iter().try_for_each(|&ty| self.push(ty))
    }

    /// Takes a value of type `expected`.
    #[inline]
    pub(super) fn pop(&mut self, expected: ValType) -> Result<()> {
        if self.operands.len() > self.base && self.operands.last() == Some(&Slot::Val(expected)) {
            self.operands.pop();
            return Ok(());
        }
        self.pop_slow(expected)
    }

    #[inline(never)]
    fn pop_slow(&mut self, expected: ValType) -> Result<()> {
        self.check_top(&[expected])?;
        self.drop_top(1);
        Ok(())
    }

    /// Takes a value of any type.
    #[inline]
    pub(super) fn pop_any(&mut self) -> Result<Slot> {
        if self.operands.len() > self.base
            && let Some(slot) = self.operands.pop()
        {
            return Ok(slot);
        }
        if self.polymorphic {
            return Ok(Slot::Bottom);
        }
        Err(self.invalid("type mismatch: expected a value, found an empty stack"))
    }

    /// Takes a reference; `None` is a bottom.
    #[cfg(feature = "reference-types")]
    pub(super) fn pop_ref(&mut self) -> Result<Option<crate::RefType>> {
        match self.pop_any()? {
            Slot::Val(ValType::Ref(ty)) => Ok(Some(ty)),
            Slot::Bottom | Slot::BottomRef => Ok(None),
            Slot::Val(_) => Err(self.invalid("type mismatch: expected a reference")),
        }
    }

    /// Takes values of types `types`, the topmost last.
    #[inline]
    pub(super) fn pop_all(&mut self, types: &[ValType]) -> Result<()> {
        self.check_top(types)?;
        self.drop_top(types.len());
        Ok(())
    }

    /// Takes values of types `types` and puts values of exactly these types back.
    pub(super) fn retype_top(&mut self, types: &[ValType]) -> Result<()> {
        if types.is_empty() {
            return Ok(());
        }
        self.pop_all(types)?;
        self.push_all(types)
    }

    /// Checks that values of types `types` are on top, the topmost last.
    #[inline]
    pub(super) fn check_top(&self, types: &[ValType]) -> Result<()> {
        let there = &self.operands[self.base..];
        if there.len() < types.len() && !self.polymorphic {
            return Err(self.mismatch(types[types.len() - 1 - there.len()], None));
        }
        for (&slot, &ty) in there.iter().rev().zip(types.iter().rev()) {
            if slot != Slot::Val(ty) && !self.slot_matches(slot, ty) {
                return Err(self.mismatch(ty, slot.val()));
            }
        }
        Ok(())
    }

    /// Drops `count` values, or as many as there are in the block.
    #[inline]
    pub(super) fn drop_top(&mut self, count: usize) {
        let height = self.operands.len().saturating_sub(count).max(self.base);
        self.operands.truncate(height);
    }

    fn slot_matches(&self, slot: Slot, expected: ValType) -> bool {
        match slot {
            Slot::Val(ty) => self.module.types.matches(ty, expected),
            Slot::Bottom => true,
            Slot::BottomRef => expected.as_ref().is_some(),
        }
    }

    #[cold]
    fn mismatch(&self, expected: ValType, found: Option<ValType>) -> Error {
        Error::new(ErrorKind::TypeMismatch { expected, found }, self.at)
    }
}
