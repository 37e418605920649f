//! Arguments and environment.

use crate::{Errno, GuestMemory, WasiCtx};

type Memory<'a> = GuestMemory<'a>;

pub(crate) fn args_get(
    ctx: &mut WasiCtx,
    mem: &mut Memory<'_>,
    argv: u32,
    argv_buf: u32,
) -> Result<(), Errno> {
    write_strings(&ctx.args, mem, argv, argv_buf)
}

pub(crate) fn args_sizes_get(
    ctx: &mut WasiCtx,
    mem: &mut Memory<'_>,
    argc: u32,
    argv_buf_size: u32,
) -> Result<(), Errno> {
    write_sizes(&ctx.args, mem, argc, argv_buf_size)
}

pub(crate) fn environ_get(
    ctx: &mut WasiCtx,
    mem: &mut Memory<'_>,
    environ: u32,
    environ_buf: u32,
) -> Result<(), Errno> {
    write_strings(&ctx.env, mem, environ, environ_buf)
}

pub(crate) fn environ_sizes_get(
    ctx: &mut WasiCtx,
    mem: &mut Memory<'_>,
    environ_count: u32,
    environ_buf_size: u32,
) -> Result<(), Errno> {
    write_sizes(&ctx.env, mem, environ_count, environ_buf_size)
}

fn write_strings(
    strings: &[Vec<u8>],
    mem: &mut Memory<'_>,
    mut pointer_at: u32,
    mut string_at: u32,
) -> Result<(), Errno> {
    for string in strings {
        mem.write_u32(pointer_at, string_at)?;
        mem.write(string_at, string)?;
        // Both writes were in bounds; only at the very end of a memory of
        // 4 GiB can the next address overflow.
        let end = string_at.checked_add(string.len() as u32);
        let end = end.ok_or(Errno::Fault)?;
        mem.write(end, &[0])?;
        string_at = end.checked_add(1).ok_or(Errno::Fault)?;
        pointer_at = pointer_at.checked_add(4).ok_or(Errno::Fault)?;
    }
    Ok(())
}

fn write_sizes(
    strings: &[Vec<u8>],
    mem: &mut Memory<'_>,
    count_at: u32,
    size_at: u32,
) -> Result<(), Errno> {
    let size: usize = strings.iter().map(|string| string.len() + 1).sum();
    mem.check(size_at, 4)?;
    mem.write_u32(count_at, narrow(strings.len())?)?;
    mem.write_u32(size_at, narrow(size)?)
}

fn narrow(value: usize) -> Result<u32, Errno> {
    u32::try_from(value).map_err(|_| Errno::Overflow)
}
