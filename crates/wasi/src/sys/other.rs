//! Hosts outside the Unix family, with nothing but the standard library.
//!
//! What it can't do: `poll_oneoff` sleeps for clocks, but takes every
//! descriptor to be ready, so the read that follows waits instead; there is
//! no processor time, no flag of an open file that changes, and a positioned
//! read or write moves the position back and forth.

use std::fs::File;
use std::io::{self, IoSlice, IoSliceMut, Read, Seek, SeekFrom, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::time::Duration;

use cap_fs_ext::{DirEntryExt, MetadataExt};
use cap_std::fs::{Dir, DirEntry, Metadata};

use super::{Interest, Readiness, Source};
use crate::Errno;
use crate::clocks::{ClockId, nanoseconds};
use crate::descriptor::{Descriptor, Stdio};

/// Appending is done here, by going to the end before each write.
pub(crate) const APPENDS: bool = false;

/// The kinds of error that the standard library tells apart are enough.
pub(crate) fn errno_from_os(_raw: i32) -> Option<Errno> {
    None
}

/// A standard stream of this process, through the standard library, which
/// knows how to talk to a console.
pub(crate) fn inherit(stream: Stdio) -> io::Result<Descriptor> {
    Ok(match stream {
        Stdio::Stdin => Descriptor::Input(Box::new(io::stdin())),
        Stdio::Stdout => Descriptor::Output(Box::new(io::stdout())),
        Stdio::Stderr => Descriptor::Output(Box::new(io::stderr())),
    })
}

pub(crate) fn write(mut file: &File, buffers: &[IoSlice<'_>], append: bool) -> io::Result<usize> {
    if append {
        file.seek(SeekFrom::End(0))?;
    }
    file.write_vectored(buffers)
}

pub(crate) fn read_at(
    mut file: &File,
    buffers: &mut [IoSliceMut<'_>],
    offset: u64,
) -> io::Result<usize> {
    let position = file.stream_position()?;
    file.seek(SeekFrom::Start(offset))?;
    let result = file.read_vectored(buffers);
    file.seek(SeekFrom::Start(position))?;
    result
}

pub(crate) fn write_at(mut file: &File, buffers: &[IoSlice<'_>], offset: u64) -> io::Result<usize> {
    let position = file.stream_position()?;
    file.seek(SeekFrom::Start(offset))?;
    let result = file.write_vectored(buffers);
    file.seek(SeekFrom::Start(position))?;
    result
}

pub(crate) fn set_flags(_file: &File, _append: bool, nonblock: bool) -> io::Result<()> {
    match nonblock {
        true => Err(io::ErrorKind::Unsupported.into()),
        false => Ok(()),
    }
}

pub(crate) fn sync_directory(_dir: &Dir) -> io::Result<()> {
    Ok(())
}

pub(crate) fn entry_ino(entry: &DirEntry) -> io::Result<u64> {
    Ok(entry.full_metadata()?.ino())
}

/// The nearest there is to a change of attributes.
pub(crate) fn change_time(metadata: &Metadata) -> u64 {
    let time = metadata.modified();
    time.map_or(0, |time| nanoseconds(time.into_std()))
}

pub(crate) fn cpu_time(_clock: ClockId) -> Option<u64> {
    None
}

pub(crate) fn clock_resolution(clock: ClockId) -> Option<u64> {
    match clock {
        ClockId::Realtime | ClockId::Monotonic => Some(100),
        ClockId::ProcessCputime | ClockId::ThreadCputime => None,
    }
}

pub(crate) fn poll(
    interests: &[Interest<'_>],
    timeout: Option<Duration>,
) -> io::Result<Vec<Option<Readiness>>> {
    if interests.is_empty() {
        std::thread::sleep(timeout.unwrap_or(Duration::MAX));
    }
    let ready = interests.iter().map(|_| Some(Readiness { hangup: false }));
    Ok(ready.collect())
}

pub(crate) fn can_read(_file: &File) -> bool {
    true
}

pub(crate) fn can_write(_file: &File) -> bool {
    true
}

pub(crate) fn available(source: Source<'_>) -> u64 {
    match source {
        Source::File(mut file) => {
            let len = file.metadata().map_or(0, |metadata| metadata.len());
            len.saturating_sub(file.stream_position().unwrap_or(0))
        }
        Source::Stream(_) | Source::Listener(_) => 1,
    }
}

/// A listening socket.
pub(crate) struct Listener(TcpListener);

/// A connected socket.
pub(crate) struct Stream(TcpStream);

impl Listener {
    pub fn accept(&self) -> io::Result<Stream> {
        Ok(Stream(self.0.accept()?.0))
    }

    pub fn set_nonblocking(&self, nonblock: bool) -> io::Result<()> {
        self.0.set_nonblocking(nonblock)
    }
}

impl Stream {
    pub fn read(&self, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        (&self.0).read_vectored(buffers)
    }

    /// Waits until the buffer is full or the other end has closed.
    pub fn read_all(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() {
            match (&self.0).read(&mut buffer[filled..])? {
                0 => break,
                count => filled += count,
            }
        }
        Ok(filled)
    }

    /// Reads what the next read will give again.
    pub fn peek(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.peek(buffer)
    }

    pub fn write(&self, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
        (&self.0).write_vectored(buffers)
    }

    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.0.shutdown(how)
    }

    pub fn set_nonblocking(&self, nonblock: bool) -> io::Result<()> {
        self.0.set_nonblocking(nonblock)
    }
}

impl From<TcpListener> for Listener {
    fn from(listener: TcpListener) -> Listener {
        Listener(listener)
    }
}
