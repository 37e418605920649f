//! Randomness.

use crate::{Errno, GuestMemory, WasiCtx};

pub(crate) fn random_get(
    ctx: &mut WasiCtx,
    mem: &mut GuestMemory<'_>,
    buf: u32,
    len: u32,
) -> Result<(), Errno> {
    (ctx.random)(mem.slice_mut(buf, len)?)
}
