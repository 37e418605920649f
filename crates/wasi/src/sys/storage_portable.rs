//! Storage hints and reservation where the host has no usable calls. Apple's
//! reservation cuts longer files off, so it isn't one of them.

use std::fs::File;
use std::io;

use super::Advice;

/// Advice may be ignored.
pub(crate) fn advise(_file: &File, _offset: u64, _len: u64, _advice: Advice) -> io::Result<()> {
    Ok(())
}

/// Makes the file at least `offset + len` bytes long; room on the disk is not
/// reserved. The sum is known not to overflow.
pub(crate) fn allocate(file: &File, offset: u64, len: u64) -> io::Result<()> {
    if file.metadata()?.len() < offset + len {
        file.set_len(offset + len)?;
    }
    Ok(())
}
