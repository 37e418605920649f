//! What stands behind a descriptor number.

use std::fs::File;
use std::io::{self, IoSlice, IoSliceMut, Read, Write};

use cap_std::fs::{Dir, Metadata};

use crate::listing::Listing;
use crate::types::{Filetype, fdflags, rights};
use crate::{DirPerms, Errno, sys};

/// An open descriptor.
pub(crate) struct Entry {
    pub descriptor: Descriptor,
    pub rights: u64,
    /// The rights of descriptors that are opened through this one.
    pub inheriting: u64,
    /// `fdflags`
    pub flags: u16,
}

pub(crate) enum Descriptor {
    /// Anything that reads, given by the embedder.
    Input(Box<dyn Read + Send>),
    /// Anything that writes, given by the embedder.
    Output(Box<dyn Write + Send>),
    File(OpenFile),
    Directory(Directory),
    Listener(sys::Listener),
    Stream(sys::Stream),
}

pub(crate) struct OpenFile {
    pub file: File,
    pub filetype: Filetype,
    pub owner: Owner,
}

/// Who else uses an open file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Owner {
    Guest,
    /// The process around us, too. Changing its mode would change it for
    /// whoever shares the terminal.
    #[cfg_attr(not(unix), allow(dead_code, reason = "consoles aren't files there"))]
    Host(Stdio),
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stdio {
    Stdin,
    Stdout,
    Stderr,
}

pub(crate) struct Directory {
    pub dir: Dir,
    pub perms: DirPerms,
    /// The name under which a preopened directory is known to the guest.
    pub name: Option<String>,
    pub listing: Option<Listing>,
}

impl Directory {
    pub fn preopened(dir: Dir, perms: DirPerms, name: String) -> Directory {
        Directory { dir, perms, name: Some(name), listing: None }
    }

    /// Refuses to change anything in a read-only directory.
    pub fn require_writable(&self) -> Result<(), Errno> {
        match self.perms {
            DirPerms::ReadWrite => Ok(()),
            DirPerms::ReadOnly => Err(Errno::Perm),
        }
    }
}

impl Entry {
    /// With all rights that make sense for what it is.
    pub fn new(descriptor: Descriptor) -> Entry {
        let rights = match &descriptor {
            Descriptor::Input(_) => rights::STREAM & !rights::FD_WRITE,
            Descriptor::Output(_) => rights::STREAM & !rights::FD_READ,
            Descriptor::File(file) => file.rights(),
            Descriptor::Directory(_) => rights::DIRECTORY,
            Descriptor::Listener(_) => rights::LISTENER,
            Descriptor::Stream(_) => rights::SOCKET,
        };
        let inheriting = match &descriptor {
            Descriptor::Directory(_) => rights::DIRECTORY | rights::FILE,
            Descriptor::Listener(_) => rights::SOCKET,
            _ => 0,
        };
        Entry { descriptor, rights, inheriting, flags: 0 }
    }

    /// Refuses what these rights don't include. Reading and writing are
    /// refused as POSIX does, because that is what programs expect.
    pub fn require(&self, needed: u64) -> Result<(), Errno> {
        let missing = needed & !self.rights;
        if missing == 0 {
            Ok(())
        } else if missing & (rights::FD_READ | rights::FD_WRITE) != 0 {
            Err(Errno::Badf)
        } else {
            Err(Errno::NotCapable)
        }
    }

    pub fn file(&self) -> Result<&OpenFile, Errno> {
        match &self.descriptor {
            Descriptor::File(file) => Ok(file),
            _ => Err(Errno::Badf),
        }
    }

    /// The directory, given these rights.
    pub fn directory(&self, needed: u64) -> Result<&Directory, Errno> {
        match &self.descriptor {
            Descriptor::Directory(directory) => {
                self.require(needed)?;
                Ok(directory)
            }
            _ => Err(Errno::NotDir),
        }
    }

    /// The file, given these rights, where it has positions: pipes and
    /// terminals don't.
    pub fn seekable(&self, needed: u64) -> Result<&File, Errno> {
        match &self.descriptor {
            Descriptor::File(file) if file.filetype == Filetype::RegularFile => {
                self.require(needed)?;
                Ok(&file.file)
            }
            Descriptor::File(file) if self.rights & needed == needed => Ok(&file.file),
            Descriptor::Directory(_) => Err(Errno::Badf),
            _ => Err(Errno::Spipe),
        }
    }

    pub fn read(&mut self, buffers: &mut [IoSliceMut<'_>]) -> Result<usize, Errno> {
        self.require(rights::FD_READ)?;
        let nonblock = self.flags & fdflags::NONBLOCK != 0;
        match &mut self.descriptor {
            Descriptor::Input(reader) => Ok(retry(|| reader.read_vectored(buffers))?),
            Descriptor::File(file) => {
                if nonblock && file.owner != Owner::Guest && !sys::can_read(&file.file) {
                    return Err(Errno::Again);
                }
                let mut file = &file.file;
                Ok(match buffers {
                    // Less work for the host than a list of one.
                    [buffer] => retry(|| file.read(buffer))?,
                    _ => retry(|| file.read_vectored(buffers))?,
                })
            }
            Descriptor::Stream(stream) => Ok(retry(|| stream.read(buffers))?),
            _ => Err(Errno::Badf),
        }
    }

    pub fn write(&mut self, buffers: &[IoSlice<'_>]) -> Result<usize, Errno> {
        self.require(rights::FD_WRITE)?;
        let nonblock = self.flags & fdflags::NONBLOCK != 0;
        match &mut self.descriptor {
            Descriptor::Output(writer) => {
                let written = retry(|| writer.write_vectored(buffers))?;
                retry(|| writer.flush())?;
                Ok(written)
            }
            Descriptor::File(file) if nonblock && file.owner != Owner::Guest => {
                if !sys::can_write(&file.file) {
                    return Err(Errno::Again);
                }
                // A pipe that polls as writable takes this much at once.
                let first = buffers.first().map_or(&[][..], |buffer| buffer);
                let piece = &first[..first.len().min(512)];
                Ok(retry(|| (&file.file).write(piece))?)
            }
            Descriptor::File(file) => {
                let append = self.flags & fdflags::APPEND != 0;
                Ok(retry(|| sys::write(&file.file, buffers, append))?)
            }
            Descriptor::Stream(stream) => Ok(retry(|| stream.write(buffers))?),
            _ => Err(Errno::Badf),
        }
    }
}

impl OpenFile {
    pub fn new(file: File, owner: Owner) -> io::Result<OpenFile> {
        let filetype = Filetype::of(Metadata::from_file(&file)?.file_type());
        Ok(OpenFile { file, filetype, owner })
    }

    fn rights(&self) -> u64 {
        use std::io::IsTerminal;

        let all = match self.filetype {
            Filetype::RegularFile | Filetype::BlockDevice => rights::FILE,
            // Without these two a C library takes it for a terminal.
            Filetype::CharacterDevice if !self.file.is_terminal() => {
                rights::STREAM | rights::FD_SEEK | rights::FD_TELL
            }
            _ => rights::STREAM,
        };
        match self.owner {
            Owner::Guest => all,
            Owner::Host(Stdio::Stdin) => all & !rights::FILE_MODIFY,
            Owner::Host(Stdio::Stdout | Stdio::Stderr) => all & !rights::FD_READ,
        }
    }
}

/// Signals are the embedder's business; a guest has no handlers to run.
pub(crate) fn retry<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}
