//! Calls about users, groups and capabilities (`credentials(7)`).
//!
//! -1 leaves an id as it is. i386 has each call twice; the older has ids of 16 bits, in
//! which what does not fit is 65534.

use alloc::vec::Vec;

use super::Credentials;
use super::credentials::{ALL_CAPABILITIES, cap};
use crate::errno::{Errno, SysResult};
use crate::kernel::Context;
use crate::syscall::Args;

/// Most supplementary groups.
const GROUPS_MAX: usize = 65536;
const KEEP: u32 = u32::MAX;

fn narrow(id: u32) -> u64 {
    if id > 0xffff { 65534 } else { u64::from(id) }
}

fn wide(id: u32) -> u32 {
    if id as u16 == u16::MAX { KEEP } else { id & 0xffff }
}

/// Changes credentials and what follows from it for capabilities.
fn change(cx: &Context, work: impl FnOnce(&mut Credentials) -> SysResult<()>) -> SysResult {
    let old = cx.thread.credentials();
    let mut new = (*old).clone();
    work(&mut new)?;
    new.users_changed(&old);
    if (old.euid, old.egid) != (new.euid, new.egid) || !old.permitted & new.permitted != 0 {
        cx.thread.process.dumpable.set(false);
        cx.thread.process.death_signal.set(0);
    }
    cx.thread.set_credentials(new);
    Ok(0)
}

macro_rules! ask {
    ($($name:ident $narrow:ident $field:ident)*) => {$(
        #[doc = concat!("`", stringify!($name), "(2)`.")]
        pub fn $name(cx: &mut Context, _: Args) -> SysResult {
            Ok(u64::from(cx.thread.credentials().$field))
        }

        #[doc = concat!("`", stringify!($name), "` of i386 with 16 bits.")]
        pub fn $narrow(cx: &mut Context, _: Args) -> SysResult {
            Ok(narrow(cx.thread.credentials().$field))
        }
    )*};
}

ask! {
    getuid getuid16 uid
    geteuid geteuid16 euid
    getgid getgid16 gid
    getegid getegid16 egid
}

