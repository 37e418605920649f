//! The interpreter: code is decoded into blocks of ops (`lower`), kept (`cache`), and
//! executed by handlers that jump to each other (`op`, `ops`).

mod cache;
mod context;
mod cpuid;
mod flags;
mod loc;
mod lower;
mod op;
mod ops;
mod slow;
mod turns;

use crate::registers::flags::{FIXED, TF};
use crate::translate::{Counts, MakeHost, Options, Reason, Translator};
use crate::{AddressSpace, Exit, Mode, Registers};
use alloc::boxed::Box;
pub(crate) use cache::Map;
use cache::{Cache, MAX_BLOCK};
use context::{Context, slot};
use core::fmt;
pub(crate) use lower::{Conditional, conditional, general, memory_bytes};
use op::Op;

/// What is decoded of an address space. One serves all threads of a process.
pub struct Cpu {
    cache: Box<Cache>,
    translator: Option<Box<Translator>>,
    flushes: u64,
    clock: fn() -> u64,
    executed: u64,
}

impl fmt::Debug for Cpu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cpu").finish_non_exhaustive()
    }
}

impl Default for Cpu {
    fn default() -> Self {
        Self::new()
    }
}

impl Cpu {
    /// With nothing decoded.
    pub fn new() -> Self {
        Self { cache: Box::default(), translator: None, flushes: 0, clock: || 0, executed: 0 }
    }

    /// Sets what `rdtsc` reads; zero without it.
    pub fn set_clock(&mut self, clock: fn() -> u64) {
        self.clock = clock;
    }

    /// From now on hot code is translated. `false`, with nothing changed, if the memory of
    /// this address space cannot be reached by other code.
    pub fn translate(&mut self, make: MakeHost, space: &AddressSpace, options: Options) -> bool {
        let translator = Translator::new(make, space, options);
        let done = translator.is_some();
        self.translator = translator.map(Box::new).or(self.translator.take());
        done
    }

    /// What has been translated.
    pub fn translated(&self) -> Option<Counts> {
        self.translator.as_ref().map(|translator| translator.counts)
    }

    /// Where translated code was left for the interpreter, most often first.
    pub fn reasons(&self) -> alloc::vec::Vec<Reason> {
        self.translator.as_ref().map_or_else(alloc::vec::Vec::new, |t| t.reasons())
    }

    /// How much of the budget the last run used. Instructions of a block that was left in the
    /// middle, by a fault or a system call, are not all counted.
    pub fn executed(&self) -> u64 {
        self.executed
    }

    /// Executes at most `budget` instructions of a thread; a few of them (fewer than 64) may
    /// be left unused when it comes back with [`Exit::Budget`]. A string instruction that
    /// takes long counts as many.
    ///
    /// `space` must be the same each time; after a fork or an exec use a new `Cpu`.
    pub fn run(
        &mut self,
        registers: &mut Registers,
        space: &mut AddressSpace,
        budget: u64,
    ) -> Exit {
        self.cache.take_invalidations(space);
        let (mem, pages) = space.raw_parts();
        let mask = match registers.mode {
            Mode::I386 => 0xffff_ffff,
            Mode::Amd64 => u64::MAX,
        };
        let mut cx = Context {
            r: [0; slot::COUNT],
            res: 0,
            src: 0,
            kind: flags::kind::EXACT,
            left: 0,
            rflags: registers.rflags | FIXED,
            mask,
            rip: registers.rip,
            exit: Exit::Budget,
            resume: false,
            clock: self.clock,
            registers,
            space,
            cache: &raw mut *self.cache,
        };
        // SAFETY: the registers live, and nothing else refers to them.
        unsafe { (*cx.registers).enter(&mut cx) };
        let mut left = i64::try_from(budget).unwrap_or(i64::MAX);
        if self.translator.is_some() && left >= turns::RESERVE {
            let exit = self.run_translated(&mut cx, &mut left, mem, pages);
            self.executed = budget.saturating_sub(left.max(0) as u64);
            // SAFETY: as above.
            unsafe { (*cx.registers).leave(&cx) };
            return exit;
        }
        // Short budgets are served one instruction at a time.
        let mut short = left < 2 * MAX_BLOCK;
        let exit = loop {
            let trace = cx.rflags & TF != 0;
            if left <= 0 || (left < MAX_BLOCK && !short) {
                break Exit::Budget;
            }
            cx.resume = false;
            if trace || short {
                let exit = step(&mut cx, mem, pages);
                left -= 1;
                match exit {
                    Exit::Budget if trace => break Exit::SingleStep,
                    Exit::Budget => {}
                    exit => break exit,
                }
                continue;
            }
            cx.left = left;
            // SAFETY: no op is running.
            let cache = unsafe { &mut *cx.cache };
            // SAFETY: the address space outlives the run.
            let space = unsafe { &mut *cx.space };
            cache.trim(space);
            // SAFETY: as above.
            let mode = unsafe { (*cx.registers).mode };
            match cache.block(mode, cx.rip, space) {
                // SAFETY: a block of this cache.
                Ok(op) => unsafe { execute(op, &mut cx, mem, pages) },
                Err(exit) => break exit,
            }
            left = cx.left;
            if !cx.resume {
                break cx.exit;
            }
            short = false;
        };
        self.executed = budget.saturating_sub(left.max(0) as u64);
        // SAFETY: as above.
        unsafe { (*cx.registers).leave(&cx) };
        exit
    }
}

/// Executes one instruction, which is not kept.
fn step(cx: &mut Context, mem: *mut u8, pages: *const u8) -> Exit {
    // SAFETY: the context's pointers are valid during a run.
    let (mode, space) = unsafe { ((*cx.registers).mode, &mut *cx.space) };
    let Ok(at) = u32::try_from(cx.rip) else { return cache::fetch_fault(space, cx.rip) };
    match lower::block(mode, at, space, 1) {
        Ok((ops, _)) => {
            cx.left = 1;
            // SAFETY: the block lives until it is left, which its last op does.
            unsafe { execute(ops.as_ptr(), cx, mem, pages) };
            if cx.resume { Exit::Budget } else { cx.exit }
        }
        Err(exit) => exit,
    }
}

/// Runs from an op until something leaves.
unsafe fn execute(op: *const Op, cx: &mut Context, mem: *mut u8, pages: *const u8) {
    #[cfg(sampan_tail_calls)]
    // SAFETY: the caller's promise.
    unsafe {
        ((*op).run)(op, cx, mem, pages);
    }
    #[cfg(not(sampan_tail_calls))]
    {
        let mut op = op;
        while !op.is_null() {
            // SAFETY: the caller's promise, and each handler's for the next.
            op = unsafe { ((*op).run)(op, cx, mem, pages) };
        }
    }
}

impl Registers {
    fn enter(&self, cx: &mut Context) {
        cx.r[..16].copy_from_slice(&self.gpr);
        if self.mode == Mode::I386 {
            for r in &mut cx.r[..16] {
                *r &= 0xffff_ffff;
            }
        }
        cx.r[slot::FS] = self.fs_base;
        cx.r[slot::GS] = self.gs_base;
        cx.r[slot::HIGH] = 1 << 32;
    }

    fn leave(&mut self, cx: &Context) {
        self.gpr.copy_from_slice(&cx.r[..16]);
        self.rip = cx.rip;
        self.rflags = cx.flags();
        self.fs_base = cx.r[slot::FS];
        self.gs_base = cx.r[slot::GS];
    }
}
