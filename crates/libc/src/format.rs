//! `printf` and its family (ISO C, 7.21.6.1), with arguments from the guest's memory.
//!
//! Clang passes what stands for `...` as the address of a block in which each argument is
//! aligned to its size. `long` and pointers have 32 bits.

use crate::guest::{prefix, slice, string, word};
use crate::out::Out;
use crate::{Stop, float};

/// The largest width, and precision of a number: what C says each implementation can do. It
/// bounds how much a few bytes of format can print.
const MOST: u32 = 4095;

/// Formats, and gives what `printf` returns: the number of bytes, or -1 if no int holds it.
pub(crate) fn format(out: &mut Out<'_>, mut at: u32, arguments: u32) -> Result<i32, Stop> {
    let mut arguments = Arguments { next: arguments };
    loop {
        let rest = out.memory.get(at as usize..).ok_or(Stop::OutOfBounds)?;
        let plain = rest.iter().position(|&byte| matches!(byte, 0 | b'%'));
        let plain = plain.ok_or(Stop::OutOfBounds)? as u32;
        out.guest(at, plain)?;
        at = at.wrapping_add(plain);
        if out.memory[at as usize] == 0 {
            return Ok(i32::try_from(out.count).unwrap_or(-1));
        }
        let spec = Spec::read(out.memory, &mut at, &mut arguments)?;
        conversion(out, &spec, &mut arguments)?;
    }
}

/// The arguments that are left.
pub(crate) struct Arguments {
    next: u32,
}

impl Arguments {
    fn word(&mut self, memory: &[u8]) -> Result<u32, Stop> {
        let value = word(memory, self.next)?;
        self.next = self.next.wrapping_add(4);
        Ok(value)
    }

    pub fn double_word(&mut self, memory: &[u8]) -> Result<u64, Stop> {
        let aligned = self.next.checked_add(7).ok_or(Stop::OutOfBounds)? & !7;
        let bytes = slice(memory, aligned, 8)?.try_into().map_err(|_| Stop::OutOfBounds)?;
        self.next = aligned.checked_add(8).ok_or(Stop::OutOfBounds)?;
        Ok(u64::from_le_bytes(bytes))
    }
}

/// A conversion as the format has it.
#[derive(Default)]
pub(crate) struct Spec {
    pub left: bool,
    pub plus: bool,
    pub space: bool,
    pub alternate: bool,
    pub zero: bool,
    pub width: u32,
    pub precision: Option<u32>,
    length: Length,
    pub letter: u8,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Length {
    Byte,
    Short,
    #[default]
    Int,
    LongLong,
    LongDouble,
}

impl Spec {
    /// Reads from the `%` on, and leaves `at` behind.
    fn read(memory: &[u8], at: &mut u32, arguments: &mut Arguments) -> Result<Spec, Stop> {
        let mut spec = Spec::default();
        let mut cursor = Cursor { memory, at: *at };
        loop {
            match cursor.next()? {
                b'-' => spec.left = true,
                b'+' => spec.plus = true,
                b' ' => spec.space = true,
                b'#' => spec.alternate = true,
                b'0' => spec.zero = true,
                _ => break,
            }
        }
        let width = cursor.number(arguments)?;
        spec.left |= width < 0;
        spec.width = width.unsigned_abs();
        if cursor.byte()? == b'.' {
            cursor.next()?;
            // One without digits is 0, and a negative one is none.
            spec.precision = u32::try_from(cursor.number(arguments)?).ok();
        }
        let first = cursor.byte()?;
        if matches!(first, b'h' | b'l' | b'j' | b'z' | b't' | b'L') {
            let twice = cursor.next()? == first;
            spec.length = match first {
                b'h' if twice => Length::Byte,
                b'h' => Length::Short,
                b'l' if twice => Length::LongLong,
                b'j' => Length::LongLong,
                b'L' => Length::LongDouble,
                _ => Length::Int,
            };
            if twice && matches!(first, b'h' | b'l') {
                cursor.next()?;
            }
        }
        spec.letter = cursor.byte()?;
        *at = cursor.at.wrapping_add(1);
        let text = matches!(spec.letter, b's' | b'c');
        if spec.width > MOST || !text && spec.precision.is_some_and(|digits| digits > MOST) {
            return Err(Stop::WidthTooLarge);
        }
        Ok(spec)
    }
}

/// A place in the format.
struct Cursor<'a> {
    memory: &'a [u8],
    at: u32,
}

impl Cursor<'_> {
    fn byte(&self) -> Result<u8, Stop> {
        self.memory.get(self.at as usize).copied().ok_or(Stop::OutOfBounds)
    }

    /// The byte behind.
    fn next(&mut self) -> Result<u8, Stop> {
        self.at = self.at.wrapping_add(1);
        self.byte()
    }

    /// A number in digits, or an argument for `*`; 0 if there is neither.
    fn number(&mut self, arguments: &mut Arguments) -> Result<i32, Stop> {
        if self.byte()? == b'*' {
            self.next()?;
            return Ok(arguments.word(self.memory)? as i32);
        }
        let mut value = 0i32;
        while let digit @ b'0'..=b'9' = self.byte()? {
            value = value.saturating_mul(10).saturating_add(i32::from(digit - b'0'));
            self.next()?;
        }
        Ok(value)
    }
}

