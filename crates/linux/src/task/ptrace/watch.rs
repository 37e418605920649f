//! Debug registers (SDM vol. 3, 18.2), which a tracer writes as parts of `struct user`: four
//! addresses at which a thread stops, when it executes what is there or when it writes there.
//!
//! A thread with such an address executes one instruction at a time, and what it watches is
//! compared after each. So a write of what was there before is not noticed, which debuggers pass
//! over anyway, and watching for reads is refused.

use alloc::rc::Rc;
use core::cell::Cell;

use super::Thread;
use crate::errno::{Errno, SysResult};
use crate::kernel::Context;
use crate::signal::{Fields, SIGTRAP, SigInfo, fault};

/// `TRAP_HWBKPT`.
const CODE: i32 = 4;
/// Bits of the status register that are the other way round.
const INVERTED: u64 = 0xffff_0ff0;
const EXECUTE: u64 = 0;
const WRITE: u64 = 1;

/// The registers of a traced thread.
#[derive(Default)]
pub struct Debug {
    addresses: Cell<[u64; 4]>,
    /// Which addresses were met.
    status: Cell<u64>,
    control: Cell<u64>,
    /// The thread stopped before this instruction, and goes on with it.
    passed: Cell<Option<u64>>,
}

/// What is at the watched addresses before an instruction.
pub struct Before([u64; 4]);

/// What is to be done before an instruction.
pub enum Begin {
    /// Nothing is watched.
    Freely,
    /// The thread has a signal now.
    Stop,
    /// One instruction is executed, then [`after`] looks.
    Step(Before),
}

impl Debug {
    /// The value of a register.
    pub fn get(&self, number: usize) -> u64 {
        match number {
            0..4 => self.addresses.get()[number],
            6 => self.status.get() ^ INVERTED,
            7 => self.control.get(),
            _ => 0,
        }
    }

    /// Changes a register. Errors: `EINVAL` for what cannot be watched, `EIO` for a register that
    /// there is not.
    pub fn set(&self, number: usize, value: u64) -> SysResult<()> {
        match number {
            0..4 => {
                let mut addresses = self.addresses.get();
                addresses[number] = value;
                check(addresses, self.control.get())?;
                self.addresses.set(addresses);
            }
            6 => self.status.set(value ^ INVERTED),
            7 => {
                check(self.addresses.get(), value)?;
                self.control.set(value);
            }
            _ => return Err(Errno::EIO),
        }
        Ok(())
    }

    /// The addresses in use: number, kind, address, length.
    fn enabled(&self) -> impl Iterator<Item = (usize, u64, u64, usize)> {
        decode(self.addresses.get(), self.control.get())
    }
}

fn decode(addresses: [u64; 4], control: u64) -> impl Iterator<Item = (usize, u64, u64, usize)> {
    let is_enabled = move |number: &usize| control >> (2 * number) & 3 != 0;
    (0..4).filter(is_enabled).map(move |number| {
        let how = control >> (16 + 4 * number);
        (number, how & 3, addresses[number], [1, 2, 8, 4][(how >> 2 & 3) as usize])
    })
}

fn check(addresses: [u64; 4], control: u64) -> SysResult<()> {
    let is_sound = |(_, kind, addr, len): (usize, u64, u64, usize)| match kind {
        EXECUTE => len == 1,
        WRITE => addr.is_multiple_of(len as u64),
        _ => false,
    };
    if decode(addresses, control).all(is_sound) { Ok(()) } else { Err(Errno::EINVAL) }
}

fn values(cx: &Context, debug: &Debug) -> [u64; 4] {
    let mut values = [0; 4];
    let mm = cx.mm();
    let mm = mm.borrow();
    for (number, kind, addr, len) in debug.enabled() {
        let mut bytes = [0; 8];
        // What is not there cannot change.
        if kind == WRITE && mm.machine.peek(addr, &mut bytes[..len]).is_ok() {
            values[number] = u64::from_le_bytes(bytes);
        }
    }
    values
}

/// Before a thread goes on in its program.
pub fn begin(cx: &mut Context) -> Begin {
    let thread = cx.thread.clone();
    let Some(tracing) = thread.tracing().filter(|t| t.debug.control.get() & 0xff != 0) else {
        return Begin::Freely;
    };
    let debug = &tracing.debug;
    let rip = thread.registers.borrow().rip;
    let passed = debug.passed.take() == Some(rip);
    let here = |&(_, kind, addr, _): &(usize, u64, u64, usize)| kind == EXECUTE && addr == rip;
    if let Some((number, ..)) = debug.enabled().find(here).filter(|_| !passed) {
        debug.passed.set(Some(rip));
        hit(cx, &thread, debug, 1 << number);
        return Begin::Stop;
    }
    Begin::Step(Before(values(cx, debug)))
}

/// After one instruction. Whether something was written that is watched; the thread has a signal
/// then.
pub fn after(cx: &mut Context, before: &Before, steps: bool) -> bool {
    let thread = cx.thread.clone();
    let Some(tracing) = thread.tracing() else { return false };
    let debug = &tracing.debug;
    let now = values(cx, debug);
    let met = (0..4).filter(|&n| now[n] != before.0[n]).fold(0, |met, n| met | 1 << n);
    if met != 0 && !steps {
        hit(cx, &thread, debug, met);
    } else {
        // The step is a signal of its own.
        debug.status.set(debug.status.get() | met);
    }
    met != 0
}

fn hit(cx: &mut Context, thread: &Rc<Thread>, debug: &Debug, met: u64) {
    debug.status.set(debug.status.get() & !0xf | met);
    let fields = Fields::Address(thread.registers.borrow().rip);
    fault::force(cx, SigInfo { signal: SIGTRAP, errno: 0, code: CODE, fields });
}
