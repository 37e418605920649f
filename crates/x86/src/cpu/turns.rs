//! Turns of the interpreter and of translated code.

use super::cache::MAX_BLOCK;
use super::context::{Context, slot};
use super::{Cpu, execute, step};
use crate::registers::flags::{DF, STATUS, TF};
use crate::translate::state::{Cause, State, is_ordinary, status, why};
use crate::translate::{LEAVING, Leave};
use crate::{AddressSpace, Exit, Fpu, Mode};

/// Instructions that translated code may execute beyond its budget, which is that much less
/// than what is left.
pub(super) const RESERVE: i64 = 4096;

/// How execution goes on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    /// In translated code if there is some, else in a turn of the interpreter.
    Anything,
    /// With one instruction of the interpreter.
    Single,
    /// With a turn of the interpreter.
    Turn,
}

impl Cpu {
    /// As `run`, with translated code where there is some.
    pub(super) fn run_translated(
        &mut self,
        cx: &mut Context,
        left: &mut i64,
        mem: *mut u8,
        pages: *const u8,
    ) -> Exit {
        let mut next = Next::Anything;
        loop {
            self.keep_up(cx);
            if *left < MAX_BLOCK {
                return Exit::Budget;
            }
            if cx.rflags & TF != 0 {
                let exit = step(cx, mem, pages);
                *left -= 1;
                match exit {
                    Exit::Budget => return Exit::SingleStep,
                    exit => return exit,
                }
            }
            if next == Next::Anything && *left >= RESERVE && self.finds_translated(cx.rip) {
                match self.enter_translated(cx, left) {
                    Ok(then) => next = then,
                    Err(exit) => return exit,
                }
                continue;
            }
            let single = core::mem::replace(&mut next, Next::Anything) == Next::Single;
            if let Some(exit) = self.turn(cx, left, mem, pages, single) {
                return exit;
            }
        }
    }

    fn finds_translated(&mut self, rip: u64) -> bool {
        self.translator.as_mut().is_some_and(|translator| translator.find(rip))
    }

    /// Runs translated code, of which there is some where execution stands.
    fn enter_translated(&mut self, cx: &mut Context, left: &mut i64) -> Result<Next, Exit> {
        let Some(translator) = self.translator.as_mut() else { return Ok(Next::Turn) };
        let state = translator.state();
        // SAFETY: inside the reservation, where only translated code reaches it, which does
        // not run now.
        let state = unsafe { &mut *state };
        // SAFETY: the context's pointers are valid during a run.
        let (mode, fpu) = unsafe { ((*cx.registers).mode, &mut (*cx.registers).fpu) };
        give(cx, fpu, state, *left - RESERVE);
        // SAFETY: as above; translated code changes no map.
        let space = unsafe { &*cx.space };
        let (before, entry) = (state.left, cx.rip);
        if !translator.enter() {
            // Its checks leave nothing to trap at. What it has stored cannot be undone, so the
            // program must not go on.
            return Err(Exit::GeneralProtection);
        }
        let executed = before - state.left;
        *left -= executed;
        let mut cause = None;
        if (why::FIRST_STOP..why::END).contains(&state.why) {
            let stop = translator.stop(state.slot, state.why - why::FIRST_STOP);
            // Only a program that overwrote the state could have come here.
            let Some(stop) = stop else { return Err(Exit::GeneralProtection) };
            (state.rip, cause) = (stop.rip, Some(stop.cause));
            state.fk = stop.flags.unwrap_or(state.fk);
        }
        take(cx, fpu, state);
        if cause != Some(Cause::Budget) && translator.judge(entry, executed) {
            self.cache.clear_entry(entry as u32);
        }
        match cause {
            Some(Cause::Step) => {
                translator.stopped(mode, cx.rip, space);
                return Ok(Next::Single);
            }
            Some(Cause::Budget) => {
                translator.led(mode, cx.rip, space, Leave::Budget);
                return Ok(Next::Turn);
            }
            None if translator.knows(cx.rip) => {
                translator.led(mode, cx.rip, space, Leave::Displaced);
            }
            // Where regions are left to again and again is worth one.
            None => {
                translator.led(mode, cx.rip, space, Leave::Outside);
                if state.why != why::JUMP {
                    self.cache.note_target(state.why, cx.rip);
                }
                self.sample(cx, mode, cx.rip, LEAVING);
            }
        }
        Ok(Next::Anything)
    }

