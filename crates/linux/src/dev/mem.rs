//! The devices of major number 1 (`null(4)`, `full(4)`, `random(4)`).

use alloc::rc::Rc;
use alloc::string::String;
use core::any::Any;

use crate::errno::{Errno, SysResult};
use crate::fs::{Device, File, Location, OpenFile};
use crate::kernel::Context;
use crate::syscall::Args;

/// The driver.
pub struct MemDevice;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Null,
    Zero,
    Full,
    Random,
    /// The kernel's log: what is written to it goes to the host's.
    Messages,
}

impl Device for MemDevice {
    fn open(&self, _: &mut Context, minor: u32, _: &Location, _: u32) -> SysResult<Rc<dyn File>> {
        let kind = match minor {
            3 => Kind::Null,
            5 => Kind::Zero,
            7 => Kind::Full,
            8 | 9 => Kind::Random,
            11 => Kind::Messages,
            _ => return Err(Errno::ENXIO),
        };
        Ok(Rc::new(MemFile(kind)))
    }
}

struct MemFile(Kind);

impl File for MemFile {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn read(
        &self,
        cx: &mut Context,
        open: &OpenFile,
        _: &mut u64,
        buf: &mut [u8],
    ) -> SysResult<usize> {
        match self.0 {
            Kind::Null => return Ok(0),
            Kind::Zero | Kind::Full => buf.fill(0),
            Kind::Random => cx.kernel.host.random(buf),
            Kind::Messages if open.nonblocking() => return Err(Errno::EAGAIN),
            // There are never any, so this waits for a signal.
            Kind::Messages => {
                cx.parked();
                return Err(Errno::PARK);
            }
        }
        Ok(buf.len())
    }

    fn write(&self, cx: &mut Context, _: &OpenFile, _: &mut u64, bytes: &[u8]) -> SysResult<usize> {
        match self.0 {
            Kind::Full => return Err(Errno::ENOSPC),
            Kind::Messages => {
                let text = String::from_utf8_lossy(&bytes[..bytes.len().min(1024)]);
                cx.kernel.host.log(text.trim_end().into());
            }
            _ => {}
        }
        Ok(bytes.len())
    }

    /// As on the real system, where any position will do.
    fn seekable(&self) -> bool {
        self.0 != Kind::Messages
    }

    fn maps_zeros(&self) -> bool {
        self.0 == Kind::Zero
    }

    fn ioctl(&self, cx: &mut Context, _: &OpenFile, args: Args) -> SysResult {
        const RNDGETENTCNT: u32 = 0x8004_5200;
        match (self.0, args.u32(1)) {
            (Kind::Random, RNDGETENTCNT) => cx.write_u32(args.u64(2), 256).map(|()| 0),
            _ => Err(Errno::ENOTTY),
        }
    }
}
