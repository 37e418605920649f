//! Recursion groups that have the same structure, brought together.
//!
//! Types are compared iso-recursively: a group becomes a key in which a reference to a
//! member of the group is its position, and every other reference is the canonical number
//! of its target. Two groups are the same if their keys are equal, so each group is looked
//! at once, without recursion.
//!
//! Source: core specification 3.0, sections 3.1.2 "Rolling and Unrolling" and 3.3.2.

use crate::{CompositeType, List, SubType, room::OutOfMemory};
#[cfg(feature = "gc")]
use crate::{FieldType, StorageType};
use alloc::boxed::Box;

/// Marks a position in the group that is described; canonical numbers stay below it.
pub(crate) const RELATIVE: u32 = 1 << 29;

/// The groups met so far and the canonical number of each one's first member: a list in order,
/// in parts of at most [`PART`], so that a group is added in little time however many there are.
#[derive(Clone, Debug, Default)]
#[cfg(feature = "gc")]
pub(crate) struct Groups(List<List<(Box<[SubType]>, u32)>>);

#[cfg(feature = "gc")]
const PART: usize = 256;

/// The groups met so far and the canonical number of each one's first member.
///
/// In builds for devices a list in order does: modules have few types, and the code is small.
#[derive(Clone, Debug, Default)]
#[cfg(not(feature = "gc"))]
pub(crate) struct Groups(List<(Box<[SubType]>, u32)>);

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
    pub(crate) fn intern(&mut self, key: Box<[SubType]>, next: u32) -> Result<u32, OutOfMemory> {
        match self.place(&key) {
            Ok(place) => Ok(self.0[place].1),
            Err(place) => self.0.put_at(place, (key, next)).map(|()| next),
        }
    }
}

#[cfg(feature = "gc")]
impl Groups {
    /// The number of the first member of the group that equals `key`.
    pub(crate) fn get(&self, key: &[SubType]) -> Option<u32> {
        let (part, place) = self.place(key);
        Some(self.0.get(part)?[place.ok()?].1)
    }

    /// The part that a key is in, or would be, and its place there.
    fn place(&self, key: &[SubType]) -> (usize, Result<usize, usize>) {
        let before = |part: &List<(Box<[SubType]>, u32)>| {
            part.first().is_some_and(|(first, _)| **first <= *key)
        };
        let part = self.0.partition_point(before).saturating_sub(1);
        let place = match self.0.get(part) {
            Some(part) => part.binary_search_by(|(group, _)| (**group).cmp(key)),
            None => Err(0),
        };
        (part, place)
    }

    /// [`Groups::get`], after adding the group with number `next` if there is none.
    pub(crate) fn intern(&mut self, key: Box<[SubType]>, next: u32) -> Result<u32, OutOfMemory> {
        let (mut part, place) = self.place(&key);
        let mut place = match place {
            Ok(place) => return Ok(self.0[part][place].1),
            Err(place) => place,
        };
        if self.0.is_empty() {
            self.0.put(List::new())?;
        }
        if self.0[part].len() >= PART {
            let mut upper = List::with_room(PART)?;
            self.0.put_at(part + 1, List::new())?;
            while self.0[part].len() > PART / 2 {
                self.0[part].pop().into_iter().try_for_each(|entry| upper.put(entry))?;
            }
            upper.reverse();
            self.0[part + 1] = upper;
            if place > PART / 2 {
                (part, place) = (part + 1, place - PART / 2);
            }
        }
        self.0[part].put_at(place, (key, next))?;
        Ok(next)
    }
}

/// The key of a group whose first member has number `start`; `canon` gives the canonical
/// number of what lies before.
pub(crate) fn key(
    group: &[SubType],
    start: u32,
    canon: impl Fn(u32) -> u32,
) -> Result<Box<[SubType]>, OutOfMemory> {
    let refer = |id: u32| id.checked_sub(start).map_or_else(|| canon(id), |pos| RELATIVE | pos);
    let mut key = List::with_room(group.len())?;
    for sub in group {
        key.put(map_refs(sub, refer)?)?;
    }
    key.into_boxed_slice()
}

/// `sub` with every type that it refers to replaced.
pub(crate) fn map_refs(
    sub: &SubType,
    refer: impl Fn(u32) -> u32 + Copy,
) -> Result<SubType, OutOfMemory> {
    #[cfg(feature = "gc")]
    let field = |f: &FieldType| FieldType {
        storage: match f.storage {
            StorageType::Val(t) => StorageType::Val(t.map_index(refer)),
            packed => packed,
        },
        mutable: f.mutable,
    };
    Ok(SubType {
        is_final: sub.is_final,
        supertype: sub.supertype.map(refer),
        composite: match &sub.composite {
            CompositeType::Func(ty) => CompositeType::Func(ty.map(|ty| ty.map_index(refer))?),
            #[cfg(feature = "gc")]
            CompositeType::Struct(fields) => {
                CompositeType::Struct(crate::room::collected(fields.iter().map(field))?)
            }
            #[cfg(feature = "gc")]
            CompositeType::Array(element) => CompositeType::Array(field(element)),
        },
    })
}