    /// Interpreted code until something leaves it; behind a `single` instruction it is asked for
    /// translated code.
    fn turn(
        &mut self,
        cx: &mut Context,
        left: &mut i64,
        mem: *mut u8,
        pages: *const u8,
        single: bool,
    ) -> Option<Exit> {
        // SAFETY: no op is running; the context's pointers are valid during a run.
        let (mode, space) = unsafe { ((*cx.registers).mode, &mut *cx.space) };
        self.cache.trim(space);
        let length = self.translator.as_ref().map_or(i64::MAX, |t| t.options().turn as i64);
        let length = length.max(2 * MAX_BLOCK).min(*left);
        let start = cx.rip;
        cx.left = length;
        cx.resume = false;
        let block = match single {
            true => self.cache.single(mode, cx.rip, space),
            false => self.cache.plain_block(mode, cx.rip, space),
        };
        match block {
            // SAFETY: a block of this cache.
            Ok(op) => unsafe { execute(op, cx, mem, pages) },
            Err(exit) => return Some(exit),
        }
        let executed = length - cx.left;
        *left -= executed;
        if cx.resume {
            // What is missing is code for where it began.
            if !single {
                self.sample(cx, mode, start, executed as u64);
            }
            return None;
        }
        if cx.exit != Exit::Budget {
            return Some(cx.exit);
        }
        if *left >= MAX_BLOCK {
            self.sample(cx, mode, cx.rip, executed as u64);
        }
        None
    }

    /// Instructions have been interpreted from or at an address, or a region was left for it.
    fn sample(&mut self, cx: &mut Context, mode: Mode, rip: u64, spent: u64) {
        let Some(translator) = &mut self.translator else { return };
        if !translator.sample(rip, spent) {
            return;
        }
        // SAFETY: as in `turn`.
        let space = unsafe { &mut *cx.space };
        if translator.is_full() {
            self.flushes = u64::MAX;
            return;
        }
        self.begin(mode, rip as u32, space, false);
    }

    /// Translates the code at an address, hot or not; whether there was something to translate.
    /// It runs when the host is ready.
    pub fn translate_at(&mut self, mode: Mode, rip: u32, space: &mut AddressSpace) -> bool {
        self.begin(mode, rip, space, true)
    }

    fn begin(&mut self, mode: Mode, rip: u32, space: &mut AddressSpace, wanted: bool) -> bool {
        let Some(translator) = &mut self.translator else { return false };
        let made = translator.translate(mode, rip, space, &*self.cache, wanted);
        if let Some((slot, spans)) = &made {
            self.cache.watch(*slot, spans, space);
        }
        made.is_some()
    }

    /// Takes note of code that has changed, and of regions that are ready.
    fn keep_up(&mut self, cx: &mut Context) {
        let Some(translator) = &mut self.translator else { return };
        // SAFETY: as in `turn`.
        let space = unsafe { &mut *cx.space };
        if self.flushes != self.cache.flushes() {
            translator.clear();
            self.cache.drop_all(space);
            self.flushes = self.cache.flushes();
        }
        for slot in self.cache.take_stale_regions() {
            for at in translator.remove(slot) {
                self.cache.clear_entry(at);
            }
        }
        if translator.looks_for_news() {
            for at in translator.news() {
                self.cache.set_entry(at, space);
            }
        }
    }
}

fn give(cx: &Context, fpu: &Fpu, state: &mut State, left: i64) {
    state.xmm = fpu.xmm;
    state.fp = is_ordinary(fpu.mxcsr).into();
    state.df = (cx.rflags & DF != 0).into();
    state.gpr.copy_from_slice(&cx.r[..16]);
    (state.fs_base, state.gs_base) = (cx.r[slot::FS], cx.r[slot::GS]);
    (state.fa, state.fb, state.fc, state.fk) = (0, cx.status(), 0, 0);
    (state.rip, state.left) = (cx.rip, left);
}

fn take(cx: &mut Context, fpu: &mut Fpu, state: &State) {
    fpu.xmm = state.xmm;
    cx.r[..16].copy_from_slice(&state.gpr);
    cx.rip = state.rip;
    cx.set_status(status(state.fa, state.fb, state.fc, state.fk) & STATUS);
}
