//! Extended attributes: as many as fit in what an inode's slot has left, the others in a block,
//! which inodes may share.
//!
//! A change writes all attributes anew, those of the block into another block: so one write,
//! that of the inode, makes it, and who shares the old block keeps it.
//! Source: the structures as e2fsprogs' `ext2_ext_attr.h` has them.

use super::bytes::{get16, get32, put16, put32};
use super::cache::Role;
use super::inode::Inode;
use super::{Ext2, Ino};
use crate::{Device, Error, Result};
use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;

/// What a block, and the attributes in an inode, begin with.
pub(super) const MAGIC: u32 = 0xea02_0000;
/// Where a block has its first entry.
pub(super) const HEADER: usize = 32;
/// An entry without its name.
const ENTRY: usize = 16;
/// Zeros that end the list.
const END: usize = 4;
/// The feature, which a first attribute switches on.
const COMPAT_EXT_ATTR: u32 = 0x8;
/// Name spaces. Access control lists are another format on the disk, and nothing honours them.
const SPACES: [(u8, &[u8]); 3] = [(1, b"user."), (4, b"trusted."), (6, b"security.")];

/// An attribute as the image has it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Attribute {
    /// The number of its name space: 1 is `user.`, 6 is `security.`.
    pub space: u8,
    /// The rest of the name.
    pub name: Vec<u8>,
    /// The value.
    pub value: Vec<u8>,
}

/// Whether an attribute that is set must be there before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttributeMode {
    /// It may.
    Any,
    /// It must not (`XATTR_CREATE`).
    Create,
    /// It must (`XATTR_REPLACE`).
    Replace,
}

/// An entry of a list.
pub(super) struct Entry<'a> {
    pub space: u8,
    pub name: &'a [u8],
    pub value: &'a [u8],
    pub hash: u32,
}

impl Entry<'_> {
    /// Whether its hash, if there is one, is that of name and value. Names were taken for bytes
    /// with a sign or without, as the processor had them.
    pub fn has_sound_hash(&self) -> bool {
        let signed = hash(self.name, self.value, true);
        self.hash == 0 || self.hash == signed || self.hash == hash(self.name, self.value, false)
    }
}

/// The entries from `first` on; values are at places that count from `base`. None if they
/// contradict themselves.
pub(super) fn parse(bytes: &[u8], first: usize, base: usize) -> Option<Vec<Entry<'_>>> {
    let mut list = Vec::new();
    let mut values: Vec<Range<usize>> = Vec::new();
    let mut at = first;
    while get32(bytes.get(at..at + END)?, 0) != 0 {
        let head = bytes.get(at..at + ENTRY)?;
        let name_len = usize::from(head[0]);
        let (offset, size) = (usize::from(get16(head, 2)), get32(head, 8) as usize);
        let name = bytes.get(at + ENTRY..at + ENTRY + name_len)?;
        let value = if size == 0 {
            &[]
        } else {
            // Values in files of their own are a feature that is refused.
            if get32(head, 4) != 0 || offset % 4 != 0 {
                return None;
            }
            let start = base + offset;
            let end = start.checked_add(size)?.checked_next_multiple_of(4)?;
            bytes.get(start..end)?;
            values.push(start..end);
            &bytes[start..start + size]
        };
        list.push(Entry { space: head[1], name, value, hash: get32(head, 12) });
        at += (ENTRY + name_len).next_multiple_of(4);
    }
    values.sort_unstable_by_key(|range| range.start);
    let mut free = at + END;
    for range in values {
        if range.start < free {
            return None;
        }
        free = range.end;
    }
    Some(list)
}

/// What an attribute takes.
fn size(attribute: &Attribute) -> usize {
    (ENTRY + attribute.name.len()).next_multiple_of(4) + attribute.value.len().next_multiple_of(4)
}

/// Writes entries from `first` on, and their values at the end; there is room.
fn encode<'a>(
    bytes: &mut [u8],
    first: usize,
    base: usize,
    list: impl Iterator<Item = &'a Attribute>,
) {
    let (mut at, mut end) = (first, bytes.len());
    for attribute in list {
        let (name, value) = (&attribute.name[..], &attribute.value[..]);
        end -= value.len().next_multiple_of(4);
        bytes[end..end + value.len()].copy_from_slice(value);
        bytes[at] = name.len() as u8;
        bytes[at + 1] = attribute.space;
        put16(bytes, at + 2, if value.is_empty() { 0 } else { (end - base) as u16 });
        put32(bytes, at + 8, value.len() as u32);
        put32(bytes, at + 12, hash(name, value, true));
        bytes[at + ENTRY..at + ENTRY + name.len()].copy_from_slice(name);
        at += (ENTRY + name.len()).next_multiple_of(4);
    }
}

