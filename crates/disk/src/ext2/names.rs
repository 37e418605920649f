//! Operations on names: making, linking, moving and removing files.

use super::cache::Role;
use super::directory::Found;
use super::inode::Inode;
use super::undo::Undo;
use super::{Attr, Create, Ext2, Ino, Kind, RenameMode, SetAttr};
use crate::{Device, Error, Result};

/// Most names of an inode, and most directories in one.
const LINKS_MAX: u32 = 32_000;
/// The directory has a tree of hashes, which changes here do not keep up.
const INDEX_FLAG: u32 = 0x1000;
/// Flags that say nothing of how the file is stored (`EXT2_FL_USER_MODIFIABLE`, chattr(1)): from
/// secure deletion to no access times, synchronous directories and the top of hierarchies.
const FLAGS_OF_USERS: u32 = 0x3_00fb;

/// A name that a file can have.
fn check_name(name: &[u8]) -> Result<()> {
    match name {
        b"" => Err(Error::NotFound),
        b"." | b".." => Err(Error::Invalid),
        name if name.len() > 255 => Err(Error::NameTooLong),
        name if name.contains(&b'/') || name.contains(&0) => Err(Error::Invalid),
        _ => Ok(()),
    }
}

impl<D: Device> Ext2<D> {
    /// Makes a file of any kind but a symbolic link.
    pub fn create(&mut self, directory: Ino, name: &[u8], what: &Create) -> Result<Ino> {
        if Kind::from_mode(what.mode).is_none_or(|kind| kind == Kind::Symlink) {
            return Err(Error::Invalid);
        }
        self.operation(|fs| fs.make(directory, name, what, b""))
    }

    /// Makes a symbolic link. Kind and permissions of `what` do not matter.
    pub fn symlink(
        &mut self,
        directory: Ino,
        name: &[u8],
        target: &[u8],
        what: &Create,
    ) -> Result<Ino> {
        if target.is_empty() || target.contains(&0) {
            return Err(Error::Invalid);
        }
        if target.len() >= self.sb.block_size.min(4096) {
            return Err(Error::NameTooLong);
        }
        let what = Create { mode: 0o777 | Kind::Symlink.mode_bits(), ..*what };
        self.operation(|fs| fs.make(directory, name, &what, target))
    }

    /// Makes a regular file without a name, which is there as long as it is held: the caller
    /// holds it next.
    pub fn tmpfile(&mut self, near: Ino, what: &Create) -> Result<Ino> {
        self.operation(|fs| {
            let mut inode = fs.new_inode(near, what)?;
            inode.attr.links = 0;
            let ino = inode.attr.ino;
            fs.initialize(&inode)?;
            fs.orphan(ino);
            Ok(ino)
        })
    }

    fn make(&mut self, at: Ino, name: &[u8], what: &Create, target: &[u8]) -> Result<Ino> {
        let mut directory = self.place_for(at, name)?;
        let mut inode = self.new_inode(at, what)?;
        let (ino, kind) = (inode.attr.ino, inode.attr.kind);
        match kind {
            Kind::Directory => {
                if directory.attr.links >= LINKS_MAX {
                    return Err(Error::TooManyLinks);
                }
                inode.attr.links = 2;
                directory.attr.links += 1;
                self.begin_directory(&mut inode, at)?;
            }
            Kind::Symlink if target.len() < inode.pointers.len() => {
                inode.pointers[..target.len()].copy_from_slice(target);
            }
            Kind::Symlink => {
                let goal = self.goal(&inode, 0)?;
                let (block, _) = self.map(&mut inode, 0, goal)?;
                self.cache.fresh(block, Role::Data)[..target.len()].copy_from_slice(target);
            }
            // Numbers that 16 bits can hold are in the first place.
            Kind::CharDevice | Kind::BlockDevice => {
                inode.set_pointer(usize::from(what.rdev > 0xffff), what.rdev);
            }
            _ => {}
        }
        if kind == Kind::Symlink {
            inode.attr.size = target.len() as u64;
        }
        self.initialize(&inode)?;
        self.insert(&mut directory, name, ino, kind)?;
        self.changed(&mut directory)?;
        Ok(ino)
    }

    /// The directory, in which the name is free.
    fn place_for(&mut self, directory: Ino, name: &[u8]) -> Result<Inode> {
        check_name(name)?;
        let inode = self.directory(directory)?;
        if inode.attr.links == 0 {
            return Err(Error::NotFound);
        }
        if self.find(&inode, name)?.is_some() {
            return Err(Error::Exists);
        }
        Ok(inode)
    }

