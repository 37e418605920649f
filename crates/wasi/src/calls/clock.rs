//! Reading clocks.

use crate::clocks::ClockId;
use crate::{Errno, GuestMemory, WasiCtx};

pub(crate) fn clock_res_get(
    ctx: &mut WasiCtx,
    mem: &mut GuestMemory<'_>,
    id: u32,
    resolution: u32,
) -> Result<(), Errno> {
    let id = ClockId::from_raw(id)?;
    let value = ctx.clocks.resolution(id).ok_or(Errno::NotSup)?;
    mem.write_u64(resolution, value)
}

pub(crate) fn clock_time_get(
    ctx: &mut WasiCtx,
    mem: &mut GuestMemory<'_>,
    id: u32,
    _precision: u64,
    time: u32,
) -> Result<(), Errno> {
    let id = ClockId::from_raw(id)?;
    let value = ctx.clocks.now(id).ok_or(Errno::NotSup)?;
    mem.write_u64(time, value)
}
