//! `/proc` (`proc(5)`): processes and the system as files.
//!
//! A [`Node`] is a kind of file and the process that it is about; what it holds is written
//! anew each time it is opened. `process.rs` writes what is about one process, `system.rs`
//! the rest, `links.rs` follows links that are more than their text.

mod handle;
mod links;
mod memory;
mod net;
mod process;
mod system;
mod tree;

use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use core::any::Any;
use core::cell::RefCell;

use tree::{Entry, What};

use crate::errno::{Errno, SysResult};
use crate::fs::{
    DirEntry, DirSink, File, FileSystem, FileType, Inode, InodeExtra, InodeRef, Location, OpenFile,
    SetAttr, Stat, StatFs,
};
use crate::kernel::Context;
use crate::task::Pid;
use crate::time::Timespec;

/// The file system.
pub struct ProcFs {
    dev: u64,
    root: Rc<Node>,
}

impl ProcFs {
    /// An instance.
    pub fn new(dev: u64, now: Timespec) -> Rc<ProcFs> {
        Rc::new(ProcFs { dev, root: Node::new(dev, now, What::Root, 0) })
    }

    /// `/sys`, as far as programs look at it.
    pub fn sysfs(dev: u64, now: Timespec) -> Rc<ProcFs> {
        Rc::new(ProcFs { dev, root: Node::new(dev, now, What::Static(tree::SYS), 0) })
    }
}

impl FileSystem for ProcFs {
    fn name(&self) -> &'static str {
        if matches!(self.root.what, What::Root) { "proc" } else { "sysfs" }
    }

    fn root(&self) -> InodeRef {
        self.root.clone()
    }

    fn dev(&self) -> u64 {
        self.dev
    }

    fn statfs(&self, _: &mut Context) -> SysResult<StatFs> {
        let magic = if matches!(self.root.what, What::Root) { 0x9fa0 } else { 0x6265_6572 };
        Ok(StatFs { magic, bsize: 4096, namelen: 255, ..StatFs::default() })
    }
}

/// A file of it.
pub struct Node {
    dev: u64,
    now: Timespec,
    what: What,
    /// The process or thread that it is about; 0 for none.
    id: Pid,
    extra: InodeExtra,
}

impl Node {
    fn new(dev: u64, now: Timespec, what: What, id: Pid) -> Rc<Node> {
        Rc::new(Node { dev, now, what, id, extra: InodeExtra::default() })
    }

    fn with(&self, what: What, id: Pid) -> Rc<Node> {
        Node::new(self.dev, self.now, what, id)
    }

    fn kind_of(what: &What) -> FileType {
        match what {
            What::Root | What::Process(_) | What::Tasks | What::Static(_) => FileType::Directory,
            What::Fds | What::FdInfos => FileType::Directory,
            What::Link(_) | What::Fd(_) | What::Text(_) => FileType::Symlink,
            What::File(..) | What::FdInfo(_) | What::Memory => FileType::Regular,
        }
    }

    /// The entries of a directory, each with what it is.
    fn entries(&self, cx: &mut Context) -> SysResult<Vec<Entry>> {
        tree::entries(cx, &self.what, self.id)
    }
}

impl Inode for Node {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn extra(&self) -> &InodeExtra {
        &self.extra
    }

    fn kind(&self) -> FileType {
        Node::kind_of(&self.what)
    }

    fn stat(&self, cx: &mut Context) -> SysResult<Stat> {
        let kind = self.kind();
        let permissions = match &self.what {
            What::Fds | What::FdInfos => 0o500,
            What::Fd(_) => 0o700,
            What::Memory => 0o600,
            What::File(_, mode) => *mode,
            _ if kind == FileType::Directory => 0o555,
            _ if kind == FileType::Symlink => 0o777,
            _ => 0o444,
        };
        let ino = self.what.ino(self.id);
        let mut stat = Stat::new(self.dev, ino, kind as u32 | permissions);
        (stat.atime, stat.mtime, stat.ctime) = (self.now, self.now, self.now);
        if kind == FileType::Directory {
            stat.nlink = 2;
        }
        if self.what == What::Text("self") || self.what == What::Text("thread-self") {
            stat.size = 0;
        }
        if self.id != 0
            && let Some(thread) = process::some_thread(cx, self.id)
        {
            let credentials = thread.credentials();
            (stat.uid, stat.gid) = (credentials.euid, credentials.egid);
        }
        Ok(stat)
    }

    fn set_attr(&self, _: &mut Context, change: &SetAttr) -> SysResult<()> {
        // Opening to write cuts a file, which means nothing here.
        if change.size.is_some() && change.mode.is_none() { Ok(()) } else { Err(Errno::EPERM) }
    }

    fn names_are_stable(&self) -> bool {
        false
    }

