//! Where things lie. Everything is below 4 GiB and dense: stack, program, heap,
//! then mappings upward. Programs that are bound to an address get it, and the
//! rest is placed around.

/// The lowest address that may be mapped (`mmap_min_addr`).
pub const LOW: u64 = 0x1_0000;
/// One past the highest address: the last page stays free, so that ends fit.
pub const TOP: u64 = 0xffff_f000;
/// The stack's size, if no limit says less.
pub const STACK: u64 = 8 << 20;
/// Where a stack that lies lowest ends.
pub const STACK_TOP: u64 = LOW + STACK;
/// Where programs go that may lie anywhere.
pub const PROGRAM: u64 = 0x0100_0000;
/// Room for the heap between program and mappings.
pub const HEAP: u64 = 128 << 20;
