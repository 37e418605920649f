//! Names in the tree: a [`Dentry`] is an inode with a name and a parent, a
//! [`Location`] a dentry seen through a mount.
//!
//! A directory knows, weakly, those of its entries that someone holds, so that
//! all who hold a name see when it is moved (`getcwd`, `/proc/self/fd`).

use alloc::collections::BTreeMap;
use alloc::rc::{Rc, Weak};
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};

use super::{FileType, InodeRef, Mount};

/// A name, and the inode that it names.
pub struct Dentry {
    name: RefCell<Vec<u8>>,
    parent: RefCell<Option<Rc<Dentry>>>,
    inode: InodeRef,
    children: RefCell<BTreeMap<Vec<u8>, Weak<Dentry>>>,
    /// The name is gone; who holds the file keeps it.
    deleted: Cell<bool>,
    /// How many mounts are on it.
    pub(super) mounts: Cell<u32>,
}

impl Dentry {
    /// The root of a file system, or a file that has no name at all.
    pub fn root(inode: InodeRef) -> Rc<Dentry> {
        Dentry::new(Vec::new(), None, inode)
    }

    /// A file that has no name any more, or never had: memfds.
    pub fn nameless(label: &[u8], inode: InodeRef) -> Rc<Dentry> {
        let dentry = Dentry::new(label.to_vec(), None, inode);
        dentry.deleted.set(true);
        dentry
    }

    /// A file without a name that was made in this directory, and is shown there.
    pub fn nameless_in(self: &Rc<Dentry>, ino: u64, inode: InodeRef) -> Rc<Dentry> {
        let label = alloc::format!("#{ino}");
        let dentry = Dentry::new(label.into_bytes(), Some(self.clone()), inode);
        dentry.deleted.set(true);
        dentry
    }

    fn new(name: Vec<u8>, parent: Option<Rc<Dentry>>, inode: InodeRef) -> Rc<Dentry> {
        Rc::new(Dentry {
            name: RefCell::new(name),
            parent: RefCell::new(parent),
            inode,
            children: RefCell::default(),
            deleted: Cell::new(false),
            mounts: Cell::new(0),
        })
    }

    /// The inode.
    pub fn inode(&self) -> &InodeRef {
        &self.inode
    }

    /// The last component; empty for a root.
    pub fn name(&self) -> Vec<u8> {
        self.name.borrow().clone()
    }

    /// The directory that it is in; none for a root.
    pub fn parent(&self) -> Option<Rc<Dentry>> {
        self.parent.borrow().clone()
    }

    /// Whether the name was taken away.
    pub fn is_deleted(&self) -> bool {
        self.deleted.get()
    }

    /// The entry of this name, if someone holds it.
    pub fn held_child(&self, name: &[u8]) -> Option<Rc<Dentry>> {
        self.children.borrow().get(name)?.upgrade()
    }

    /// The entry of this name, which was found to be `inode`.
    pub fn child(self: &Rc<Dentry>, name: &[u8], inode: InodeRef) -> Rc<Dentry> {
        if let Some(held) = self.held_child(name) {
            if Rc::ptr_eq(&held.inode, &inode) {
                return held;
            }
            held.deleted.set(true);
        }
        let child = Dentry::new(name.to_vec(), Some(self.clone()), inode);
        let mut children = self.children.borrow_mut();
        // Entries that nobody holds any more are swept out now and then.
        if children.len() >= 32 && children.len().is_power_of_two() {
            children.retain(|_, child| child.strong_count() > 0);
        }
        children.insert(name.to_vec(), Rc::downgrade(&child));
        child
    }

    /// Notes that a name was taken away.
    pub fn forget(&self, name: &[u8]) {
        let child = self.children.borrow_mut().remove(name);
        if let Some(child) = child.and_then(|child| child.upgrade()) {
            child.deleted.set(true);
        }
    }

    /// Notes that a name was moved; the name it has now is forgotten there.
    pub fn moved(&self, name: &[u8], dir: &Rc<Dentry>, to: &[u8]) {
        let child = self.children.borrow_mut().remove(name);
        dir.forget(to);
        dir.adopt(child, to);
    }

    /// Notes that two names changed places.
    pub fn exchanged(self: &Rc<Dentry>, name: &[u8], dir: &Rc<Dentry>, to: &[u8]) {
        let one = self.children.borrow_mut().remove(name);
        let other = dir.children.borrow_mut().remove(to);
        dir.adopt(one, to);
        self.adopt(other, name);
    }

    fn adopt(self: &Rc<Dentry>, child: Option<Weak<Dentry>>, name: &[u8]) {
        let Some(held) = child.as_ref().and_then(Weak::upgrade) else { return };
        *held.name.borrow_mut() = name.to_vec();
        *held.parent.borrow_mut() = Some(self.clone());
        self.children.borrow_mut().insert(name.to_vec(), Rc::downgrade(&held));
    }

    /// Whether `self` is `other` or above it.
    pub fn is_above(self: &Rc<Dentry>, other: &Rc<Dentry>) -> bool {
        let mut at = Some(other.clone());
        while let Some(dentry) = at {
            if Rc::ptr_eq(self, &dentry) {
                return true;
            }
            at = dentry.parent();
        }
        false
    }
}

impl Drop for Dentry {
    /// Drops the parents one after the other: a deep tree must not be dropped by
    /// recursion.
    fn drop(&mut self) {
        let mut next = self.parent.take();
        while let Some(parent) = next {
            next = Rc::into_inner(parent).and_then(|parent| parent.parent.take());
        }
    }
}

/// A place in the tree of mounts.
#[derive(Clone)]
pub struct Location {
    /// The mount it is seen through.
    pub mount: Rc<Mount>,
    /// The name in the mounted file system.
    pub dentry: Rc<Dentry>,
}

impl Location {
    /// The inode there.
    pub fn inode(&self) -> &InodeRef {
        &self.dentry.inode
    }

    /// Whether both are the same place.
    pub fn is(&self, other: &Location) -> bool {
        Rc::ptr_eq(&self.mount, &other.mount) && Rc::ptr_eq(&self.dentry, &other.dentry)
    }

    /// Whether a directory is there.
    pub fn is_directory(&self) -> bool {
        self.inode().kind() == FileType::Directory
    }

    /// Another name in the same mount.
    pub fn with(&self, dentry: Rc<Dentry>) -> Location {
        Location { mount: self.mount.clone(), dentry }
    }

    /// One component up, through mounts; none at the root of all.
    pub fn up(&self) -> Option<Location> {
        let mut at = self.clone();
        loop {
            if let Some(parent) = at.dentry.parent() {
                return Some(at.with(parent));
            }
            at = at.mount.point()?;
        }
    }

    /// The path from `root`, as `getcwd` and `/proc` show it. The flag says
    /// whether `root` is above the place.
    pub fn path_from(&self, root: &Location) -> (Vec<u8>, bool) {
        let mut names = Vec::new();
        let mut at = self.clone();
        let reached = loop {
            if at.is(root) {
                break true;
            }
            match at.dentry.parent() {
                Some(parent) => {
                    names.push(at.dentry.name());
                    at = at.with(parent);
                }
                None => match at.mount.point() {
                    Some(point) => at = point,
                    None => break false,
                },
            }
        };
        let mut path = Vec::new();
        for name in names.iter().rev() {
            path.push(b'/');
            path.extend_from_slice(name);
        }
        if path.is_empty() {
            path.push(b'/');
        }
        (path, reached)
    }
}
