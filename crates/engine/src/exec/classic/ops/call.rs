//! Calls and returns.

use crate::entity::{FuncEntity, FuncKind, InstanceData};
use crate::exec::classic::code::{Code, LINK};
use crate::exec::classic::ops::trap;
use crate::exec::classic::regs::{Flow, Handler, Regs, handler, leb};
use crate::exec::classic::run::code_of;
use crate::exec::classic::tables::CROSS;
use crate::sync::Arc;
use crate::{HostFn, Trap, TrapKind};
use core::ptr::{with_exposed_provenance, with_exposed_provenance_mut};
use core::sync::atomic::Ordering;

handler! {
    fn call<const DEPTH: usize>(r) {
        let mut index = u32::from(r.byte(1));
        let mut len = 2;
        if index >= 0x80 {
            let (long, bytes) = leb(r.pc.add(1));
            index = long as u32;
            len = 1 + bytes;
        }
        r.spill(DEPTH);
        let ctx = r.ctx;
        if index < (*ctx).imported {
            return r.call(call_import);
        }
        let code = (*(*ctx).codes.wrapping_add(index as usize)).as_ptr();
        if code.is_null() {
            return r.call(prepare_callee);
        }
        let back = r.pc.add(len);
        r.enter(code, back)
    }

    /// Calls an imported function; no operand is in a register.
    #[cold]
    fn call_import(r) {
        let (index, len) = leb(r.pc.add(1));
        let func = (&(*(*r.ctx).instance).funcs)[index as usize].0;
        r.call_entity(r.entity(func), 1 + len)
    }

    /// Prepares the function that `call` or `return_call` needs, and starts over; no operand
    /// is in a register.
    #[cold]
    fn prepare_callee(r) {
        let (index, _) = leb(r.pc.add(1));
        let ctx = r.ctx;
        let body = index as u32 - (*ctx).imported;
        match code_of((*(*ctx).instance).module.data(), body) {
            Ok(_) => r.go_base(0),
            Err(error) => r.raise(Trap::host(error)),
        }
    }

    fn call_indirect<const DEPTH: usize>(r) {
        let mut depth = DEPTH;
        let index = r.pop(&mut depth) as u32;
        r.spill(depth);
        let (ty, ty_len) = leb(r.pc.add(1));
        let (table, table_len) = leb(r.pc.add(1 + ty_len));
        let len = 1 + ty_len + table_len;
        match r.resolve(index, ty as usize, table as usize) {
            Ok(func) => {
                if let FuncKind::Wasm { instance, body } = (*func).kind
                    && instance == (*r.ctx).instance
                {
                    let ctx = r.ctx;
                    let slot = (*ctx).codes.wrapping_add(((*ctx).imported + body) as usize);
                    let code = (*slot).as_ptr();
                    if !code.is_null() {
                        let back = r.pc.add(len);
                        return r.enter(code, back);
                    }
                }
                r.call_entity(func, len)
            }
            Err(kind) => r.trap(kind),
        }
    }

    fn return_call(r) {
        let (index, _) = leb(r.pc.add(1));
        let ctx = r.ctx;
        if (index as u32) < (*ctx).imported {
            r.spill(1);
            let func = (&(*(*ctx).instance).funcs)[index as usize].0;
            return r.tail_entity(r.entity(func));
        }
        let code = (*(*ctx).codes.wrapping_add(index as usize)).as_ptr();
        r.spill(1);
        if code.is_null() {
            return r.call(prepare_callee);
        }
        if let Some(stop) = r.refuse(r.fp, code) {
            return r.call(stop);
        }
        let back = with_exposed_provenance(*r.linkage() as usize);
        r.tail(code, back)
    }

    fn return_call_indirect(r) {
        let (ty, ty_len) = leb(r.pc.add(1));
        let (table, _) = leb(r.pc.add(1 + ty_len));
        let index = r.a as u32;
        match r.resolve(index, ty as usize, table as usize) {
            Ok(func) => r.tail_entity(func),
            Err(kind) => r.trap(kind),
        }
    }

    /// Where a function that was called from another instance returns to.
    fn return_cross<const DEPTH: usize>(r) {
        let ctx = &mut *r.ctx;
        let (pc, instance) = ctx.cross.pop().expect("pushed by the call");
        ctx.enter_instance(instance);
        r.pc = pc;
        r.go(DEPTH)
    }
}

