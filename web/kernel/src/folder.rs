//! A folder of the page as a file system that is only read: files that JavaScript gives, or
//! a folder of the web server. Paths are all that is known of its files.

use crate::imports;
use sampan_linux::fs::{
    DirEntry, DirSink, FileSystem, FileType, Inode, InodeExtra, InodeRef, Stat, StatFs,
};
use sampan_linux::{Context, Errno, SysResult};
use std::any::Any;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::{Rc, Weak};

/// Names of a directory that are read at most.
const NAMES_MAX: usize = 1 << 20;

/// A folder, by the page's number.
pub struct Folder {
    number: u32,
    dev: u64,
    root: RefCell<Option<Rc<Node>>>,
    /// Numbers of files that were seen once.
    numbers: RefCell<BTreeMap<Vec<u8>, u64>>,
    me: Weak<Folder>,
}

impl Folder {
    /// The folder of this number.
    pub fn new(number: u32, dev: u64) -> Rc<Folder> {
        Rc::new_cyclic(|me| Folder {
            number,
            dev,
            root: RefCell::default(),
            numbers: RefCell::default(),
            me: me.clone(),
        })
    }

    fn number_of(&self, path: &[u8]) -> u64 {
        let mut numbers = self.numbers.borrow_mut();
        if let Some(number) = numbers.get(path) {
            return *number;
        }
        let number = numbers.len() as u64 + 1;
        numbers.insert(path.to_vec(), number);
        number
    }

    fn node(&self, path: Vec<u8>, kind: FileType) -> SysResult<Rc<Node>> {
        let folder = self.me.upgrade().ok_or(Errno::EIO)?;
        let ino = self.number_of(&path);
        Ok(Rc::new(Node { folder, path, kind, ino, extra: InodeExtra::default() }))
    }

    /// What is at a path; `ENOENT` if nothing is.
    fn kind(&self, path: &[u8]) -> SysResult<FileType> {
        // SAFETY: the import reads these bytes only.
        match unsafe { imports::kind(self.number, path.as_ptr(), path.len()) } {
            1 => Ok(FileType::Regular),
            2 => Ok(FileType::Directory),
            0 => Err(Errno::ENOENT),
            -1 => Err(Errno::NOT_READY),
            _ => Err(Errno::EIO),
        }
    }
}

impl FileSystem for Folder {
    fn name(&self) -> &'static str {
        "dir"
    }

    fn root(&self) -> InodeRef {
        let mut root = self.root.borrow_mut();
        let made = || self.node(Vec::new(), FileType::Directory);
        root.get_or_insert_with(|| made().expect("the caller holds the file system")).clone()
    }

    fn dev(&self) -> u64 {
        self.dev
    }

    fn statfs(&self, _: &mut Context) -> SysResult<StatFs> {
        Ok(StatFs { magic: 0x5ab4_d1f0, bsize: 4096, namelen: 255, ..StatFs::default() })
    }
}

struct Node {
    folder: Rc<Folder>,
    /// Names with slashes between; empty for the root.
    path: Vec<u8>,
    kind: FileType,
    ino: u64,
    extra: InodeExtra,
}

impl Node {
    fn path_of(&self, name: &[u8]) -> Vec<u8> {
        if self.path.is_empty() { name.to_vec() } else { [&self.path[..], b"/", name].concat() }
    }

    fn is_directory(&self) -> bool {
        self.kind == FileType::Directory
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
        self.kind
    }

    fn stat(&self, cx: &mut Context) -> SysResult<Stat> {
        // Programs among them may run.
        let mode = 0o555;
        let mut stat = Stat::new(self.folder.dev, self.ino, self.kind as u32 | mode);
        if !self.is_directory() {
            // A file that changed since it was found tells its size now.
            self.folder.kind(&self.path)?;
            let (number, path) = (self.folder.number, &self.path);
            // SAFETY: the import reads these bytes only.
            stat.size = unsafe { imports::length(number, path.as_ptr(), path.len()) } as u64;
            stat.blocks = stat.size.div_ceil(512);
        }
        let now = cx.kernel.now();
        (stat.atime, stat.mtime, stat.ctime) = (now, now, now);
        Ok(stat)
    }

    fn names_are_stable(&self) -> bool {
        // JavaScript may add files at any time.
        false
    }

    fn lookup(&self, _: &mut Context, name: &[u8]) -> SysResult<InodeRef> {
        if !self.is_directory() {
            return Err(Errno::ENOTDIR);
        }
        let path = self.path_of(name);
        let kind = self.folder.kind(&path)?;
        Ok(self.folder.node(path, kind)?)
    }

    fn readdir(&self, _: &mut Context, from: u64, sink: &mut DirSink) -> SysResult<()> {
        if !self.is_directory() {
            return Err(Errno::ENOTDIR);
        }
        let (number, path) = (self.folder.number, &self.path);
        // SAFETY: the import reads these bytes only.
        let len = match unsafe { imports::list(number, path.as_ptr(), path.len()) } {
            -1 => return Err(Errno::NOT_READY),
            ..0 => return Err(Errno::EIO),
            len => len as usize,
        };
        let mut names = vec![0; len.min(NAMES_MAX)];
        // SAFETY: the import writes to these bytes only.
        unsafe { imports::listing(names.as_mut_ptr(), names.len()) };
        let names = names.split(|&byte| byte == 0).filter(|name| is_name(name));
        for (index, name) in names.enumerate().skip((from as usize).saturating_sub(2)) {
            let ino = self.folder.number_of(&self.path_of(name));
            if !sink(DirEntry { name, ino, kind: None, next: index as u64 + 3 }) {
                break;
            }
        }
        Ok(())
    }

    fn read_at(&self, _: &mut Context, pos: u64, buf: &mut [u8]) -> SysResult<usize> {
        self.folder.kind(&self.path)?;
        let (number, path) = (self.folder.number, &self.path);
        // SAFETY: the import reads the path's bytes and writes to the buffer's only.
        let count = unsafe {
            let (at, size) = (buf.as_mut_ptr(), buf.len());
            imports::contents(number, path.as_ptr(), path.len(), pos as f64, at, size)
        };
        match count {
            -1 => Err(Errno::NOT_READY),
            ..0 => Err(Errno::EIO),
            count => Ok((count as usize).min(buf.len())),
        }
    }

    fn prepare(&self, cx: &mut Context, pos: u64, _: u64) -> SysResult<()> {
        // A file comes as a whole.
        self.read_at(cx, pos, &mut [0]).map(drop)
    }
}

/// Whether it can be a name in a directory; what a server's list says may be anything.
fn is_name(name: &[u8]) -> bool {
    !name.is_empty() && name.len() <= 255 && name != b"." && name != b".." && !name.contains(&b'/')
}
