//! System calls: the table, how a call is made, and how it is made again.
//!
//! To add a call, give its row in `table.rs` a level and a handler:
//!
//! ```text
//! 3   0   read(Fd Out Size)   Full   crate::fs::io::read;
//! ```
//!
//! i386 number, amd64 number (`_` where an ABI lacks it), kinds of the arguments
//! (see [`Arg`]), support level (`Full`, `Part("what is missing")`, or `No`
//! without a handler), handler. A handler is
//! `fn(&mut Context, Args) -> SysResult`; it returns the result or an error. One
//! that must wait returns `Err(cx.wait_on(&queue))` and is called again from its
//! start when the queue woke it or a signal came; if by then it still must wait
//! and there is a signal, the call ends with `ERESTARTSYS`, or with what
//! [`CallState::interrupted`] says, or with what it did so far
//! ([`CallState::progress`]).

mod args;
mod docs;
mod table;
mod trace;

use alloc::boxed::Box;
use alloc::rc::Rc;
use core::any::Any;

pub use args::{Arg, Args, address};
pub use docs::markdown;
pub use table::ROWS;
pub use trace::line as trace_line;

use crate::errno::{Errno, SysResult};
use crate::kernel::Context;
use crate::machine::{Exit, Registers};
use crate::time::timers::TimerKey;
use crate::wait::Parked;

/// Which binary interface a program uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Abi {
    /// 32-bit x86.
    I386,
    /// x86-64.
    Amd64,
}

/// How much of a call there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// All that programs are known to use.
    Full,
    /// Something is missing.
    Part(&'static str),
    /// Nothing: `ENOSYS`.
    No,
}

/// What does a call.
pub type Handler = fn(&mut Context, Args) -> SysResult;

/// A row of the table.
pub struct Row {
    /// The name, as the man pages have it.
    pub name: &'static str,
    /// Its number on i386.
    pub i386: Option<u16>,
    /// Its number on amd64.
    pub amd64: Option<u16>,
    /// Kinds of its arguments.
    pub args: &'static [Arg],
    /// How much there is.
    pub level: Level,
    /// What does it.
    pub handler: Option<Handler>,
}

impl Row {
    /// Its number in an ABI.
    pub fn number(&self, abi: Abi) -> Option<u16> {
        match abi {
            Abi::I386 => self.i386,
            Abi::Amd64 => self.amd64,
        }
    }

    /// The row of a number.
    pub fn find(abi: Abi, number: u32) -> Option<&'static Row> {
        let table = match abi {
            Abi::I386 => &table::I386,
            Abi::Amd64 => &table::AMD64,
        };
        let index = *table.get(number as usize)?;
        ROWS.get(usize::from(index))
    }
}

/// The registers that arguments are passed in.
pub fn raw_arguments(registers: &Registers, abi: Abi) -> [u64; 6] {
    let r = &registers.gpr;
    match abi {
        Abi::Amd64 => [r[7], r[6], r[2], r[10], r[8], r[9]],
        Abi::I386 => [r[3], r[1], r[2], r[6], r[7], r[5]].map(|value| value & 0xffff_ffff),
    }
}

/// A call that a thread is in, from its start to its result.
pub struct CallState {
    /// Which call; none if the number means nothing.
    pub row: Option<&'static Row>,
    /// The number that the program gave.
    pub number: u32,
    /// Its arguments.
    pub args: Args,
    /// Whether the handler ran before.
    pub again: bool,
    /// When it gives up waiting (monotonic nanoseconds).
    pub deadline: Option<u64>,
    /// What was done before it waited: bytes, mostly. The result if a signal comes.
    pub progress: u64,
    /// What the call ends with if a signal comes while nothing was done.
    pub interrupted: Errno,
    /// Signals do not end the wait.
    pub uninterruptible: bool,
    /// What a handler wants to find again, such as what it holds while it waits.
    pub saved: Option<Box<dyn Any>>,
    /// The thread stopped at its beginning: what it is may have been changed.
    pub stopped: bool,
    /// It is no call, but a fault of the program whose page is on the way.
    pub fault: Option<Exit>,
    /// The wait that it is in.
    pub parked: Option<Rc<Parked>>,
    /// What wakes it at the deadline.
    pub timer: Option<TimerKey>,
}

impl CallState {
    /// The beginning of a call.
    pub fn new(number: u32, row: Option<&'static Row>, args: Args) -> CallState {
        CallState {
            row,
            number,
            args,
            again: false,
            deadline: None,
            progress: 0,
            interrupted: Errno::ERESTARTSYS,
            uninterruptible: false,
            saved: None,
            stopped: false,
            fault: None,
            parked: None,
            timer: None,
        }
    }
}