fn hash(name: &[u8], value: &[u8], signed: bool) -> u32 {
    let mut hash = 0_u32;
    for &byte in name {
        let byte = if signed { byte as i8 as u32 } else { byte.into() };
        hash = hash.rotate_left(5) ^ byte;
    }
    for word in value.chunks(4) {
        let mut bytes = [0; 4];
        bytes[..word.len()].copy_from_slice(word);
        hash = hash.rotate_left(16) ^ u32::from_le_bytes(bytes);
    }
    hash
}

/// The hash of a block's entries, by which equal ones are found; 0 if one has none.
fn block_hash(bytes: &[u8]) -> u32 {
    let entries = parse(bytes, HEADER, 0).unwrap_or_default();
    if entries.iter().any(|entry| entry.hash == 0) {
        return 0;
    }
    entries.iter().fold(0, |hash: u32, entry| hash.rotate_left(16) ^ entry.hash)
}

/// The part of an inode's slot that is for attributes, if there is room for any.
pub(super) fn body(raw: &[u8]) -> Option<Range<usize>> {
    if raw.len() <= 128 {
        return None;
    }
    let extra = usize::from(get16(raw, 128));
    let start = 128 + extra;
    let sound = extra >= 4 && extra % 4 == 0 && start + 4 + END + ENTRY <= raw.len();
    sound.then_some(start..raw.len())
}

/// Name space and rest of a name.
fn split(name: &[u8]) -> Result<(u8, &[u8])> {
    let found =
        SPACES.iter().find_map(|&(space, prefix)| Some((space, name.strip_prefix(prefix)?)));
    match found {
        Some((_, b"")) => Err(Error::Invalid),
        Some((_, rest)) if rest.len() > 255 || rest.contains(&0) => Err(Error::Invalid),
        Some(found) => Ok(found),
        None => Err(Error::NotSupported),
    }
}

impl<D: Device> Ext2<D> {
    /// The value of an attribute, by its whole name, such as `user.mime_type`. Errors:
    /// `NoAttribute`, `NotSupported` for another name space than `user`, `trusted` and
    /// `security`.
    pub fn get_attribute(&mut self, ino: Ino, name: &[u8]) -> Result<Vec<u8>> {
        let (space, name) = split(name)?;
        let list = self.attributes(ino)?;
        let found = list.into_iter().find(|entry| entry.space == space && entry.name == name);
        found.map(|entry| entry.value).ok_or(Error::NoAttribute)
    }

    /// Names of attributes, whole ones. Those of other name spaces are left out.
    pub fn attribute_names(&mut self, ino: Ino) -> Result<Vec<Vec<u8>>> {
        let whole = |attribute: Attribute| {
            let row = SPACES.iter().find(|row| row.0 == attribute.space)?;
            Some([row.1, &attribute.name].concat())
        };
        Ok(self.attributes(ino)?.into_iter().filter_map(whole).collect())
    }

    /// Sets an attribute, or takes it away if there is no value. Errors: `NoAttribute`,
    /// `Exists`, `NoSpace` also if an inode's attributes together become too large.
    pub fn set_attribute(
        &mut self,
        ino: Ino,
        name: &[u8],
        value: Option<&[u8]>,
        mode: AttributeMode,
    ) -> Result<()> {
        let (space, name) = split(name)?;
        self.operation(|fs| {
            let mut list = fs.attributes(ino)?;
            let at = list.iter().position(|entry| entry.space == space && entry.name == name);
            match (at, mode) {
                (Some(_), AttributeMode::Create) => return Err(Error::Exists),
                (None, AttributeMode::Replace) => return Err(Error::NoAttribute),
                (None, _) if value.is_none() => return Err(Error::NoAttribute),
                _ => {}
            }
            if let Some(at) = at {
                list.remove(at);
            }
            if let Some(value) = value {
                list.push(Attribute { space, name: name.into(), value: value.into() });
            }
            fs.write_attributes(ino, list)
        })
    }

    /// Gives an inode these attributes instead of those that it had, whatever name spaces they
    /// are in. Errors: as of [`Ext2::set_attribute`].
    pub fn set_attributes(&mut self, ino: Ino, list: &[Attribute]) -> Result<()> {
        self.operation(|fs| fs.write_attributes(ino, list.to_vec()))
    }

