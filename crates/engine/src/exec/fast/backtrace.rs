//! The guest calls on the stack at the time of a trap, and where each stands.

use super::ops::call::{CROSS, LEAVE};
use super::run::Ctx;
use crate::TrapFrame;
use crate::module::CodeSlots;

/// The frames from a trap outward.
pub(super) struct Backtrace<'a> {
    pub ip: *const u64,
    pub sp: *mut u64,
    pub ctx: &'a mut Ctx,
}

impl Iterator for Backtrace<'_> {
    type Item = TrapFrame;

    fn next(&mut self) -> Option<TrapFrame> {
        // SAFETY: frames, code and instances are as they were at the trap.
        unsafe {
            if self.ip == LEAVE.ip() || self.ip.is_null() {
                return None;
            }
            if self.ip == CROSS.ip() {
                let (ip, instance) = self.ctx.cross.pop()?;
                self.ctx.instance = instance;
                self.sp = self.sp.sub(*ip.sub(1) as usize);
                self.ip = ip.sub(1);
            }
            let instance = &*self.ctx.instance;
            let CodeSlots::Fast(slots) = &instance.module.data().code else { return None };
            let (body, code) = slots
                .iter()
                .enumerate()
                .find_map(|(i, slot)| Some((i, slot.get().filter(|c| c.contains(self.ip))?)))?;
            let index = instance.module.decl().imported_funcs as usize + body;
            let frame = TrapFrame { func: instance.funcs[index], offset: code.offset(self.ip) };
            let back = *self.sp.sub(1) as usize as *const u64;
            let distance = *back.sub(1) as usize;
            self.sp = self.sp.sub(distance);
            // The call's last word, so that the address lies in the calling instruction.
            self.ip = if distance == 0 { back } else { back.sub(1) };
            Some(frame)
        }
    }
}
