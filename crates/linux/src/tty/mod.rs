//! Terminals: the console, whose other end is the host, and pseudo-terminals, whose other
//! end is a file of the guest (`tty(4)`, `pty(7)`).
//!
//! [`Tty`] is one terminal. `input.rs` is the line discipline's way in, `output.rs` the way
//! out, `job.rs` who may read and write, `ioctl.rs` what is asked of terminals; `file.rs`
//! are the files in `/dev`, `pty.rs` the masters, `devpts.rs` their directory.

mod devpts;
mod file;
mod input;
mod ioctl;
mod job;
mod output;
pub mod pty;
pub mod termios;

use alloc::collections::VecDeque;
use alloc::rc::{Rc, Weak};
use alloc::string::String;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};

pub use devpts::DevPts;
pub use file::{ConsoleDevice, PtsDevice};
pub use job::{acquire, leader_ended};
pub use pty::Ptys;

use crate::fs::makedev;
use crate::kernel::Kernel;
use crate::signal::{SIGWINCH, SigInfo};
use crate::task::{Pid, Session};
use crate::wait::WaitQueue;
use input::Input;
use termios::Termios;

/// Bytes of output that wait for a master.
const OUTPUT_MAX: usize = 1 << 16;

/// A window's size: rows, columns, and both in pixels.
pub type WinSize = [u16; 4];

/// A terminal.
pub struct Tty {
    /// Its name below `/dev`.
    pub name: String,
    /// Its device's number.
    pub dev: u64,
    /// Its settings.
    pub termios: RefCell<Termios>,
    /// Its window.
    pub size: Cell<WinSize>,
    /// The session that it controls.
    pub session: RefCell<Weak<Session>>,
    /// The group in the foreground.
    pub pgrp: Cell<Pid>,
    /// Woken when there is more to read, or something else changed.
    pub readers: WaitQueue,
    /// Woken when there is room to write.
    pub writers: WaitQueue,
    input: RefCell<Input>,
    column: Cell<usize>,
    /// Output is stopped (`^S`).
    stopped: Cell<bool>,
    hung_up: Cell<bool>,
    exclusive: Cell<bool>,
    end: End,
}

/// What is at the other end.
enum End {
    Console,
    Pty(Line),
}

/// The line to a master.
#[derive(Default)]
struct Line {
    output: RefCell<VecDeque<u8>>,
    locked: Cell<bool>,
    packet: Cell<bool>,
    /// What the master is told in packet mode (`TIOCPKT_…`).
    status: Cell<u8>,
    /// Open files of the slave; none: nobody opened it yet.
    slaves: Cell<Option<u32>>,
}

impl Tty {
    /// The console, whose output goes to the host.
    pub fn console() -> Rc<Tty> {
        let termios = Termios::default();
        let iflag = termios.iflag | termios::iflag::IUTF8;
        Tty::new("console".into(), makedev(5, 1), End::Console, Termios { iflag, ..termios })
    }

    fn new(name: String, dev: u64, end: End, termios: Termios) -> Rc<Tty> {
        Rc::new(Tty {
            name,
            dev,
            termios: RefCell::new(termios),
            size: Cell::new([0; 4]),
            session: RefCell::default(),
            pgrp: Cell::new(0),
            readers: WaitQueue::new(),
            writers: WaitQueue::new(),
            input: RefCell::default(),
            column: Cell::new(0),
            stopped: Cell::new(false),
            hung_up: Cell::new(false),
            exclusive: Cell::new(false),
            end,
        })
    }

    fn line(&self) -> Option<&Line> {
        match &self.end {
            End::Console => None,
            End::Pty(line) => Some(line),
        }
    }

    /// Gives the window another size, and tells the foreground.
    pub fn resize(&self, kernel: &mut Kernel, size: WinSize) {
        if self.size.replace(size) != size && self.pgrp.get() != 0 {
            kernel.signal_group(self.pgrp.get(), SigInfo::kernel(SIGWINCH));
        }
    }

    /// Tells a master in packet mode what happened.
    fn tell_master(&self, status: u8) {
        if let Some(line) = self.line()
            && line.packet.get()
        {
            line.status.set(line.status.get() | status);
            self.readers.wake_all();
        }
    }
}

impl Kernel {
    /// Bytes that somebody typed on the host's terminal.
    pub fn console_input(&mut self, bytes: &[u8]) {
        let console = self.console.clone();
        console.receive(self, bytes);
    }

    /// How many bytes of input the console takes now.
    pub fn console_room(&self) -> usize {
        self.console.room()
    }

    /// The host's terminal has another size.
    pub fn console_resize(&mut self, rows: u16, columns: u16) {
        let console = self.console.clone();
        console.resize(self, [rows, columns, 0, 0]);
    }

    /// The host's terminal is gone.
    pub fn console_hangup(&mut self) {
        let console = self.console.clone();
        job::hang_up(self, &console);
    }
}

/// What is written to the other end, in the order in which it comes.
type Bytes = Vec<u8>;
