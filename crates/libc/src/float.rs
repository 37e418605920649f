//! Conversions of `printf` for floats.
//!
//! Decimal digits are `core`'s, which are exact and rounded to even as C's are; here they get
//! the form that C wants. A number is made twice: once to know its length.

use crate::Stop;
use crate::format::{Arguments, Spec, sign};
use crate::out::Out;
use core::fmt::{self, Write};

pub(crate) fn conversion(
    out: &mut Out<'_>,
    spec: &Spec,
    arguments: &mut Arguments,
) -> Result<(), Stop> {
    let value = f64::from_bits(arguments.double_word(out.memory)?);
    let sign = sign(spec, value.is_sign_negative());
    let value = value.abs();
    let number = Number { value, spec, form: Form::of(spec, value) };
    let mut count = Count(0);
    number.write(&mut count).map_err(|_| Stop::OutOfBounds)?;
    let hex: &[u8] = match (number.form, spec.letter) {
        (Form::Hex, b'a') => b"0x",
        (Form::Hex, _) => b"0X",
        _ => b"",
    };
    let space = (spec.width as usize).saturating_sub(count.0 + sign.len() + hex.len());
    let zeros = spec.zero && !spec.left && value.is_finite();
    out.fill(b' ', if spec.left || zeros { 0 } else { space })?;
    out.bytes(sign)?;
    out.bytes(hex)?;
    out.fill(b'0', if zeros { space } else { 0 })?;
    let mut target = Target { out, stop: None };
    if number.write(&mut target).is_err() {
        return Err(target.stop.unwrap_or(Stop::OutOfBounds));
    }
    out.fill(b' ', if spec.left { space } else { 0 })
}

/// How a number is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Special,
    Fixed { precision: usize },
    Exponent { precision: usize },
    Hex,
}

impl Form {
    fn of(spec: &Spec, value: f64) -> Form {
        let precision = spec.precision.unwrap_or(6) as usize;
        if !value.is_finite() {
            return Form::Special;
        }
        match spec.letter | 0x20 {
            b'f' => Form::Fixed { precision },
            b'e' => Form::Exponent { precision },
            b'a' => Form::Hex,
            _ => {
                // `%g`: the exponent that `%e` would write decides.
                let digits = precision.max(1);
                let mut exponent = Exponent(None);
                let _ = write!(exponent, "{value:.*e}", digits - 1);
                match exponent.0.unwrap_or(0) {
                    at @ -4.. if at < digits as i32 => {
                        Form::Fixed { precision: (digits as i32 - 1 - at) as usize }
                    }
                    _ => Form::Exponent { precision: digits - 1 },
                }
            }
        }
    }
}

struct Number<'a> {
    value: f64,
    spec: &'a Spec,
    form: Form,
}

