//! The byte that each page has.

/// Loads are allowed.
pub const READ: u8 = 1;
/// Stores are allowed.
pub const WRITE: u8 = 2;
/// Instruction fetches are allowed.
pub const EXEC: u8 = 4;
/// What the program may do.
pub const PROT: u8 = READ | WRITE | EXEC;
/// Something is mapped.
pub const MAPPED: u8 = 8;
/// The interpreter may load without asking.
pub const FAST_READ: u8 = 0x10;
/// The interpreter may store without asking: allowed, touched, and without decoded code.
pub const FAST_WRITE: u8 = 0x20;
/// Written at least once, or shared.
pub const TOUCHED: u8 = 0x40;
/// Code on this page has been decoded: stores must be told to the decoder's cache.
pub const CODE: u8 = 0x80;
/// What stays when protection changes.
pub const KEPT: u8 = TOUCHED | CODE;

/// The byte of a mapped page.
pub const fn state(prot: u8, kept: u8) -> u8 {
    let mut state = prot & PROT | MAPPED | kept;
    if prot & PROT != 0 {
        state |= FAST_READ;
    }
    if prot & WRITE != 0 && kept & KEPT == TOUCHED {
        state |= FAST_WRITE;
    }
    state
}

/// The same page in an address space of which nothing is decoded.
pub const fn without_code(old: u8) -> u8 {
    state(old & PROT, old & TOUCHED)
}

/// The same page with its content dropped.
pub const fn without_touch(old: u8) -> u8 {
    state(old & PROT, old & CODE)
}

/// The same page, now written.
pub const fn touched(old: u8) -> u8 {
    state(old & PROT, old & KEPT | TOUCHED)
}

/// The same page, now with decoded code.
pub const fn with_code(old: u8) -> u8 {
    state(old & PROT, old & KEPT | CODE)
}
