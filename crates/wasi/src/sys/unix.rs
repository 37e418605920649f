//! Hosts of the Unix family.

use std::fs::File;
use std::io::{self, IoSlice, IoSliceMut, Read, Seek, Write};
use std::net::{Shutdown, TcpListener};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::DirEntryExt;
use std::os::unix::net::UnixListener;
use std::time::Duration;

use cap_std::fs::{Dir, DirEntry, Metadata, MetadataExt};
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::fs::OFlags;
use rustix::net::RecvFlags;

pub(crate) use super::unix_errno::errno_from_os;
use super::{Direction, Interest, Readiness, Source};
use crate::builder::PreopenedSocket;
use crate::clocks::ClockId;
use crate::descriptor::{Descriptor, OpenFile, Owner, Stdio};

/// The host appends by itself to files that are opened for it.
pub(crate) const APPENDS: bool = true;

/// A standard stream of this process, without the buffer of the standard
/// library in between.
pub(crate) fn inherit(stream: Stdio) -> io::Result<Descriptor> {
    let fd = match stream {
        Stdio::Stdin => io::stdin().as_fd().try_clone_to_owned()?,
        Stdio::Stdout => io::stdout().as_fd().try_clone_to_owned()?,
        Stdio::Stderr => io::stderr().as_fd().try_clone_to_owned()?,
    };
    let file = OpenFile::new(File::from(fd), Owner::Host(stream))?;
    Ok(Descriptor::File(file))
}

