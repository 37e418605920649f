//! The content of files and symbolic links.

use super::{Ext2, Ino, Kind};
use crate::{Device, Error, Result};
use alloc::vec;
use alloc::vec::Vec;

/// Blocks that are told to the device in advance.
const AHEAD: u64 = 32;

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

    /// Where a symbolic link leads. Errors: `Invalid` if it is none.
    pub fn readlink(&mut self, ino: Ino) -> Result<Vec<u8>> {
        let inode = self.inode(ino)?;
        if inode.attr.kind != Kind::Symlink {
            return Err(Error::Invalid);
        }
        let damaged = Error::Corrupt { what: "length of symbolic link", at: ino.into() };
        let len = usize::try_from(inode.attr.size).map_err(|_| damaged)?;
        let xattr = if inode.xattr_block != 0 { self.sb.block_size as u64 / 512 } else { 0 };
        if inode.attr.blocks <= xattr {
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
