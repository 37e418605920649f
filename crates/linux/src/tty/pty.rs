//! Pseudo-terminals (`pty(7)`): the masters, and the list of pairs.

use alloc::collections::BTreeMap;
use alloc::rc::Rc;
use alloc::string::String;
use core::any::Any;
use core::cell::RefCell;

use super::devpts::PtsNode;
use super::termios::Termios;
use super::{End, Line, Tty, job};
use crate::errno::{Errno, SysResult};
use crate::fs::{File, OpenFile, events, makedev};
use crate::kernel::Context;
use crate::syscall::Args;
use crate::wait::WaitQueue;

/// Most pairs that there may be.
const PAIRS_MAX: u32 = 4096;
/// The major number of slaves.
pub const MAJOR: u32 = 136;

/// All pairs whose master is open.
#[derive(Default)]
pub struct Ptys {
    pub(super) list: RefCell<BTreeMap<u32, Pair>>,
}

/// A slave and its file.
type Pair = (Rc<Tty>, Rc<PtsNode>);

impl Ptys {
    /// The slave of a number.
    pub fn slave(&self, number: u32) -> Option<Rc<Tty>> {
        self.list.borrow().get(&number).map(|pair| pair.0.clone())
    }
}

/// The master of a pair.
pub struct Master {
    number: u32,
    tty: Rc<Tty>,
    ptys: Rc<Ptys>,
}

/// Opens `/dev/ptmx`: makes a pair.
pub fn open_master(cx: &mut Context, ptys: &Rc<Ptys>) -> SysResult<Rc<dyn File>> {
    let number = {
        let list = ptys.list.borrow();
        (0..PAIRS_MAX).find(|number| !list.contains_key(number)).ok_or(Errno::ENOSPC)?
    };
    let line = Line::default();
    line.locked.set(true);
    let name = alloc::format!("pts/{number}");
    let tty = Tty::new(name, makedev(MAJOR, number), End::Pty(line), Termios::default());
    let node = PtsNode::new(cx, number);
    ptys.list.borrow_mut().insert(number, (tty.clone(), node));
    Ok(Rc::new(Master { number, tty, ptys: ptys.clone() }))
}

impl Master {
    fn line(&self) -> &Line {
        self.tty.line().expect("a master has a line")
    }

    /// Everyone who had the slave open has closed it.
    fn is_left(&self) -> bool {
        self.line().slaves.get() == Some(0)
    }
}

impl File for Master {
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
        let line = self.line();
        if line.packet.get() && line.status.get() != 0 && !buf.is_empty() {
            buf[0] = line.status.take();
            return Ok(1);
        }
        let mut output = line.output.borrow_mut();
        if output.is_empty() {
            if self.is_left() {
                return Err(Errno::EIO);
            }
            if open.nonblocking() {
                return Err(Errno::EAGAIN);
            }
            return Err(cx.wait_on(&self.tty.readers));
        }
        let head = usize::from(line.packet.get()).min(buf.len());
        buf[..head].fill(0);
        let count = output.len().min(buf.len() - head);
        for (to, byte) in buf[head..].iter_mut().zip(output.drain(..count)) {
            *to = byte;
        }
        drop(output);
        self.tty.writers.wake_all();
        Ok(head + count)
    }

    fn write(
        &self,
        cx: &mut Context,
        open: &OpenFile,
        _: &mut u64,
        bytes: &[u8],
    ) -> SysResult<usize> {
        if self.is_left() {
            return Err(Errno::EIO);
        }
        let mut done = 0;
        while done < bytes.len() {
            let room = self.tty.room().min(bytes.len() - done);
            if room == 0 {
                break;
            }
            self.tty.receive(cx.kernel, &bytes[done..done + room]);
            done += room;
        }
        cx.end_write(open, done, bytes.len(), &self.tty.writers)
    }

    fn poll(&self, _: &mut Context, _: &OpenFile) -> u32 {
        let line = self.line();
        let mut ready = 0;
        if !line.output.borrow().is_empty() {
            ready |= events::IN | events::RDNORM;
        }
        if line.packet.get() && line.status.get() != 0 {
            ready |= events::IN | events::PRI | events::RDNORM;
        }
        if self.is_left() {
            return ready | events::HUP;
        }
        if self.tty.room() > 0 {
            ready |= events::OUT | events::WRNORM;
        }
        ready
    }

    fn queues(&self, tell: &mut dyn FnMut(&WaitQueue)) {
        tell(&self.tty.readers);
        tell(&self.tty.writers);
    }

    fn ioctl(&self, cx: &mut Context, open: &OpenFile, args: Args) -> SysResult {
        super::ioctl::master(cx, &self.tty, self.number, open, args)
    }

    fn flush(&self, cx: &mut Context) {
        // The one moment at which a kernel is at hand: who holds the master last closes it
        // through a descriptor, or ends.
        if !self.is_held_elsewhere(cx) {
            self.ptys.list.borrow_mut().remove(&self.number);
            job::hang_up(cx.kernel, &self.tty);
        }
    }

    fn release(&self, _: &OpenFile) {
        self.ptys.list.borrow_mut().remove(&self.number);
        self.tty.hung_up.set(true);
        self.tty.readers.wake_all();
        self.tty.writers.wake_all();
    }

    fn description(&self) -> String {
        "/dev/ptmx".into()
    }
}

impl Master {
    /// Whether a descriptor of any process still leads to this master.
    fn is_held_elsewhere(&self, cx: &Context) -> bool {
        cx.kernel.threads.values().any(|thread| {
            let files = thread.files();
            let files = files.borrow();
            files.iter().any(|(_, open)| {
                let other = open.file.as_any().downcast_ref::<Master>();
                other.is_some_and(|other| core::ptr::eq(other, self))
            })
        })
    }
}