impl Regs {
    /// Where the current frame's linkage is.
    #[inline(always)]
    unsafe fn linkage(&self) -> *mut u64 {
        // SAFETY: it lies in the frame, behind the locals.
        unsafe { self.fp.add((*(*self.ctx).code).locals as usize) }
    }

    /// Starts a function whose arguments are on top of the stack in memory.
    #[inline(always)]
    unsafe fn enter(mut self, code: *const Code, back: *const u8) -> Flow {
        // SAFETY: the arguments lie in the caller's frame and so in the stack, and what
        // the callee needs beyond is checked here.
        unsafe {
            let fp = self.sp.sub((*code).params as usize);
            if let Some(stop) = self.refuse(fp, code) {
                return self.call(stop);
            }
            self.link(fp, code, back);
            self.go(0)
        }
    }

    /// The trap that a function with its frame at `fp` must not start for, if there is one.
    #[inline(always)]
    unsafe fn refuse(&mut self, fp: *mut u64, code: *const Code) -> Option<Handler> {
        // SAFETY: as for `enter`.
        unsafe {
            if ((*self.ctx).stack_end as usize - fp as usize) < (*code).frame_bytes {
                return Some(trap::stack_overflow);
            }
            if (*(*self.ctx).interrupt).load(Ordering::Relaxed) && self.context().take_interrupt() {
                return Some(trap::interrupted);
            }
        }
        None
    }

    /// Returns from the current function.
    #[inline(always)]
    pub unsafe fn return_(mut self, depth: usize) -> Flow {
        // SAFETY: the results are the topmost operands; `link` made the linkage.
        unsafe {
            let code = (*self.ctx).code;
            let [back, side, fp, caller] = self.linkage().cast::<[u64; LINK]>().read();
            let to = self.fp;
            self.pc = with_exposed_provenance(back as usize);
            self.set_side(with_exposed_provenance(side as usize));
            self.fp = with_exposed_provenance_mut(fp as usize);
            let caller: *const Code = with_exposed_provenance(caller as usize);
            (*self.ctx).code = caller;
            (*self.ctx).tables = (*caller).tables;
            let results = (*code).results as usize;
            let mut top = depth;
            match results {
                0 => {
                    self.sp = to;
                    self.go(0)
                }
                1 => {
                    self.a = self.pop(&mut top);
                    self.sp = to;
                    self.go(1)
                }
                _ => {
                    self.spill(depth);
                    core::ptr::copy(self.sp.sub(results), to, results);
                    self.sp = to.add(results);
                    self.go(0)
                }
            }
        }
    }

    /// A function of the machine.
    unsafe fn entity(&self, func: u32) -> *const FuncEntity {
        // SAFETY: an instance's functions exist in its machine.
        unsafe { (&(*(*self.ctx).machine).funcs).as_ptr().add(func as usize) }
    }

    /// The function in a table that an indirect call means.
    #[inline(always)]
    unsafe fn resolve(
        &self,
        index: u32,
        ty: usize,
        table: usize,
    ) -> Result<*const FuncEntity, TrapKind> {
        // SAFETY: validated indices; the machine keeps its entities.
        unsafe {
            let instance = &*(*self.ctx).instance;
            let table = &**instance.tables.get_unchecked(table);
            let element = table.elements.get(index as usize).ok_or(TrapKind::UndefinedElement)?;
            let func = self.entity(element.index().ok_or(TrapKind::UninitializedElement)?);
            let want = *instance.types.get_unchecked(ty);
            if (*func).ty != want && !is_subtype(&(*(*self.ctx).machine).registry, (*func).ty, want)
            {
                return Err(TrapKind::IndirectCallTypeMismatch);
            }
            Ok(func)
        }
    }

    /// Calls a host function, or a function of any instance, with all operands in memory.
    #[inline(never)]
    unsafe fn call_entity(mut self, func: *const FuncEntity, len: usize) -> Flow {
        // SAFETY: the machine keeps its entities.
        unsafe {
            let back = self.pc.add(len);
            match &(*func).kind {
                &FuncKind::Wasm { instance, body } => {
                    let code = match ready(instance, body) {
                        Ok(code) => code,
                        Err(trap) => return self.raise(trap),
                    };
                    if instance == (*self.ctx).instance {
                        return self.enter(code, back);
                    }
                    let fp = self.sp.sub((*code).params as usize);
                    if let Some(stop) = self.refuse(fp, code) {
                        return self.call(stop);
                    }
                    let ctx = &mut *self.ctx;
                    ctx.cross.push((back, ctx.instance));
                    ctx.enter_instance(instance);
                    self.link(fp, code, CROSS.as_ptr());
                    self.go(0)
                }
                FuncKind::Host(call) => {
                    let call = Arc::as_ptr(call);
                    match self.call_host(&*call, func) {
                        Ok(results) => self.sp = results,
                        Err(trap) => return self.raise(trap),
                    }
                    self.pc = back;
                    self.go(0)
                }
            }
        }
    }