impl Number<'_> {
    fn write(&self, to: &mut dyn Write) -> fmt::Result {
        let (value, capital) = (self.value, self.spec.letter.is_ascii_uppercase());
        let point = self.spec.alternate;
        // `%g` writes no zeros at the end of a fraction.
        let trim = self.spec.letter | 0x20 == b'g' && !point;
        match self.form {
            Form::Special => to.write_str(match (value.is_nan(), capital) {
                (true, false) => "nan",
                (true, true) => "NAN",
                (false, false) => "inf",
                (false, true) => "INF",
            }),
            Form::Fixed { precision } => {
                let mut digits = Digits::new(to, trim);
                write!(digits, "{value:.precision$}")?;
                if point && precision == 0 { to.write_char('.') } else { Ok(()) }
            }
            Form::Exponent { precision } => {
                let mut digits = Digits::new(to, trim);
                write!(digits, "{value:.precision$e}")?;
                let exponent = digits.exponent.0.unwrap_or(0);
                if point && precision == 0 {
                    to.write_char('.')?;
                }
                to.write_char(if capital { 'E' } else { 'e' })?;
                write!(to, "{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs())
            }
            Form::Hex => self.hex(to),
        }
    }

    /// `%a` without its prefix: the bits of the fraction, rounded to even.
    fn hex(&self, to: &mut dyn Write) -> fmt::Result {
        let bits = self.value.to_bits();
        let (mut exponent, mut fraction) = ((bits >> 52) as i32, bits & ((1 << 52) - 1));
        if exponent != 0 {
            fraction |= 1 << 52;
            exponent -= 1023;
        } else if fraction != 0 {
            exponent = -1022;
        }
        let mut digits = 13;
        match self.spec.precision {
            Some(wanted) if wanted < 13 => {
                let dropped = 4 * (13 - wanted);
                let (half, rest) = (1u64 << (dropped - 1), fraction & ((1 << dropped) - 1));
                fraction >>= dropped;
                if rest > half || rest == half && fraction & 1 == 1 {
                    fraction += 1;
                }
                digits = wanted;
            }
            Some(_) => {}
            None => {
                while digits > 0 && fraction & 15 == 0 {
                    fraction >>= 4;
                    digits -= 1;
                }
            }
        }
        let capital = self.spec.letter == b'A';
        write!(to, "{}", fraction >> (4 * digits))?;
        let wanted = self.spec.precision.unwrap_or(digits);
        if wanted > 0 || self.spec.alternate {
            to.write_char('.')?;
        }
        for place in (0..digits).rev() {
            let digit = fraction >> (4 * place) & 15;
            if capital { write!(to, "{digit:X}")? } else { write!(to, "{digit:x}")? }
        }
        for _ in digits..wanted {
            to.write_char('0')?;
        }
        write!(to, "{}{exponent:+}", if capital { 'P' } else { 'p' })
    }
}

/// Passes a number on, but keeps the exponent, and zeros at the end of a fraction if it trims.
struct Digits<'a> {
    to: &'a mut dyn Write,
    trim: bool,
    fraction: bool,
    /// Of the fraction: a point, and then zeros, that are held back.
    point: bool,
    zeros: usize,
    exponent: Exponent,
}

impl<'a> Digits<'a> {
    fn new(to: &'a mut dyn Write, trim: bool) -> Digits<'a> {
        let exponent = Exponent(None);
        Digits { to, trim, fraction: false, point: false, zeros: 0, exponent }
    }
}

impl Write for Digits<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if !self.trim && self.exponent.0.is_none() && !text.contains('e') {
            return self.to.write_str(text);
        }
        for letter in text.chars() {
            if letter == 'e' || self.exponent.0.is_some() {
                self.exponent.write_char(letter)?;
                continue;
            }
            match letter {
                '.' if self.trim => (self.fraction, self.point) = (true, true),
                '0' if self.fraction => self.zeros += 1,
                _ => {
                    if core::mem::take(&mut self.point) {
                        self.to.write_char('.')?;
                    }
                    for _ in 0..core::mem::take(&mut self.zeros) {
                        self.to.write_char('0')?;
                    }
                    self.to.write_char(letter)?;
                }
            }
        }
        Ok(())
    }
}

/// Sees the exponent of a number go by: from the letter `e` on there is one.
struct Exponent(Option<i32>);

impl Write for Exponent {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            self.0 = match (byte, self.0) {
                (b'e', _) => Some(0),
                // Digits of a number below 1 count downwards; a mark says so before the first.
                (b'-', Some(_)) => Some(i32::MIN),
                (b'0'..=b'9', Some(i32::MIN)) => Some(-i32::from(byte - b'0')),
                (b'0'..=b'9', Some(value)) if value < 0 => {
                    Some(value * 10 - i32::from(byte - b'0'))
                }
                (b'0'..=b'9', Some(value)) => Some(value * 10 + i32::from(byte - b'0')),
                (_, value) => value,
            };
        }
        Ok(())
    }
}

/// Counts bytes.
struct Count(usize);

impl Write for Count {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0 += text.len();
        Ok(())
    }
}

/// Passes text on, and keeps why it could not.
struct Target<'a, 'b> {
    out: &'a mut Out<'b>,
    stop: Option<Stop>,
}

impl Write for Target<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.out.bytes(text.as_bytes()).map_err(|stop| {
            self.stop = Some(stop);
            fmt::Error
        })
    }
}
