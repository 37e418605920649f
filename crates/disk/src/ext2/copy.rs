//! Copies a whole file system into another, which may have another size: that is how images
//! grow and shrink. What is copied lies together afterwards.
//!
//! Kept are names, kinds, owners, permissions, times, flags of users, attributes, and which names
//! are one file; numbers of inodes are new, and holes are what has no blocks.

use super::inode::Inode;
use super::{Attr, Create, Ext2, Ino, Kind, ROOT, SetAttr};
use crate::{Device, Error, Result};
use ::alloc::collections::BTreeMap;
use ::alloc::vec;
use ::alloc::vec::Vec;
use core::ops::Range;

/// Bytes that are copied at a time.
const PART: usize = 1 << 18;

/// Copies everything from one file system into another, in which at most `lost+found` is. `told`
/// is called with bytes as they are copied. The source must be sound, as
/// [`check`](super::check::check) says. Errors: `NoSpace`, those of the devices; the other file
/// system has a part of it then.
pub fn copy<A: Device, B: Device>(
    from: &mut Ext2<A>,
    to: &mut Ext2<B>,
    told: &mut dyn FnMut(u64),
) -> Result<()> {
    let mut copy = Copy { from, to, told, linked: BTreeMap::new(), part: vec![0; PART] };
    let mut directories = vec![(ROOT, ROOT)];
    let mut at = 0;
    while let Some(&(source, target)) = directories.get(at) {
        at += 1;
        for (name, ino) in copy.names(source)? {
            if let Some(directory) = copy.name(target, &name, ino)? {
                directories.push((ino, directory));
            }
        }
    }
    // Last, because each name that came in changed the times.
    for (source, target) in directories {
        let attr = copy.from.getattr(source)?;
        copy.finish(&attr, target)?;
    }
    Ok(())
}

struct Copy<'a, A, B> {
    from: &'a mut Ext2<A>,
    to: &'a mut Ext2<B>,
    told: &'a mut dyn FnMut(u64),
    /// Where files are that have several names.
    linked: BTreeMap<Ino, Ino>,
    part: Vec<u8>,
}

impl<A: Device, B: Device> Copy<'_, A, B> {
    fn names(&mut self, directory: Ino) -> Result<Vec<(Vec<u8>, Ino)>> {
        let mut list = Vec::new();
        self.from.readdir(directory, 0, &mut |entry| {
            if !matches!(entry.name, b"." | b"..") {
                list.push((entry.name.to_vec(), entry.ino));
            }
            true
        })?;
        Ok(list)
    }

    /// Copies what a name leads to. If that is a directory, it is empty so far, and returned.
    fn name(&mut self, directory: Ino, name: &[u8], ino: Ino) -> Result<Option<Ino>> {
        if let Some(&there) = self.linked.get(&ino) {
            self.to.link(there, directory, name)?;
            return Ok(None);
        }
        let attr = self.from.getattr(ino)?;
        let what = Create { mode: attr.mode, uid: attr.uid, gid: attr.gid, rdev: attr.rdev };
        self.to.set_now(attr.crtime.unwrap_or(attr.ctime));
        let target = match attr.kind {
            Kind::Symlink => {
                let text = self.from.readlink(ino)?;
                self.to.symlink(directory, name, &text, &what)?
            }
            Kind::Directory => match self.to.create(directory, name, &what) {
                // What each file system has from the beginning.
                Err(Error::Exists) => self.to.lookup(directory, name)?,
                made => made?,
            },
            _ => self.to.create(directory, name, &what)?,
        };
        match attr.kind {
            Kind::Directory => return Ok(Some(target)),
            Kind::File => self.content(&attr, target)?,
            _ => {}
        }
        self.finish(&attr, target)?;
        if attr.links > 1 {
            self.linked.insert(ino, target);
        }
        Ok(None)
    }

    fn content(&mut self, attr: &Attr, target: Ino) -> Result<()> {
        let mut offset = 0;
        while let Some(range) = self.from.next_data(attr.ino, offset)? {
            offset = range.start;
            while offset < range.end {
                let len = (range.end - offset).min(PART as u64) as usize;
                let count = self.from.read(attr.ino, offset, &mut self.part[..len])?;
                if count == 0 {
                    return Err(Error::Io);
                }
                let mut done = 0;
                while done < count {
                    let rest = &self.part[done..count];
                    done += self.to.write(target, offset + done as u64, rest)?;
                }
                offset += count as u64;
                (self.told)(count as u64);
            }
        }
        self.to.truncate(target, attr.size)
    }

    /// Attributes of all kinds.
    fn finish(&mut self, attr: &Attr, target: Ino) -> Result<()> {
        let list = self.from.attributes(attr.ino)?;
        if !list.is_empty() {
            self.to.set_attributes(target, &list)?;
        }
        let change = SetAttr {
            perm: Some(attr.mode & 0o7777),
            uid: Some(attr.uid),
            gid: Some(attr.gid),
            atime: Some(attr.atime),
            mtime: Some(attr.mtime),
            ctime: Some(attr.ctime),
            flags: Some(attr.flags),
        };
        self.to.setattr(target, &change)
    }
}

impl<D: Device> Ext2<D> {
    /// The next range of a regular file, from `offset` on, that is no hole; none if only holes
    /// follow. It may go on behind the range.
    pub fn next_data(&mut self, ino: Ino, offset: u64) -> Result<Option<Range<u64>>> {
        let inode: Inode = self.inode(ino)?;
        if inode.attr.kind != Kind::File {
            return Err(Error::Invalid);
        }
        let size = self.sb.block_size as u64;
        // Nothing is behind the end of a file, in the block of the last byte either.
        let end = if offset < inode.attr.size { inode.attr.size.div_ceil(size) } else { 0 };
        let mut number = offset / size;
        while number < end {
            let (block, count) = self.run(&inode, number, end - number)?;
            if block != 0 {
                let stop = ((number + count) * size).min(inode.attr.size);
                return Ok(Some((number * size).max(offset)..stop));
            }
            number += count;
        }
        Ok(None)
    }

    /// What tells this file system from others: its UUID, and its name, padded with zeros.
    pub fn identity(&self) -> ([u8; 16], [u8; 16]) {
        let (mut uuid, mut label) = ([0; 16], [0; 16]);
        uuid.copy_from_slice(&self.raw_super[104..120]);
        label.copy_from_slice(&self.raw_super[120..136]);
        (uuid, label)
    }

    /// When something was written last, in whole seconds.
    pub fn written(&self) -> super::Timestamp {
        super::Timestamp { seconds: self.sb.write_time.into(), nanoseconds: 0 }
    }
}
