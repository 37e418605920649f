//! The content of files and symbolic links.

use super::cache::Role;
use super::inode::Inode;
use super::{Ext2, Ino, Kind};
use crate::{Device, Error, Result};
use alloc::vec;
use alloc::vec::Vec;

/// Blocks that are told to the device in advance.
const AHEAD: u64 = 32;
/// Most bytes that one transaction writes.
const WRITE_MAX: usize = 1 << 18;

impl<D: Device> Ext2<D> {
    /// Reads at an offset; 0 at the end of the file, else as much as is at hand, at
    /// least 1.
    pub fn read(&mut self, ino: Ino, offset: u64, buffer: &mut [u8]) -> Result<usize> {
        let inode = self.inode(ino)?;
        match inode.attr.kind {
            Kind::File => {}
            Kind::Directory => return Err(Error::IsDirectory),
            _ => return Err(Error::Invalid),
        }
        let size = self.sb.block_size;
        let wanted = inode.attr.size.saturating_sub(offset).min(buffer.len() as u64) as usize;
        let mut done = 0;
        while done < wanted {
            let at = offset + done as u64;
            let inside = (at % size as u64) as usize;
            let blocks = (inside + wanted - done).div_ceil(size) as u64;
            let result = self.run(&inode, at / size as u64, blocks.max(1) + AHEAD);
            let result = result.and_then(|(first, count)| {
                let len = (count as usize * size - inside).min(wanted - done);
                let part = &mut buffer[done..done + len];
                if first == 0 {
                    part.fill(0);
                    return Ok(len);
                }
                if len < size {
                    // Small reads come again for the rest of the block.
                    let len = len.min(size - inside);
                    let block = self.cache.get(first)?;
                    part[..len].copy_from_slice(&block[inside..inside + len]);
                    return Ok(len);
                }
                let place = u64::from(first) * size as u64;
                self.cache.device.read_at(place + inside as u64, part)?;
                self.patch(first, inside, part);
                if count > blocks {
                    let next = place + blocks * size as u64;
                    self.cache.device.prefetch(next, (count - blocks) * size as u64);
                }
                Ok(len)
            });
            match result {
                Ok(len) => done += len,
                Err(_) if done > 0 => break,
                Err(error) => return Err(error),
            }
        }
        Ok(done)
    }

    /// Puts what waits for a sync over what was read from the device, `inside` bytes after
    /// the beginning of the block `first`.
    fn patch(&self, first: u32, inside: usize, part: &mut [u8]) {
        let size = self.sb.block_size;
        let mut at = 0;
        while at < part.len() {
            let from = (inside + at) % size;
            let len = (size - from).min(part.len() - at);
            if let Some(bytes) = self.cache.changed(first + ((inside + at) / size) as u32) {
                part[at..at + len].copy_from_slice(&bytes[from..from + len]);
            }
            at += len;
        }
    }

    /// Writes at an offset; how many bytes, at least 1 if any are given. A part is written
    /// where the device is late or full on the way.
    pub fn write(&mut self, ino: Ino, offset: u64, bytes: &[u8]) -> Result<usize> {
        let mut limit = bytes.len().min(WRITE_MAX);
        loop {
            let mut done = 0;
            let bytes = &bytes[..limit];
            match self.operation(|fs| fs.write_part(ino, offset, bytes, &mut done)) {
                // What could be written is written alone.
                Err(_) if done > 0 && done < limit => limit = done,
                result => return result.map(|()| done),
            }
        }
    }

    fn write_part(&mut self, ino: Ino, offset: u64, bytes: &[u8], done: &mut usize) -> Result<()> {
        *done = 0;
        let mut inode = self.inode(ino)?;
        match inode.attr.kind {
            Kind::File => {}
            Kind::Directory => return Err(Error::IsDirectory),
            _ => return Err(Error::Invalid),
        }
        let max = self.sb.max_size();
        if bytes.is_empty() {
            return Ok(());
        }
        if offset >= max {
            return Err(Error::FileTooLarge);
        }
        let bytes = &bytes[..(max - offset).min(bytes.len() as u64) as usize];
        let size = self.sb.block_size;
        let mut goal = self.goal(&inode, offset / size as u64)?;
        while *done < bytes.len() {
            let at = offset + *done as u64;
            let inside = (at % size as u64) as usize;
            let part = &bytes[*done..bytes.len().min(*done + size - inside)];
            goal = self.write_block(&mut inode, at / size as u64, inside, part, goal)? + 1;
            *done += part.len();
        }
        let end = offset + *done as u64;
        if end > inode.attr.size {
            self.check_size(end)?;
            inode.attr.size = end;
        }
        (inode.attr.mtime, inode.attr.ctime) = (self.now, self.now);
        self.write_inode(&inode)
    }

    fn write_block(
        &mut self,
        inode: &mut Inode,
        number: u64,
        inside: usize,
        part: &[u8],
        goal: u32,
    ) -> Result<u32> {
        // What must be read is read before a block is taken.
        let (there, _) = self.run(inode, number, 1)?;
        let whole = part.len() == self.sb.block_size;
        if there != 0 && !whole {
            self.cache.get(there)?;
        }
        let (block, is_new) = self.map(inode, number, goal)?;
        if whole {
            self.cache.replace(block, Role::Data, part.into());
        } else {
            let data = match is_new {
                true => self.cache.fresh(block, Role::Data),
                false => self.cache.modify(block, Role::Data)?,
            };
            data[inside..inside + part.len()].copy_from_slice(part);
        }
        Ok(block)
    }

    /// Where a file's block would best be: behind the one before it, else in the group of
    /// the inode.
    pub(super) fn goal(&mut self, inode: &Inode, number: u64) -> Result<u32> {
        if number > 0 {
            let (before, _) = self.run(inode, number - 1, 1)?;
            if before != 0 {
                return Ok(before + 1);
            }
        }
        Ok(self.sb.group_start(self.sb.group_of_inode(inode.attr.ino)))
    }

    /// Where a symbolic link leads. Errors: `Invalid` if it is none.
    pub fn readlink(&mut self, ino: Ino) -> Result<Vec<u8>> {
        let inode = self.inode(ino)?;
        if inode.attr.kind != Kind::Symlink {
            return Err(Error::Invalid);
        }
        let damaged = Error::Corrupt { what: "length of symbolic link", at: ino.into() };
        let len = usize::try_from(inode.attr.size).map_err(|_| damaged)?;
        if inode.is_short_link(self.sb.block_size) {
            // A short one, in place of the pointers.
            return inode.pointers.get(..len).map(<[u8]>::to_vec).ok_or(damaged);
        }
        let (block, _) = self.run(&inode, 0, 1)?;
        if len > self.sb.block_size || block == 0 {
            return Err(damaged);
        }
        let mut text = vec![0; len];
        text.copy_from_slice(&self.cache.get(block)?[..len]);
        Ok(text)
    }
}