    fn new_inode(&mut self, near: Ino, what: &Create) -> Result<Inode> {
        let kind = Kind::from_mode(what.mode).ok_or(Error::Invalid)?;
        let ino = self.allocate_inode(near, kind == Kind::Directory)?;
        let now = self.now;
        let attr = Attr {
            ino,
            kind,
            mode: what.mode,
            uid: what.uid,
            gid: what.gid,
            links: 1,
            size: 0,
            blocks: 0,
            rdev: what.rdev,
            atime: now,
            mtime: now,
            ctime: now,
            crtime: Some(now),
            flags: 0,
            generation: (now.seconds as u32).rotate_left(8) ^ now.nanoseconds ^ ino,
        };
        Ok(Inode { attr, pointers: [0; 60], xattr_block: 0 })
    }

    /// Notes that a directory was changed.
    fn changed(&mut self, directory: &mut Inode) -> Result<()> {
        directory.attr.flags &= !INDEX_FLAG;
        (directory.attr.mtime, directory.attr.ctime) = (self.now, self.now);
        self.write_inode(directory)
    }

    fn orphan(&mut self, ino: Ino) {
        if self.orphans.insert(ino) {
            self.undo.push(Undo::Orphan(ino, false));
        }
    }

    /// Gives an inode that is no directory another name.
    pub fn link(&mut self, ino: Ino, directory: Ino, name: &[u8]) -> Result<()> {
        self.operation(|fs| {
            let mut inode = fs.inode(ino)?;
            if inode.attr.kind == Kind::Directory {
                return Err(Error::NotPermitted);
            }
            if inode.attr.links >= LINKS_MAX {
                return Err(Error::TooManyLinks);
            }
            let mut parent = fs.place_for(directory, name)?;
            let block = fs.insert(&mut parent, name, ino, inode.attr.kind)?;
            fs.name_gained(ino, block)?;
            fs.changed(&mut parent)?;
            if fs.orphans.remove(&ino) {
                fs.undo.push(Undo::Orphan(ino, true));
            }
            inode.attr.links += 1;
            inode.attr.ctime = fs.now;
            fs.write_inode(&inode)
        })
    }

    /// Takes away the name of something that is no directory.
    pub fn unlink(&mut self, directory: Ino, name: &[u8]) -> Result<()> {
        self.operation(|fs| {
            check_name(name)?;
            let mut parent = fs.directory(directory)?;
            let found = fs.find(&parent, name)?.ok_or(Error::NotFound)?;
            let mut inode = fs.inode(found.ino)?;
            if inode.attr.kind == Kind::Directory {
                return Err(Error::IsDirectory);
            }
            if inode.attr.links > 1 {
                fs.name_lost(found.ino, found.block)?;
            }
            fs.remove(directory, found, name)?;
            fs.changed(&mut parent)?;
            fs.drop_link(&mut inode)
        })
    }

    /// Takes away an empty directory.
    pub fn rmdir(&mut self, directory: Ino, name: &[u8]) -> Result<()> {
        self.operation(|fs| {
            check_name(name)?;
            let mut parent = fs.directory(directory)?;
            let found = fs.find(&parent, name)?.ok_or(Error::NotFound)?;
            let mut inode = fs.directory(found.ino)?;
            if !fs.is_empty(&inode)? {
                return Err(Error::NotEmpty);
            }
            fs.remove(directory, found, name)?;
            parent.attr.links = parent.attr.links.saturating_sub(1).max(2);
            fs.changed(&mut parent)?;
            fs.drop_link(&mut inode)
        })
    }

    /// An inode lost a name; a directory its only one.
    fn drop_link(&mut self, inode: &mut Inode) -> Result<()> {
        let ino = inode.attr.ino;
        self.retain(ino)?;
        let directory = inode.attr.kind == Kind::Directory;
        inode.attr.links = if directory { 0 } else { inode.attr.links.saturating_sub(1) };
        inode.attr.ctime = self.now;
        if directory {
            self.indexes.forget(ino);
        }
        if inode.attr.links > 0 {
            return self.write_inode(inode);
        }
        self.orphan(ino);
        if self.held.contains_key(&ino) {
            return self.write_inode(inode);
        }
        self.destroy(inode)
    }

    /// Moves a name, or swaps two. That no directory comes into itself is the caller's to
    /// check. Errors: `NotEmpty`, `IsDirectory`, `NotDirectory` of what would be replaced.
    pub fn rename(
        &mut self,
        from: Ino,
        name: &[u8],
        to: Ino,
        new_name: &[u8],
        mode: RenameMode,
    ) -> Result<()> {
        self.operation(|fs| fs.move_name(from, name, to, new_name, mode))
    }

