//! Listing directories.

use crate::descriptor::{Descriptor, Entry};
use crate::listing::Listing;
use crate::types::rights;
use crate::{Errno, GuestMemory, WasiCtx};

/// Host memory for all unfinished listings of a guest, enough for about a
/// million names.
const LISTING_BUDGET: usize = 128 << 20;

pub(crate) fn fd_readdir(
    ctx: &mut WasiCtx,
    mem: &mut GuestMemory<'_>,
    fd: u32,
    buf: u32,
    buf_len: u32,
    cookie: u64,
    bufused: u32,
) -> Result<(), Errno> {
    mem.check(bufused, 4)?;
    mem.check(buf, buf_len)?;
    let in_use: usize = ctx.table.iter().map(listing_bytes).sum();
    let entry = ctx.table.get_mut(fd)?;
    entry.directory(rights::FD_READDIR)?;
    let own = listing_bytes(entry);
    let Descriptor::Directory(directory) = &mut entry.descriptor else {
        return Err(Errno::NotDir);
    };

    if cookie == 0 {
        directory.listing = None;
    }
    let listing = match directory.listing.take() {
        Some(listing) => listing,
        None => Listing::read(&directory.dir, LISTING_BUDGET.saturating_sub(in_use - own))?,
    };
    let used = listing.write(mem, buf, buf_len, cookie)?;
    // A guest may ask again from any entry of the last piece, so only asking
    // from behind the last one means that it's done.
    if used > 0 || buf_len == 0 {
        directory.listing = Some(listing);
    }
    mem.write_u32(bufused, used)
}

fn listing_bytes(entry: &Entry) -> usize {
    match &entry.descriptor {
        Descriptor::Directory(directory) => directory.listing.as_ref().map_or(0, Listing::bytes),
        _ => 0,
    }
}
