//! Turns of the interpreter and of translated code.

use super::cache::MAX_BLOCK;
use super::context::{Context, slot};
use super::{Cpu, execute, step};
use crate::registers::flags::{DF, STATUS, TF};
use crate::translate::state::{State, is_ordinary, status, why};
use crate::translate::{Leave, TURN};
use crate::{AddressSpace, Exit, Fpu, Mode};

/// Instructions that translated code may execute beyond its budget, which is that much less
/// than what is left.
pub(super) const RESERVE: i64 = 4096;

impl Cpu {
    /// As `run`, with translated code where there is some.
    pub(super) fn run_translated(
        &mut self,
        cx: &mut Context,
        left: &mut i64,
        mem: *mut u8,
        pages: *const u8,
    ) -> Exit {
        // The next instruction is one for the interpreter.
        let mut interpret = false;
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
            if !interpret && *left >= RESERVE && self.finds_translated(cx.rip) {
                if let Some(exit) = self.enter_translated(cx, left, &mut interpret) {
                    return exit;
                }
                continue;
            }
            interpret = false;
            if let Some(exit) = self.turn(cx, left, mem, pages) {
                return exit;
            }
        }
    }

    fn finds_translated(&mut self, rip: u64) -> bool {
        self.translator.as_mut().is_some_and(|translator| translator.find(rip))
    }

    /// Runs translated code, of which there is some where execution stands.
    fn enter_translated(
        &mut self,
        cx: &mut Context,
        left: &mut i64,
        interpret: &mut bool,
    ) -> Option<Exit> {
        let translator = self.translator.as_mut()?;
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
            return Some(Exit::GeneralProtection);
        }
        let executed = before - state.left;
        *left -= executed;
        take(cx, fpu, state);
        let why = state.why;
        match why {
            why::STEP => {
                *interpret = true;
                translator.stopped(mode, cx.rip, space);
                if translator.judge(entry, executed) {
                    self.cache.clear_entry(entry as u32);
                }
            }
            why::BUDGET => {
                *interpret = true;
                translator.led(mode, cx.rip, space, Leave::Budget);
            }
            // Where regions are left to again and again is worth one.
            jump if !translator.find(cx.rip) => {
                translator.led(mode, cx.rip, space, Leave::Outside);
                if jump != why::JUMP {
                    self.cache.note_target(jump, cx.rip);
                }
                self.sample(cx, mode, 1);
            }
            _ => translator.led(mode, cx.rip, space, Leave::Displaced),
        }
        None
    }

    /// Interpreted code until something leaves it.
    fn turn(
        &mut self,
        cx: &mut Context,
        left: &mut i64,
        mem: *mut u8,
        pages: *const u8,
    ) -> Option<Exit> {
        // SAFETY: no op is running; the context's pointers are valid during a run.
        let (mode, space) = unsafe { ((*cx.registers).mode, &mut *cx.space) };
        self.cache.trim(space);
        let length = self.translator.as_ref().map_or(i64::MAX, |t| t.options().turn as i64);
        let length = length.max(2 * MAX_BLOCK).min(*left);
        cx.left = length;
        cx.resume = false;
        match self.cache.plain_block(mode, cx.rip, space) {
            // SAFETY: a block of this cache.
            Ok(op) => unsafe { execute(op, cx, mem, pages) },
            Err(exit) => return Some(exit),
        }
        *left -= length - cx.left;
        if cx.resume {
            return None;
        }
        if cx.exit != Exit::Budget {
            return Some(cx.exit);
        }
        if *left >= MAX_BLOCK {
            self.sample(cx, mode, TURN);
        }
        None
    }

    /// A turn has ended here, or a region was left.
    fn sample(&mut self, cx: &mut Context, mode: Mode, weight: u32) {
        let Some(translator) = &mut self.translator else { return };
        if !translator.sample(cx.rip, weight) {
            return;
        }
        // SAFETY: as in `turn`.
        let space = unsafe { &mut *cx.space };
        if translator.is_full() {
            self.flushes = u64::MAX;
            return;
        }
        self.translate_at(mode, cx.rip as u32, space);
    }

    /// Translates the code at an address, hot or not; whether there was something to translate.
    /// It runs when the host is ready.
    pub fn translate_at(&mut self, mode: Mode, rip: u32, space: &mut AddressSpace) -> bool {
        let Some(translator) = &mut self.translator else { return false };
        let made = translator.translate(mode, rip, space, &*self.cache);
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
