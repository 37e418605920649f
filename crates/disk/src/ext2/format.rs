//! Makes an empty file system, as `mke2fs -t ext2` lays it out, but for room to grow in place
//! (`resize_inode`): who needs a larger image copies it into one.
//!
//! Everything follows from the parameters and the device's size: nothing is random, and no
//! clock is read, so the same input gives the same bytes.
//! Source: the on-disk structures as e2fsprogs' `ext2_fs.h` numbers them.

use super::bytes::{put16, put32};
use super::layout::{
    self, DESCRIPTOR, Group, MAGIC, RO_LARGE_FILE, STATE_CLEAN, SUPERBLOCK, SUPERBLOCK_LEN, Super,
};
use super::{Create, Ext2, Options, ROOT, Timestamp};
use crate::{Device, Error, Result};
use ::alloc::vec;
use ::alloc::vec::Vec;

/// Images from this size on have blocks of 4 KiB and fewer inodes, as those of `mke2fs`.
const LARGE: u64 = 512 << 20;
const INODE_SIZE: u32 = 256;
const FIRST_INODE: u32 = 11;
/// Parts in which what was on the device before is looked at.
const PART: u64 = 1 << 16;

/// What a new file system shall be.
#[derive(Clone, Copy, Debug, Default)]
pub struct Format {
    /// What tells it from others.
    pub uuid: [u8; 16],
    /// Its name, padded with zeros.
    pub label: [u8; 16],
    /// When it was made.
    pub now: Timestamp,
    /// At least this many inodes; else one for each 16 KiB, or 4 KiB below 512 MiB.
    pub inodes: Option<u32>,
}

impl Format {
    /// How many inodes a file system of this size has unless [`Format::inodes`] says more.
    pub fn usual_inodes(bytes: u64) -> u32 {
        let ratio = if bytes < LARGE { 4096 } else { 16384 };
        u32::try_from(bytes / ratio).unwrap_or(u32::MAX)
    }
}

/// Makes a file system over the whole device; whatever was on it is lost. Errors: `NoSpace`
/// for a device that is too small, `FileTooLarge` for one that is too large, those of the device;
/// after `NotReady` the same call is made again.
pub fn format<D: Device>(mut device: D, format: &Format) -> Result<D> {
    let raw = superblock(device.size(), format)?;
    let mut sb = Super::read(&raw, device.size(), false)?;
    let groups: Vec<Group> = (0..sb.groups()).map(|number| group(&sb, number)).collect();
    sb.free_blocks = groups.iter().map(|group| u32::from(group.free_blocks)).sum();
    sb.free_inodes = groups.iter().map(|group| u32::from(group.free_inodes)).sum();
    let size = sb.block_size as u64;

    // The old superblock goes first, so that an interrupted call leaves no file system.
    clear(&mut device, 0, u64::from(sb.first_block + 1) * size)?;
    let mut descriptors = vec![0; sb.descriptor_blocks() as usize * sb.block_size];
    for (number, group) in groups.iter().enumerate() {
        group.write(&mut descriptors[number * DESCRIPTOR..]);
    }
    for (number, group) in (0..).zip(&groups) {
        let start = u64::from(sb.group_start(number)) * size;
        if sb.has_super(number) {
            device.write_at(start + size, &descriptors)?;
        }
        let mut bitmap = vec![0; sb.block_size];
        let used = sb.group_len(number) - u32::from(group.free_blocks);
        set(&mut bitmap, 0..used);
        set(&mut bitmap, sb.group_len(number)..sb.block_size as u32 * 8);
        device.write_at(u64::from(group.block_bitmap) * size, &bitmap)?;
        bitmap.fill(0);
        set(&mut bitmap, 0..sb.inodes_per_group - u32::from(group.free_inodes));
        set(&mut bitmap, sb.inodes_per_group..sb.block_size as u32 * 8);
        device.write_at(u64::from(group.inode_bitmap) * size, &bitmap)?;
        clear(
            &mut device,
            u64::from(group.inode_table) * size,
            u64::from(sb.table_blocks()) * size,
        )?;
    }
    write_root(&mut device, &sb, &groups[0], format.now)?;
    for number in (0..sb.groups()).rev().filter(|&number| sb.has_super(number)) {
        let mut copy = raw;
        sb.write(&mut copy);
        put16(&mut copy, 90, number as u16);
        let at = if number == 0 { SUPERBLOCK } else { u64::from(sb.group_start(number)) * size };
        device.write_at(at, &copy)?;
    }
    device.flush()?;

    let mut fs = Ext2::mount(device, Options::default()).map_err(|failed| failed.error)?;
    fs.set_now(format.now);
    let what = Create { mode: 0o040700, uid: 0, gid: 0, rdev: 0 };
    fs.create(ROOT, b"lost+found", &what)?;
    fs.unmount().map_err(|failed| failed.0)
}

