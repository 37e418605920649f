//! Recursion groups that have the same structure, brought together.
//!
//! Types are compared iso-recursively: a group becomes a key in which a reference to a
//! member of the group is its position, and every other reference is the canonical number
//! of its target. Two groups are the same if their keys are equal, so each group is looked
//! at once, without recursion.
//!
//! Source: core specification 3.0, sections 3.1.2 "Rolling and Unrolling" and 3.3.2.

use crate::{CompositeType, FuncType, SubType};
#[cfg(feature = "gc")]
use crate::{FieldType, StorageType};
use alloc::boxed::Box;
#[cfg(feature = "gc")]
use alloc::collections::BTreeMap;
#[cfg(not(feature = "gc"))]
use alloc::vec::Vec;

/// Marks a position in the group that is described; canonical numbers stay below it.
pub(crate) const RELATIVE: u32 = 1 << 29;

/// The groups met so far and the canonical number of each one's first member.
#[derive(Clone, Debug, Default)]
#[cfg(feature = "gc")]
pub(crate) struct Groups(BTreeMap<Box<[SubType]>, u32>);

/// The groups met so far and the canonical number of each one's first member.
///
/// In builds for devices a list in order does: modules have few types, and the code is small.
#[derive(Clone, Debug, Default)]
#[cfg(not(feature = "gc"))]
pub(crate) struct Groups(Vec<(Box<[SubType]>, u32)>);

#[cfg(not(feature = "gc"))]
impl Groups {
    fn place(&self, key: &[SubType]) -> Result<usize, usize> {
        self.0.binary_search_by(|(group, _)| (**group).cmp(key))
    }

    /// The number of the first member of the group that equals `key`.
    pub(crate) fn get(&self, key: &[SubType]) -> Option<u32> {
        self.place(key).ok().map(|place| self.0[place].1)
    }

    /// [`Groups::get`], after adding the group with number `next` if there is none.
    pub(crate) fn intern(&mut self, key: Box<[SubType]>, next: u32) -> u32 {
        match self.place(&key) {
            Ok(place) => self.0[place].1,
            Err(place) => {
                self.0.insert(place, (key, next));
                next
            }
        }
    }
}

#[cfg(feature = "gc")]
impl Groups {
    /// The number of the first member of the group that equals `key`.
    pub(crate) fn get(&self, key: &[SubType]) -> Option<u32> {
        self.0.get(key).copied()
    }

    /// [`Groups::get`], after adding the group with number `next` if there is none.
    pub(crate) fn intern(&mut self, key: Box<[SubType]>, next: u32) -> u32 {
        *self.0.entry(key).or_insert(next)
    }
}

/// The key of a group whose first member has number `start`; `canon` gives the canonical
/// number of what lies before.
pub(crate) fn key(group: &[SubType], start: u32, canon: impl Fn(u32) -> u32) -> Box<[SubType]> {
    let refer = |id: u32| id.checked_sub(start).map_or_else(|| canon(id), |pos| RELATIVE | pos);
    group.iter().map(|sub| map_refs(sub, refer)).collect()
}

/// `sub` with every type that it refers to replaced.
pub(crate) fn map_refs(sub: &SubType, refer: impl Fn(u32) -> u32 + Copy) -> SubType {
    #[cfg(feature = "gc")]
    let field = |f: &FieldType| FieldType {
        storage: match f.storage {
            StorageType::Val(t) => StorageType::Val(t.map_index(refer)),
            packed => packed,
        },
        mutable: f.mutable,
    };
    SubType {
        is_final: sub.is_final,
        supertype: sub.supertype.map(refer),
        composite: match &sub.composite {
            CompositeType::Func(ty) => CompositeType::Func(map_func(ty, refer)),
            #[cfg(feature = "gc")]
            CompositeType::Struct(fields) => {
                CompositeType::Struct(fields.iter().map(field).collect())
            }
            #[cfg(feature = "gc")]
            CompositeType::Array(element) => CompositeType::Array(field(element)),
        },
    }
}

fn map_func(ty: &FuncType, refer: impl Fn(u32) -> u32 + Copy) -> FuncType {
    ty.map(|t| t.map_index(refer))
}
