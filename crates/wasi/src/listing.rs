//! The entries of a directory, as `fd_readdir` gives them out.
//!
//! A listing is taken when a guest reads from the beginning, and kept until
//! it has been read to its end. So a cookie, which is an index into it, stays
//! good while the guest adds or removes files between two calls.

use cap_fs_ext::MetadataExt;
use cap_std::fs::Dir;

use crate::types::Filetype;
use crate::{Errno, GuestMemory, sys};

/// The size of `dirent`, which the name follows.
const HEADER: usize = 24;

pub(crate) struct Listing {
    entries: Vec<DirEntry>,
    bytes: usize,
}

struct DirEntry {
    ino: u64,
    filetype: Filetype,
    name: Box<[u8]>,
}

impl Listing {
    /// Reads the whole directory, or fails with [`Errno::NoMem`] once it
    /// takes more than `budget` bytes.
    pub fn read(dir: &Dir, budget: usize) -> Result<Listing, Errno> {
        let own_ino = dir.dir_metadata()?.ino();
        let mut listing = Listing { entries: Vec::new(), bytes: 0 };
        // The parent's number is not the guest's to know where the directory
        // is a preopened one, so both are the directory's own.
        for name in [".", ".."] {
            listing.push(own_ino, Filetype::Directory, name.as_bytes().into(), budget)?;
        }
        for entry in dir.entries()? {
            let entry = entry?;
            // A guest's names are UTF-8; one that isn't is shown, but can't
            // be opened.
            let name = entry.file_name().to_string_lossy().as_bytes().into();
            let filetype = entry.file_type().map_or(Filetype::Unknown, Filetype::of);
            // An entry may vanish while we look.
            let Ok(ino) = sys::entry_ino(&entry) else {
                continue;
            };
            listing.push(ino, filetype, name, budget)?;
        }
        Ok(listing)
    }

    /// Host memory in use.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Fills the `len` bytes at `ptr` with entries from `cookie` on, the last
    /// one cut off where it doesn't fit. Less than `len` means the end.
    pub fn write(
        &self,
        mem: &mut GuestMemory<'_>,
        ptr: u32,
        len: u32,
        cookie: u64,
    ) -> Result<u32, Errno> {
        let first = usize::try_from(cookie).unwrap_or(usize::MAX);
        mem.update(ptr, len, |mut rest| {
            for (index, entry) in self.entries.iter().enumerate().skip(first) {
                let header = entry.header(index as u64 + 1);
                for piece in [&header[..], &entry.name] {
                    let taken = piece.len().min(rest.len());
                    rest[..taken].copy_from_slice(&piece[..taken]);
                    rest = &mut rest[taken..];
                }
                if rest.is_empty() {
                    break;
                }
            }
            // At most `len` bytes remain.
            let written = len - rest.len() as u32;
            Ok((written, written as usize))
        })
    }

    fn push(
        &mut self,
        ino: u64,
        filetype: Filetype,
        name: Box<[u8]>,
        budget: usize,
    ) -> Result<(), Errno> {
        self.bytes += size_of::<DirEntry>() + name.len();
        if self.bytes > budget {
            return Err(Errno::NoMem);
        }
        self.entries.push(DirEntry { ino, filetype, name });
        Ok(())
    }
}

impl DirEntry {
    fn header(&self, next: u64) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        bytes[0..8].copy_from_slice(&next.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.ino.to_le_bytes());
        // Names of files are at most some hundreds of bytes long.
        bytes[16..20].copy_from_slice(&(self.name.len() as u32).to_le_bytes());
        bytes[20] = self.filetype as u8;
        bytes
    }
}
