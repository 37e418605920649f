//! A file without a name as a place: opening `/proc/self/fd/3` of a pipe opens the pipe
//! again.

use alloc::rc::Rc;
use core::any::Any;

use crate::errno::{Errno, SysResult};
use crate::fs::{
    Dentry, File, FileType, Inode, InodeExtra, InodeRef, Location, OpenFile, SetAttr, Stat, events,
};
use crate::kernel::Context;
use crate::syscall::Args;
use crate::wait::WaitQueue;

/// The place that stands for an open file; seen through the mount of the root.
pub fn place(cx: &mut Context, open: &Rc<OpenFile>) -> Location {
    let root = cx.thread.fs().root.borrow().clone();
    let kind = open.file.stat(cx).map_or(FileType::Regular, |stat| stat.file_type());
    let name = open.file.description();
    let inode: InodeRef = Rc::new(Handle { open: open.clone(), kind, extra: Default::default() });
    root.with(Dentry::nameless(name.as_bytes(), inode))
}

struct Handle {
    open: Rc<OpenFile>,
    kind: FileType,
    extra: InodeExtra,
}

impl Inode for Handle {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn extra(&self) -> &InodeExtra {
        &self.extra
    }

    /// A pipe's is that of an ordinary file, so that it is opened by [`Inode::open`].
    fn kind(&self) -> FileType {
        if self.kind == FileType::Fifo { FileType::Regular } else { self.kind }
    }

    fn stat(&self, cx: &mut Context) -> SysResult<Stat> {
        self.open.file.stat(cx)
    }

    fn set_attr(&self, _: &mut Context, change: &SetAttr) -> SysResult<()> {
        // Opening to write cuts an ordinary file; a pipe has nothing to be cut.
        if change.size.is_some() { Ok(()) } else { Err(Errno::EPERM) }
    }

    fn open(self: Rc<Self>, _: &mut Context, _: u32) -> SysResult<Option<Rc<dyn File>>> {
        Ok(Some(Rc::new(Again(self.open.clone()))))
    }
}

/// The file once more. It holds the first description, so the end of a pipe stays open as
/// long as either is.
struct Again(Rc<OpenFile>);

impl File for Again {
    fn as_any(&self) -> &dyn Any {
        self.0.file.as_any()
    }

    fn read(
        &self,
        cx: &mut Context,
        open: &OpenFile,
        pos: &mut u64,
        buf: &mut [u8],
    ) -> SysResult<usize> {
        self.0.file.read(cx, open, pos, buf)
    }

    fn write(
        &self,
        cx: &mut Context,
        open: &OpenFile,
        pos: &mut u64,
        bytes: &[u8],
    ) -> SysResult<usize> {
        self.0.file.write(cx, open, pos, bytes)
    }

    fn poll(&self, cx: &mut Context, open: &OpenFile) -> u32 {
        self.0.file.poll(cx, open) & (events::IN | events::OUT | events::ERR | events::HUP)
    }

    fn queues(&self, tell: &mut dyn FnMut(&WaitQueue)) {
        self.0.file.queues(tell);
    }

    fn ioctl(&self, cx: &mut Context, open: &OpenFile, args: Args) -> SysResult {
        self.0.file.ioctl(cx, open, args)
    }

    fn stat(&self, cx: &mut Context) -> SysResult<Stat> {
        self.0.file.stat(cx)
    }

    fn description(&self) -> alloc::string::String {
        self.0.file.description()
    }
}
