//! In the place of shared memories where they are not built in, or the target has no 64-bit
//! atomics: there is none. A memory of a shared type is then its machine's alone.

#![allow(missing_docs)] // The documented ones are in `shared.rs`.

use crate::wait::Waiters;
use core::sync::atomic::{AtomicU8, AtomicUsize};
use sampan_wasm::MemoryType;

/// Nothing is of this type.
#[derive(Clone, Debug)]
pub enum SharedMemory {}

/// None.
#[derive(Clone, Debug, Default)]
pub(crate) struct SharedMemories;

impl SharedMemories {
    pub(crate) fn add(&mut self, memory: &SharedMemory) -> bool {
        match *memory {}
    }

    pub(crate) fn bytes(&self) -> u64 {
        0
    }
}

impl SharedMemory {
    pub(crate) const EXISTS: bool = false;

    /// There is none.
    pub fn new(_: MemoryType, _: u64) -> Option<SharedMemory> {
        None
    }

    pub fn ty(&self) -> MemoryType {
        match *self {}
    }

    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        match *self {}
    }

    pub fn same(&self, _: &SharedMemory) -> bool {
        match *self {}
    }

    pub fn bytes(&self) -> &[AtomicU8] {
        match *self {}
    }

    pub fn read(&self, _: usize, _: &mut [u8]) -> Option<()> {
        match *self {}
    }

    pub fn write(&self, _: usize, _: &[u8]) -> Option<()> {
        match *self {}
    }

    pub fn grow(&self, _: u64) -> Option<u64> {
        match *self {}
    }

    pub(crate) fn grow_within(&self, _: u64, _: impl Fn(u64) -> bool) -> Option<u64> {
        match *self {}
    }

    pub(crate) fn len_cell(&self) -> &AtomicUsize {
        match *self {}
    }

    pub(crate) fn base(&self) -> *mut u8 {
        match *self {}
    }

    #[allow(dead_code)] // Only atomic instructions wait.
    pub(crate) fn waiters(&self) -> &Waiters {
        match *self {}
    }
}