    fn lookup(&self, cx: &mut Context, name: &[u8]) -> SysResult<InodeRef> {
        if self.kind() != FileType::Directory {
            return Err(Errno::ENOTDIR);
        }
        // What every shell asks for comes first, without listing all.
        if let What::Root = self.what
            && let Some(pid) = number(name)
        {
            process::some_thread(cx, pid).ok_or(Errno::ENOENT)?;
            return Ok(self.with(What::Process(false), pid));
        }
        let entries = self.entries(cx)?;
        let found = entries.into_iter().find(|entry| entry.name.as_bytes() == name);
        let found = found.ok_or(Errno::ENOENT)?;
        Ok(self.with(found.what, found.id))
    }

    fn readdir(&self, cx: &mut Context, from: u64, sink: &mut DirSink) -> SysResult<()> {
        if self.kind() != FileType::Directory {
            return Err(Errno::ENOTDIR);
        }
        // Numbered entries have cookies by their number, so that they stay true while
        // processes come and go.
        let mut list: Vec<(u64, Entry)> = Vec::new();
        for (index, entry) in self.entries(cx)?.into_iter().enumerate() {
            let cookie = match number(entry.name.as_bytes()) {
                Some(number) => number as u64 + 1000,
                None => index as u64 + 2,
            };
            list.push((cookie, entry));
        }
        list.sort_by_key(|entry| entry.0);
        for (cookie, entry) in list.into_iter().filter(|entry| entry.0 >= from.max(2)) {
            let ino = entry.what.ino(entry.id);
            let kind = Some(Node::kind_of(&entry.what));
            let name = entry.name.as_bytes();
            if !sink(DirEntry { name, ino, kind, next: cookie + 1 }) {
                break;
            }
        }
        Ok(())
    }

    fn readlink(&self, cx: &mut Context) -> SysResult<Vec<u8>> {
        match &self.what {
            What::Text("self") => Ok(alloc::format!("{}", cx.thread.process.pid).into_bytes()),
            What::Text("thread-self") => {
                let (pid, tid) = (cx.thread.process.pid, cx.thread.tid);
                Ok(alloc::format!("{pid}/task/{tid}").into_bytes())
            }
            What::Text(target) => Ok(target.as_bytes().to_vec()),
            What::Link(which) => links::text(cx, *which, self.id),
            What::Fd(fd) => links::fd_text(cx, self.id, *fd),
            _ => Err(Errno::EINVAL),
        }
    }

    fn magic_link(&self, cx: &mut Context) -> SysResult<Option<Location>> {
        match &self.what {
            What::Link(which) => links::place(cx, *which, self.id).map(Some),
            What::Fd(fd) => links::fd_place(cx, self.id, *fd).map(Some),
            _ => Ok(None),
        }
    }

    fn open(self: Rc<Self>, cx: &mut Context, _: u32) -> SysResult<Option<Rc<dyn File>>> {
        if self.kind() != FileType::Regular {
            return Ok(None);
        }
        if let What::Memory = self.what {
            return memory::open(cx, self.id).map(Some);
        }
        let text = tree::content(cx, &self.what, self.id)?;
        let what = self.what;
        Ok(Some(Rc::new(TextFile { what, id: self.id, text: RefCell::new(text) })))
    }
}

/// The process whose directory an inode is.
pub fn process_of(inode: &InodeRef) -> Option<Pid> {
    let node = inode.as_any().downcast_ref::<Node>()?;
    matches!(node.what, What::Process(false)).then_some(node.id)
}

/// A file of `/proc` that is open: its text as it was then.
struct TextFile {
    what: What,
    id: Pid,
    text: RefCell<Vec<u8>>,
}

impl File for TextFile {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn read(
        &self,
        cx: &mut Context,
        _: &OpenFile,
        pos: &mut u64,
        buf: &mut [u8],
    ) -> SysResult<usize> {
        // Who goes back to the start sees what is there now, as top does.
        if *pos == 0 && !buf.is_empty() {
            *self.text.borrow_mut() = tree::content(cx, &self.what, self.id)?;
        }
        let text = self.text.borrow();
        let start = usize::try_from(*pos).unwrap_or(usize::MAX).min(text.len());
        let count = buf.len().min(text.len() - start);
        buf[..count].copy_from_slice(&text[start..start + count]);
        *pos += count as u64;
        Ok(count)
    }

    fn write(
        &self,
        cx: &mut Context,
        _: &OpenFile,
        pos: &mut u64,
        bytes: &[u8],
    ) -> SysResult<usize> {
        tree::write(cx, &self.what, self.id, bytes)?;
        *pos += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn seekable(&self) -> bool {
        true
    }
}

fn number(name: &[u8]) -> Option<Pid> {
    let text = core::str::from_utf8(name).ok()?;
    let number: Pid = text.parse().ok()?;
    (number >= 0 && alloc::format!("{number}") == text).then_some(number)
}

/// Text that is written in one go.
type Text = String;
