//! The defined types of a module, and when one type matches another.

use crate::{CompositeType, FuncType, SubType, ValType};
use alloc::vec::Vec;
use core::ops::Range;

/// The defined types of a module.
///
/// Two indices denote the same type if their recursion groups have the same structure;
/// [`Types::canonical`] maps both to the first of them.
#[derive(Clone, Debug, Default)]
pub struct Types {
    subs: Vec<SubType>,
    /// For each type, the first type that is the same.
    canonical: Vec<u32>,
    /// Where each recursion group ends.
    group_ends: Vec<u32>,
}

impl Types {
    /// The number of types.
    pub fn len(&self) -> u32 {
        self.subs.len() as u32
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.subs.is_empty()
    }

    /// The type with an index.
    #[inline]
    pub fn get(&self, index: u32) -> Option<&SubType> {
        self.subs.get(index as usize)
    }

    /// The function type with an index.
    #[inline]
    pub fn func(&self, index: u32) -> Option<&FuncType> {
        match self.get(index) {
            Some(SubType { composite: CompositeType::Func(ty), .. }) => Some(ty),
            _ => None,
        }
    }

    /// The first index that denotes the same type as `index`, which must be in range.
    #[inline]
    pub fn canonical(&self, index: u32) -> u32 {
        self.canonical[index as usize]
    }

    /// The recursion groups in order.
    pub fn groups(&self) -> impl Iterator<Item = Range<u32>> + '_ {
        let mut start = 0;
        self.group_ends.iter().map(move |&end| core::mem::replace(&mut start, end)..end)
    }

    /// Whether a value of type `sub` can stand where `sup` is expected.
    #[inline]
    pub fn matches(&self, sub: ValType, sup: ValType) -> bool {
        sub == sup || self.matches_slow(sub, sup)
    }

    fn matches_slow(&self, _sub: ValType, _sup: ValType) -> bool {
        todo!()
    }
}
