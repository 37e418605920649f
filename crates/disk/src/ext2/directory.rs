//! Directories: entries one after the other in blocks. Hash trees (`dir_index`) lie in what
//! looks like unused room, so reading in order finds everything without them.

use super::bytes::{get16, get32};
use super::inode::Inode;
use super::{Entry, Ext2, Ino, Kind};
use crate::{Device, Error, Result};

/// An entry in a block; unused if `ino` is 0.
struct Raw<'a> {
    ino: Ino,
    len: usize,
    kind: u8,
    name: &'a [u8],
}

/// The entry at an offset of a block, if there is a sound one.
fn entry(block: &[u8], at: usize) -> Option<Raw<'_>> {
    let rest = &block[at..];
    if rest.len() < 8 {
        return None;
    }
    let (len, name_len) = (usize::from(get16(rest, 4)), usize::from(rest[6]));
    let sound = len >= 8 && len % 4 == 0 && len <= rest.len() && 8 + name_len <= len;
    sound.then(|| Raw { ino: get32(rest, 0), len, kind: rest[7], name: &rest[8..8 + name_len] })
}

impl<D: Device> Ext2<D> {
    /// A directory, whose size is one that it can have.
    fn directory(&mut self, ino: Ino) -> Result<Inode> {
        let inode = self.inode(ino)?;
        if inode.attr.kind != Kind::Directory {
            return Err(Error::NotDirectory);
        }
        let size = inode.attr.size;
        // Without holes, so that a damaged size cannot make a search endless.
        if size % self.sb.block_size as u64 != 0
            || size > inode.attr.blocks * 512
            || size > u64::from(self.sb.blocks) * self.sb.block_size as u64
        {
            return Err(Error::Corrupt { what: "size of directory", at: ino.into() });
        }
        Ok(inode)
    }

    /// Calls `visit` for entries from the offset `from` on, until it says false. Returns
    /// the offset behind the last one that it took.
    fn visit(
        &mut self,
        inode: &Inode,
        from: u64,
        visit: &mut dyn FnMut(Entry<'_>) -> bool,
    ) -> Result<u64> {
        let size = self.sb.block_size as u64;
        let damaged = Error::Corrupt { what: "entries of directory", at: inode.attr.ino.into() };
        let (inodes, has_kinds) = (self.sb.inodes, self.sb.has_kinds());
        let mut number = from / size;
        let mut done = from;
        while number * size < inode.attr.size {
            let (block, _) = self.run(inode, number, 1)?;
            if block == 0 {
                return Err(damaged);
            }
            let bytes = self.cache.get(block)?;
            let mut at = 0;
            while at < bytes.len() {
                let raw = entry(bytes, at).ok_or(damaged)?;
                let place = number * size + at as u64;
                at += raw.len;
                // An entry that merged into the one before it leaves offsets inside.
                if place < from || raw.ino == 0 {
                    continue;
                }
                if raw.ino > inodes || raw.name.is_empty() || raw.name.contains(&b'/') {
                    return Err(damaged);
                }
                let next = place + raw.len as u64;
                let kind = if has_kinds { Kind::from_entry_code(raw.kind) } else { None };
                if !visit(Entry { ino: raw.ino, kind, name: raw.name, next }) {
                    return Ok(done);
                }
                done = next;
            }
            number += 1;
        }
        Ok(inode.attr.size.max(from))
    }

    /// The inode behind a name. `.` and `..` are names too. Errors: `NotFound`,
    /// `NotDirectory`.
    pub fn lookup(&mut self, directory: Ino, name: &[u8]) -> Result<Ino> {
        let inode = self.directory(directory)?;
        let mut found = None;
        self.visit(&inode, 0, &mut |entry| {
            if entry.name == name {
                found = Some(entry.ino);
            }
            found.is_none()
        })?;
        found.ok_or(Error::NotFound)
    }

    /// Shows entries from `cookie` on (0 is the start, else [`Entry::next`]) until `show`
    /// says false or all are shown; returns where to continue.
    pub fn readdir(
        &mut self,
        directory: Ino,
        cookie: u64,
        show: &mut dyn FnMut(Entry<'_>) -> bool,
    ) -> Result<u64> {
        let inode = self.directory(directory)?;
        self.visit(&inode, cookie, show)
    }
}
