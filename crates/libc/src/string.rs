//! Functions on memory and strings (ISO C, 7.24).

use crate::Stop;
use crate::guest::{prefix, slice, slice_mut, string};
use core::cmp::Ordering;

/// `memcpy` and `memmove`.
pub(crate) fn copy(memory: &mut [u8], to: u32, from: u32, len: u32) -> Result<u32, Stop> {
    slice(memory, from, len)?;
    slice(memory, to, len)?;
    let start = from as usize;
    memory.copy_within(start..start + len as usize, to as usize);
    Ok(to)
}

pub(crate) fn fill(memory: &mut [u8], at: u32, byte: u32, len: u32) -> Result<u32, Stop> {
    slice_mut(memory, at, len)?.fill(byte as u8);
    Ok(at)
}

pub(crate) fn compare_bytes(memory: &[u8], a: u32, b: u32, len: u32) -> Result<u32, Stop> {
    Ok(sign(slice(memory, a, len)?.cmp(slice(memory, b, len)?)))
}

/// The strings end before their NULs, so that a prefix is less than what it is a prefix of.
pub(crate) fn compare(memory: &[u8], a: u32, b: u32, limit: u32) -> Result<u32, Stop> {
    Ok(sign(prefix(memory, a, limit)?.cmp(prefix(memory, b, limit)?)))
}

pub(crate) fn compare_caseless(memory: &[u8], a: u32, b: u32, limit: u32) -> Result<u32, Stop> {
    let (a, b) = (prefix(memory, a, limit)?, prefix(memory, b, limit)?);
    let lower = |bytes: &[u8], i: usize| bytes.get(i).map_or(0, u8::to_ascii_lowercase);
    let differing = (0..a.len().max(b.len())).find(|&i| lower(a, i) != lower(b, i));
    Ok(differing.map_or(0, |i| sign(lower(a, i).cmp(&lower(b, i)))))
}

/// `memchr`, which looks at nothing behind what it finds.
pub(crate) fn find_byte(memory: &[u8], at: u32, byte: u32, len: u32) -> Result<u32, Stop> {
    let rest = memory.get(at as usize..).ok_or(Stop::OutOfBounds)?;
    let seen = &rest[..rest.len().min(len as usize)];
    match seen.iter().position(|&it| it == byte as u8) {
        Some(place) => Ok(at + place as u32),
        None if seen.len() == len as usize => Ok(0),
        None => Err(Stop::OutOfBounds),
    }
}

/// `strchr`; the NUL belongs to the string.
pub(crate) fn find_char(memory: &[u8], at: u32, byte: u32) -> Result<u32, Stop> {
    let len = string(memory, at)?.len() as u32;
    find_byte(memory, at, byte, len + 1)
}

pub(crate) fn length(memory: &[u8], at: u32) -> Result<u32, Stop> {
    Ok(string(memory, at)?.len() as u32)
}

pub(crate) fn copy_string(memory: &mut [u8], to: u32, from: u32) -> Result<u32, Stop> {
    let len = length(memory, from)? + 1;
    copy(memory, to, from, len)
}

/// `strncpy`, which fills the rest with zeros.
pub(crate) fn copy_prefix(memory: &mut [u8], to: u32, from: u32, limit: u32) -> Result<u32, Stop> {
    let len = prefix(memory, from, limit)?.len() as u32;
    slice(memory, to, limit)?;
    copy(memory, to, from, len)?;
    fill(memory, to + len, 0, limit - len)?;
    Ok(to)
}

/// `strspn` and `strcspn`: how many bytes from the start are, or are not, in a set.
pub(crate) fn span(memory: &[u8], at: u32, set: u32, inside: bool) -> Result<u32, Stop> {
    let (text, set) = (string(memory, at)?, string(memory, set)?);
    let mut members = [false; 256];
    for &byte in set {
        members[usize::from(byte)] = true;
    }
    let end = text.iter().position(|&byte| members[usize::from(byte)] != inside);
    Ok(end.unwrap_or(text.len()) as u32)
}

/// `strstr`.
pub(crate) fn find_string(memory: &[u8], at: u32, wanted: u32) -> Result<u32, Stop> {
    let (text, wanted) = (string(memory, at)?, string(memory, wanted)?);
    Ok(two_way(text, wanted).map_or(0, |place| at + place as u32))
}

/// Where `wanted` first is. In linear time and without memory, as a guest may ask for the worst
/// case: the two-way algorithm of Crochemore and Perrin (1991).
fn two_way(text: &[u8], wanted: &[u8]) -> Option<usize> {
    let len = wanted.len();
    if len == 0 {
        return Some(0);
    }
    let (a, b) = (maximal_suffix(wanted, false), maximal_suffix(wanted, true));
    let (cut, mut period) = a.max(b);
    let periodic = wanted.get(period..period + cut) == Some(&wanted[..cut]);
    if !periodic {
        period = cut.max(len - cut) + 1;
    }
    // How many bytes at the start are known to fit from the last round.
    let (mut place, mut known) = (0, 0);
    while place + len <= text.len() {
        let here = &text[place..place + len];
        let from = cut.max(known);
        if let Some(ahead) = (from..len).find(|&i| wanted[i] != here[i]) {
            place += ahead - cut + 1;
            known = 0;
            continue;
        }
        if !(known..cut).rev().any(|i| wanted[i] != here[i]) {
            return Some(place);
        }
        place += period;
        known = if periodic { len - period } else { 0 };
    }
    None
}

/// The start and the period of the largest suffix in the order of bytes, or in the opposite one.
fn maximal_suffix(bytes: &[u8], opposite: bool) -> (usize, usize) {
    let (mut start, mut rival, mut offset, mut period) = (0, 1, 0, 1);
    while let Some(&byte) = bytes.get(rival + offset) {
        let order = byte.cmp(&bytes[start + offset]);
        match if opposite { order.reverse() } else { order } {
            Ordering::Less => {
                rival += offset + 1;
                offset = 0;
                period = rival - start;
            }
            Ordering::Equal if offset + 1 == period => {
                rival += period;
                offset = 0;
            }
            Ordering::Equal => offset += 1,
            Ordering::Greater => {
                start = rival;
                rival += 1;
                (offset, period) = (0, 1);
            }
        }
    }
    (start, period)
}

fn sign(order: Ordering) -> u32 {
    order as i32 as u32
}

#[cfg(test)]
mod tests {
    use super::two_way;

    /// All texts of two letters, where periods abound.
    #[test]
    fn two_way_finds_what_a_plain_search_finds() {
        let word = |bits: usize, len: usize, buffer: &mut [u8; 12]| {
            for (i, byte) in buffer[..len].iter_mut().enumerate() {
                *byte = b'a' + (bits >> i & 1) as u8;
            }
        };
        let (mut text, mut wanted) = ([0; 12], [0; 12]);
        for bits in 0..1 << 12 {
            word(bits, 12, &mut text);
            for len in 1..=7 {
                for pattern in 0..1 << len {
                    word(pattern, len, &mut wanted);
                    let plain = text.windows(len).position(|it| it == &wanted[..len]);
                    assert_eq!(two_way(&text, &wanted[..len]), plain, "{text:?} {wanted:?} {len}");
                }
            }
        }
        assert_eq!(two_way(b"ab", b""), Some(0));
        assert_eq!(two_way(b"", b"a"), None);
    }
}
