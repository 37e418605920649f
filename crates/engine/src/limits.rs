//! How much a machine may take of its host.

/// Upper bounds for what the guests of one machine hold together.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes of all linear memories.
    pub memory_bytes: u64,
    /// Elements of all tables.
    pub table_elements: u64,
    /// Instances.
    pub instances: u32,
    memory_used: u64,
    table_used: u64,
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
        *self = Limits { memory_used: self.memory_used, table_used: self.table_used, ..other };
    }

    /// Books the change of a memory from `old` to `new` bytes, if there is room.
    pub(crate) fn take_memory(&mut self, old: u64, new: u64) -> bool {
        book(&mut self.memory_used, self.memory_bytes, old, new)
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
