//! What is mounted where, before anything runs.

use crate::disk::Disk;
use crate::folder::Folder;
use crate::{number, take_buffer, with_vm};
use sampan_disk::ext2::{self, Format, Timestamp};
use sampan_disk::{Device, Error};
use sampan_linux::fs::FileSystem;
use sampan_linux::fs::ext2::Ext2Fs;
use sampan_linux::fs::mount::mount_flags::{NODEV, NOSUID, RDONLY};
use sampan_linux::fs::tmpfs::Tmpfs;
use sampan_linux::{Errno, Kernel, SysResult};
use std::rc::Rc;

/// Mounts something at the path in the buffer. `kind`: 0 ext2 on the disk of this number, 1
/// the folder of this number, 2 device files, 3 pseudo-terminals, 4 processes, 5 the system,
/// 6 a file system in memory, 7 a folder on the disk of this number, which may be all zeros
/// yet. The error's number, or 0.
#[unsafe(no_mangle)]
pub extern "C" fn mount(kind: u32, device: u32) -> i32 {
    let path = take_buffer();
    with_vm(|vm| number(mount_kind(&mut vm.kernel, kind, device, &path)))
}

fn mount_kind(kernel: &mut Kernel, kind: u32, device: u32, path: &[u8]) -> SysResult<()> {
    match kind {
        0 => image(kernel, device, path),
        1 => {
            let fs = Folder::new(device, kernel.new_dev());
            mount_at(kernel, path, fs, RDONLY | NOSUID | NODEV, b"dir")
        }
        2 => kernel.mount_devices(path),
        3 => kernel.mount_pts(path),
        4 => kernel.mount_proc(path),
        5 => kernel.mount_sys(path),
        6 => {
            let (memory, now, dev) = (kernel.config.memory / 2, kernel.now(), kernel.new_dev());
            let fs = Tmpfs::new(dev, 0o1777, memory, now);
            mount_at(kernel, path, fs, NOSUID | NODEV, b"tmpfs")
        }
        7 => kept(kernel, device, path),
        _ => Err(Errno::EINVAL),
    }
}

/// A disk that is a folder of its own. An empty one gets a file system, which is put away with
/// what is written first: nothing of it is there before, or all.
fn kept(kernel: &mut Kernel, number: u32, path: &[u8]) -> SysResult<()> {
    let mut disk = Unflushed(Disk::new(number));
    let mut superblock = [0; 1024];
    disk.read_at(1024, &mut superblock).map_err(errno)?;
    if superblock == [0; 1024] {
        let seconds = kernel.now().seconds;
        let now = Timestamp { seconds, nanoseconds: 0 };
        let format = Format { now, ..Format::default() };
        ext2::format(disk, &format).map_err(errno)?;
    }
    let fs = Ext2Fs::open(Box::new(Disk::new(number)), kernel.new_dev()).map_err(errno)?;
    mount_at(kernel, path, fs, NODEV | NOSUID, b"/dev/vdb")
}

/// A disk whose flushes wait for a later one.
struct Unflushed(Disk);

impl Device for Unflushed {
    fn size(&self) -> u64 {
        self.0.size()
    }

    fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> sampan_disk::Result<()> {
        self.0.read_at(offset, buffer)
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> sampan_disk::Result<()> {
        self.0.write_at(offset, bytes)
    }

    fn flush(&mut self) -> sampan_disk::Result<()> {
        Ok(())
    }

    fn is_read_only(&self) -> bool {
        self.0.is_read_only()
    }
}

fn mount_at(
    kernel: &mut Kernel,
    path: &[u8],
    fs: Rc<dyn FileSystem>,
    flags: u32,
    source: &[u8],
) -> SysResult<()> {
    if path == b"/" {
        kernel.mount_root(fs, flags, source);
        return Ok(());
    }
    kernel.mount_at(path, fs, flags, source)
}

/// The image on a disk. A disk that takes writes keeps changes; else they are in memory.
fn image(kernel: &mut Kernel, number: u32, path: &[u8]) -> SysResult<()> {
    let disk = Disk::new(number);
    let writable = !disk.is_read_only();
    let image = Ext2Fs::open(Box::new(disk), kernel.new_dev());
    let image: Rc<dyn FileSystem> = image.map_err(|error| {
        if error != Error::NotReady {
            kernel.host.log(format!("cannot mount the image: {error}"));
        }
        errno(error)
    })?;
    if writable {
        return mount_at(kernel, path, image, 0, b"/dev/vda");
    }
    let (memory, dev) = (kernel.config.memory / 2, kernel.new_dev());
    let changed = kernel.set_up(|cx| Tmpfs::over(cx, dev, memory, &image))?;
    mount_at(kernel, path, changed, 0, b"overlay")
}

fn errno(error: Error) -> Errno {
    match error {
        Error::NotReady => Errno::NOT_READY,
        other => Errno(other.errno() as u16),
    }
}