macro_rules! set {
    ($set:ident $set16:ident $re:ident $re16:ident $res:ident $res16:ident
        $get:ident $get16:ident $fs:ident $fs16:ident
        $cap:ident $real:ident $effective:ident $saved:ident $file:ident) => {
        #[doc = concat!("`", stringify!($set), "(2)`.")]
        pub fn $set(cx: &mut Context, args: Args) -> SysResult {
            one(cx, args.u32(0), |id| id)
        }

        #[doc = concat!("`", stringify!($set), "` of i386 with 16 bits.")]
        pub fn $set16(cx: &mut Context, args: Args) -> SysResult {
            one(cx, args.u32(0), wide)
        }

        fn one(cx: &Context, id: u32, to: fn(u32) -> u32) -> SysResult {
            let id = to(id);
            if id == KEEP {
                return Err(Errno::EINVAL);
            }
            change(cx, |c| {
                if c.has(cap::$cap) {
                    (c.$real, c.$saved) = (id, id);
                } else if id != c.$real && id != c.$saved {
                    return Err(Errno::EPERM);
                }
                (c.$effective, c.$file) = (id, id);
                Ok(())
            })
        }

        #[doc = concat!("`", stringify!($re), "(2)`.")]
        pub fn $re(cx: &mut Context, args: Args) -> SysResult {
            two(cx, args.u32(0), args.u32(1))
        }

        #[doc = concat!("`", stringify!($re), "` of i386 with 16 bits.")]
        pub fn $re16(cx: &mut Context, args: Args) -> SysResult {
            two(cx, wide(args.u32(0)), wide(args.u32(1)))
        }

        fn two(cx: &Context, real: u32, effective: u32) -> SysResult {
            change(cx, |c| {
                let may = c.has(cap::$cap);
                let old_real = c.$real;
                if real != KEEP {
                    if !may && real != c.$real && real != c.$effective {
                        return Err(Errno::EPERM);
                    }
                    c.$real = real;
                }
                if effective != KEEP {
                    let known = [old_real, c.$effective, c.$saved].contains(&effective);
                    if !may && !known {
                        return Err(Errno::EPERM);
                    }
                    c.$effective = effective;
                }
                if real != KEEP || effective != KEEP && effective != old_real {
                    c.$saved = c.$effective;
                }
                c.$file = c.$effective;
                Ok(())
            })
        }

        #[doc = concat!("`", stringify!($res), "(2)`.")]
        pub fn $res(cx: &mut Context, args: Args) -> SysResult {
            three(cx, [args.u32(0), args.u32(1), args.u32(2)])
        }

        #[doc = concat!("`", stringify!($res), "` of i386 with 16 bits.")]
        pub fn $res16(cx: &mut Context, args: Args) -> SysResult {
            three(cx, [args.u32(0), args.u32(1), args.u32(2)].map(wide))
        }

        fn three(cx: &Context, [real, effective, saved]: [u32; 3]) -> SysResult {
            change(cx, |c| {
                let known = [c.$real, c.$effective, c.$saved];
                let strange = |id: &u32| *id != KEEP && !known.contains(id);
                if !c.has(cap::$cap) && [real, effective, saved].iter().any(strange) {
                    return Err(Errno::EPERM);
                }
                let pick = |id: u32, old: u32| if id == KEEP { old } else { id };
                c.$real = pick(real, c.$real);
                c.$effective = pick(effective, c.$effective);
                c.$saved = pick(saved, c.$saved);
                c.$file = c.$effective;
                Ok(())
            })
        }

        #[doc = concat!("`", stringify!($get), "(2)`.")]
        pub fn $get(cx: &mut Context, args: Args) -> SysResult {
            let c = cx.thread.credentials();
            for (index, id) in [c.$real, c.$effective, c.$saved].into_iter().enumerate() {
                cx.write_u32(args.u64(index), id)?;
            }
            Ok(0)
        }

        #[doc = concat!("`", stringify!($get), "` of i386 with 16 bits.")]
        pub fn $get16(cx: &mut Context, args: Args) -> SysResult {
            let c = cx.thread.credentials();
            for (index, id) in [c.$real, c.$effective, c.$saved].into_iter().enumerate() {
                cx.write_bytes(args.u64(index), &(narrow(id) as u16).to_le_bytes())?;
            }
            Ok(0)
        }

        #[doc = concat!("`", stringify!($fs), "(2)`: returns what it was, whether it is changed or not.")]
        pub fn $fs(cx: &mut Context, args: Args) -> SysResult {
            Ok(u64::from(file(cx, args.u32(0))))
        }

        #[doc = concat!("`", stringify!($fs), "` of i386 with 16 bits.")]
        pub fn $fs16(cx: &mut Context, args: Args) -> SysResult {
            Ok(narrow(file(cx, wide(args.u32(0)))))
        }

        fn file(cx: &Context, id: u32) -> u32 {
            let old = cx.thread.credentials();
            let mut new = (*old).clone();
            let known = [old.$real, old.$effective, old.$saved, old.$file];
            if id != KEEP && (old.has(cap::$cap) || known.contains(&id)) {
                new.$file = id;
                new.file_user_changed(&old);
                cx.thread.set_credentials(new);
            }
            old.$file
        }
    };
}

/// Calls about users.
pub mod user {
    use super::*;
    set! {
        setuid setuid16 setreuid setreuid16 setresuid setresuid16
        getresuid getresuid16 setfsuid setfsuid16
        SETUID uid euid suid fsuid
    }
}

/// Calls about groups.
pub mod group {
    use super::*;
    set! {
        setgid setgid16 setregid setregid16 setresgid setresgid16
        getresgid getresgid16 setfsgid setfsgid16
        SETGID gid egid sgid fsgid
    }
}

/// `getgroups(2)`.
pub fn getgroups(cx: &mut Context, args: Args) -> SysResult {
    tell_groups(cx, args, |id| id.to_le_bytes().to_vec())
}

/// `getgroups` of i386 with 16 bits.
pub fn getgroups16(cx: &mut Context, args: Args) -> SysResult {
    tell_groups(cx, args, |id| (narrow(id) as u16).to_le_bytes().to_vec())
}

fn tell_groups(cx: &Context, args: Args, encode: fn(u32) -> Vec<u8>) -> SysResult {
    let groups = cx.thread.credentials().groups.clone();
    let room = usize::try_from(args.int(0)).map_err(|_| Errno::EINVAL)?;
    if room != 0 {
        if room < groups.len() {
            return Err(Errno::EINVAL);
        }
        let bytes: Vec<u8> = groups.iter().flat_map(|&id| encode(id)).collect();
        cx.write_bytes(args.u64(1), &bytes)?;
    }
    Ok(groups.len() as u64)
}

