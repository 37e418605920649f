//! Calls about the whole system: `uname(2)`, `sysinfo(2)`, `getrandom(2)`.

use crate::errno::{Errno, SysResult};
use crate::kernel::Context;
use crate::syscall::{Abi, Args};

/// The release of Linux whose behaviour is followed.
pub const RELEASE: &str = "6.1.0-sampan";

/// Which kernel this is.
pub const VERSION: &str = concat!("#1 sampan ", env!("CARGO_PKG_VERSION"));

/// `uname(2)`.
pub fn uname(cx: &mut Context, args: Args) -> SysResult {
    const FIELD: usize = 65;
    let machine: &[u8] = match cx.abi() {
        Abi::I386 => b"i686",
        Abi::Amd64 => b"x86_64",
    };
    let (hostname, domain) = (cx.kernel.config.hostname.clone(), cx.kernel.domain.clone());
    let fields: [&[u8]; 6] =
        [b"Linux", &hostname, RELEASE.as_bytes(), VERSION.as_bytes(), machine, &domain];
    let mut image = [0; FIELD * 6];
    for (field, text) in image.chunks_exact_mut(FIELD).zip(fields) {
        let len = text.len().min(FIELD - 1);
        field[..len].copy_from_slice(&text[..len]);
    }
    cx.write_bytes(args.u64(0), &image).map(|()| 0)
}

/// `sethostname(2)`.
pub fn sethostname(cx: &mut Context, args: Args) -> SysResult {
    cx.kernel.config.hostname = new_name(cx, args)?;
    Ok(0)
}

/// `setdomainname(2)`.
pub fn setdomainname(cx: &mut Context, args: Args) -> SysResult {
    cx.kernel.domain = new_name(cx, args)?;
    Ok(0)
}

fn new_name(cx: &Context, args: Args) -> SysResult<alloc::vec::Vec<u8>> {
    if !cx.thread.credentials().has(crate::task::credentials::cap::SYS_ADMIN) {
        return Err(Errno::EPERM);
    }
    if args.u64(1) > 64 {
        return Err(Errno::EINVAL);
    }
    let mut name = cx.read_vec(args.u64(0), args.u64(1))?;
    let end = name.iter().position(|&byte| byte == 0);
    name.truncate(end.unwrap_or(name.len()));
    Ok(name)
}

/// `getrandom(2)`.
pub fn getrandom(cx: &mut Context, args: Args) -> SysResult {
    if args.u32(2) & !7 != 0 || args.u32(2) & 6 == 6 {
        return Err(Errno::EINVAL);
    }
    let len = args.u64(1).min(0x1ff_ffff);
    let mut done = 0;
    let mut buf = [0; 256];
    while done < len {
        let part = (len - done).min(buf.len() as u64) as usize;
        cx.kernel.host.random(&mut buf[..part]);
        match cx.write_bytes(args.u64(0) + done, &buf[..part]) {
            Err(_) if done > 0 => break,
            result => result?,
        }
        done += part as u64;
    }
    Ok(done)
}

/// `sysinfo(2)`.
pub fn sysinfo(cx: &mut Context, args: Args) -> SysResult {
    let total = cx.kernel.config.memory;
    let used: u64 = cx.kernel.memory_used();
    let uptime = cx.kernel.monotonic_ns() / 1_000_000_000;
    let processes = cx.kernel.threads.len() as u16;
    let word = cx.word() as u64;
    let at = args.u64(0);
    let words = [uptime, 0, 0, 0, total, total.saturating_sub(used), 0, 0, 0, 0];
    for (index, value) in words.into_iter().enumerate() {
        cx.write_word(at + index as u64 * word, value)?;
    }
    let at = at + 10 * word;
    cx.write_bytes(at, &processes.to_le_bytes())?;
    let at = if word == 8 { at + 8 } else { at + 4 };
    cx.write_word(at, 0)?;
    cx.write_word(at + word, 0)?;
    cx.write_u32(at + 2 * word, 1)?;
    Ok(0)
}
