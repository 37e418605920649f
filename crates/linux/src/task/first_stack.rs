//! What a program finds on its stack: arguments, environment and the auxiliary vector (System V
//! ABI, "Process Initialization").

use alloc::vec::Vec;

use super::elf::Elf;
use crate::errno::{Errno, SysResult};
use crate::kernel::Context;
use crate::machine::{Mode, PAGE_SIZE};
use crate::mm::Mm;

/// The auxiliary vector (`getauxval(3)`); what points into the stack is added there.
pub fn auxiliary(cx: &Context, elf: &Elf, base: u64, loader_base: u64) -> Vec<(u64, u64)> {
    let credentials = cx.thread.credentials();
    // CPUID 1, edx: what baseline programs test for.
    const HWCAP: u64 = 0x0780_8b11 | 1 << 8 | 1 << 15;
    alloc::vec![
        (16, HWCAP),
        (6, PAGE_SIZE),
        (17, 100),
        (3, elf.headers_at(base)),
        (4, elf.header_size),
        (5, elf.header_count),
        (7, loader_base),
        (8, 0),
        (9, base.wrapping_add(elf.entry)),
        (11, u64::from(credentials.uid)),
        (12, u64::from(credentials.euid)),
        (13, u64::from(credentials.gid)),
        (14, u64::from(credentials.egid)),
        (23, u64::from(credentials.uid != credentials.euid || credentials.gid != credentials.egid)),
    ]
}

/// Writes it; the stack pointer to begin with.
#[allow(clippy::too_many_arguments)]
pub fn first_stack(
    cx: &mut Context,
    mode: Mode,
    top: u64,
    size: u64,
    path: &[u8],
    argv: &[Vec<u8>],
    envp: &[Vec<u8>],
    mut auxv: Vec<(u64, u64)>,
) -> SysResult<u64> {
    let word = if mode == Mode::Amd64 { 8 } else { 4 };
    let mut random = [0; 16];
    cx.kernel.host.random(&mut random);
    let platform: &[u8] = if mode == Mode::Amd64 { b"x86_64" } else { b"i686" };
    let strings: usize = argv.iter().chain(envp).map(|text| text.len() + 1).sum();
    if (strings + (argv.len() + envp.len()) * word + 4096) as u64 > size / 4 * 3 {
        return Err(Errno::E2BIG);
    }
    let mm = cx.mm();
    let mut mm = mm.borrow_mut();
    let mut at = top - word as u64;
    let mut put = |mm: &mut Mm, text: &[u8], zero: bool| -> SysResult<u64> {
        at -= (text.len() + usize::from(zero)) as u64;
        mm.machine.poke(at, text).map_err(|_| Errno::EFAULT)?;
        Ok(at)
    };
    let file_name = put(&mut mm, path, true)?;
    let mut env_at = Vec::new();
    let env_end = file_name;
    for text in envp.iter().rev() {
        env_at.push(put(&mut mm, text, true)?);
    }
    let env_start = env_at.last().copied().unwrap_or(env_end);
    let mut arg_at = Vec::new();
    for text in argv.iter().rev() {
        arg_at.push(put(&mut mm, text, true)?);
    }
    let arg_start = arg_at.last().copied().unwrap_or(env_start);
    auxv.push((15, put(&mut mm, platform, true)?));
    auxv.push((25, put(&mut mm, &random, false)?));
    auxv.push((31, file_name));
    auxv.push((0, 0));
    let words = 1 + argv.len() + 1 + envp.len() + 1 + auxv.len() * 2;
    let strings_end = put(&mut mm, &[], false)?;
    let sp = (strings_end - (words * word) as u64) & !15;
    let mut image = Vec::new();
    let mut push = |value: u64| image.extend_from_slice(&value.to_le_bytes()[..word]);
    push(argv.len() as u64);
    arg_at.iter().rev().for_each(|&at| push(at));
    push(0);
    env_at.iter().rev().for_each(|&at| push(at));
    push(0);
    auxv.iter().for_each(|&(kind, value)| {
        push(kind);
        push(value);
    });
    mm.machine.poke(sp, &image).map_err(|_| Errno::EFAULT)?;
    mm.auxv = image[image.len() - auxv.len() * 2 * word..].to_vec();
    mm.arguments = arg_start..env_start;
    mm.environment = env_start..env_end;
    Ok(sp)
}
