//! Mounts: which file system is seen where.

use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};

use super::{Dentry, FileSystem, Location};
use crate::errno::{Errno, SysResult};

/// Flags of `mount(2)`.
#[allow(missing_docs)]
pub mod mount_flags {
    pub const RDONLY: u32 = 1;
    pub const NOSUID: u32 = 2;
    pub const NODEV: u32 = 4;
    pub const NOEXEC: u32 = 8;
    pub const REMOUNT: u32 = 32;
    pub const NOATIME: u32 = 1024;
    pub const NODIRATIME: u32 = 2048;
    pub const BIND: u32 = 4096;
    pub const MOVE: u32 = 8192;
    pub const REC: u32 = 16384;
    pub const SILENT: u32 = 32768;
    pub const RELATIME: u32 = 1 << 21;
}

/// A file system, or a part of it, in a place.
pub struct Mount {
    /// What tells mounts apart in `/proc/self/mountinfo`.
    pub id: u32,
    /// The file system.
    pub fs: Rc<dyn FileSystem>,
    /// What of it is seen: its root, but for bind mounts.
    pub root: Rc<Dentry>,
    /// See [`mount_flags`].
    pub flags: Cell<u32>,
    /// What was mounted, as `/proc/mounts` shows it.
    pub source: Vec<u8>,
    point: RefCell<Option<Location>>,
}

impl Mount {
    /// The place that it covers; none for the root of all.
    pub fn point(&self) -> Option<Location> {
        self.point.borrow().clone()
    }

    /// The mounted directory (or file) as a place.
    pub fn location(self: &Rc<Mount>) -> Location {
        Location { mount: self.clone(), dentry: self.root.clone() }
    }

    /// Whether nothing on it may be changed.
    pub fn is_read_only(&self) -> bool {
        self.flags.get() & mount_flags::RDONLY != 0
    }
}

/// All mounts, oldest first.
#[derive(Default)]
pub struct Mounts {
    list: Vec<Rc<Mount>>,
    last_id: u32,
}

impl Mounts {
    /// Mounts `root` of `fs` on `point` (none: as the root of all).
    pub fn add(
        &mut self,
        fs: Rc<dyn FileSystem>,
        root: Rc<Dentry>,
        point: Option<Location>,
        flags: u32,
        source: &[u8],
    ) -> Rc<Mount> {
        self.last_id += 1;
        if let Some(point) = &point {
            point.dentry.mounts.set(point.dentry.mounts.get() + 1);
        }
        let mount = Rc::new(Mount {
            id: self.last_id,
            fs,
            root,
            flags: Cell::new(flags),
            source: source.to_vec(),
            point: RefCell::new(point),
        });
        self.list.push(mount.clone());
        mount
    }

    /// What is seen at a place: the root of what is mounted there last, or the
    /// place itself.
    pub fn enter(&self, mut location: Location) -> Location {
        while location.dentry.mounts.get() != 0 {
            let covers = |mount: &&Rc<Mount>| {
                mount.point.borrow().as_ref().is_some_and(|point| point.is(&location))
            };
            match self.list.iter().rev().find(covers) {
                Some(mount) => location = mount.location(),
                None => break,
            }
        }
        location
    }

    /// Takes a mount away; `EBUSY` if others are mounted in it, or if it is in
    /// use and `detach` does not say that this is fine.
    pub fn remove(&mut self, mount: &Rc<Mount>, detach: bool) -> SysResult<()> {
        let Some(point) = mount.point() else { return Err(Errno::EBUSY) };
        let inside = |other: &Rc<Mount>| {
            other.point.borrow().as_ref().is_some_and(|point| Rc::ptr_eq(&point.mount, mount))
        };
        if self.list.iter().any(inside) {
            return Err(Errno::EBUSY);
        }
        // The list and the caller hold the mount, and the caller its place.
        if !detach && Rc::strong_count(mount) > 3 {
            return Err(Errno::EBUSY);
        }
        point.dentry.mounts.set(point.dentry.mounts.get().saturating_sub(1));
        self.list.retain(|other| !Rc::ptr_eq(other, mount));
        Ok(())
    }

    /// Moves a mount elsewhere (`MS_MOVE`).
    pub fn relocate(&mut self, mount: &Rc<Mount>, point: Location) -> SysResult<()> {
        let Some(old) = mount.point() else { return Err(Errno::EINVAL) };
        old.dentry.mounts.set(old.dentry.mounts.get().saturating_sub(1));
        point.dentry.mounts.set(point.dentry.mounts.get() + 1);
        *mount.point.borrow_mut() = Some(point);
        Ok(())
    }

    /// All mounts, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Rc<Mount>> {
        self.list.iter()
    }
}
