//! Reading the primitive values of the binary format from borrowed bytes.
//!
//! Offsets are always counted from the module's start, so that every error names
//! the place that a hex dump shows.
//!
//! Source: core specification 3.0, section 5.2.

use crate::{Error, Feature, Features, Result};
use core::ops::Range;

/// A cursor over a part of a module.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    /// The module up to the end of the part.
    bytes: &'a [u8],
    pos: usize,
    features: Features,
}

impl<'a> Reader<'a> {
    /// A cursor over `range` of a module; a range beyond the end is cut.
    pub fn new(module: &'a [u8], range: Range<usize>, features: Features) -> Reader<'a> {
        let end = range.end.min(module.len());
        Reader { bytes: &module[..end], pos: range.start.min(end), features }
    }

    /// The proposals that are switched on.
    #[inline]
    pub fn features(&self) -> Features {
        self.features
    }

    /// The feature that something at `at` belongs to is switched on.
    #[inline(always)] // So that what is not built in takes no code.
    pub(crate) fn need(&self, feature: Feature, at: usize) -> Result<()> {
        if self.features.has(feature) {
            return Ok(());
        }
        Err(Error::new(Features::refusal(feature), at))
    }

    /// Bytes from the module's start to the cursor.
    #[inline]
    pub fn pos(&self) -> usize {
        self.pos
    }

    /// Where the part ends.
    #[inline]
    pub fn end(&self) -> usize {
        self.bytes.len()
    }

    /// Ends the part at `end`, if it does not end before.
    pub(crate) fn cut(&mut self, end: usize) {
        self.bytes = &self.bytes[..end.clamp(self.pos, self.bytes.len())];
    }

    /// Whether everything was read.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.pos >= self.bytes.len()
    }

    /// The bytes not yet read.
    pub fn rest(&self) -> &'a [u8] {
        &self.bytes[self.pos..]
    }

    /// The next byte, which stays unread.
    pub fn peek(&self) -> Option<u8> {
        self.bytes.get(self.pos).copied()
    }

    /// One byte.
    #[inline]
    pub fn u8(&mut self) -> Result<u8> {
        match self.bytes.get(self.pos) {
            Some(&byte) => {
                self.pos += 1;
                Ok(byte)
            }
            None => Err(self.unexpected_end()),
        }
    }

    /// `len` bytes.
    pub fn bytes(&mut self, len: usize) -> Result<&'a [u8]> {
        match self.rest().get(..len) {
            Some(bytes) => {
                self.pos += len;
                Ok(bytes)
            }
            None => Err(self.unexpected_end()),
        }
    }

    /// `N` bytes as an array.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut array = [0; N];
        array.copy_from_slice(self.bytes(N)?);
        Ok(array)
    }

    /// The range of the next `len` bytes, which are skipped.
    pub fn range(&mut self, len: u32) -> Result<Range<u32>> {
        let start = self.pos as u32;
        self.bytes(len as usize)?;
        Ok(start..self.pos as u32)
    }

    /// An unsigned LEB128 of 32 bits.
    #[inline]
    pub fn u32(&mut self) -> Result<u32> {
        match self.bytes.get(self.pos) {
            Some(&byte) if byte < 0x80 => {
                self.pos += 1;
                Ok(u32::from(byte))
            }
            _ => self.leb(32, false).map(|v| v as u32),
        }
    }

    /// An unsigned LEB128 of 64 bits.
    pub fn u64(&mut self) -> Result<u64> {
        self.leb(64, false)
    }

    /// A signed LEB128 of 32 bits.
    #[inline]
    pub fn i32(&mut self) -> Result<i32> {
        match self.bytes.get(self.pos) {
            Some(&byte) if byte < 0x80 => {
                self.pos += 1;
                Ok(i32::from(byte) << 25 >> 25)
            }
            _ => self.leb(32, true).map(|v| v as i32),
        }
    }

    /// A signed LEB128 of 33 bits: a block type or a heap type.
    pub fn i33(&mut self) -> Result<i64> {
        self.leb(33, true).map(|v| v as i64)
    }

    /// A signed LEB128 of 64 bits.
    pub fn i64(&mut self) -> Result<i64> {
        self.leb(64, true).map(|v| v as i64)
    }

    /// A vector's length, checked against the bytes that are left: each element
    /// takes at least one, so that a hostile length cannot make us reserve memory.
    pub fn count(&mut self, what: &'static str, limit: u32) -> Result<u32> {
        let at = self.pos;
        let count = self.u32()?;
        if count > limit {
            return Err(Error::new(crate::ErrorKind::Limit { what, limit }, at));
        }
        if count as usize > self.rest().len() {
            return Err(self.unexpected_end());
        }
        Ok(count)
    }

    /// A name: the range of its UTF-8 bytes.
    pub fn name(&mut self) -> Result<Range<u32>> {
        let len = self.u32()?;
        let at = self.pos;
        let range = self.range(len)?;
        match core::str::from_utf8(&self.bytes[at..self.pos]) {
            Ok(_) => Ok(range),
            Err(e) => Err(Error::malformed("malformed UTF-8 encoding", at + e.valid_up_to())),
        }
    }

    /// "The bytes end too early", here.
    #[cold]
    pub fn unexpected_end(&self) -> Error {
        Error::malformed("unexpected end", self.bytes.len())
    }

    /// A LEB128 of `bits` bits, sign-extended to 64 if `signed`.
    fn leb(&mut self, bits: u32, signed: bool) -> Result<u64> {
        let start = self.pos;
        let mut value = 0u64;
        let mut shift = 0;
        loop {
            let byte = self.u8()?;
            value |= u64::from(byte & 0x7f) << shift;
            let left = bits - shift;
            if left < 7 {
                // The last byte: no continuation, and the bits beyond must be zero or
                // copies of the sign.
                if byte & 0x80 != 0 {
                    return Err(Error::malformed("integer representation too long", start));
                }
                let fits = if signed {
                    let extended = (byte as i8) << 1 >> left;
                    extended == 0 || extended == -1
                } else {
                    byte >> left == 0
                };
                if !fits {
                    return Err(Error::malformed("integer too large", start));
                }
            }
            shift += 7;
            if byte & 0x80 == 0 {
                break;
            }
        }
        if signed && shift < 64 {
            let unused = 64 - shift;
            value = ((value << unused) as i64 >> unused) as u64;
        }
        Ok(value)
    }
}
