//! Open files. [`File`] is what a kind of file implements (pipes, sockets,
//! terminals, [`RegularFile`](super::regular::RegularFile) over an inode);
//! [`OpenFile`] is the open file description of `open(2)` around it: position,
//! status flags, the name it was opened by. Descriptors share `Rc<OpenFile>`.

use alloc::rc::Rc;
use core::any::Any;
use core::cell::{Cell, RefCell};

use super::{InodeRef, Location, Stat};
use crate::errno::{Errno, SysResult};
use crate::kernel::Context;
use crate::syscall::Args;
use crate::wait::WaitQueue;

/// Status flags of `open(2)`, the same on both ABIs.
#[allow(missing_docs)]
pub mod flags {
    pub const ACCMODE: u32 = 0o3;
    pub const RDONLY: u32 = 0;
    pub const WRONLY: u32 = 0o1;
    pub const RDWR: u32 = 0o2;
    pub const CREAT: u32 = 0o100;
    pub const EXCL: u32 = 0o200;
    pub const NOCTTY: u32 = 0o400;
    pub const TRUNC: u32 = 0o1000;
    pub const APPEND: u32 = 0o2000;
    pub const NONBLOCK: u32 = 0o4000;
    pub const DSYNC: u32 = 0o10_000;
    pub const ASYNC: u32 = 0o20_000;
    pub const DIRECT: u32 = 0o40_000;
    pub const LARGEFILE: u32 = 0o100_000;
    pub const DIRECTORY: u32 = 0o200_000;
    pub const NOFOLLOW: u32 = 0o400_000;
    pub const NOATIME: u32 = 0o1_000_000;
    pub const CLOEXEC: u32 = 0o2_000_000;
    pub const SYNC: u32 = 0o4_010_000;
    pub const PATH: u32 = 0o10_000_000;
    pub const TMPFILE: u32 = 0o20_200_000;
}

/// Events of `poll(2)`.
#[allow(missing_docs)]
pub mod events {
    pub const IN: u32 = 0x1;
    pub const PRI: u32 = 0x2;
    pub const OUT: u32 = 0x4;
    pub const ERR: u32 = 0x8;
    pub const HUP: u32 = 0x10;
    pub const NVAL: u32 = 0x20;
    pub const RDNORM: u32 = 0x40;
    pub const RDBAND: u32 = 0x80;
    pub const WRNORM: u32 = 0x100;
    pub const WRBAND: u32 = 0x200;
    pub const RDHUP: u32 = 0x2000;
}

/// The operations of an open file.
///
/// A call that must wait puts itself on a queue and returns what
/// [`Context::wait_on`] gives; if `open.nonblocking()`, `EAGAIN` instead.
#[allow(unused_variables)]
pub trait File: Any {
    /// For calls that are about one kind of file only (sockets, epoll).
    fn as_any(&self) -> &dyn Any;

    /// Reads at `pos` and moves it; streams leave `pos` alone. 0 is the end.
    fn read(
        &self,
        cx: &mut Context,
        open: &OpenFile,
        pos: &mut u64,
        buf: &mut [u8],
    ) -> SysResult<usize> {
        Err(Errno::EINVAL)
    }

    /// Writes at `pos` and moves it. A blocking call that has written a part
    /// notes that with [`Context::progress`] before it waits for the rest.
    fn write(
        &self,
        cx: &mut Context,
        open: &OpenFile,
        pos: &mut u64,
        bytes: &[u8],
    ) -> SysResult<usize> {
        Err(Errno::EINVAL)
    }

    /// Whether the file has a position: `lseek`, `pread` and `pwrite` work.
    fn seekable(&self) -> bool {
        false
    }

    /// What `poll(2)` says now.
    fn poll(&self, cx: &mut Context, open: &OpenFile) -> u32 {
        use events::*;
        IN | OUT | RDNORM | WRNORM
    }

    /// Tells the queues that are woken when `poll` may say something new.
    fn queues(&self, tell: &mut dyn FnMut(&WaitQueue)) {}

