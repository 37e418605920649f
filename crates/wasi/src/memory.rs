//! The guest's linear memory, where every address is a claim until checked.

use std::io::{IoSlice, IoSliceMut};

use crate::Errno;

/// As many buffers as one call of the host takes (`IOV_MAX` on Linux and
/// macOS). A longer list leads to a short read or write, which callers must
/// expect anyway.
const MAX_BUFFERS: usize = 1024;

/// As many bytes as one call moves: lengths are reported in 32 bits, and
/// callers keep them in a signed `ssize_t`.
const MAX_TRANSFER: usize = i32::MAX as usize;

/// A guest linear memory for the duration of one call.
///
/// All access is checked: an address or length that leaves the memory gives
/// [`Errno::Fault`]. Integers are little-endian, at any alignment.
pub struct GuestMemory<'a> {
    bytes: &'a mut [u8],
}

impl<'a> GuestMemory<'a> {
    /// Wraps the bytes of a linear memory, of which address 0 is the first.
    pub fn new(bytes: &'a mut [u8]) -> GuestMemory<'a> {
        GuestMemory { bytes }
    }

    /// The size in bytes.
    pub fn size(&self) -> usize {
        self.bytes.len()
    }

    /// Refuses a range that is not wholly inside the memory, before a call
    /// has effects whose result could then not be delivered.
    pub fn check(&self, ptr: u32, len: u32) -> Result<(), Errno> {
        self.slice(ptr, len).map(drop)
    }

    /// The `len` bytes at `ptr`.
    pub fn slice(&self, ptr: u32, len: u32) -> Result<&[u8], Errno> {
        let start = ptr as usize;
        let end = start.checked_add(len as usize).ok_or(Errno::Fault)?;
        self.bytes.get(start..end).ok_or(Errno::Fault)
    }

    /// The `len` bytes at `ptr`, to be changed.
    pub fn slice_mut(&mut self, ptr: u32, len: u32) -> Result<&mut [u8], Errno> {
        let start = ptr as usize;
        let end = start.checked_add(len as usize).ok_or(Errno::Fault)?;
        self.bytes.get_mut(start..end).ok_or(Errno::Fault)
    }

    /// The text of `len` bytes at `ptr`; [`Errno::Ilseq`] where it is not
    /// UTF-8.
    pub fn text(&self, ptr: u32, len: u32) -> Result<&str, Errno> {
        std::str::from_utf8(self.slice(ptr, len)?).map_err(|_| Errno::Ilseq)
    }

    /// Copies `bytes` to `ptr`.
    pub fn write(&mut self, ptr: u32, bytes: &[u8]) -> Result<(), Errno> {
        let len = u32::try_from(bytes.len()).map_err(|_| Errno::Fault)?;
        self.slice_mut(ptr, len)?.copy_from_slice(bytes);
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
        let start = ptr as usize;
        self.bytes
            .get(start..)
            .and_then(|rest| rest.first_chunk::<N>())
            .copied()
            .ok_or(Errno::Fault)
    }

    /// Passes on the buffers that a `ciovec` array names, to write from. They
    /// may overlap.
    pub(crate) fn gather<T>(
        &self,
        iovs: u32,
        count: u32,
        with: impl FnOnce(&[IoSlice<'_>]) -> Result<T, Errno>,
    ) -> Result<T, Errno> {
        // By far the most common case needs no list.
        if count == 1 {
            let (ptr, len) = buffer(self.array(iovs)?);
            let bytes = self.slice(ptr, len)?;
            return with(&[IoSlice::new(&bytes[..bytes.len().min(MAX_TRANSFER)])]);
        }
        let spans = self.spans(iovs, count)?;
        let slices = spans.iter().map(|span| IoSlice::new(&self.bytes[span.start..span.end]));
        with(&slices.collect::<Vec<_>>())
    }

    /// Passes on the buffers that an `iovec` array names, to read into. Where
    /// they overlap, it's only the first.
    pub(crate) fn scatter<T>(
        &mut self,
        iovs: u32,
        count: u32,
        with: impl FnOnce(&mut [IoSliceMut<'_>]) -> Result<T, Errno>,
    ) -> Result<T, Errno> {
        if count == 1 {
            let (ptr, len) = buffer(self.array(iovs)?);
            let bytes = self.slice_mut(ptr, len)?;
            let len = bytes.len().min(MAX_TRANSFER);
            return with(&mut [IoSliceMut::new(&mut bytes[..len])]);
        }
        let mut spans = self.spans(iovs, count)?;
        let first = spans.first().copied();
        spans.sort_unstable_by_key(|span| span.start);
        if !spans.is_sorted_by(|a, b| a.end <= b.start) {
            // A short read is allowed, and no sensible program does this.
            spans = Vec::from_iter(first);
        }
        with(&mut split(self.bytes, &spans))
    }

    /// The first of the ranges that are not empty, each known to be inside
    /// the memory.
    fn spans(&self, iovs: u32, count: u32) -> Result<Vec<Span>, Errno> {
        let len = count.checked_mul(8).ok_or(Errno::Fault)?;
        let table = self.slice(iovs, len)?;
        let (pairs, _) = table.as_chunks::<8>();

        let mut spans = Vec::with_capacity(pairs.len().min(MAX_BUFFERS));
        let mut room = MAX_TRANSFER;
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
