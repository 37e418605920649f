//! A device in a file of the host.

use crate::{Device, Error, Result};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

/// A device whose bytes are those of a file.
#[derive(Debug)]
pub struct FileDevice {
    file: File,
    size: u64,
    read_only: bool,
}

impl FileDevice {
    /// Opens an existing file. Its size now is the device's size. Who writes locks out all
    /// others who open it here: two file systems on it would destroy it.
    pub fn open(path: &Path, read_only: bool) -> io::Result<FileDevice> {
        let file = OpenOptions::new().read(true).write(!read_only).open(path)?;
        FileDevice::of(file, read_only)
    }

    /// Opens a file for writing, or makes it; a new one has `size` zero bytes, of which the host
    /// stores none if it can.
    pub fn open_or_create(path: &Path, size: u64) -> io::Result<FileDevice> {
        let file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        if file.metadata()?.len() == 0 {
            file.set_len(size)?;
        }
        FileDevice::of(file, false)
    }

    fn of(mut file: File, read_only: bool) -> io::Result<FileDevice> {
        let locked = if read_only { file.try_lock_shared() } else { file.try_lock() };
        match locked {
            Err(TryLockError::WouldBlock) => {
                return Err(io::Error::new(io::ErrorKind::ResourceBusy, "it is in use"));
            }
            // Not every file system has locks.
            Ok(()) | Err(TryLockError::Error(_)) => {}
        }
        // Seeking also finds the size of a block device, which the metadata does not tell.
        let size = file.seek(SeekFrom::End(0))?;
        Ok(FileDevice { file, size, read_only })
    }

    fn seek(&mut self, offset: u64, length: usize) -> Result<()> {
        let end = offset.checked_add(length as u64).ok_or(Error::Io)?;
        if end > self.size {
            return Err(Error::Io);
        }
        self.file.seek(SeekFrom::Start(offset)).map(drop).map_err(error)
    }
}

impl Device for FileDevice {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> Result<()> {
        self.seek(offset, buffer.len())?;
        self.file.read_exact(buffer).map_err(error)
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> Result<()> {
        if self.read_only {
            return Err(Error::ReadOnly);
        }
        self.seek(offset, bytes.len())?;
        self.file.write_all(bytes).map_err(error)
    }

    fn flush(&mut self) -> Result<()> {
        if self.read_only { Ok(()) } else { self.file.sync_data().map_err(error) }
    }

    fn is_read_only(&self) -> bool {
        self.read_only
    }
}

/// The host's error in our terms: what a program can act on, else `Io`.
fn error(error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Error::NoSpace,
        io::ErrorKind::ReadOnlyFilesystem => Error::ReadOnly,
        _ => Error::Io,
    }
}
