//! Randomness.

use crate::{Errno, GuestMemory, WasiCtx};

pub(crate) fn random_get(
    ctx: &mut WasiCtx,
    mem: &mut GuestMemory<'_>,
    buf: u32,
    len: u32,
) -> Result<(), Errno> {
    mem.update(buf, len, |bytes| Ok(((ctx.random)(bytes)?, bytes.len())))
}
