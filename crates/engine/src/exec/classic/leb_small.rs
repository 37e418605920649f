//! Reading LEB128 numbers of validated code, where size counts: one function for all.

/// An unsigned LEB128 of 32 bits and its length. The bytes are validated.
pub(super) unsafe fn leb(at: *const u8) -> (u32, usize) {
    // SAFETY: the caller's promise.
    let (value, len) = unsafe { leb_64(at) };
    (value as u32, len)
}

/// An unsigned LEB128 of 64 bits and its length. The bytes are validated.
#[inline(never)]
pub(super) unsafe fn leb_64(at: *const u8) -> (u64, usize) {
    let mut value = 0u64;
    let mut len = 0;
    loop {
        // SAFETY: validated: the number ends within the function.
        let byte = unsafe { *at.add(len) };
        value |= u64::from(byte & 0x7f) << ((7 * len as u32) & 63);
        len += 1;
        if byte < 0x80 {
            return (value, len);
        }
    }
}

/// A signed LEB128 of 32 bits and its length. The bytes are validated.
pub(super) unsafe fn signed_leb(at: *const u8) -> (i32, usize) {
    // SAFETY: the caller's promise.
    let (value, len) = unsafe { signed_leb_64(at) };
    (value as i32, len)
}

/// A signed LEB128 of 64 bits and its length. The bytes are validated.
#[inline(never)]
pub(super) unsafe fn signed_leb_64(at: *const u8) -> (i64, usize) {
    // SAFETY: the caller's promise.
    let (value, len) = unsafe { leb_64(at) };
    let unused = 64u32.saturating_sub(7 * len as u32);
    ((value << unused) as i64 >> unused, len)
}
