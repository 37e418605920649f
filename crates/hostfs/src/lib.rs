//! A directory of the host as a file system of the kernel: what `--mount` gives, and
//! what is below a root directory whose changes stay in memory.
//!
//! Every access goes through a `cap_std::fs::Dir`, so nothing outside of the directory is
//! reached, neither through symbolic links (the kernel follows those itself, in its own
//! tree) nor through races with programs of the host. Device files and FIFOs of the host
//! are never opened: the kernel sees their numbers and asks its own drivers. What the host's
//! kernel tells of itself, as in `/proc`, is not shown even where it lies in the directory.
//!
//! Who runs sampan without being root is root in the guest, so that user's files are shown
//! as root's. What a guest creates has no bits that change users.

#![forbid(unsafe_code)]

mod node;
mod system;

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::io;
use std::path::Path;
use std::rc::{Rc, Weak};

use cap_std::fs::Dir;
use sampan_linux::fs::{FileSystem, InodeRef, StatFs};
use sampan_linux::{Context, Errno, SysResult};

use node::Node;

/// Whether the guest may change the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Access {
    ReadOnly,
    ReadWrite,
}

/// A directory of the host.
pub struct HostFs {
    shared: Rc<Shared>,
    root: Rc<Node>,
}

/// What all nodes need.
struct Shared {
    dir: Dir,
    access: Access,
    /// The device's number for the guest, and for the host.
    dev: u64,
    host_dev: u64,
    owner: system::Owner,
    /// The nodes that someone holds, by device and number.
    nodes: RefCell<HashMap<(u64, u64), Weak<Node>>>,
    /// Those that are open on the host, oldest first: a process of the host may have few open.
    open: RefCell<VecDeque<Weak<Node>>>,
}

/// Most files that are open on the host at a time, but for those without a name.
const OPEN_MAX: usize = 128;

impl Shared {
    /// Notes that a node is open, and closes the oldest if there are too many.
    fn opened(&self, node: &Weak<Node>) {
        let mut open = self.open.borrow_mut();
        open.push_back(node.clone());
        while open.len() > OPEN_MAX {
            if let Some(node) = open.pop_front().and_then(|node| node.upgrade()) {
                node.close();
            }
        }
    }
}

impl HostFs {
    /// Opens a directory. `dev` is the number of the file system for `stat`.
    ///
    /// # Errors
    /// What the host says to opening it.
    pub fn open(path: &Path, access: Access, dev: u64) -> io::Result<Rc<HostFs>> {
        let dir = Dir::open_ambient_dir(path, cap_std::ambient_authority())?;
        let metadata = dir.dir_metadata()?;
        let id = system::identity(&metadata);
        let shared = Rc::new(Shared {
            dir,
            access,
            dev,
            host_dev: id.0,
            owner: system::Owner::current(),
            nodes: RefCell::default(),
            open: RefCell::default(),
        });
        let root = Node::root(&shared, id);
        Ok(Rc::new(HostFs { shared, root }))
    }
}

impl FileSystem for HostFs {
    fn name(&self) -> &'static str {
        "hostfs"
    }

    fn root(&self) -> InodeRef {
        self.root.clone()
    }

    fn dev(&self) -> u64 {
        self.shared.dev
    }

    fn statfs(&self, _: &mut Context) -> SysResult<StatFs> {
        system::statfs(&self.shared.dir).map_err(|error| errno(&error))
    }
}

/// The host's error as the guest sees it.
fn errno(error: &io::Error) -> Errno {
    use io::ErrorKind::*;
    if let Some(errno) = system::errno(error) {
        return errno;
    }
    match error.kind() {
        NotFound => Errno::ENOENT,
        PermissionDenied => Errno::EACCES,
        AlreadyExists => Errno::EEXIST,
        NotADirectory => Errno::ENOTDIR,
        IsADirectory => Errno::EISDIR,
        DirectoryNotEmpty => Errno::ENOTEMPTY,
        ReadOnlyFilesystem => Errno::EROFS,
        StorageFull => Errno::ENOSPC,
        QuotaExceeded => Errno::EDQUOT,
        FileTooLarge => Errno::EFBIG,
        CrossesDevices => Errno::EXDEV,
        InvalidFilename => Errno::ENAMETOOLONG,
        InvalidInput => Errno::EINVAL,
        Unsupported => Errno::EOPNOTSUPP,
        _ => Errno::EIO,
    }
}
