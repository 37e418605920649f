//! A disk of the page as a block device.

use crate::imports;
use sampan_disk::{Device, Error, Result};

/// A disk, by the page's number.
pub struct Disk {
    number: u32,
    size: u64,
    read_only: bool,
}

impl Disk {
    /// The disk of this number.
    pub fn new(number: u32) -> Disk {
        let read_only = imports::read_only(number) != 0;
        Disk { number, size: imports::size(number) as u64, read_only }
    }
}

/// What the page's answer means.
fn result(answer: i32) -> Result<()> {
    Err(match answer {
        0 => return Ok(()),
        -1 => Error::NotReady,
        28 => Error::NoSpace,
        30 => Error::ReadOnly,
        _ => Error::Io,
    })
}

impl Device for Disk {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> Result<()> {
        // SAFETY: the import writes to these bytes only.
        result(unsafe {
            imports::read(self.number, offset as f64, buffer.as_mut_ptr(), buffer.len())
        })
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> Result<()> {
        // SAFETY: the import reads these bytes only.
        result(unsafe { imports::write(self.number, offset as f64, bytes.as_ptr(), bytes.len()) })
    }

    fn flush(&mut self) -> Result<()> {
        result(imports::flush(self.number))
    }

    fn barrier(&mut self) -> Result<()> {
        // The page's disks put away all that was written, in one transaction, or nothing.
        Ok(())
    }

    fn discard(&mut self, offset: u64, length: u64) {
        imports::discard(self.number, offset as f64, length as f64);
    }

    fn is_full(&self) -> bool {
        imports::is_full(self.number) != 0
    }

    fn is_read_only(&self) -> bool {
        self.read_only
    }
}
