//! Directories: entries one after the other in blocks. Hash trees (`dir_index`) lie in what
//! looks like unused room, so reading in order finds everything without them.

use super::bytes::{get16, get32, put16, put32};
use super::cache::Role;
use super::index::SEVERAL;
use super::inode::Inode;
use super::{Entry, Ext2, Ino, Kind};
use crate::{Device, Error, Result};

/// An entry in a block; unused if `ino` is 0.
pub(super) struct Raw<'a> {
    pub ino: Ino,
    pub len: usize,
    pub kind: u8,
    pub name: &'a [u8],
}

/// The entry at an offset of a block, if there is a sound one.
pub(super) fn entry(block: &[u8], at: usize) -> Option<Raw<'_>> {
    let rest = &block[at..];
    if rest.len() < 8 {
        return None;
    }
    let (len, name_len) = (usize::from(get16(rest, 4)), usize::from(rest[6]));
    let sound = len >= 8 && len % 4 == 0 && len <= rest.len() && 8 + name_len <= len;
    sound.then(|| Raw { ino: get32(rest, 0), len, kind: rest[7], name: &rest[8..8 + name_len] })
}

/// Calls `visit` for the entries of a block, unused ones too; whether all are sound.
pub(super) fn visit_block(block: &[u8], visit: &mut dyn FnMut(&Raw<'_>)) -> bool {
    let mut at = 0;
    while at < block.len() {
        let Some(raw) = entry(block, at) else { return false };
        visit(&raw);
        at += raw.len;
    }
    true
}

/// A hash of a name (FNV-1a).
pub(super) fn hash(name: &[u8]) -> u64 {
    name.iter().fold(0xcbf2_9ce4_8422_2325, |hash: u64, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    })
}

/// What an entry with a name of this length takes.
fn needed(name_len: usize) -> usize {
    (8 + name_len).next_multiple_of(4)
}

/// What an entry could give to another.
fn slack(raw: &Raw<'_>) -> usize {
    if raw.ino == 0 { raw.len } else { raw.len.saturating_sub(needed(raw.name.len())) }
}

/// The largest entry that fits into a block.
pub(super) fn room(block: &[u8]) -> u16 {
    let mut most = 0;
    visit_block(block, &mut |raw| most = most.max(slack(raw)));
    most as u16
}

/// Fills the place of an entry.
fn fill(block: &mut [u8], at: usize, len: usize, name: &[u8], ino: Ino, code: u8) {
    put32(block, at, ino);
    put16(block, at + 4, len as u16);
    block[at + 6] = name.len() as u8;
    block[at + 7] = code;
    block[at + 8..at + 8 + name.len()].copy_from_slice(name);
}

/// Where a name is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    /// The inode that it names.
    pub ino: Ino,
    /// The block, and its number in the directory.
    pub block: u32,
    number: u64,
    /// Offsets of the entry, and of the one before it.
    at: usize,
    before: Option<usize>,
}

