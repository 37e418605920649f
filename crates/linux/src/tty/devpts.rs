//! The directory of pseudo-terminals, `/dev/pts`.

use alloc::rc::Rc;
use core::any::Any;
use core::cell::RefCell;

use super::Ptys;
use super::pty::MAJOR;
use crate::errno::{Errno, SysResult};
use crate::fs::{
    DirEntry, DirSink, FileSystem, FileType, Inode, InodeExtra, InodeRef, SetAttr, Stat, StatFs,
    makedev,
};
use crate::kernel::Context;
use crate::time::Timespec;

/// The group that terminals belong to in Debian, for `mesg` and `write`.
const GROUP_TTY: u32 = 5;

/// The file system.
pub struct DevPts {
    dev: u64,
    root: Rc<Root>,
}

impl DevPts {
    /// The directory of these pairs.
    pub fn new(dev: u64, ptys: Rc<Ptys>, now: Timespec) -> Rc<DevPts> {
        let ptmx = PtsNode::with(dev, 2, makedev(5, 2), 0o666, (0, 0), now);
        let root = Root { dev, ptys, ptmx, now, extra: InodeExtra::default() };
        Rc::new(DevPts { dev, root: Rc::new(root) })
    }
}

impl FileSystem for DevPts {
    fn name(&self) -> &'static str {
        "devpts"
    }

    fn root(&self) -> InodeRef {
        self.root.clone()
    }

    fn dev(&self) -> u64 {
        self.dev
    }

    fn statfs(&self, _: &mut Context) -> SysResult<StatFs> {
        Ok(StatFs { magic: 0x1cd1, bsize: 4096, namelen: 255, ..StatFs::default() })
    }
}

struct Root {
    dev: u64,
    ptys: Rc<Ptys>,
    ptmx: Rc<PtsNode>,
    now: Timespec,
    extra: InodeExtra,
}

impl Inode for Root {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn extra(&self) -> &InodeExtra {
        &self.extra
    }

    fn kind(&self) -> FileType {
        FileType::Directory
    }

    fn stat(&self, _: &mut Context) -> SysResult<Stat> {
        let mut stat = Stat::new(self.dev, 1, FileType::Directory as u32 | 0o755);
        (stat.atime, stat.mtime, stat.ctime, stat.nlink) = (self.now, self.now, self.now, 2);
        Ok(stat)
    }

    fn lookup(&self, _: &mut Context, name: &[u8]) -> SysResult<InodeRef> {
        if name == b"ptmx" {
            return Ok(self.ptmx.clone());
        }
        let text = core::str::from_utf8(name).map_err(|_| Errno::ENOENT)?;
        let number: u32 = text.parse().map_err(|_| Errno::ENOENT)?;
        let list = self.ptys.list.borrow();
        match list.get(&number) {
            Some((_, node)) if alloc::format!("{number}").as_bytes() == name => Ok(node.clone()),
            _ => Err(Errno::ENOENT),
        }
    }

    fn names_are_stable(&self) -> bool {
        false
    }

    fn readdir(&self, _: &mut Context, from: u64, sink: &mut DirSink) -> SysResult<()> {
        let kind = Some(FileType::CharDevice);
        if from <= 2 && !sink(DirEntry { name: b"ptmx", ino: 2, kind, next: 3 }) {
            return Ok(());
        }
        let first = from.saturating_sub(3) as u32;
        for &number in self.ptys.list.borrow().range(first..).map(|(number, _)| number) {
            let name = alloc::format!("{number}");
            let (ino, next) = (u64::from(number) + 3, u64::from(number) + 4);
            if !sink(DirEntry { name: name.as_bytes(), ino, kind, next }) {
                break;
            }
        }
        Ok(())
    }
}

/// The file of a slave.
pub struct PtsNode {
    attr: RefCell<Stat>,
    extra: InodeExtra,
}

impl PtsNode {
    /// A slave's file, which belongs to who makes the pair.
    pub fn new(cx: &mut Context, number: u32) -> Rc<PtsNode> {
        let (uid, now) = (cx.thread.credentials().fsuid, cx.kernel.now());
        let dev = cx.kernel.devpts_dev;
        let ino = u64::from(number) + 3;
        PtsNode::with(dev, ino, makedev(MAJOR, number), 0o620, (uid, GROUP_TTY), now)
    }

    fn with(
        dev: u64,
        ino: u64,
        rdev: u64,
        mode: u32,
        owner: (u32, u32),
        now: Timespec,
    ) -> Rc<PtsNode> {
        let mut attr = Stat::new(dev, ino, FileType::CharDevice as u32 | mode);
        (attr.uid, attr.gid) = owner;
        (attr.atime, attr.mtime, attr.ctime, attr.rdev) = (now, now, now, rdev);
        attr.blksize = 1024;
        Rc::new(PtsNode { attr: RefCell::new(attr), extra: InodeExtra::default() })
    }
}

impl Inode for PtsNode {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn extra(&self) -> &InodeExtra {
        &self.extra
    }

    fn kind(&self) -> FileType {
        FileType::CharDevice
    }

    fn stat(&self, _: &mut Context) -> SysResult<Stat> {
        Ok(*self.attr.borrow())
    }

    fn set_attr(&self, cx: &mut Context, change: &SetAttr) -> SysResult<()> {
        let now = cx.kernel.now();
        let mut attr = self.attr.borrow_mut();
        if let Some(mode) = change.mode {
            attr.mode = attr.mode & 0o170_000 | mode & 0o7777;
        }
        attr.uid = change.uid.unwrap_or(attr.uid);
        attr.gid = change.gid.unwrap_or(attr.gid);
        attr.atime = change.atime.unwrap_or(attr.atime);
        attr.mtime = change.mtime.unwrap_or(attr.mtime);
        attr.ctime = change.ctime.unwrap_or(now);
        Ok(())
    }
}
