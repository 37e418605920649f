//! Reading LEB128 numbers of validated code.

/// Reads up to five bytes of a LEB128 without a loop, as linkers write addresses and
/// function indices with five, and gives what `$done` makes of the bits, the number of
/// bits that 32 has more than them, and the length.
macro_rules! leb_of_32_bits {
    ($at:expr, $done:expr) => {{
        // SAFETY: validated: the number ends within the function and within five bytes.
        let byte = |index: usize| unsafe { u32::from(*$at.add(index)) };
        let mut value = byte(0);
        if value < 0x80 {
            return $done(value, 25, 1);
        }
        // The subtraction clears the bit by which the byte before said that one follows.
        let next = byte(1);
        value = value.wrapping_add((next << 7).wrapping_sub(1 << 7));
        if next < 0x80 {
            return $done(value, 18, 2);
        }
        let next = byte(2);
        value = value.wrapping_add((next << 14).wrapping_sub(1 << 14));
        if next < 0x80 {
            return $done(value, 11, 3);
        }
        let next = byte(3);
        value = value.wrapping_add((next << 21).wrapping_sub(1 << 21));
        if next < 0x80 {
            return $done(value, 4, 4);
        }
        value = value.wrapping_add((byte(4) << 28).wrapping_sub(1 << 28));
        $done(value, 0, 5)
    }};
}

/// An unsigned LEB128 of 32 bits and its length. The bytes are validated.
#[inline(always)]
pub(super) unsafe fn leb(at: *const u8) -> (u32, usize) {
    leb_of_32_bits!(at, |value: u32, _: u32, len: usize| (value, len))
}

/// An unsigned LEB128 of 64 bits and its length. The bytes are validated.
#[inline(always)]
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
#[inline(always)]
pub(super) unsafe fn signed_leb(at: *const u8) -> (i32, usize) {
    leb_of_32_bits!(at, |value: u32, unused: u32, len: usize| {
        ((value << unused) as i32 >> unused, len)
    })
}

/// A signed LEB128 of 64 bits and its length. The bytes are validated.
#[inline(always)]
pub(super) unsafe fn signed_leb_64(at: *const u8) -> (i64, usize) {
    let mut value = 0u64;
    let mut len = 0;
    loop {
        // SAFETY: validated: the number ends within the function.
        let byte = unsafe { *at.add(len) };
        value |= u64::from(byte & 0x7f) << ((7 * len as u32) & 63);
        len += 1;
        if byte < 0x80 {
            let unused = 64u32.saturating_sub(7 * len as u32);
            return ((value << unused) as i64 >> unused, len);
        }
    }
}