    /// Calls a host function with all operands in memory, and gives the end of its results.
    unsafe fn call_host(
        &mut self,
        call: &HostFn,
        func: *const FuncEntity,
    ) -> Result<*mut u64, Trap> {
        // SAFETY: the machine is borrowed for the call only; its address comes from the
        // reference that `run` holds. The function's arguments are on the stack.
        unsafe {
            let ctx = &mut *self.ctx;
            let machine = &mut *ctx.machine;
            let ty = machine.registry.func((*func).ty).expect("a function's type is one");
            let params = crate::slots_of_all(ty.params()) as usize;
            let results = crate::slots_of_all(ty.results()) as usize;
            let slots = (*func).slots as usize;
            let first = self.sp.sub(params);
            if ((ctx.stack_end as usize - first as usize) / 8) < slots {
                return Err(Trap::new(TrapKind::StackOverflow));
            }
            let outer = machine.stack.top;
            machine.stack.top = first.offset_from(machine.stack.base()) as usize + slots;
            let values = core::slice::from_raw_parts_mut(first, slots);
            let caller = (*ctx.instance).id;
            let result = call(machine, &mut *ctx.data, Some(caller), values);
            (*ctx.machine).stack.top = outer;
            result?;
            // The host may have grown the memory.
            ctx.load_memory();
            Ok(first.add(results))
        }
    }

    /// Replaces the current function by one that is not refused and whose arguments are on
    /// top of the stack in memory.
    #[inline(always)]
    unsafe fn tail(mut self, code: *const Code, back: *const u8) -> Flow {
        // SAFETY: as for `enter`; the linkage is read before arguments may take its place.
        unsafe {
            let params = (*code).params as usize;
            let fp = self.fp;
            let [_, side, caller_fp, caller] = self.linkage().cast::<[u64; LINK]>().read();
            core::ptr::copy(self.sp.sub(params), fp, params);
            self.set_side(with_exposed_provenance(side as usize));
            self.fp = with_exposed_provenance_mut(caller_fp as usize);
            (*self.ctx).code = with_exposed_provenance(caller as usize);
            self.link(fp, code, back);
            self.go(0)
        }
    }

    /// Replaces the current function by a host function or one of any instance.
    #[inline(never)]
    unsafe fn tail_entity(mut self, func: *const FuncEntity) -> Flow {
        // SAFETY: as for `call_entity`.
        unsafe {
            match &(*func).kind {
                &FuncKind::Wasm { instance, body } => {
                    let code = match ready(instance, body) {
                        Ok(code) => code,
                        Err(trap) => return self.raise(trap),
                    };
                    if let Some(stop) = self.refuse(self.fp, code) {
                        return self.call(stop);
                    }
                    let mut back: *const u8 = with_exposed_provenance(*self.linkage() as usize);
                    let ctx = &mut *self.ctx;
                    if instance != ctx.instance {
                        if back != CROSS.as_ptr() {
                            ctx.cross.push((back, ctx.instance));
                            back = CROSS.as_ptr();
                        }
                        ctx.enter_instance(instance);
                    }
                    self.tail(code, back)
                }
                FuncKind::Host(call) => {
                    let call = Arc::as_ptr(call);
                    match self.call_host(&*call, func) {
                        Ok(results) => self.sp = results,
                        Err(trap) => return self.raise(trap),
                    }
                    self.return_(0)
                }
            }
        }
    }
}

#[cold]
#[inline(never)]
fn is_subtype(registry: &sampan_wasm::TypeRegistry, have: u32, want: u32) -> bool {
    registry.is_subtype(have, want)
}

/// The code of a function, prepared if need be.
unsafe fn ready(instance: *mut InstanceData, body: u32) -> Result<*const Code, Trap> {
    // SAFETY: the instance outlives execution.
    let module = unsafe { (*instance).module.data() };
    code_of(module, body).map_err(Trap::host)
}
