//! Inodes, as they are in the tables.

use super::bytes::{get16, get32, put16, put32};
use super::cache::Role;
use super::{Attr, Ext2, Ino, Kind, Timestamp};
use crate::{Device, Error, Result};

/// An inode.
#[derive(Clone, Debug)]
pub(super) struct Inode {
    pub attr: Attr,
    /// Twelve blocks, and three trees of pointers to more; or the text of a short link.
    pub pointers: [u8; 60],
    /// The block of extended attributes, if not 0.
    pub xattr_block: u32,
}

impl Inode {
    /// The number in a place of `pointers`.
    pub fn pointer(&self, index: usize) -> u32 {
        get32(&self.pointers, index * 4)
    }

    /// Changes the number in a place of `pointers`.
    pub fn set_pointer(&mut self, index: usize, block: u32) {
        put32(&mut self.pointers, index * 4, block);
    }

    /// Whether it is a symbolic link whose text is in place of the pointers.
    pub fn is_short_link(&self, block_size: usize) -> bool {
        let xattr = if self.xattr_block != 0 { block_size as u64 / 512 } else { 0 };
        self.attr.kind == Kind::Symlink && self.attr.blocks <= xattr
    }

    /// Whether its pointers lead to blocks.
    pub fn has_blocks(&self, block_size: usize) -> bool {
        match self.attr.kind {
            Kind::File | Kind::Directory => true,
            Kind::Symlink => !self.is_short_link(block_size),
            _ => false,
        }
    }
}

/// A time: seconds, and in large inodes nanoseconds and two more bits of seconds.
fn time(raw: &[u8], at: usize, extra: usize) -> Timestamp {
    let seconds = i64::from(get32(raw, at) as i32);
    if extra + 4 > used(raw) {
        return Timestamp { seconds, nanoseconds: 0 };
    }
    let more = get32(raw, extra);
    let nanoseconds = if more >> 2 < 1_000_000_000 { more >> 2 } else { 0 };
    Timestamp { seconds: seconds + (i64::from(more & 3) << 32), nanoseconds }
}

/// How much of an inode's slot is in use.
fn used(raw: &[u8]) -> usize {
    let used = if raw.len() > 128 { 128 + usize::from(get16(raw, 128)) } else { 128 };
    used.min(raw.len())
}

/// Writes a time, as much of it as fits.
fn put_time(raw: &mut [u8], at: usize, extra: usize, time: Timestamp) {
    if extra + 4 > used(raw) {
        let seconds = time.seconds.clamp(i32::MIN.into(), i32::MAX.into());
        put32(raw, at, seconds as u32);
        return;
    }
    let seconds = time.seconds.clamp(i32::MIN.into(), (3 << 32) + i64::from(i32::MAX));
    let low = seconds as i32;
    let epoch = ((seconds - i64::from(low)) >> 32) as u32 & 3;
    put32(raw, at, low as u32);
    put32(raw, extra, time.nanoseconds << 2 | epoch);
}

impl<D: Device> Ext2<D> {
    /// The block of the table that an inode is in, and where in it.
    pub(super) fn inode_place(&self, ino: Ino) -> (u32, usize) {
        let group = &self.groups[self.sb.group_of_inode(ino) as usize];
        let at = ((ino - 1) % self.sb.inodes_per_group) as usize * self.sb.inode_size;
        (group.inode_table + (at / self.sb.block_size) as u32, at % self.sb.block_size)
    }

    /// Writes a new inode over whatever is in its slot.
    pub(super) fn initialize(&mut self, inode: &Inode) -> Result<()> {
        let (block, at) = self.inode_place(inode.attr.ino);
        let size = self.sb.inode_size;
        let want = usize::from(self.sb.want_extra).clamp(32, size.max(160) - 128);
        let now = self.now;
        let raw = &mut self.cache.modify(block, Role::Inodes)?[at..at + size];
        raw.fill(0);
        put32(raw, 100, inode.attr.generation);
        if size > 128 {
            put16(raw, 128, (want / 4 * 4) as u16);
            put_time(raw, 144, 148, now);
        }
        self.write_inode(inode)
    }

    /// Writes an inode.
    pub(super) fn write_inode(&mut self, inode: &Inode) -> Result<()> {
        let (block, at) = self.inode_place(inode.attr.ino);
        let size = self.sb.inode_size;
        let attr = &inode.attr;
        // Smaller ones are taken for numbers of inodes, in the list of those to be freed.
        let deleted = (self.now.seconds as u32).max(self.sb.inodes);
        let raw = &mut self.cache.modify(block, Role::Inodes)?[at..at + size];
        put16(raw, 0, attr.mode);
        put16(raw, 2, attr.uid as u16);
        put16(raw, 120, (attr.uid >> 16) as u16);
        put16(raw, 24, attr.gid as u16);
        put16(raw, 122, (attr.gid >> 16) as u16);
        put32(raw, 4, attr.size as u32);
        if attr.kind == Kind::File {
            put32(raw, 108, (attr.size >> 32) as u32);
        }
        put_time(raw, 8, 140, attr.atime);
        put_time(raw, 12, 132, attr.ctime);
        put_time(raw, 16, 136, attr.mtime);
        put32(raw, 20, if attr.links == 0 { deleted } else { 0 });
        put16(raw, 26, attr.links as u16);
        put32(raw, 28, attr.blocks as u32);
        put32(raw, 32, attr.flags);
        raw[40..100].copy_from_slice(&inode.pointers);
        put32(raw, 104, inode.xattr_block);
        Ok(())
    }

    /// Reads an inode that is in use.
    pub(super) fn inode(&mut self, ino: Ino) -> Result<Inode> {
        if ino == 0 || ino > self.sb.inodes {
            return Err(Error::Stale);
        }
        let (block, at) = self.inode_place(ino);
        let size = self.sb.inode_size;
        let orphan = self.orphans.contains(&ino);
        let raw = &self.cache.get(block)?[at..at + size];
        let (mode, links) = (get16(raw, 0), get16(raw, 26));
        if links == 0 && !orphan {
            return Err(Error::Stale);
        }
        let kind = Kind::from_mode(mode)
            .ok_or(Error::Corrupt { what: "mode of inode", at: ino.into() })?;
        let mut pointers = [0; 60];
        pointers.copy_from_slice(&raw[40..100]);
        let high = if kind == Kind::File { get32(raw, 108) } else { 0 };
        let rdev = match kind {
            // The old form has 16 bits; the new one, 32, in the second place.
            Kind::CharDevice | Kind::BlockDevice if get32(&pointers, 0) != 0 => get32(&pointers, 0),
            Kind::CharDevice | Kind::BlockDevice => get32(&pointers, 4),
            _ => 0,
        };
        let crtime = (size > 144 && get16(raw, 128) >= 20).then(|| time(raw, 144, 148));
        let attr = Attr {
            ino,
            kind,
            mode,
            uid: u32::from(get16(raw, 2)) | u32::from(get16(raw, 120)) << 16,
            gid: u32::from(get16(raw, 24)) | u32::from(get16(raw, 122)) << 16,
            links: links.into(),
            size: u64::from(get32(raw, 4)) | u64::from(high) << 32,
            blocks: get32(raw, 28).into(),
            rdev,
            atime: time(raw, 8, 140),
            mtime: time(raw, 16, 136),
            ctime: time(raw, 12, 132),
            crtime,
            flags: get32(raw, 32),
            generation: get32(raw, 100),
        };
        Ok(Inode { attr, pointers, xattr_block: get32(raw, 104) })
    }
}