    /// All attributes of an inode.
    pub fn attributes(&mut self, ino: Ino) -> Result<Vec<Attribute>> {
        let inode = self.inode(ino)?;
        let damaged = Error::Corrupt { what: "attributes of inode", at: ino.into() };
        let own = |entries: Vec<Entry<'_>>| -> Vec<Attribute> {
            let own = |entry: Entry<'_>| Attribute {
                space: entry.space,
                name: entry.name.into(),
                value: entry.value.into(),
            };
            entries.into_iter().map(own).collect()
        };
        let mut list = Vec::new();
        let (block, at) = self.inode_place(ino);
        let size = self.sb.inode_size;
        let raw = &self.cache.get(block)?[at..at + size];
        if let Some(range) = body(raw)
            && get32(raw, range.start) == MAGIC
        {
            list = own(parse(&raw[range], 4, 4).ok_or(damaged)?);
        }
        if inode.xattr_block != 0 {
            self.check(&inode, inode.xattr_block)?;
            let bytes = self.cache.get(inode.xattr_block)?;
            if get32(bytes, 0) != MAGIC || get32(bytes, 8) != 1 {
                return Err(damaged);
            }
            list.extend(own(parse(bytes, HEADER, 0).ok_or(damaged)?));
        }
        Ok(list)
    }

    fn write_attributes(&mut self, ino: Ino, mut list: Vec<Attribute>) -> Result<()> {
        let mut inode = self.inode(ino)?;
        if self.sb.revision == 0 {
            return Err(Error::NotSupported);
        }
        // The order in which a search expects them.
        list.sort_by(|a, b| {
            (a.space, a.name.len(), &a.name).cmp(&(b.space, b.name.len(), &b.name))
        });
        let (block, at) = self.inode_place(ino);
        let inode_size = self.sb.inode_size;
        let range = body(&self.cache.get(block)?[at..at + inode_size]);
        let mut room = range.as_ref().map_or(0, |range| range.len() - 4 - END);
        let (mut inside, mut outside) = (Vec::new(), Vec::new());
        for attribute in &list {
            if size(attribute) <= room {
                room -= size(attribute);
                inside.push(attribute);
            } else {
                outside.push(attribute);
            }
        }
        let needed: usize = outside.iter().map(|attribute| size(attribute)).sum();
        if needed > self.sb.block_size - HEADER - END {
            return Err(Error::NoSpace);
        }
        if let Some(range) = range {
            let raw = &mut self.cache.modify(block, Role::Inodes)?[at..at + inode_size];
            let raw = &mut raw[range];
            raw.fill(0);
            if !inside.is_empty() {
                put32(raw, 0, MAGIC);
                encode(raw, 4, 4, inside.into_iter());
            }
        }
        self.drop_attributes(&mut inode)?;
        if !outside.is_empty() {
            let goal = self.sb.group_start(self.sb.group_of_inode(ino));
            let block = self.allocate_block(goal)?;
            let mut bytes = vec![0; self.sb.block_size];
            put32(&mut bytes, 0, MAGIC);
            put32(&mut bytes, 4, 1);
            put32(&mut bytes, 8, 1);
            encode(&mut bytes, HEADER, 0, outside.into_iter());
            let hash = block_hash(&bytes);
            put32(&mut bytes, 12, hash);
            self.cache.replace(block, Role::Data, bytes.into());
            inode.xattr_block = block;
            inode.attr.blocks += self.sb.block_size as u64 / 512;
        }
        if !list.is_empty() {
            self.sb.compat |= COMPAT_EXT_ATTR;
        }
        inode.attr.ctime = self.now;
        self.write_inode(&inode)
    }

    /// Lets go of the block of attributes, if there is one. Who shares it keeps it, and it is
    /// counted down after the next sync: until then the inode on the device has it.
    pub(super) fn drop_attributes(&mut self, inode: &mut Inode) -> Result<()> {
        let block = core::mem::take(&mut inode.xattr_block);
        if block == 0 {
            return Ok(());
        }
        self.check(inode, block)?;
        let sectors = self.sb.block_size as u64 / 512;
        inode.attr.blocks = inode.attr.blocks.saturating_sub(sectors);
        self.pending_attributes.push(block);
        Ok(())
    }

    /// One user less of a block of attributes; whether it was the last. A part of a transaction.
    pub(super) fn count_down(&mut self, block: u32) -> Result<bool> {
        let bytes = self.cache.get(block)?;
        let users = get32(bytes, 4);
        if get32(bytes, 0) != MAGIC || users <= 1 {
            return Ok(true);
        }
        put32(self.cache.modify(block, Role::Bitmap)?, 4, users - 1);
        Ok(false)
    }
}
