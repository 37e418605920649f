//! The locals of a function, and which of the non-defaultable ones are set.

use super::body::Validator;
use crate::{
    Error, ErrorKind, FuncType, List, Reader, Result, Types, ValType, limits, room::OutOfMemory,
};

/// The locals of a function, parameters first.
#[derive(Debug, Default)]
pub(super) struct Locals {
    pub(super) types: List<ValType>,
    /// The first local that has no default value and is not a parameter; `u32::MAX` if
    /// there is none.
    first_unset: u32,
    /// Which locals from `first_unset` on are set.
    set: List<bool>,
    /// The locals that were set, in order, to be undone at the end of a block.
    order: List<u32>,
}

impl Locals {
    /// Reads the local declarations of a function of type `ty`.
    pub(super) fn read(
        &mut self,
        reader: &mut Reader<'_>,
        types: &Types,
        ty: &FuncType,
    ) -> Result<()> {
        self.types.clear();
        ty.params().iter().try_for_each(|&ty| self.types.put(ty))?;
        self.first_unset = u32::MAX;
        self.order.clear();
        let runs = reader.count("local declarations", limits::MAX_BODY)?;
        let mut declared = 0u32;
        let mut too_many = None;
        for _ in 0..runs {
            let at = reader.pos();
            let count = reader.u32()?;
            declared = declared
                .checked_add(count)
                .ok_or_else(|| Error::malformed("too many locals", at))?;
            let type_at = reader.pos();
            let ty = crate::type_reader::val_type(reader)?;
            check_val_type(types, ty, type_at)?;
            // Nothing is reserved beyond the limit; the other runs are read to tell a module
            // that is too large for us from a malformed one.
            if count as usize > (limits::MAX_LOCALS as usize).saturating_sub(self.types.len()) {
                too_many = too_many.or(Some(at));
                continue;
            }
            if count > 0 && self.first_unset == u32::MAX && !ty.is_defaultable() {
                self.first_unset = self.types.len() as u32;
            }
            self.types.put_times(ty, count as usize)?;
        }
        if let Some(at) = too_many {
            let kind = ErrorKind::Limit { what: "locals", limit: limits::MAX_LOCALS };
            return Err(Error::new(kind, at));
        }
        self.set.clear();
        if let Some(unset) = self.types.get(self.first_unset as usize..) {
            unset.iter().try_for_each(|ty| self.set.put(ty.is_defaultable()))?;
        }
        Ok(())
    }

    #[inline]
    fn is_set(&self, index: u32) -> bool {
        index < self.first_unset || self.set[(index - self.first_unset) as usize]
    }

    #[inline]
    fn mark_set(&mut self, index: u32) -> Result<(), OutOfMemory> {
        if !self.is_set(index) {
            self.set[(index - self.first_unset) as usize] = true;
            self.order.put(index)?;
        }
        Ok(())
    }

    /// How many locals were marked as set.
    pub(super) fn set_count(&self) -> u32 {
        self.order.len() as u32
    }

    /// Forgets what was marked after the first `count`.
    pub(super) fn undo_to(&mut self, count: u32) {
        while self.order.len() > count as usize {
            if let Some(index) = self.order.pop() {
                self.set[(index - self.first_unset) as usize] = false;
            }
        }
    }
}

impl Validator<'_> {
    #[inline]
    pub(super) fn local_get(&mut self, index: u32) -> Result<()> {
        let ty = self.local(index)?;
        if !self.locals.is_set(index) {
            return Err(self.invalid("uninitialized local"));
        }
        self.push(ty)
    }

    #[inline]
    pub(super) fn local_set(&mut self, index: u32) -> Result<()> {
        let ty = self.local(index)?;
        self.pop(ty)?;
        Ok(self.locals.mark_set(index)?)
    }

    #[inline]
    pub(super) fn local_tee(&mut self, index: u32) -> Result<()> {
        self.local_set(index)?;
        let ty = self.local(index)?;
        self.push(ty)
    }

    #[inline]
    fn local(&self, index: u32) -> Result<ValType> {
        match self.locals.types.get(index as usize) {
            Some(&ty) => Ok(ty),
            None => Err(self.unknown("local", index)),
        }
    }
}

/// Checks that the defined type which `ty` refers to exists.
pub(super) fn check_val_type(types: &Types, ty: ValType, at: usize) -> Result<()> {
    match ty.as_ref().map(|r| r.heap()) {
        Some(crate::HeapType::Concrete(index)) if index >= types.len() => {
            Err(Error::unknown("type", index, at))
        }
        _ => Ok(()),
    }
}
