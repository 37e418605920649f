//! A terminal as an open file, and its devices: `tty`, `console`, `ptmx`, `pts/N`.

use alloc::rc::Rc;
use alloc::string::String;
use core::any::Any;

use super::termios::{cc, lflag};
use super::{Ptys, Tty, job, pty};
use crate::errno::{Errno, SysResult};
use crate::fs::{Device, File, Location, OpenFile, events};
use crate::kernel::Context;
use crate::signal::SIGTTOU;
use crate::syscall::Args;
use crate::wait::WaitQueue;

/// A tenth of a second, the unit of `VTIME`.
const TENTH: u64 = 100_000_000;

/// An open terminal: the console, or the slave of a pair.
pub struct TtyFile {
    pub(super) tty: Rc<Tty>,
}

impl TtyFile {
    /// Opens a terminal.
    pub fn open(cx: &mut Context, tty: &Rc<Tty>, how: u32) -> SysResult<Rc<dyn File>> {
        if tty.hung_up.get() {
            return Err(Errno::EIO);
        }
        if tty.exclusive.get()
            && !cx.thread.credentials().has(crate::task::credentials::cap::SYS_ADMIN)
        {
            return Err(Errno::EBUSY);
        }
        if let Some(line) = tty.line() {
            if line.locked.get() {
                return Err(Errno::EIO);
            }
            line.slaves.set(Some(line.slaves.get().unwrap_or(0) + 1));
        }
        job::opened(cx, tty, how);
        Ok(Rc::new(TtyFile { tty: tty.clone() }))
    }

    fn read_raw(&self, cx: &mut Context, buf: &mut [u8]) -> SysResult<Option<usize>> {
        let tty = &self.tty;
        let (min, time) = {
            let termios = tty.termios.borrow();
            (usize::from(termios.cc[cc::MIN]), u64::from(termios.cc[cc::TIME]) * TENTH)
        };
        let (there, last) = {
            let input = tty.input.borrow();
            (input.available(false), input.last_ns())
        };
        let enough = there >= min.min(buf.len()).max(1);
        let deadline = match (min, there) {
            (0, 0) => cx.deadline(Some(time)),
            (0, _) => None,
            // Between bytes, once there is one.
            (_, 1..) if time > 0 => Some(last + time),
            _ => None,
        };
        if !enough && !cx.is_past(deadline) {
            if let Some(deadline) = deadline {
                cx.wait_until(deadline);
            }
            return Ok(None);
        }
        Ok(Some(tty.input.borrow_mut().take_raw(buf)))
    }
}

impl File for TtyFile {
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
        let tty = &self.tty;
        if tty.hung_up.get() {
            return Ok(0);
        }
        job::check_read(cx, tty)?;
        let canonical = tty.termios.borrow().local(lflag::ICANON);
        let count = if canonical {
            let mut input = tty.input.borrow_mut();
            if input.has_line() { Some(input.take_line(buf)) } else { None }
        } else if buf.is_empty() {
            Some(0)
        } else {
            self.read_raw(cx, buf)?
        };
        match count {
            Some(count) => {
                tty.writers.wake_all();
                Ok(count)
            }
            None if open.nonblocking() => Err(Errno::EAGAIN),
            None => Err(cx.wait_on(&tty.readers)),
        }
    }

    fn write(
        &self,
        cx: &mut Context,
        open: &OpenFile,
        _: &mut u64,
        bytes: &[u8],
    ) -> SysResult<usize> {
        let tty = &self.tty;
        if tty.termios.borrow().local(lflag::TOSTOP) {
            job::check_foreground(cx, tty, SIGTTOU)?;
        }
        if tty.hung_up.get() {
            return Err(Errno::EIO);
        }
        let count = bytes.len().min(tty.output_room());
        tty.put(cx.kernel, &bytes[..count]);
        cx.end_write(open, count, bytes.len(), &tty.writers)
    }

    fn poll(&self, _: &mut Context, _: &OpenFile) -> u32 {
        let tty = &self.tty;
        if tty.hung_up.get() {
            return events::IN | events::OUT | events::ERR | events::HUP | events::RDNORM;
        }
        let mut ready = 0;
        let readable = {
            let (termios, input) = (tty.termios.borrow(), tty.input.borrow());
            if termios.local(lflag::ICANON) {
                input.has_line()
            } else {
                let min = if termios.cc[cc::TIME] == 0 { termios.cc[cc::MIN].max(1) } else { 1 };
                input.available(false) >= usize::from(min)
            }
        };
        if readable {
            ready |= events::IN | events::RDNORM;
        }
        if tty.output_room() > 0 {
            ready |= events::OUT | events::WRNORM;
        }
        ready
    }

    fn queues(&self, tell: &mut dyn FnMut(&WaitQueue)) {
        tell(&self.tty.readers);
        tell(&self.tty.writers);
    }

    fn ioctl(&self, cx: &mut Context, open: &OpenFile, args: Args) -> SysResult {
        super::ioctl::slave(cx, &self.tty, open, args)
    }

    fn release(&self, _: &OpenFile) {
        if let Some(line) = self.tty.line() {
            line.slaves.set(Some(line.slaves.get().unwrap_or(1).saturating_sub(1)));
            self.tty.readers.wake_all();
        }
    }

    fn description(&self) -> String {
        alloc::format!("/dev/{}", self.tty.name)
    }
}

/// Major 5: `tty`, `console`, `ptmx`.
pub struct ConsoleDevice {
    /// Where pairs are made.
    pub ptys: Rc<Ptys>,
}

impl Device for ConsoleDevice {
    fn open(
        &self,
        cx: &mut Context,
        minor: u32,
        _: &Location,
        how: u32,
    ) -> SysResult<Rc<dyn File>> {
        match minor {
            0 => {
                let tty = job::controlling(cx).ok_or(Errno::ENXIO)?;
                TtyFile::open(cx, &tty, how)
            }
            1 => {
                let console = cx.kernel.console.clone();
                TtyFile::open(cx, &console, how | crate::fs::flags::NOCTTY)
            }
            2 => pty::open_master(cx, &self.ptys),
            _ => Err(Errno::ENXIO),
        }
    }
}

/// Major 136: slaves of pairs.
pub struct PtsDevice {
    /// The pairs.
    pub ptys: Rc<Ptys>,
}

impl Device for PtsDevice {
    fn open(
        &self,
        cx: &mut Context,
        minor: u32,
        _: &Location,
        how: u32,
    ) -> SysResult<Rc<dyn File>> {
        let tty = self.ptys.slave(minor).ok_or(Errno::EIO)?;
        TtyFile::open(cx, &tty, how)
    }
}
