//! A file of the host: its name below the root, and what the kernel asks of it.

use std::any::Any;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::rc::{Rc, Weak};

use cap_fs_ext::{DirExt, SystemTimeSpec};
use cap_std::fs::{File, Metadata, OpenOptions};
use sampan_linux::fs::{
    Create, DirEntry, DirSink, FileType, Inode, InodeExtra, InodeRef, Rename, SetAttr, Stat,
};
use sampan_linux::time::Timespec;
use sampan_linux::{Context, Errno, SysResult};

use crate::{Access, Shared, errno, system};

/// A file that someone holds.
pub struct Node {
    me: Weak<Node>,
    shared: Rc<Shared>,
    kind: FileType,
    id: (u64, u64),
    place: RefCell<Place>,
    /// A directory in which the host's kernel tells of itself: it is empty here.
    sealed: bool,
    /// Open for what the mount allows, once it was read or written, or lost its name.
    file: RefCell<Option<Rc<File>>>,
    listing: RefCell<Listing>,
    extra: InodeExtra,
}

/// One of a file's names.
struct Place {
    /// None: it is the root.
    parent: Option<Rc<Node>>,
    name: OsString,
    deleted: bool,
}

/// A directory's entries as they were listed last. A name keeps its cookie, so that a
/// listing goes on where it was while others come and go.
#[derive(Default)]
struct Listing {
    entries: BTreeMap<u64, (Vec<u8>, u64, Option<FileType>)>,
    cookies: BTreeMap<Vec<u8>, u64>,
    last: u64,
}

impl Node {
    /// The directory itself.
    pub fn root(shared: &Rc<Shared>, id: (u64, u64)) -> Rc<Node> {
        let place = Place { parent: None, name: OsString::new(), deleted: false };
        Node::new(shared.clone(), FileType::Directory, id, place, false)
    }

    fn new(
        shared: Rc<Shared>,
        kind: FileType,
        id: (u64, u64),
        place: Place,
        sealed: bool,
    ) -> Rc<Node> {
        Rc::new_cyclic(|me| {
            shared.nodes.borrow_mut().insert(id, me.clone());
            Node {
                me: me.clone(),
                shared,
                kind,
                id,
                place: RefCell::new(place),
                sealed,
                file: RefCell::new(None),
                listing: RefCell::default(),
                extra: InodeExtra::default(),
            }
        })
    }

    /// Its path below the root.
    fn path(&self) -> PathBuf {
        let mut names = Vec::new();
        let mut next = self.me.upgrade();
        while let Some(node) = next {
            let place = node.place.borrow();
            if place.parent.is_some() {
                names.push(place.name.clone());
            }
            let parent = place.parent.clone();
            drop(place);
            next = parent;
        }
        if names.is_empty() {
            return PathBuf::from(".");
        }
        names.iter().rev().collect()
    }

    fn child_path(&self, name: &[u8]) -> SysResult<(PathBuf, OsString)> {
        if self.kind != FileType::Directory {
            return Err(Errno::ENOTDIR);
        }
        let name = system::name(name).ok_or(Errno::EINVAL)?;
        // A name of the guest is one component; on some hosts more than a slash divides them.
        if Path::new(&name).components().count() != 1 || Path::new(&name).file_name().is_none() {
            return Err(Errno::EINVAL);
        }
        Ok((self.path().join(&name), name))
    }

    fn may_change(&self) -> SysResult<()> {
        match self.shared.access {
            Access::ReadWrite if !self.sealed => Ok(()),
            _ => Err(Errno::EROFS),
        }
    }

    /// The node of a file that was found under a name here.
    fn found(&self, name: OsString, metadata: &Metadata) -> SysResult<Rc<Node>> {
        let id = system::identity(metadata);
        let stat = system::stat(metadata, self.shared.owner);
        let held = self.shared.nodes.borrow().get(&id).and_then(Weak::upgrade);
        let parent = self.me.upgrade();
        if let Some(node) = held
            && node.kind == stat.file_type()
        {
            let mut place = node.place.borrow_mut();
            if place.parent.is_some() {
                *place = Place { parent, name, deleted: false };
            }
            drop(place);
            return Ok(node);
        }
        let kind = FileType::of_mode(stat.mode).ok_or(Errno::EIO)?;
        let sealed = kind == FileType::Directory
            && id.0 != self.shared.host_dev
            && system::is_private(&self.shared.dir, &self.path().join(&name));
        let place = Place { parent, name, deleted: false };
        Ok(Node::new(self.shared.clone(), kind, id, place, sealed))
    }

