//! What the library needs from an engine and from the embedder.

use crate::Stop;

/// What a program's output and clocks are; the embedder's.
pub trait System {
    /// Takes output, in pieces of any length.
    fn write(&mut self, text: &[u8]);

    /// Nanoseconds on clock `id` of POSIX (0 is the time of day, 1 only ever runs forward).
    /// `None` if there is no such clock, which is how the guest sees it too.
    fn clock(&mut self, id: u32) -> Option<u64> {
        let _ = id;
        None
    }
}

/// The instance that called, as an engine gives it to the library.
pub trait Guest {
    /// What stops it: ours, and the engine's own.
    type Error: From<Stop>;

    /// All of its first memory, and the embedder's part.
    fn parts(&mut self) -> (&mut [u8], &mut dyn System);

    /// Makes the memory larger by at least so many bytes, or leaves it alone.
    fn grow(&mut self, bytes: usize) -> bool;

    /// Where nothing of the program lies any more: `__heap_base`.
    fn heap_base(&mut self) -> u32;

    /// Calls the `malloc` that the module itself has; `None` if it has none.
    fn own_malloc(&mut self, size: u32) -> Result<Option<u32>, Self::Error>;

    /// Calls the `free` that the module itself has; false if it has none.
    fn own_free(&mut self, pointer: u32) -> Result<bool, Self::Error>;
}

/// Bytes of the guest.
pub(crate) fn slice(memory: &[u8], at: u32, len: u32) -> Result<&[u8], Stop> {
    let rest = memory.get(at as usize..).ok_or(Stop::OutOfBounds)?;
    rest.get(..len as usize).ok_or(Stop::OutOfBounds)
}

/// Bytes of the guest, to be changed.
pub(crate) fn slice_mut(memory: &mut [u8], at: u32, len: u32) -> Result<&mut [u8], Stop> {
    let rest = memory.get_mut(at as usize..).ok_or(Stop::OutOfBounds)?;
    rest.get_mut(..len as usize).ok_or(Stop::OutOfBounds)
}

/// A string without its NUL.
pub(crate) fn string(memory: &[u8], at: u32) -> Result<&[u8], Stop> {
    let rest = memory.get(at as usize..).ok_or(Stop::OutOfBounds)?;
    let len = rest.iter().position(|&byte| byte == 0).ok_or(Stop::OutOfBounds)?;
    Ok(&rest[..len])
}

/// A string of which at most `limit` bytes are looked at, without its NUL.
pub(crate) fn prefix(memory: &[u8], at: u32, limit: u32) -> Result<&[u8], Stop> {
    let rest = memory.get(at as usize..).ok_or(Stop::OutOfBounds)?;
    let seen = &rest[..rest.len().min(limit as usize)];
    match seen.iter().position(|&byte| byte == 0) {
        Some(len) => Ok(&seen[..len]),
        None if seen.len() == limit as usize => Ok(seen),
        None => Err(Stop::OutOfBounds),
    }
}

/// A 32-bit word.
pub(crate) fn word(memory: &[u8], at: u32) -> Result<u32, Stop> {
    let bytes = slice(memory, at, 4)?;
    Ok(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
}

/// Writes a 32-bit word.
pub(crate) fn set_word(memory: &mut [u8], at: u32, value: u32) -> Result<(), Stop> {
    slice_mut(memory, at, 4)?.copy_from_slice(&value.to_le_bytes());
    Ok(())
}
