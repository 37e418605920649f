//! `memfd_create(2)`: a file in memory without a name.

use crate::errno::{Errno, SysResult};
use crate::fs::regular::InodeFile;
use crate::fs::{Create, Dentry, FileType, Location, OpenFile, flags, seals};
use crate::kernel::Context;
use crate::syscall::Args;

/// `memfd_create(2)`.
pub fn memfd_create(cx: &mut Context, args: Args) -> SysResult {
    let name = cx.read_string(args.u64(0), 250, Errno::EINVAL)?;
    if args.u32(1) & !7 != 0 {
        return Err(if args.u32(1) & 4 != 0 { Errno::ENOSYS } else { Errno::EINVAL });
    }
    let credentials = cx.thread.credentials();
    let what = Create {
        kind: FileType::Regular,
        mode: 0o777,
        uid: credentials.fsuid,
        gid: credentials.fsgid,
        rdev: 0,
    };
    let now = cx.kernel.now();
    let inode = cx.kernel.shm.clone().anonymous(&what, now);
    const ALLOW_SEALING: u32 = 2;
    let seals = if args.u32(1) & ALLOW_SEALING != 0 { 0 } else { seals::SEAL };
    inode.extra().seals.set(Some(seals));
    let label = [b"memfd:", &name[..]].concat();
    let mount = cx.kernel.root().mount;
    let location = Location { mount, dentry: Dentry::nameless(&label, inode.clone()) };
    let open_flags = flags::RDWR | if args.u32(1) & 1 != 0 { flags::CLOEXEC } else { 0 };
    let file = InodeFile::new(inode, open_flags);
    let open = OpenFile::new(file, Some(location), open_flags);
    cx.install(open, open_flags).map(|fd| fd as u64)
}