    /// `ioctl(2)`: `args` are the call's, the request is `args.u32(1)`.
    fn ioctl(&self, cx: &mut Context, open: &OpenFile, args: Args) -> SysResult {
        Err(Errno::ENOTTY)
    }

    /// Attributes, for files that have no inode behind their location.
    fn stat(&self, cx: &mut Context) -> SysResult<Stat> {
        // The one inode that all files without a name and without attributes share.
        Ok(Stat::new(15, 1, 0o600))
    }

    /// What is mapped by `mmap`, if the file can be.
    fn mappable(&self) -> Option<InodeRef> {
        None
    }

    /// Whether a mapping of it is one of zeros, as of `/dev/zero`.
    fn maps_zeros(&self) -> bool {
        false
    }

    /// A descriptor of it was closed (others may be left).
    fn flush(&self, cx: &mut Context) {}

    /// The last descriptor of it was closed.
    fn release(&self, open: &OpenFile) {}

    /// What `/proc/self/fd` shows for a file without a name: `pipe:[7]`.
    fn description(&self) -> alloc::string::String {
        "anon_inode:[file]".into()
    }

    /// The lines that `/proc/self/fdinfo` has for this kind of file alone.
    fn fdinfo(&self) -> alloc::string::String {
        alloc::string::String::new()
    }
}

/// An open file description.
pub struct OpenFile {
    /// Its operations.
    pub file: Rc<dyn File>,
    /// What it was opened by; none for pipes, sockets and the like.
    pub location: Option<Location>,
    /// Access mode and status flags.
    pub flags: Cell<u32>,
    /// Where the next read or write is.
    pub pos: Cell<u64>,
    /// Who gets SIGIO (`F_SETOWN`), and which signal (`F_SETSIG`).
    pub owner: Cell<(i32, i32)>,
    /// Half-read directories and the like keep their state here.
    pub private: RefCell<Option<Rc<dyn Any>>>,
}

impl OpenFile {
    /// A new description; `flags` that are for the opening alone are dropped.
    pub fn new(file: Rc<dyn File>, location: Option<Location>, open_flags: u32) -> Rc<OpenFile> {
        use flags::*;
        let kept = open_flags & !(CREAT | EXCL | NOCTTY | TRUNC | CLOEXEC);
        if let Some(place) = &location
            && kept & PATH == 0
        {
            super::inotify::opened(place);
        }
        Rc::new(OpenFile {
            file,
            location,
            flags: Cell::new(kept),
            pos: Cell::new(0),
            owner: Cell::new((0, 0)),
            private: RefCell::new(None),
        })
    }

    /// Whether calls shall fail rather than wait.
    pub fn nonblocking(&self) -> bool {
        self.flags.get() & flags::NONBLOCK != 0
    }

    /// Whether it may be read.
    pub fn readable(&self) -> bool {
        matches!(self.flags.get() & flags::ACCMODE, flags::RDONLY | flags::RDWR) && !self.is_path()
    }

    /// Whether it may be written.
    pub fn writable(&self) -> bool {
        matches!(self.flags.get() & flags::ACCMODE, flags::WRONLY | flags::RDWR) && !self.is_path()
    }

    /// Whether it only stands for a name (`O_PATH`).
    pub fn is_path(&self) -> bool {
        self.flags.get() & flags::PATH != 0
    }

    /// The inode, if it has a name.
    pub fn inode(&self) -> Option<&InodeRef> {
        self.location.as_ref().map(|location| location.inode())
    }

    /// A descriptor of it was closed.
    pub fn closed(&self, cx: &mut Context) {
        self.file.flush(cx);
        super::lock::closed(cx, self);
    }

    /// Attributes.
    pub fn stat(&self, cx: &mut Context) -> SysResult<Stat> {
        match &self.location {
            Some(location) => location.inode().clone().stat(cx),
            None => self.file.stat(cx),
        }
    }
}

impl Drop for OpenFile {
    fn drop(&mut self) {
        super::lock::dropped(self);
        let file = self.file.clone();
        file.release(self);
        if let Some(place) = &self.location
            && !self.is_path()
        {
            super::inotify::closed(place, self.writable());
        }
    }
}