    fn lookup_node(&self, name: &[u8]) -> SysResult<Rc<Node>> {
        let (path, name) = self.child_path(name)?;
        if self.sealed {
            return Err(Errno::ENOENT);
        }
        let metadata = self.shared.dir.symlink_metadata(path).map_err(|error| errno(&error))?;
        self.found(name, &metadata)
    }

    /// The open file.
    fn file(&self) -> SysResult<Rc<File>> {
        if let Some(file) = &*self.file.borrow() {
            return Ok(file.clone());
        }
        if self.kind != FileType::Regular {
            return Err(Errno::EINVAL);
        }
        let path = self.path();
        let open = |write: bool| {
            let mut options = OpenOptions::new();
            options.read(true).write(write);
            system::options(&mut options);
            self.shared.dir.open_with(&path, &options)
        };
        let wants_write = self.shared.access == Access::ReadWrite;
        let file = match open(wants_write) {
            Err(_) if wants_write => open(false),
            result => result,
        };
        let file = Rc::new(file.map_err(|error| errno(&error))?);
        let metadata = file.metadata().map_err(|error| errno(&error))?;
        if system::identity(&metadata) != self.id || !metadata.is_file() {
            return Err(Errno::ESTALE);
        }
        *self.file.borrow_mut() = Some(file.clone());
        self.shared.opened(&self.me);
        Ok(file)
    }

    /// Closes it on the host, as long as its name leads back to it.
    pub fn close(&self) {
        if !self.place.borrow().deleted {
            self.file.borrow_mut().take();
        }
    }

    fn metadata(&self) -> io::Result<Metadata> {
        if let Some(file) = &*self.file.borrow() {
            return file.metadata();
        }
        self.shared.dir.symlink_metadata(self.path())
    }

    /// A name is about to go: who holds the file keeps it.
    fn before_unlink(&self, path: &Path) -> SysResult<Option<Rc<Node>>> {
        let metadata = self.shared.dir.symlink_metadata(path).map_err(|error| errno(&error))?;
        let id = system::identity(&metadata);
        let held = self.shared.nodes.borrow().get(&id).and_then(Weak::upgrade);
        if let Some(node) = &held
            && node.kind == FileType::Regular
            && system::stat(&metadata, self.shared.owner).nlink == 1
        {
            // What cannot be opened cannot be read by its holder either.
            let _ = node.file();
        }
        Ok(held)
    }

    /// Gives a new file to who made it, as far as the host allows that.
    fn adopt(&self, path: &Path, what: &Create) {
        let Ok(file) = self.shared.dir.open(path) else { return };
        if self.shared.owner.is_root() {
            let _ = system::change_owner(&file, Some(what.uid), Some(what.gid));
        }
        if let Some(permissions) = system::permissions(what.mode & 0o1777) {
            let _ = file.set_permissions(permissions);
        }
    }

    fn list(&self) -> SysResult<()> {
        if self.sealed {
            return Ok(());
        }
        let entries = self.shared.dir.read_dir(self.path()).map_err(|error| errno(&error))?;
        let mut listing = self.listing.borrow_mut();
        let mut fresh = BTreeMap::new();
        for entry in entries {
            let entry = entry.map_err(|error| errno(&error))?;
            let (ino, kind) = system::entry(&entry);
            fresh.insert(system::bytes(&entry.file_name()), (ino, kind));
        }
        let Listing { entries, cookies, last } = &mut *listing;
        cookies.retain(|name, _| fresh.contains_key(name));
        entries.clear();
        for (name, (ino, kind)) in fresh {
            let cookie = *cookies.entry(name.clone()).or_insert_with(|| {
                *last += 1;
                *last + 1
            });
            entries.insert(cookie, (name, ino, kind));
        }
        Ok(())
    }
}