fn conversion(out: &mut Out<'_>, spec: &Spec, arguments: &mut Arguments) -> Result<(), Stop> {
    match spec.letter {
        b'd' | b'i' => {
            let value = signed(spec.length, out.memory, arguments)?;
            integer(out, spec, value.unsigned_abs(), sign(spec, value < 0), 10)
        }
        b'u' | b'o' | b'x' | b'X' => {
            let value = unsigned(spec.length, out.memory, arguments)?;
            let (base, prefix): (u64, &[u8]) = match spec.letter {
                b'u' => (10, b""),
                b'o' => (8, b""),
                b'x' => (16, b"0x"),
                _ => (16, b"0X"),
            };
            let shown = spec.alternate && value != 0;
            integer(out, spec, value, if shown { prefix } else { b"" }, base)
        }
        b'p' => {
            // As many digits as an address has.
            let value = arguments.word(out.memory)?;
            let spec = Spec { precision: Some(8), letter: b'x', width: spec.width, ..*spec };
            integer(out, &spec, value.into(), b"0x", 16)
        }
        b'c' => {
            let byte = arguments.word(out.memory)? as u8;
            let (before, after) = spaces(spec, 1);
            out.fill(b' ', before)?;
            out.byte(byte)?;
            out.fill(b' ', after)
        }
        b's' => {
            let at = arguments.word(out.memory)?;
            let text = match spec.precision {
                Some(limit) => prefix(out.memory, at, limit)?,
                None => string(out.memory, at)?,
            };
            let len = text.len() as u32;
            let (before, after) = spaces(spec, len);
            out.fill(b' ', before)?;
            out.guest(at, len)?;
            out.fill(b' ', after)
        }
        b'n' => {
            let (at, count) = (arguments.word(out.memory)?, out.count);
            let size = match spec.length {
                Length::Byte => 1,
                Length::Short => 2,
                Length::Int => 4,
                Length::LongLong | Length::LongDouble => 8,
            };
            let target = crate::guest::slice_mut(out.memory, at, size)?;
            target.copy_from_slice(&count.to_le_bytes()[..size as usize]);
            Ok(())
        }
        b'%' => out.byte(b'%'),
        b'e' | b'E' | b'f' | b'F' | b'g' | b'G' | b'a' | b'A'
            if spec.length != Length::LongDouble =>
        {
            float::conversion(out, spec, arguments)
        }
        letter => Err(Stop::Conversion(letter)),
    }
}

fn unsigned(length: Length, memory: &[u8], arguments: &mut Arguments) -> Result<u64, Stop> {
    Ok(match length {
        Length::LongLong | Length::LongDouble => arguments.double_word(memory)?,
        Length::Int => arguments.word(memory)?.into(),
        Length::Short => (arguments.word(memory)? as u16).into(),
        Length::Byte => (arguments.word(memory)? as u8).into(),
    })
}

fn signed(length: Length, memory: &[u8], arguments: &mut Arguments) -> Result<i64, Stop> {
    let value = unsigned(length, memory, arguments)?;
    Ok(match length {
        Length::LongLong | Length::LongDouble => value as i64,
        Length::Int => (value as i32).into(),
        Length::Short => (value as i16).into(),
        Length::Byte => (value as i8).into(),
    })
}

/// What stands before a number that may be negative.
pub(crate) fn sign(spec: &Spec, negative: bool) -> &'static [u8] {
    match (negative, spec.plus, spec.space) {
        (true, ..) => b"-",
        (_, true, _) => b"+",
        (.., true) => b" ",
        _ => b"",
    }
}

fn integer(
    out: &mut Out<'_>,
    spec: &Spec,
    mut value: u64,
    prefix: &[u8],
    base: u64,
) -> Result<(), Stop> {
    // The longest is 2^64 - 1 in octal.
    let mut digits = [0; 22];
    let mut start = digits.len();
    while value != 0 {
        start -= 1;
        let digit = (value % base) as u8;
        let letters = if spec.letter == b'X' { b'A' } else { b'a' };
        digits[start] = if digit < 10 { b'0' + digit } else { letters + digit - 10 };
        value /= base;
    }
    let digits = &digits[start..];
    let mut least = spec.precision.unwrap_or(1) as usize;
    if base == 8 && spec.alternate {
        least = least.max(digits.len() + 1);
    }
    let mut zeros = least.saturating_sub(digits.len());
    let len = prefix.len() + zeros + digits.len();
    let space = (spec.width as usize).saturating_sub(len);
    let mut before = space;
    if spec.left {
        before = 0;
    } else if spec.zero && spec.precision.is_none() {
        before = 0;
        zeros += space;
    }
    out.fill(b' ', before)?;
    out.bytes(prefix)?;
    out.fill(b'0', zeros)?;
    out.bytes(digits)?;
    out.fill(b' ', if spec.left { space } else { 0 })
}

/// How many spaces are before and behind a text.
fn spaces(spec: &Spec, len: u32) -> (usize, usize) {
    let space = spec.width.saturating_sub(len) as usize;
    if spec.left { (0, space) } else { (space, 0) }
}
