//! The open file over an inode: ordinary files and directories.

use alloc::rc::Rc;
use core::any::Any;

use super::{
    File, FileType, Inode, InodeRef, OpenFile, SetAttr, file::flags, inotify, mount::mount_flags,
};
use crate::errno::{Errno, SysResult};
use crate::kernel::Context;

/// An ordinary file or a directory.
pub struct InodeFile {
    inode: InodeRef,
    counted: bool,
}

impl InodeFile {
    /// The file of an inode, opened with these flags.
    pub fn new(inode: InodeRef, open_flags: u32) -> Rc<InodeFile> {
        let counted = open_flags & flags::ACCMODE != flags::RDONLY
            && open_flags & flags::PATH == 0
            && inode.kind() == FileType::Regular;
        if counted {
            let writers = &inode.extra().writers;
            writers.set(writers.get() + 1);
        }
        Rc::new(InodeFile { inode, counted })
    }
}

impl File for InodeFile {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn read(
        &self,
        cx: &mut Context,
        open: &OpenFile,
        pos: &mut u64,
        buf: &mut [u8],
    ) -> SysResult<usize> {
        if self.inode.kind() == FileType::Directory {
            return Err(Errno::EISDIR);
        }
        let count = super::io::read_inode(cx, &self.inode, *pos, buf)?;
        // Before the position moves: this may have to begin again.
        touch_atime(cx, open)?;
        *pos += count as u64;
        if let (Some(place), true) = (&open.location, count > 0) {
            inotify::tell_file(place, inotify::event::ACCESS);
        }
        Ok(count)
    }

    fn write(
        &self,
        cx: &mut Context,
        open: &OpenFile,
        pos: &mut u64,
        bytes: &[u8],
    ) -> SysResult<usize> {
        if open.flags.get() & flags::APPEND != 0 {
            *pos = self.inode.stat(cx)?.size;
        }
        let count = super::io::write_inode(cx, &self.inode, *pos, bytes)?;
        *pos += count as u64;
        if let (Some(place), true) = (&open.location, count > 0) {
            inotify::tell_file(place, inotify::event::MODIFY);
        }
        if open.flags.get() & (flags::SYNC | flags::DSYNC) != 0 {
            self.inode.sync(cx, open.flags.get() & flags::SYNC != flags::SYNC)?;
        }
        Ok(count)
    }

    fn seekable(&self) -> bool {
        true
    }

    fn mappable(&self) -> Option<InodeRef> {
        (self.inode.kind() == FileType::Regular).then(|| self.inode.clone())
    }
}

impl Drop for InodeFile {
    fn drop(&mut self) {
        if self.counted {
            let writers = &self.inode.extra().writers;
            writers.set(writers.get() - 1);
        }
    }
}

/// Notes an access as `relatime` does: when the file was changed since the last
/// one, or that is a day ago.
pub fn touch_atime(cx: &mut Context, open: &OpenFile) -> SysResult<()> {
    let Some(location) = &open.location else { return Ok(()) };
    let quiet = mount_flags::NOATIME | mount_flags::RDONLY;
    if location.mount.flags.get() & quiet != 0 || open.flags.get() & flags::NOATIME != 0 {
        return Ok(());
    }
    let inode: Rc<dyn Inode> = location.inode().clone();
    let stat = inode.stat(cx)?;
    let now = cx.kernel.now();
    let old = stat.atime <= stat.mtime || stat.atime <= stat.ctime;
    if old || now.seconds - stat.atime.seconds >= 24 * 60 * 60 {
        let attr = SetAttr { atime: Some(now), ctime: Some(stat.ctime), ..SetAttr::default() };
        return inode.set_attr(cx, &attr);
    }
    Ok(())
}
