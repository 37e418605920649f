//! Devices, and the directory `/dev` that has them.

mod mem;

use alloc::rc::Rc;

use crate::errno::SysResult;
use crate::fs::mount::mount_flags::{NODEV, NOEXEC, NOSUID};
use crate::fs::tmpfs::Tmpfs;
use crate::fs::{Create, FileType, makedev};
use crate::kernel::{Context, Kernel};
use crate::proc::ProcFs;
use crate::tty::{ConsoleDevice, DevPts, PtsDevice, pty};

/// Tells the kernel its drivers.
pub fn register(kernel: &mut Kernel) {
    let ptys = kernel.ptys.clone();
    kernel.register_device(1, Rc::new(mem::MemDevice));
    kernel.register_device(5, Rc::new(ConsoleDevice { ptys: ptys.clone() }));
    kernel.register_device(pty::MAJOR, Rc::new(PtsDevice { ptys }));
}

/// Character devices: name, major, minor, permissions.
const NODES: [(&str, u32, u32, u32); 9] = [
    ("null", 1, 3, 0o666),
    ("zero", 1, 5, 0o666),
    ("full", 1, 7, 0o666),
    ("random", 1, 8, 0o666),
    ("urandom", 1, 9, 0o666),
    ("kmsg", 1, 11, 0o644),
    ("tty", 5, 0, 0o666),
    ("console", 5, 1, 0o600),
    ("ptmx", 5, 2, 0o666),
];

/// Symbolic links.
const LINKS: [(&str, &str); 5] = [
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
    ("core", "/proc/kcore"),
];

impl Kernel {
    /// Mounts what every system has: `/dev` with its terminals and shared memory, `/proc`
    /// and `/sys`.
    pub fn mount_standard(&mut self) -> SysResult<()> {
        self.mount_devices(b"/dev")?;
        self.mount_pts(b"/dev/pts")?;
        self.mount_proc(b"/proc")?;
        self.mount_sys(b"/sys")
    }

    /// Mounts device files, and shared memory in `shm` among them.
    pub fn mount_devices(&mut self, path: &[u8]) -> SysResult<()> {
        let now = self.now();
        let (memory, dev) = (self.config.memory / 2, self.new_dev());
        let devices = Tmpfs::named("devtmpfs", dev, 0o755, memory, now);
        self.mount_at(path, devices, NOSUID, b"udev")?;
        self.set_up(|cx| fill(cx, path))?;
        let shm = Tmpfs::new(self.new_dev(), 0o1777, memory, now);
        self.mount_at(&[path, b"/shm"].concat(), shm, NOSUID | NODEV, b"tmpfs")
    }

    /// Mounts the directory of pseudo-terminals.
    pub fn mount_pts(&mut self, path: &[u8]) -> SysResult<()> {
        let pts = DevPts::new(self.devpts_dev, self.ptys.clone(), self.now());
        self.mount_at(path, pts, NOSUID | NOEXEC, b"devpts")
    }

    /// Mounts processes as files.
    pub fn mount_proc(&mut self, path: &[u8]) -> SysResult<()> {
        let proc = ProcFs::new(self.new_dev(), self.now());
        self.mount_at(path, proc, NOSUID | NODEV | NOEXEC, b"proc")
    }

    /// Mounts the system as files.
    pub fn mount_sys(&mut self, path: &[u8]) -> SysResult<()> {
        let sys = ProcFs::sysfs(self.new_dev(), self.now());
        self.mount_at(path, sys, NOSUID | NODEV | NOEXEC, b"sysfs")
    }
}

fn fill(cx: &mut Context, path: &[u8]) -> SysResult<()> {
    let place = crate::start::make_directories(cx, path)?;
    let dir = place.inode().clone();
    for (name, major, minor, mode) in NODES {
        let (kind, rdev) = (FileType::CharDevice, makedev(major, minor));
        dir.create(cx, name.as_bytes(), &Create { kind, mode, uid: 0, gid: 0, rdev })?;
    }
    for (name, target) in LINKS {
        let kind = FileType::Symlink;
        let what = Create { kind, mode: 0o777, uid: 0, gid: 0, rdev: 0 };
        dir.symlink(cx, name.as_bytes(), target.as_bytes(), &what)?;
    }
    Ok(())
}