/// The superblock, but for the counters of what is free.
fn superblock(bytes: u64, format: &Format) -> Result<[u8; SUPERBLOCK_LEN]> {
    let shift = if bytes < LARGE { 0 } else { 2 };
    let size = 1024_u64 << shift;
    let first = u64::from(shift == 0);
    let mut blocks = bytes / size;
    if blocks > u64::from(u32::MAX) {
        return Err(Error::FileTooLarge);
    }
    let per_group = size * 8;
    let wanted = format.inodes.unwrap_or_else(|| Format::usual_inodes(bytes)).max(FIRST_INODE + 5);
    let wanted = u64::from(wanted);
    let in_block = size / u64::from(INODE_SIZE);
    loop {
        let groups = blocks.saturating_sub(first).div_ceil(per_group).max(1);
        // Whole blocks of inodes, and whole bytes of their bitmap.
        let inodes = wanted.div_ceil(groups).next_multiple_of(in_block.max(8)).max(16);
        let table = inodes / in_block;
        let overhead = 1 + (groups * DESCRIPTOR as u64).div_ceil(size) + 2 + table;
        if inodes > per_group || overhead + 50 > per_group {
            return Err(Error::Invalid);
        }
        let last = blocks.saturating_sub(first + (groups - 1) * per_group);
        // A last group that hardly has room for its tables is left out.
        if last < overhead + 50 {
            if groups == 1 {
                return Err(Error::NoSpace);
            }
            blocks = first + (groups - 1) * per_group;
            continue;
        }
        let mut raw = [0; SUPERBLOCK_LEN];
        let time = format.now.seconds.clamp(0, u32::MAX.into()) as u32;
        put32(&mut raw, 0, u32::try_from(inodes * groups).map_err(|_| Error::Invalid)?);
        put32(&mut raw, 4, blocks as u32);
        put32(&mut raw, 8, (blocks / 20) as u32);
        put32(&mut raw, 20, first as u32);
        put32(&mut raw, 24, shift);
        put32(&mut raw, 28, shift);
        put32(&mut raw, 32, per_group as u32);
        put32(&mut raw, 36, per_group as u32);
        put32(&mut raw, 40, inodes as u32);
        put32(&mut raw, 48, time);
        put16(&mut raw, 54, u16::MAX); // never checked because of the number of mounts
        put16(&mut raw, 56, MAGIC);
        put16(&mut raw, 58, STATE_CLEAN);
        put16(&mut raw, 60, 1); // after errors: continue
        put32(&mut raw, 64, time);
        put32(&mut raw, 76, 1); // revision
        put32(&mut raw, 84, FIRST_INODE);
        put16(&mut raw, 88, INODE_SIZE as u16);
        put32(&mut raw, 92, 0x28); // ext_attr, dir_index
        put32(&mut raw, 96, layout::INCOMPAT_FILETYPE);
        put32(&mut raw, 100, layout::RO_SPARSE_SUPER | RO_LARGE_FILE);
        raw[104..120].copy_from_slice(&format.uuid);
        raw[120..136].copy_from_slice(&format.label);
        raw[236..252].copy_from_slice(&format.uuid); // seed of names' hashes
        raw[252] = 1; // half MD4
        put32(&mut raw, 256, 0xc); // mounted with user_xattr, acl
        put32(&mut raw, 264, time);
        put16(&mut raw, 348, 32);
        put16(&mut raw, 350, 32);
        put32(&mut raw, 352, 1); // characters are signed in hashes
        return Ok(raw);
    }
}

/// Where a group has its tables, and what is free in it.
fn group(sb: &Super, number: u32) -> Group {
    let first = sb.group_start(number) + sb.overhead(number);
    // The root has a block and, among the reserved ones, an inode.
    let (blocks, inodes) = if number == 0 { (1, FIRST_INODE - 1) } else { (0, 0) };
    let used = sb.overhead(number) + 2 + sb.table_blocks() + blocks;
    Group {
        block_bitmap: first,
        inode_bitmap: first + 1,
        inode_table: first + 2,
        free_blocks: (sb.group_len(number) - used) as u16,
        free_inodes: (sb.inodes_per_group - inodes) as u16,
        directories: u16::from(number == 0),
    }
}

/// The root directory: its inode, and its block behind the tables of the first group.
fn write_root<D: Device>(device: &mut D, sb: &Super, group: &Group, now: Timestamp) -> Result<()> {
    let block = group.inode_table + sb.table_blocks();
    let mut bytes = vec![0; sb.block_size];
    for (at, len, name) in [(0, 12, &b"."[..]), (12, sb.block_size - 12, &b".."[..])] {
        put32(&mut bytes, at, ROOT);
        put16(&mut bytes, at + 4, len as u16);
        bytes[at + 6] = name.len() as u8;
        bytes[at + 7] = 2; // a directory
        bytes[at + 8..at + 8 + name.len()].copy_from_slice(name);
    }
    device.write_at(u64::from(block) * sb.block_size as u64, &bytes)?;

    let mut inode = [0; INODE_SIZE as usize];
    put16(&mut inode, 0, 0o040755);
    put32(&mut inode, 4, sb.block_size as u32);
    // Access, change, modification, and in the larger part, creation.
    let seconds = now.seconds.clamp(0, i32::MAX.into()) as u32;
    for at in [8, 12, 16, 144] {
        put32(&mut inode, at, seconds);
    }
    put16(&mut inode, 26, 2);
    put32(&mut inode, 28, sb.block_size as u32 / 512);
    put32(&mut inode, 40, block);
    put16(&mut inode, 128, 32);
    let place = u64::from(ROOT - 1) * u64::from(INODE_SIZE);
    device.write_at(u64::from(group.inode_table) * sb.block_size as u64 + place, &inode)
}

fn set(bitmap: &mut [u8], bits: core::ops::Range<u32>) {
    for bit in bits {
        bitmap[bit as usize / 8] |= 1 << (bit % 8);
    }
}

/// Makes a range zero. What is zero already is not written: a file of the host keeps its holes.
fn clear<D: Device>(device: &mut D, offset: u64, length: u64) -> Result<()> {
    let mut part = vec![0; PART as usize];
    let mut at = 0;
    while at < length {
        let part = &mut part[..PART.min(length - at) as usize];
        device.read_at(offset + at, part)?;
        if part.iter().any(|&byte| byte != 0) {
            part.fill(0);
            device.write_at(offset + at, part)?;
        }
        at += part.len() as u64;
    }
    Ok(())
}