/// `setgroups(2)`.
pub fn setgroups(cx: &mut Context, args: Args) -> SysResult {
    let bytes = read_groups(cx, args, 4)?;
    let ids = bytes.chunks_exact(4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]));
    take_groups(cx, ids.collect())
}

/// `setgroups` of i386 with 16 bits.
pub fn setgroups16(cx: &mut Context, args: Args) -> SysResult {
    let bytes = read_groups(cx, args, 2)?;
    let ids = bytes.chunks_exact(2).map(|b| u32::from(u16::from_le_bytes([b[0], b[1]])));
    take_groups(cx, ids.collect())
}

fn read_groups(cx: &Context, args: Args, size: u64) -> SysResult<Vec<u8>> {
    if !cx.thread.credentials().has(cap::SETGID) {
        return Err(Errno::EPERM);
    }
    let count = args.u32(0);
    if count as usize > GROUPS_MAX {
        return Err(Errno::EINVAL);
    }
    cx.read_vec(args.u64(1), u64::from(count) * size)
}

fn take_groups(cx: &Context, mut groups: Vec<u32>) -> SysResult {
    groups.sort_unstable();
    let mut credentials = (*cx.thread.credentials()).clone();
    credentials.groups = groups;
    cx.thread.set_credentials(credentials);
    Ok(0)
}

/// The version of `capget(2)` that programs use; older ones have 32 bits.
const VERSION_3: u32 = 0x2008_0522;

/// Reads the header: whose capabilities, and how many words of each set.
fn header(cx: &Context, at: u64) -> SysResult<(i32, usize)> {
    let words = match cx.read_u32(at)? {
        0x1998_0330 => 1,
        0x2007_1026 | VERSION_3 => 2,
        _ => {
            cx.write_u32(at, VERSION_3)?;
            return Err(Errno::EINVAL);
        }
    };
    Ok((cx.read_u32(at + 4)? as i32, words))
}

/// `capget(2)`.
pub fn capget(cx: &mut Context, args: Args) -> SysResult {
    let (pid, words) = match header(cx, args.u64(0)) {
        // Asking for the version alone is no error.
        Err(Errno::EINVAL) if args.u64(1) == 0 => return Ok(0),
        header => header?,
    };
    if pid < 0 {
        return Err(Errno::EINVAL);
    }
    let thread = match pid {
        0 => cx.thread.clone(),
        pid => cx.kernel.threads.get(&pid).cloned().ok_or(Errno::ESRCH)?,
    };
    if args.u64(1) == 0 {
        return Ok(0);
    }
    let c = thread.credentials();
    for word in 0..words {
        for (index, set) in [c.effective, c.permitted, c.inheritable].into_iter().enumerate() {
            let at = args.u64(1) + (word * 12 + index * 4) as u64;
            cx.write_u32(at, (set >> (32 * word)) as u32)?;
        }
    }
    Ok(0)
}

/// `capset(2)`.
pub fn capset(cx: &mut Context, args: Args) -> SysResult {
    let (pid, words) = header(cx, args.u64(0))?;
    if pid != 0 && pid != cx.thread.tid {
        return Err(Errno::EPERM);
    }
    let mut sets = [0u64; 3];
    for word in 0..words {
        for (index, set) in sets.iter_mut().enumerate() {
            let value = cx.read_u32(args.u64(1) + (word * 12 + index * 4) as u64)?;
            *set |= u64::from(value) << (32 * word);
        }
    }
    let [effective, permitted, inheritable] = sets.map(|set| set & ALL_CAPABILITIES);
    let old = cx.thread.credentials();
    let room = if old.has(cap::SETPCAP) { ALL_CAPABILITIES } else { old.permitted };
    let within = inheritable & !(old.inheritable | room) == 0
        && inheritable & !(old.inheritable | old.bounding) == 0
        && permitted & !old.permitted == 0
        && effective & !permitted == 0;
    if !within {
        return Err(Errno::EPERM);
    }
    let mut new = (*old).clone();
    (new.effective, new.permitted, new.inheritable) = (effective, permitted, inheritable);
    new.ambient &= permitted & inheritable;
    cx.thread.set_credentials(new);
    Ok(0)
}
