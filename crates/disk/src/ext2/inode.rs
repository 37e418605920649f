//! Inodes, as they are in the tables.

use super::bytes::{get16, get32};
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
}

/// A time: seconds, and in large inodes nanoseconds and two more bits of seconds.
fn time(raw: &[u8], at: usize, extra: usize) -> Timestamp {
    let seconds = i64::from(get32(raw, at) as i32);
    // How much of the inode beyond 128 bytes is in use.
    let used = if raw.len() > 128 { 128 + usize::from(get16(raw, 128)) } else { 128 };
    if extra + 4 > used.min(raw.len()) {
        return Timestamp { seconds, nanoseconds: 0 };
    }
    let more = get32(raw, extra);
    let nanoseconds = if more >> 2 < 1_000_000_000 { more >> 2 } else { 0 };
    Timestamp { seconds: seconds + (i64::from(more & 3) << 32), nanoseconds }
}

impl<D: Device> Ext2<D> {
    /// Reads an inode that is in use.
    pub(super) fn inode(&mut self, ino: Ino) -> Result<Inode> {
        if ino == 0 || ino > self.sb.inodes {
            return Err(Error::Stale);
        }
        let group = &self.groups[self.sb.group_of_inode(ino) as usize];
        let at = ((ino - 1) % self.sb.inodes_per_group) as usize * self.sb.inode_size;
        let block = group.inode_table + (at / self.sb.block_size) as u32;
        let (at, size) = (at % self.sb.block_size, self.sb.inode_size);
        let raw = &self.cache.get(block)?[at..at + size];
        let (mode, links) = (get16(raw, 0), get16(raw, 26));
        if links == 0 {
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