impl<D: Device> Ext2<D> {
    /// A directory, whose size is one that it can have.
    pub(super) fn directory(&mut self, ino: Ino) -> Result<Inode> {
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

    /// The place of a directory's block, of which there are no holes.
    pub(super) fn directory_block(&mut self, inode: &Inode, number: u64) -> Result<u32> {
        match self.run(inode, number, 1)? {
            (0, _) => {
                let at = inode.attr.ino.into();
                Err(Error::Corrupt { what: "entries of directory", at })
            }
            (block, _) => Ok(block),
        }
    }

    /// Looks for a name.
    pub(super) fn find(&mut self, inode: &Inode, name: &[u8]) -> Result<Option<Found>> {
        self.make_index(inode)?;
        let blocks = inode.attr.size / self.sb.block_size as u64;
        let place = self.indexes.get(inode.attr.ino).map(|index| index.names.get(&hash(name)));
        let numbers = match place {
            Some(None) => return Ok(None),
            Some(Some(&number)) if number != SEVERAL => {
                u64::from(number)..(u64::from(number) + 1).min(blocks)
            }
            _ => 0..blocks,
        };
        for number in numbers {
            let block = self.directory_block(inode, number)?;
            let bytes = self.cache.get(block)?;
            let (mut at, mut before) = (0, None);
            while at < bytes.len() {
                let raw = entry(bytes, at).ok_or(Error::Corrupt {
                    what: "entries of directory",
                    at: inode.attr.ino.into(),
                })?;
                if raw.ino != 0 && raw.name == name {
                    return Ok(Some(Found { ino: raw.ino, block, number, at, before }));
                }
                before = Some(at);
                at += raw.len;
            }
        }
        Ok(None)
    }

    /// The inode behind a name. `.` and `..` are names too. Errors: `NotFound`,
    /// `NotDirectory`.
    pub fn lookup(&mut self, directory: Ino, name: &[u8]) -> Result<Ino> {
        let inode = self.directory(directory)?;
        match self.find(&inode, name)? {
            Some(found) if found.ino <= self.sb.inodes => Ok(found.ino),
            Some(_) => Err(Error::Corrupt { what: "entries of directory", at: directory.into() }),
            None => Err(Error::NotFound),
        }
    }

    /// Adds a name, which is not there; the block that has it now. The caller writes the
    /// directory's inode.
    pub(super) fn insert(
        &mut self,
        directory: &mut Inode,
        name: &[u8],
        ino: Ino,
        kind: Kind,
    ) -> Result<u32> {
        self.make_index(directory)?;
        let code = if self.sb.has_kinds() { kind.entry_code() } else { 0 };
        let need = needed(name.len());
        let size = self.sb.block_size;
        let blocks = directory.attr.size / size as u64;
        let indexed = self.indexes.get(directory.attr.ino);
        let number = match indexed {
            Some(index) => {
                index.room.iter().position(|&room| usize::from(room) >= need).map(|n| n as u64)
            }
            None => {
                let mut fits = None;
                for number in 0..blocks {
                    let block = self.directory_block(directory, number)?;
                    if usize::from(room(self.cache.get(block)?)) >= need {
                        fits = Some(number);
                        break;
                    }
                }
                fits
            }
        };
        let (block, number) = match number {
            Some(number) => {
                let block = self.directory_block(directory, number)?;
                self.place(block, name, ino, code)?;
                (block, number)
            }
            None => {
                let goal = self.goal(directory, blocks)?;
                let (block, _) = self.map(directory, blocks, goal)?;
                fill(self.cache.fresh(block, Role::Data), 0, size, name, ino, code);
                directory.attr.size += size as u64;
                (block, blocks)
            }
        };
        let left = room(self.cache.get(block)?);
        if let Some(index) = self.indexes.get(directory.attr.ino) {
            index.add(name, number as u32);
            match index.room.get_mut(number as usize) {
                Some(room) => *room = left,
                None => index.room.push(left),
            }
        }
        Ok(block)
    }

    /// Puts an entry where it fits into a block.
    fn place(&mut self, block: u32, name: &[u8], ino: Ino, code: u8) -> Result<()> {
        let need = needed(name.len());
        let bytes = self.cache.modify(block, Role::Directory)?;
        let mut at = 0;
        while let Some(raw) = entry(bytes, at) {
            let len = raw.len;
            if slack(&raw) >= need {
                let taken = if raw.ino == 0 { 0 } else { needed(raw.name.len()) };
                if taken != 0 {
                    put16(bytes, at + 4, taken as u16);
                }
                fill(bytes, at + taken, len - taken, name, ino, code);
                return Ok(());
            }
            at += len;
            if at >= bytes.len() {
                break;
            }
        }
        Err(Error::Corrupt { what: "directory, block", at: block.into() })
    }

    /// Takes a name away. The caller writes the directory's inode.
    pub(super) fn remove(&mut self, directory: Ino, found: Found, name: &[u8]) -> Result<()> {
        let bytes = self.cache.modify(found.block, Role::Directory)?;
        let len = get16(bytes, found.at + 4);
        match found.before {
            Some(before) => {
                let longer = get16(bytes, before + 4) + len;
                put16(bytes, before + 4, longer);
            }
            None => put32(bytes, found.at, 0),
        }
        if let Some(index) = self.indexes.get(directory) {
            index.remove(name, bytes);
            if let Some(place) = index.room.get_mut(found.number as usize) {
                *place = room(bytes);
            }
        }
        Ok(())
    }

    /// Lets a name lead to another inode.
    pub(super) fn redirect(&mut self, found: Found, ino: Ino, kind: Kind) -> Result<()> {
        let code = if self.sb.has_kinds() { kind.entry_code() } else { 0 };
        let bytes = self.cache.modify(found.block, Role::Directory)?;
        put32(bytes, found.at, ino);
        bytes[found.at + 7] = code;
        Ok(())
    }

    /// Gives a new directory its first block.
    pub(super) fn begin_directory(&mut self, inode: &mut Inode, parent: Ino) -> Result<()> {
        let code = if self.sb.has_kinds() { Kind::Directory.entry_code() } else { 0 };
        let goal = self.goal(inode, 0)?;
        let (block, _) = self.map(inode, 0, goal)?;
        let size = self.sb.block_size;
        let bytes = self.cache.fresh(block, Role::Data);
        fill(bytes, 0, 12, b".", inode.attr.ino, code);
        fill(bytes, 12, size - 12, b"..", parent, code);
        inode.attr.size = size as u64;
        Ok(())
    }

    /// Whether a directory has only `.` and `..`.
    pub(super) fn is_empty(&mut self, inode: &Inode) -> Result<bool> {
        let mut empty = true;
        self.visit(inode, 0, &mut |entry| {
            empty = matches!(entry.name, b"." | b"..");
            empty
        })?;
        Ok(empty)
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
