//! Storage hints and reservation, by the system calls of Linux.

use std::fs::File;
use std::io;
use std::num::NonZeroU64;

use rustix::fs::{Advice as Fadvise, FallocateFlags, fadvise, fallocate};

use super::Advice;

/// A `len` of 0 means up to the end.
pub(crate) fn advise(file: &File, offset: u64, len: u64, advice: Advice) -> io::Result<()> {
    let advice = match advice {
        Advice::Normal => Fadvise::Normal,
        Advice::Sequential => Fadvise::Sequential,
        Advice::Random => Fadvise::Random,
        Advice::WillNeed => Fadvise::WillNeed,
        Advice::DontNeed => Fadvise::DontNeed,
        Advice::NoReuse => Fadvise::NoReuse,
    };
    Ok(fadvise(file, offset, NonZeroU64::new(len), advice)?)
}

/// Makes the file at least `offset + len` bytes long, with room on the disk.
pub(crate) fn allocate(file: &File, offset: u64, len: u64) -> io::Result<()> {
    Ok(fallocate(file, FallocateFlags::empty(), offset, len)?)
}