impl Drop for Node {
    /// Lets go of parents one after the other: a deep tree must not be dropped by recursion.
    fn drop(&mut self) {
        let mut nodes = self.shared.nodes.borrow_mut();
        if nodes.get(&self.id).is_some_and(|node| node.strong_count() == 0) {
            nodes.remove(&self.id);
        }
        drop(nodes);
        let mut next = self.place.get_mut().parent.take();
        while let Some(parent) = next {
            next = Rc::into_inner(parent).and_then(|mut node| node.place.get_mut().parent.take());
        }
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

    fn stat(&self, _: &mut Context) -> SysResult<Stat> {
        let metadata = self.metadata().map_err(|error| errno(&error))?;
        let mut stat = system::stat(&metadata, self.shared.owner);
        let (dev, ino) = system::identity(&metadata);
        stat.dev = self.shared.dev;
        // Files of several devices of the host are one file system here.
        stat.ino = if dev == self.shared.host_dev { ino } else { ino ^ dev.rotate_left(40) };
        if self.place.borrow().deleted {
            stat.nlink = 0;
        }
        Ok(stat)
    }

    fn set_attr(&self, _: &mut Context, change: &SetAttr) -> SysResult<()> {
        self.may_change()?;
        let wrong = |error: io::Error| errno(&error);
        if let Some(size) = change.size {
            self.file()?.set_len(size).map_err(wrong)?;
        }
        let path = self.path();
        if change.uid.is_some() || change.gid.is_some() {
            let old = system::stat(&self.metadata().map_err(wrong)?, self.shared.owner);
            let same = change.uid.is_none_or(|uid| uid == old.uid)
                && change.gid.is_none_or(|gid| gid == old.gid);
            if !same {
                let file = match self.kind {
                    FileType::Regular => self.file()?,
                    FileType::Directory => Rc::new(self.shared.dir.open(&path).map_err(wrong)?),
                    _ => return Err(Errno::EPERM),
                };
                system::change_owner(&file, change.uid, change.gid).map_err(wrong)?;
            }
        }
        if let Some(mode) = change.mode
            && self.kind != FileType::Symlink
            && let Some(permissions) = system::permissions(mode & 0o1777)
        {
            match &*self.file.borrow() {
                Some(file) => file.set_permissions(permissions),
                None => self.shared.dir.set_permissions(&path, permissions),
            }
            .map_err(wrong)?;
        }
        if change.atime.is_some() || change.mtime.is_some() {
            let spec = |time: Timespec| {
                let since = std::time::Duration::new(time.seconds.max(0) as u64, time.nanos);
                let time = std::time::UNIX_EPOCH + since;
                SystemTimeSpec::Absolute(cap_std::time::SystemTime::from_std(time))
            };
            let times = (change.atime.map(spec), change.mtime.map(spec));
            self.shared.dir.set_symlink_times(&path, times.0, times.1).map_err(wrong)?;
        }
        Ok(())
    }

    fn lookup(&self, _: &mut Context, name: &[u8]) -> SysResult<InodeRef> {
        Ok(self.lookup_node(name)?)
    }

    /// Programs of the host may change them at any time.
    fn names_are_stable(&self) -> bool {
        false
    }

    fn create(&self, _: &mut Context, name: &[u8], what: &Create) -> SysResult<InodeRef> {
        self.may_change()?;
        let (path, _) = self.child_path(name)?;
        match what.kind {
            FileType::Regular => {
                let mut options = OpenOptions::new();
                options.write(true).create_new(true);
                self.shared.dir.open_with(&path, &options).map(drop)
            }
            FileType::Directory => self.shared.dir.create_dir(&path),
            // Devices and sockets of a guest have no business on the host.
            _ => return Err(Errno::EPERM),
        }
        .map_err(|error| errno(&error))?;
        self.adopt(&path, what);
        Ok(self.lookup_node(name)?)
    }

    fn symlink(
        &self,
        _: &mut Context,
        name: &[u8],
        target: &[u8],
        _: &Create,
    ) -> SysResult<InodeRef> {
        self.may_change()?;
        let (path, _) = self.child_path(name)?;
        let target = system::name(target).ok_or(Errno::EINVAL)?;
        DirExt::symlink(&self.shared.dir, PathBuf::from(target), path).map_err(|error| {
            // The one refusal of cap-std's own is a target that leads outside.
            errno(&error)
        })?;
        Ok(self.lookup_node(name)?)
    }

    fn link(&self, _: &mut Context, name: &[u8], inode: &InodeRef) -> SysResult<()> {
        self.may_change()?;
        let other = same_kind(self, inode)?;
        if other.place.borrow().deleted {
            return Err(Errno::ENOENT);
        }
        let (path, _) = self.child_path(name)?;
        let dir = &self.shared.dir;
        dir.hard_link(other.path(), dir, path).map_err(|error| errno(&error))
    }

    fn unlink(&self, _: &mut Context, name: &[u8]) -> SysResult<()> {
        self.may_change()?;
        let (path, _) = self.child_path(name)?;
        let held = self.before_unlink(&path)?;
        self.shared.dir.remove_file_or_symlink(&path).map_err(|error| errno(&error))?;
        if let Some(node) = held
            && node.file.borrow().as_ref().is_none_or(|file| {
                file.metadata().is_ok_and(|m| system::stat(&m, self.shared.owner).nlink == 0)
            })
        {
            node.place.borrow_mut().deleted = true;
        }
        Ok(())
    }

    fn rmdir(&self, _: &mut Context, name: &[u8]) -> SysResult<()> {
        self.may_change()?;
        let (path, _) = self.child_path(name)?;
        self.shared.dir.remove_dir(&path).map_err(|error| errno(&error))
    }

    fn rename(
        &self,
        _: &mut Context,
        name: &[u8],
        dir: &InodeRef,
        to: &[u8],
        how: Rename,
    ) -> SysResult<()> {
        self.may_change()?;
        if how == Rename::Exchange {
            return Err(Errno::EINVAL);
        }
        let dir = same_kind(self, dir)?;
        let (from, _) = self.child_path(name)?;
        let (path, new_name) = dir.child_path(to)?;
        let moved = self.lookup_node(name)?;
        let replaced = self.before_unlink(&path).ok().flatten();
        self.shared.dir.rename(from, &self.shared.dir, path).map_err(|error| errno(&error))?;
        if let Some(node) = replaced
            && !Rc::ptr_eq(&node, &moved)
        {
            node.place.borrow_mut().deleted = true;
        }
        let parent = dir.me.upgrade();
        *moved.place.borrow_mut() = Place { parent, name: new_name, deleted: false };
        Ok(())
    }

    fn readdir(&self, _: &mut Context, from: u64, sink: &mut DirSink) -> SysResult<()> {
        if self.kind != FileType::Directory {
            return Err(Errno::ENOTDIR);
        }
        if from == 0 {
            self.list()?;
        }
        let listing = self.listing.borrow();
        for (&cookie, (name, ino, kind)) in listing.entries.range(from.max(2)..) {
            if !sink(DirEntry { name, ino: *ino, kind: *kind, next: cookie + 1 }) {
                break;
            }
        }
        Ok(())
    }

    fn readlink(&self, _: &mut Context) -> SysResult<Vec<u8>> {
        if self.kind != FileType::Symlink {
            return Err(Errno::EINVAL);
        }
        let text = self.shared.dir.read_link_contents(self.path());
        text.map(|text| system::bytes(text.as_os_str())).map_err(|error| errno(&error))
    }

    fn read_at(&self, _: &mut Context, pos: u64, buf: &mut [u8]) -> SysResult<usize> {
        let file = self.file()?;
        let mut done = 0;
        while done < buf.len() {
            match system::read_at(&file, &mut buf[done..], pos + done as u64) {
                Ok(0) => break,
                Ok(count) => done += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) if done > 0 => break,
                Err(error) => return Err(errno(&error)),
            }
        }
        Ok(done)
    }

    fn write_at(&self, _: &mut Context, pos: u64, bytes: &[u8]) -> SysResult<usize> {
        self.may_change()?;
        let file = self.file()?;
        let mut done = 0;
        while done < bytes.len() {
            match system::write_at(&file, &bytes[done..], pos + done as u64) {
                Ok(0) => break,
                Ok(count) => done += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) if done > 0 => break,
                Err(error) => return Err(errno(&error)),
            }
        }
        Ok(done)
    }

    fn sync(&self, _: &mut Context, data_only: bool) -> SysResult<()> {
        if self.kind != FileType::Regular {
            return Ok(());
        }
        let file = self.file()?;
        let result = if data_only { file.sync_data() } else { file.sync_all() };
        result.map_err(|error| errno(&error))
    }
}

fn same_kind<'a>(node: &Node, inode: &'a InodeRef) -> SysResult<&'a Node> {
    let other = inode.as_any().downcast_ref::<Node>().ok_or(Errno::EXDEV)?;
    if Rc::ptr_eq(&node.shared, &other.shared) { Ok(other) } else { Err(Errno::EXDEV) }
}
