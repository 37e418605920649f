//! Memory for code, and files that hold some.
//!
//! Pages are written first, then executable, never both. Those of a file are only read; its code
//! begins at a page, which is then made executable where it is.

use super::processor;
use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap, mmap_anonymous, mprotect, munmap};
use sampan_engine::native::Lent;
use std::fs::File;
use std::io;
use std::path::Path;
use std::ptr::{NonNull, null_mut};
use std::sync::Arc;

/// What is mapped to be read, for this process alone.
struct Mapping {
    base: NonNull<u8>,
    len: usize,
}

// SAFETY: nothing writes the pages once they are made.
unsafe impl Send for Mapping {}
// SAFETY: as above.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// A copy of bytes.
    fn of_bytes(bytes: &[u8]) -> io::Result<Mapping> {
        let len = bytes.len().max(1);
        let access = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: a new mapping, which has room for the bytes and is owned by the result.
        unsafe {
            let base = mmap_anonymous(null_mut(), len, access, MapFlags::PRIVATE)?;
            let base = NonNull::new(base.cast::<u8>()).ok_or(io::ErrorKind::OutOfMemory)?;
            let mapping = Mapping { base, len };
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), base.as_ptr(), bytes.len());
            mprotect(base.as_ptr().cast(), len, MprotectFlags::READ)?;
            Ok(mapping)
        }
    }

    /// A file's content.
    fn of_file(path: &Path) -> io::Result<Mapping> {
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        let len = usize::try_from(metadata.len()).unwrap_or(usize::MAX);
        if !metadata.is_file() || len == 0 {
            return Mapping::of_bytes(&std::fs::read(path)?);
        }
        // SAFETY: a new mapping, wherever there is room.
        let base = unsafe { mmap(null_mut(), len, ProtFlags::READ, MapFlags::PRIVATE, file, 0)? };
        let base = NonNull::new(base.cast::<u8>()).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Mapping { base, len })
    }

    fn lend(self, len: usize) -> Lent {
        let bytes = NonNull::slice_from_raw_parts(self.base, len);
        // SAFETY: mapped as long as self exists, and written by nobody; of a file, who maps it
        // promises that.
        unsafe { Lent::new(bytes, Arc::new(self)) }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: mapped with this length, and nothing refers to it any more.
        let result = unsafe { munmap(self.base.as_ptr().cast(), self.len) };
        debug_assert!(result.is_ok());
    }
}

/// A file's content, mapped. Code that begins at a page is executed where it is.
///
/// # Errors
/// The system's.
///
/// # Safety
/// Nobody changes the file, or makes it shorter, as long as any of the content is held.
pub unsafe fn map_file(path: &Path) -> io::Result<Lent> {
    let mapping = Mapping::of_file(path)?;
    let len = mapping.len;
    Ok(mapping.lend(len))
}

/// A copy of bytes; code that begins at a page is executed where it is.
///
/// # Errors
/// There is no memory.
pub fn map_copy(bytes: &[u8]) -> io::Result<Lent> {
    Ok(Mapping::of_bytes(bytes)?.lend(bytes.len()))
}

/// What the places of code in a file are multiples of, if it can be executed there.
pub fn page_size() -> usize {
    rustix::param::page_size()
}

/// Code that can be executed.
pub(crate) struct CodeMemory(Lent);

impl CodeMemory {
    /// The code where it is, if that is a mapping of its own pages; else a copy.
    pub fn new(code: &Lent) -> Result<CodeMemory, String> {
        let aligned = code.as_ptr().addr().is_multiple_of(page_size());
        let code = match aligned && code.owner().is::<Mapping>() {
            true => code.clone(),
            false => map_copy(code).map_err(|error| format!("no memory for code: {error}"))?,
        };
        let (base, len) = (code.as_ptr().cast_mut(), code.len().max(1));
        // SAFETY: the pages belong to the mapping, and are read only; what may follow the code on
        // its last page does no harm by being executable too.
        unsafe { mprotect(base.cast(), len, MprotectFlags::READ | MprotectFlags::EXEC) }
            .map_err(|error| format!("the system lets no code be executed: {error}"))?;
        processor::publish(base, len);
        Ok(CodeMemory(code))
    }

    /// The code.
    pub fn code(&self) -> &[u8] {
        &self.0
    }
}
