//! The guest's linear memory, where every address is a claim until checked.

use std::borrow::Cow;
use std::io::{IoSlice, IoSliceMut};
use std::ops::Range;

use crate::Errno;

/// As many buffers as one call of the host takes (`IOV_MAX` on Linux and
/// macOS). A longer list leads to a short read or write, which callers must
/// expect anyway.
const MAX_BUFFERS: usize = 1024;

/// As many bytes as one call moves: lengths are reported in 32 bits, and
/// callers keep them in a signed `ssize_t`.
const MAX_TRANSFER: usize = i32::MAX as usize;

/// As many bytes as one call moves to or from a shared memory, which takes a
/// buffer of that size.
const MAX_COPY: usize = 1 << 20;

/// A guest linear memory for the duration of one call.
///
/// All access is checked: an address or length that leaves the memory gives
/// [`Errno::Fault`]. Integers are little-endian, at any alignment.
pub struct GuestMemory<'a> {
    bytes: Bytes<'a>,
}

enum Bytes<'a> {
    Own(&'a mut [u8]),
    Shared(&'a dyn SharedBytes),
}

/// A memory that other threads may write to at any time, so that it is
/// copied from and to, and never borrowed.
pub trait SharedBytes {
    /// The size in bytes. It never shrinks.
    fn size(&self) -> usize;

    /// Fills `buffer` from `at` on; the range is inside the memory.
    fn read(&self, at: usize, buffer: &mut [u8]);

    /// Copies `buffer` to `at`; the range is inside the memory.
    fn write(&self, at: usize, buffer: &[u8]);
}

impl<'a> GuestMemory<'a> {
    /// Wraps the bytes of a linear memory, of which address 0 is the first.
    pub fn new(bytes: &'a mut [u8]) -> GuestMemory<'a> {
        GuestMemory { bytes: Bytes::Own(bytes) }
    }

    /// Wraps a memory that threads share.
    pub fn shared(bytes: &'a dyn SharedBytes) -> GuestMemory<'a> {
        GuestMemory { bytes: Bytes::Shared(bytes) }
    }

    /// The size in bytes.
    pub fn size(&self) -> usize {
        match &self.bytes {
            Bytes::Own(bytes) => bytes.len(),
            Bytes::Shared(bytes) => bytes.size(),
        }
    }

    /// Refuses a range that is not wholly inside the memory, before a call
    /// has effects whose result could then not be delivered.
    pub fn check(&self, ptr: u32, len: u32) -> Result<(), Errno> {
        self.range(ptr, len).map(drop)
    }

    fn range(&self, ptr: u32, len: u32) -> Result<Range<usize>, Errno> {
        let start = ptr as usize;
        let end = start.checked_add(len as usize).ok_or(Errno::Fault)?;
        if end <= self.size() { Ok(start..end) } else { Err(Errno::Fault) }
    }

    /// The `len` bytes at `ptr`; copied if others could change them.
    pub fn slice(&self, ptr: u32, len: u32) -> Result<Cow<'_, [u8]>, Errno> {
        let range = self.range(ptr, len)?;
        match &self.bytes {
            Bytes::Own(bytes) => Ok(Cow::Borrowed(&bytes[range])),
            Bytes::Shared(bytes) => {
                let mut copy = buffer_of(range.len())?;
                bytes.read(range.start, &mut copy);
                Ok(Cow::Owned(copy))
            }
        }
    }

    /// Has the `len` bytes at `ptr` changed. What `with` is given may be a
    /// copy of zeroes, of which as many bytes as it says are then written.
    pub fn update<T>(
        &mut self,
        ptr: u32,
        len: u32,
        with: impl FnOnce(&mut [u8]) -> Result<(T, usize), Errno>,
    ) -> Result<T, Errno> {
        let range = self.range(ptr, len)?;
        match &mut self.bytes {
            Bytes::Own(bytes) => with(&mut bytes[range]).map(|(result, _)| result),
            Bytes::Shared(bytes) => {
                let mut copy = buffer_of(range.len())?;
                let (result, used) = with(&mut copy)?;
                bytes.write(range.start, &copy[..used.min(range.len())]);
                Ok(result)
            }
        }
    }

    /// The text of `len` bytes at `ptr`; [`Errno::Ilseq`] where it is not
    /// UTF-8.
    pub fn text(&self, ptr: u32, len: u32) -> Result<Cow<'_, str>, Errno> {
        match self.slice(ptr, len)? {
            Cow::Borrowed(bytes) => std::str::from_utf8(bytes).map(Cow::Borrowed).ok(),
            Cow::Owned(bytes) => String::from_utf8(bytes).map(Cow::Owned).ok(),
        }
        .ok_or(Errno::Ilseq)
    }

    /// Copies `bytes` to `ptr`.
    pub fn write(&mut self, ptr: u32, bytes: &[u8]) -> Result<(), Errno> {
        let len = u32::try_from(bytes.len()).map_err(|_| Errno::Fault)?;
        let range = self.range(ptr, len)?;
        match &mut self.bytes {
            Bytes::Own(own) => own[range].copy_from_slice(bytes),
            Bytes::Shared(shared) => shared.write(range.start, bytes),
        }
        Ok(())
    }

    /// The 32-bit integer at `ptr`.
    pub fn read_u32(&self, ptr: u32) -> Result<u32, Errno> {
        Ok(u32::from_le_bytes(self.array(ptr)?))
    }

    /// The 64-bit integer at `ptr`.
    pub fn read_u64(&self, ptr: u32) -> Result<u64, Errno> {
        Ok(u64::from_le_bytes(self.array(ptr)?))
    }

    /// Stores a 32-bit integer at `ptr`.
    pub fn write_u32(&mut self, ptr: u32, value: u32) -> Result<(), Errno> {
        self.write(ptr, &value.to_le_bytes())
    }

    /// Stores a 64-bit integer at `ptr`.
    pub fn write_u64(&mut self, ptr: u32, value: u64) -> Result<(), Errno> {
        self.write(ptr, &value.to_le_bytes())
    }

    /// The `N` bytes at `ptr`, by value.
    pub fn array<const N: usize>(&self, ptr: u32) -> Result<[u8; N], Errno> {
        let range = self.range(ptr, N as u32)?;
        let mut array = [0; N];
        match &self.bytes {
            Bytes::Own(bytes) => array.copy_from_slice(&bytes[range]),
            Bytes::Shared(bytes) => bytes.read(range.start, &mut array),
        }
        Ok(array)
    }

    /// Passes on the buffers that a `ciovec` array names, to write from. They
    /// may overlap.
    pub(crate) fn gather<T>(
        &self,
        iovs: u32,
        count: u32,
        with: impl FnOnce(&[IoSlice<'_>]) -> Result<T, Errno>,
    ) -> Result<T, Errno> {
        let bytes = match &self.bytes {
            Bytes::Own(bytes) => bytes,
            Bytes::Shared(bytes) => {
                let spans = self.spans(iovs, count, MAX_COPY)?;
                let mut copy = buffer_of(spans.iter().map(Span::len).sum())?;
                let mut rest = &mut copy[..];
                for span in spans {
                    let (piece, after) = rest.split_at_mut(span.len());
                    bytes.read(span.start, piece);
                    rest = after;
                }
                return with(&[IoSlice::new(&copy)]);
            }
        };
        // By far the most common case needs no list.
        if count == 1 {
            let (ptr, len) = buffer(self.array(iovs)?);
            let bytes = &bytes[self.range(ptr, len)?];
            return with(&[IoSlice::new(&bytes[..bytes.len().min(MAX_TRANSFER)])]);
        }
        let spans = self.spans(iovs, count, MAX_TRANSFER)?;
        let slices = spans.iter().map(|span| IoSlice::new(&bytes[span.start..span.end]));
        with(&slices.collect::<Vec<_>>())
    }

    /// Passes on the buffers that an `iovec` array names, to read into; `with`
    /// says how many bytes it read. Where they overlap, it's only the first.
    pub(crate) fn scatter(
        &mut self,
        iovs: u32,
        count: u32,
        with: impl FnOnce(&mut [IoSliceMut<'_>]) -> Result<usize, Errno>,
    ) -> Result<usize, Errno> {
        if let Bytes::Shared(bytes) = self.bytes {
            let spans = self.spans(iovs, count, MAX_COPY)?;
            let mut copy = buffer_of(spans.iter().map(Span::len).sum())?;
            let read = with(&mut [IoSliceMut::new(&mut copy)])?;
            let mut rest = &copy[..read.min(copy.len())];
            for span in spans {
                let (piece, after) = rest.split_at(span.len().min(rest.len()));
                bytes.write(span.start, piece);
                rest = after;
            }
            return Ok(read);
        }
        if count == 1 {
            let (ptr, len) = buffer(self.array(iovs)?);
            let range = self.range(ptr, len)?;
            let len = range.len().min(MAX_TRANSFER);
            return with(&mut [IoSliceMut::new(&mut self.own()[range][..len])]);
        }
        let mut spans = self.spans(iovs, count, MAX_TRANSFER)?;
        let first = spans.first().copied();
        spans.sort_unstable_by_key(|span| span.start);
        if !spans.is_sorted_by(|a, b| a.end <= b.start) {
            // A short read is allowed, and no sensible program does this.
            spans = Vec::from_iter(first);
        }
        with(&mut split(self.own(), &spans))
    }

    /// The bytes; none of a shared memory.
    fn own(&mut self) -> &mut [u8] {
        match &mut self.bytes {
            Bytes::Own(bytes) => bytes,
            Bytes::Shared(_) => &mut [],
        }
    }

    /// The first of the ranges that are not empty, each known to be inside
    /// the memory; together at most `room` bytes.
    fn spans(&self, iovs: u32, count: u32, mut room: usize) -> Result<Vec<Span>, Errno> {
        let len = count.checked_mul(8).ok_or(Errno::Fault)?;
        let table = self.slice(iovs, len)?;
        let (pairs, _) = table.as_chunks::<8>();

        let mut spans = Vec::with_capacity(pairs.len().min(MAX_BUFFERS));
        for pair in pairs {
            let (ptr, len) = buffer(*pair);
            self.check(ptr, len)?;

            let len = (len as usize).min(room);
            if len > 0 && spans.len() < MAX_BUFFERS {
                room -= len;
                let start = ptr as usize;
                let (end, order) = (start + len, spans.len());
                spans.push(Span { start, end, order });
            }
        }
        Ok(spans)
    }
}

#[derive(Clone, Copy)]
struct Span {
    start: usize,
    end: usize,
    /// The place in the guest's list.
    order: usize,
}

impl Span {
    fn len(&self) -> usize {
        self.end - self.start
    }
}

/// So many zeroes, if the host has the memory for them.
fn buffer_of(len: usize) -> Result<Vec<u8>, Errno> {
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(len).map_err(|_| Errno::NoMem)?;
    bytes.resize(len, 0);
    Ok(bytes)
}

/// The address and length of an `iovec` or `ciovec`.
fn buffer([a, b, c, d, e, f, g, h]: [u8; 8]) -> (u32, u32) {
    let ptr = u32::from_le_bytes([a, b, c, d]);
    (ptr, u32::from_le_bytes([e, f, g, h]))
}

/// Cuts disjoint pieces out of `bytes` and puts them into the guest's order.
fn split<'a>(bytes: &'a mut [u8], ascending: &[Span]) -> Vec<IoSliceMut<'a>> {
    let mut pieces = Vec::with_capacity(ascending.len());
    let mut rest = bytes;
    let mut base = 0;
    for span in ascending {
        let (head, tail) = rest.split_at_mut(span.end - base);
        pieces.push((span.order, &mut head[span.start - base..]));
        rest = tail;
        base = span.end;
    }
    pieces.sort_unstable_by_key(|(order, _)| *order);
    pieces.into_iter().map(|(_, piece)| IoSliceMut::new(piece)).collect()
}
