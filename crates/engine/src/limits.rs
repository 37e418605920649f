//! How much a machine may take of its host.

use crate::{SharedMemory, shared::SharedMemories};

/// Upper bounds for what the guests of one machine hold together.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes of all linear memories. A shared one counts in every machine that has it, with
    /// the size that it has then.
    pub memory_bytes: u64,
    /// Elements of all tables.
    pub table_elements: u64,
    /// Instances.
    pub instances: u32,
    memory_used: u64,
    table_used: u64,
    shared: SharedMemories,
}

impl Default for Limits {
    /// As much as the address space holds, ten million table elements, ten thousand instances.
    fn default() -> Limits {
        Limits {
            memory_bytes: u64::MAX,
            table_elements: 10_000_000,
            instances: 10_000,
            memory_used: 0,
            table_used: 0,
            shared: SharedMemories::default(),
        }
    }
}

impl Limits {
    /// The default limits with another bound for memories.
    #[must_use]
    pub fn memory_bytes(mut self, bytes: u64) -> Limits {
        self.memory_bytes = bytes;
        self
    }

    /// The default limits with another bound for tables.
    #[must_use]
    pub fn table_elements(mut self, elements: u64) -> Limits {
        self.table_elements = elements;
        self
    }

    /// Keeps what is in use and takes the bounds from `other`.
    pub(crate) fn set_bounds(&mut self, other: Limits) {
        let shared = core::mem::take(&mut self.shared);
        let (memory_used, table_used) = (self.memory_used, self.table_used);
        *self = Limits { memory_used, table_used, shared, ..other };
    }

    /// Books the change of a memory from `old` to `new` bytes, if there is room.
    pub(crate) fn take_memory(&mut self, old: u64, new: u64) -> bool {
        let bound = self.memory_bytes.saturating_sub(self.shared.bytes());
        book(&mut self.memory_used, bound, old, new)
    }

    /// How many bytes the memories may still take.
    pub(crate) fn room_for_memory(&self) -> u64 {
        self.memory_bytes.saturating_sub(self.memory_used).saturating_sub(self.shared.bytes())
    }

    /// Counts a shared memory from now on, if there is room for what it has now.
    #[allow(unreachable_code)] // Where nothing is of the type.
    pub(crate) fn take_shared(&mut self, memory: &SharedMemory) -> bool {
        memory.len() as u64 <= self.room_for_memory() && self.shared.add(memory)
    }

    /// Books the change of a table from `old` to `new` elements, if there is room.
    pub(crate) fn take_table(&mut self, old: u64, new: u64) -> bool {
        book(&mut self.table_used, self.table_elements, old, new)
    }
}

fn book(used: &mut u64, bound: u64, old: u64, new: u64) -> bool {
    let total = (*used - old.min(*used)).saturating_add(new);
    if new > old && total > bound {
        return false;
    }
    *used = total;
    true
}
