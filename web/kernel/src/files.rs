//! Files between the page and the guest, and what makes disks safe.

use crate::{number, take_buffer, with_vm};
use sampan_linux::fs::walk::{AT_FDCWD, Follow, resolve};
use sampan_linux::fs::{FileType, io};
use sampan_linux::{Context, Errno, SysResult};

/// The largest file that is handed over: it is in memory twice.
const FILE_MAX: u64 = 1 << 28;

/// Puts a file into the root, before anything runs. The buffer holds its name, a zero, its
/// content. The error's number, or 0.
#[unsafe(no_mangle)]
pub extern "C" fn add_file(mode: u32) -> i32 {
    let buffer = take_buffer();
    let Some((name, content)) = split(&buffer) else { return 22 };
    with_vm(|vm| number(vm.kernel.add_file(name, mode, content)))
}

/// Lets a path show a file, before anything runs; the buffer as above. The error's number, or 0.
#[unsafe(no_mangle)]
pub extern "C" fn cover_file() -> i32 {
    let buffer = take_buffer();
    let Some((path, content)) = split(&buffer) else { return 22 };
    with_vm(|vm| number(vm.kernel.cover_file(path, content)))
}

/// What is before the first zero, and behind it.
fn split(buffer: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = buffer.iter().position(|&byte| byte == 0)?;
    Some((&buffer[..end], &buffer[end + 1..]))
}

/// Reads the file whose path is in the buffer, as root: its length, or the error's number,
/// negated. Its bytes are at [`read_at`] until the next call.
#[unsafe(no_mangle)]
pub extern "C" fn read_file() -> i32 {
    let path = take_buffer();
    with_vm(|vm| match vm.kernel.act(|cx| read(cx, &path)) {
        Ok(bytes) => {
            vm.read = bytes;
            vm.read.len() as i32
        }
        Err(errno) => -i32::from(errno.0),
    })
}

/// Where the bytes are that [`read_file`] read.
#[unsafe(no_mangle)]
pub extern "C" fn read_at() -> *const u8 {
    with_vm(|vm| vm.read.as_ptr())
}

/// Writes back all that is not on the disks yet. The error's number, or 0.
#[unsafe(no_mangle)]
pub extern "C" fn sync() -> i32 {
    with_vm(|vm| {
        let result = vm.kernel.act(|cx| {
            let list: Vec<_> = cx.kernel.mounts.iter().map(|mount| mount.fs.clone()).collect();
            list.into_iter().try_for_each(|fs| fs.sync(cx))
        });
        number(result)
    })
}

fn read(cx: &mut Context, path: &[u8]) -> SysResult<Vec<u8>> {
    let place = resolve(cx, AT_FDCWD, path, Follow::Yes)?;
    let inode = place.inode().clone();
    match inode.kind() {
        FileType::Regular => {}
        FileType::Directory => return Err(Errno::EISDIR),
        _ => return Err(Errno::EINVAL),
    }
    let size = inode.stat(cx)?.size;
    if size > FILE_MAX {
        return Err(Errno::EFBIG);
    }
    let mut bytes = vec![0; size as usize];
    let mut done = 0;
    while done < bytes.len() {
        match io::read_inode(cx, &inode, done as u64, &mut bytes[done..])? {
            0 => break,
            count => done += count,
        }
    }
    bytes.truncate(done);
    Ok(bytes)
}