pub(crate) fn write(mut file: &File, buffers: &[IoSlice<'_>], _append: bool) -> io::Result<usize> {
    match buffers {
        // Less work for the host than a list of one.
        [buffer] => file.write(buffer),
        _ => file.write_vectored(buffers),
    }
}

pub(crate) fn read_at(
    file: &File,
    buffers: &mut [IoSliceMut<'_>],
    offset: u64,
) -> io::Result<usize> {
    Ok(rustix::io::preadv(file, buffers, offset)?)
}

pub(crate) fn write_at(file: &File, buffers: &[IoSlice<'_>], offset: u64) -> io::Result<usize> {
    Ok(rustix::io::pwritev(file, buffers, offset)?)
}

pub(crate) fn set_flags(file: &File, append: bool, nonblock: bool) -> io::Result<()> {
    let mut flags = rustix::fs::fcntl_getfl(file)?;
    flags.set(OFlags::APPEND, append);
    flags.set(OFlags::NONBLOCK, nonblock);
    Ok(rustix::fs::fcntl_setfl(file, flags)?)
}

pub(crate) fn sync_directory(dir: &Dir) -> io::Result<()> {
    dir.open(".")?.sync_all()
}

pub(crate) fn entry_ino(entry: &DirEntry) -> io::Result<u64> {
    Ok(entry.ino())
}

/// When the attributes last changed, in nanoseconds since 1970.
pub(crate) fn change_time(metadata: &Metadata) -> u64 {
    let seconds = u64::try_from(metadata.ctime()).unwrap_or(0);
    let nanoseconds = u64::try_from(metadata.ctime_nsec()).unwrap_or(0);
    seconds.saturating_mul(1_000_000_000).saturating_add(nanoseconds)
}

/// Nanoseconds of processor time.
pub(crate) fn cpu_time(clock: ClockId) -> Option<u64> {
    let time = rustix::time::clock_gettime(host_clock(clock));
    nanoseconds(time.tv_sec, time.tv_nsec)
}

pub(crate) fn clock_resolution(clock: ClockId) -> Option<u64> {
    let time = rustix::time::clock_getres(host_clock(clock));
    nanoseconds(time.tv_sec, time.tv_nsec).map(|resolution| resolution.max(1))
}

/// Waits until one of the interests is ready, or the time is over; without a
/// time, for ever.
pub(crate) fn poll(
    interests: &[Interest<'_>],
    timeout: Option<Duration>,
) -> io::Result<Vec<Option<Readiness>>> {
    let mut fds: Vec<PollFd<'_>> = interests.iter().map(poll_fd).collect();
    let timeout = timeout.map(|timeout| Timespec {
        tv_sec: timeout.as_secs().try_into().unwrap_or(i64::MAX),
        tv_nsec: timeout.subsec_nanos().into(),
    });
    rustix::event::poll(&mut fds, timeout.as_ref())?;

    let readiness = fds.iter().map(|fd| {
        let found = fd.revents();
        (!found.is_empty()).then(|| Readiness { hangup: found.contains(PollFlags::HUP) })
    });
    Ok(readiness.collect())
}

/// Whether a read would not wait.
pub(crate) fn can_read(file: &File) -> bool {
    is_ready(file, Direction::Read)
}

/// Whether a small write would not wait.
pub(crate) fn can_write(file: &File) -> bool {
    is_ready(file, Direction::Write)
}

/// How many bytes there are to read.
pub(crate) fn available(source: Source<'_>) -> u64 {
    match source {
        Source::File(mut file) => match file.metadata() {
            Ok(metadata) if metadata.is_file() => {
                let position = file.stream_position().unwrap_or(0);
                metadata.len().saturating_sub(position)
            }
            _ => rustix::io::ioctl_fionread(file).unwrap_or(0),
        },
        Source::Stream(stream) => rustix::io::ioctl_fionread(&stream.0).unwrap_or(0),
        Source::Listener(_) => 1,
    }
}

/// A listening socket.
pub(crate) enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// A connected socket. As a file, it is read and written by the same calls.
pub(crate) struct Stream(File);

impl Listener {
    pub fn accept(&self) -> io::Result<Stream> {
        let fd: OwnedFd = match self {
            Listener::Tcp(listener) => listener.accept()?.0.into(),
            Listener::Unix(listener) => listener.accept()?.0.into(),
        };
        Ok(Stream(File::from(fd)))
    }

    pub fn set_nonblocking(&self, nonblock: bool) -> io::Result<()> {
        match self {
            Listener::Tcp(listener) => listener.set_nonblocking(nonblock),
            Listener::Unix(listener) => listener.set_nonblocking(nonblock),
        }
    }
}

impl Stream {
    pub fn read(&self, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        (&self.0).read_vectored(buffers)
    }

    /// Waits until the buffer is full or the other end has closed.
    pub fn read_all(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let (count, _) = rustix::net::recv(&self.0, buffer, RecvFlags::WAITALL)?;
        Ok(count)
    }

    /// Reads what the next read will give again.
    pub fn peek(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let (count, _) = rustix::net::recv(&self.0, buffer, RecvFlags::PEEK)?;
        Ok(count)
    }

    pub fn write(&self, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
        (&self.0).write_vectored(buffers)
    }

    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        let how = match how {
            Shutdown::Read => rustix::net::Shutdown::Read,
            Shutdown::Write => rustix::net::Shutdown::Write,
            Shutdown::Both => rustix::net::Shutdown::Both,
        };
        Ok(rustix::net::shutdown(&self.0, how)?)
    }

    pub fn set_nonblocking(&self, nonblock: bool) -> io::Result<()> {
        Ok(rustix::io::ioctl_fionbio(&self.0, nonblock)?)
    }
}

impl From<TcpListener> for Listener {
    fn from(listener: TcpListener) -> Listener {
        Listener::Tcp(listener)
    }
}

impl From<UnixListener> for PreopenedSocket {
    fn from(listener: UnixListener) -> PreopenedSocket {
        PreopenedSocket(Listener::Unix(listener))
    }
}

fn poll_fd<'a>(interest: &Interest<'a>) -> PollFd<'a> {
    let fd: BorrowedFd<'a> = match interest.source {
        Source::File(file) => file.as_fd(),
        Source::Listener(Listener::Tcp(listener)) => listener.as_fd(),
        Source::Listener(Listener::Unix(listener)) => listener.as_fd(),
        Source::Stream(stream) => stream.0.as_fd(),
    };
    let events = match interest.direction {
        Direction::Read => PollFlags::IN,
        Direction::Write => PollFlags::OUT,
    };
    PollFd::from_borrowed_fd(fd, events)
}

fn is_ready(file: &File, direction: Direction) -> bool {
    let source = Source::File(file);
    match poll(&[Interest { source, direction }], Some(Duration::ZERO)) {
        Ok(ready) => ready.iter().any(Option::is_some),
        // The read or write itself will say what is wrong.
        Err(_) => true,
    }
}

fn host_clock(clock: ClockId) -> rustix::time::ClockId {
    match clock {
        ClockId::Realtime => rustix::time::ClockId::Realtime,
        ClockId::Monotonic => rustix::time::ClockId::Monotonic,
        ClockId::ProcessCputime => rustix::time::ClockId::ProcessCPUTime,
        ClockId::ThreadCputime => rustix::time::ClockId::ThreadCPUTime,
    }
}

fn nanoseconds(seconds: i64, nanoseconds: i64) -> Option<u64> {
    let seconds = u64::try_from(seconds).ok()?;
    let nanoseconds = u64::try_from(nanoseconds).ok()?;
    seconds.checked_mul(1_000_000_000)?.checked_add(nanoseconds)
}
