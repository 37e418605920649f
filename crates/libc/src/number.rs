//! Text to integers (ISO C, 7.22.1).

use crate::Stop;
use crate::guest::string;

/// What `strtol` and its like found.
pub(crate) struct Parsed {
    pub negative: bool,
    /// Its absolute value; `None` where 64 bits do not hold it.
    pub magnitude: Option<u64>,
    /// How many bytes belong to it, with what is skipped before; 0 if there is no number.
    pub len: u32,
}

/// Reads white space, a sign, a prefix and digits. A base that C does not know has no digits.
pub(crate) fn parse(memory: &[u8], at: u32, base: u32) -> Result<Parsed, Stop> {
    let text = string(memory, at)?;
    let byte = |place: usize| text.get(place).copied().unwrap_or(0);
    let mut place = text.iter().take_while(|byte| matches!(byte, b'\t'..=b'\r' | b' ')).count();
    let negative = byte(place) == b'-';
    if matches!(byte(place), b'-' | b'+') {
        place += 1;
    }
    let prefixed = byte(place) == b'0'
        && byte(place + 1) | 0x20 == b'x'
        && byte(place + 2).is_ascii_hexdigit();
    let base = match base {
        0 | 16 if prefixed => {
            place += 2;
            16
        }
        0 if byte(place) == b'0' => 8,
        0 => 10,
        base => base,
    };
    let (start, mut magnitude) = (place, Some(0u64));
    if (2..=36).contains(&base) {
        while let Some(digit) = char::from(byte(place)).to_digit(base) {
            let shifted = magnitude.and_then(|value| value.checked_mul(base.into()));
            magnitude = shifted.and_then(|value| value.checked_add(digit.into()));
            place += 1;
        }
    }
    let len = if place == start { 0 } else { place as u32 };
    Ok(Parsed { negative, magnitude, len })
}

impl Parsed {
    /// The value of `strtol`: the nearest that a long can hold.
    pub fn signed(&self) -> i32 {
        let limit = if self.negative { 1 << 31 } else { (1 << 31) - 1 };
        let magnitude = self.magnitude.map_or(limit, |value| value.min(limit)) as i64;
        (if self.negative { -magnitude } else { magnitude }) as i32
    }

    /// The value of `strtoul`, which takes a sign too.
    pub fn unsigned(&self) -> u32 {
        match self.magnitude.and_then(|value| u32::try_from(value).ok()) {
            Some(value) if self.negative => value.wrapping_neg(),
            Some(value) => value,
            None => u32::MAX,
        }
    }
}