    fn move_name(
        &mut self,
        from: Ino,
        name: &[u8],
        to: Ino,
        new_name: &[u8],
        mode: RenameMode,
    ) -> Result<()> {
        check_name(name)?;
        check_name(new_name)?;
        let (source_dir, target_dir) = (self.directory(from)?, self.directory(to)?);
        if target_dir.attr.links == 0 {
            return Err(Error::NotFound);
        }
        let source = self.find(&source_dir, name)?.ok_or(Error::NotFound)?;
        let target = self.find(&target_dir, new_name)?;
        if target.is_some_and(|target| target.ino == source.ino) {
            return Ok(());
        }
        let mut inode = self.inode(source.ino)?;
        let victim = target.map(|target| self.inode(target.ino)).transpose()?;
        let block = match (mode, target, victim) {
            (RenameMode::Exchange, Some(target), Some(mut victim)) => {
                self.redirect(source, target.ino, victim.attr.kind)?;
                self.redirect(target, source.ino, inode.attr.kind)?;
                self.moved(&mut victim, to, from)?;
                self.moved(&mut inode, from, to)?;
                for directory in [from, to] {
                    let mut directory = self.directory(directory)?;
                    self.changed(&mut directory)?;
                }
                return Ok(());
            }
            (RenameMode::Exchange, ..) => return Err(Error::NotFound),
            (RenameMode::Replace, Some(target), Some(victim)) => {
                self.replace(&inode, target, victim, to)?;
                target.block
            }
            (RenameMode::Replace, ..) => {
                let mut directory = target_dir;
                let block = self.insert(&mut directory, new_name, source.ino, inode.attr.kind)?;
                self.write_inode(&directory)?;
                block
            }
        };
        // The new name may lie behind the old one's neighbour now.
        let source_dir = self.directory(from)?;
        let source = self.find(&source_dir, name)?.ok_or(Error::NotFound)?;
        if block != source.block {
            self.name_gained(source.ino, block)?;
            self.name_lost(source.ino, source.block)?;
        }
        self.remove(from, source, name)?;
        self.moved(&mut inode, from, to)?;
        for directory in [from, to] {
            let mut directory = self.directory(directory)?;
            self.changed(&mut directory)?;
        }
        Ok(())
    }

    /// Lets the name of `victim` lead to `inode`.
    fn replace(&mut self, inode: &Inode, target: Found, mut victim: Inode, to: Ino) -> Result<()> {
        match (inode.attr.kind == Kind::Directory, victim.attr.kind == Kind::Directory) {
            (true, false) => return Err(Error::NotDirectory),
            (false, true) => return Err(Error::IsDirectory),
            (true, true) => {
                if !self.is_empty(&victim)? {
                    return Err(Error::NotEmpty);
                }
                let mut directory = self.directory(to)?;
                directory.attr.links = directory.attr.links.saturating_sub(1).max(2);
                self.write_inode(&directory)?;
            }
            (false, false) => {}
        }
        self.redirect(target, inode.attr.ino, inode.attr.kind)?;
        if victim.attr.links > 1 && victim.attr.kind != Kind::Directory {
            self.name_lost(victim.attr.ino, target.block)?;
        }
        self.drop_link(&mut victim)
    }

    /// An inode is in another directory now.
    fn moved(&mut self, inode: &mut Inode, from: Ino, to: Ino) -> Result<()> {
        inode.attr.ctime = self.now;
        self.write_inode(inode)?;
        if from == to || inode.attr.kind != Kind::Directory {
            return Ok(());
        }
        if let Some(up) = self.find(inode, b"..")? {
            self.redirect(up, to, Kind::Directory)?;
        }
        let (mut old, mut new) = (self.directory(from)?, self.directory(to)?);
        if new.attr.links >= LINKS_MAX {
            return Err(Error::TooManyLinks);
        }
        old.attr.links = old.attr.links.saturating_sub(1).max(2);
        new.attr.links += 1;
        self.write_inode(&old)?;
        self.write_inode(&new)
    }

    /// Changes what is given of an inode.
    pub fn setattr(&mut self, ino: Ino, change: &SetAttr) -> Result<()> {
        self.operation(|fs| {
            let mut inode = fs.inode(ino)?;
            let attr = &mut inode.attr;
            if let Some(perm) = change.perm {
                attr.mode = attr.mode & super::S_IFMT | perm & 0o7777;
            }
            attr.uid = change.uid.unwrap_or(attr.uid);
            attr.gid = change.gid.unwrap_or(attr.gid);
            attr.atime = change.atime.unwrap_or(attr.atime);
            attr.mtime = change.mtime.unwrap_or(attr.mtime);
            attr.ctime = change.ctime.unwrap_or(fs.now);
            if let Some(flags) = change.flags {
                attr.flags = attr.flags & !FLAGS_OF_USERS | flags & FLAGS_OF_USERS;
            }
            fs.write_inode(&inode)
        })
    }
}
