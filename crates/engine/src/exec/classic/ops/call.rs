//! Calls and returns.

use crate::entity::{FuncEntity, FuncKind, InstanceData};
use crate::exec::classic::code::{Code, LINK};
use crate::exec::classic::context::Context;
use crate::exec::classic::ops::{control, trap};
use crate::exec::classic::regs::{Flow, Handler, Passed, Regs, handler, leb};
use crate::exec::classic::run::code_of;
use crate::exec::classic::tables::CROSS;
use crate::sync::Arc;
use crate::{HostFn, Trap, TrapKind};
use core::ptr::{with_exposed_provenance, with_exposed_provenance_mut};
use core::sync::atomic::Ordering;
use sampan_wasm::Opcode;

handler! {
    fn call<const DEPTH: usize>(r) {
        r.spill(DEPTH);
        let index = u32::from(r.byte(1));
        if index >= 0x80 {
            return r.call(call_long);
        }
        r.call_index(index, 2)
    }

    /// `call` with an index of several bytes; no operand is in a register.
    fn call_long(r) {
        let (index, len) = leb(r.pc.add(1));
        r.call_index(index, 1 + len)
    }

    /// Calls an imported function; no operand is in a register.
    #[cold]
    fn call_import(r) {
        let (index, _) = leb(r.pc.add(1));
        let func = (&(*(*r.ctx).instance).funcs)[index as usize].0;
        let callee = r.entity(func);
        r.context().callee = callee;
        r.call(call_entity)
    }

    /// Prepares the function that `call` or `return_call` needs, and starts over; no operand
    /// is in a register.
    #[cold]
    fn prepare_callee(r) {
        let (index, _) = leb(r.pc.add(1));
        let ctx = r.ctx;
        let body = index - (*ctx).imported;
        if ready(ctx, (*ctx).instance, body).is_null() {
            return r.call(trap::raise_pending);
        }
        r.go_base(0)
    }

    fn call_indirect<const DEPTH: usize>(r) {
        let mut depth = DEPTH;
        let index = r.pop(&mut depth);
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
                r.context().callee = func;
                r.call(call_entity)
            }
            Err(stop) => r.call(stop),
        }
    }

    fn return_call(r) {
        let (index, _) = leb(r.pc.add(1));
        let ctx = r.ctx;
        if index < (*ctx).imported {
            r.spill(1);
            let func = (&(*(*ctx).instance).funcs)[index as usize].0;
            (*ctx).callee = r.entity(func);
            return r.call(tail_entity);
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
        let index = r.a;
        match r.resolve(index, ty as usize, table as usize) {
            Ok(func) => {
                r.context().callee = func;
                r.call(tail_entity)
            }
            Err(stop) => r.call(stop),
        }
    }

    fn call_ref(r) {
        let Some(func) = crate::RawRef(r.a).index() else {
            return r.call(trap::null_reference);
        };
        (*r.ctx).callee = r.entity(func);
        r.call(call_entity)
    }

    fn return_call_ref(r) {
        let Some(func) = crate::RawRef(r.a).index() else {
            return r.call(trap::null_reference);
        };
        (*r.ctx).callee = r.entity(func);
        r.call(tail_entity)
    }

    /// Calls `Context::callee`, a host function or one of any instance, with all operands in
    /// memory.
    fn call_entity(r) {
        let back = r.after_call();
        match &(*(*r.ctx).callee).kind {
            &FuncKind::Wasm { instance, body } => {
                let code = ready(r.ctx, instance, body);
                if code.is_null() {
                    return r.call(trap::raise_pending);
                }
                let fp = r.sp.byte_sub((*code).param_bytes);
                if let Some(stop) = r.refuse(fp, code) {
                    return r.call(stop);
                }
                let ctx = r.ctx;
                if instance == (*ctx).instance {
                    r.link(fp, code, back);
                    return r.go(0);
                }
                if !leave_instance(ctx, back, instance) {
                    return r.call(trap::raise_pending);
                }
                r.link(fp, code, CROSS.as_ptr());
                r.go(0)
            }
            FuncKind::Host(call) => {
                ((*r.ctx).at_pc, (*r.ctx).at_fp) = (back, r.fp);
                let results = call_host(r.ctx, Arc::as_ptr(call), r.sp);
                if results.is_null() {
                    return r.call(trap::raise_pending);
                }
                r.sp = results;
                r.pc = back;
                r.go(0)
            }
        }
    }

    /// Replaces the current function by `Context::callee`, with all operands in memory.
    fn tail_entity(r) {
        match &(*(*r.ctx).callee).kind {
            &FuncKind::Wasm { instance, body } => {
                let code = ready(r.ctx, instance, body);
                if code.is_null() {
                    return r.call(trap::raise_pending);
                }
                if let Some(stop) = r.refuse(r.fp, code) {
                    return r.call(stop);
                }
                let mut back: *const u8 = with_exposed_provenance(*r.linkage() as usize);
                let ctx = r.ctx;
                if instance != (*ctx).instance {
                    if back == CROSS.as_ptr() {
                        (*ctx).enter_instance(instance);
                    } else {
                        if !leave_instance(ctx, back, instance) {
                            return r.call(trap::raise_pending);
                        }
                        back = CROSS.as_ptr();
                    }
                }
                r.tail(code, back)
            }
            FuncKind::Host(call) => {
                ((*r.ctx).at_pc, (*r.ctx).at_fp) = (core::ptr::null(), r.fp);
                let results = call_host(r.ctx, Arc::as_ptr(call), r.sp);
                if results.is_null() {
                    return r.call(trap::raise_pending);
                }
                r.sp = results;
                r.return_(0)
            }
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
        unsafe { self.fp.byte_add((*(*self.ctx).code).local_bytes) }
    }

    /// Starts a function whose arguments are on top of the stack in memory.
    #[cfg_attr(not(sampan_small), inline(always))]
    #[cfg_attr(sampan_small, inline(never))]
    #[allow(unused_mut)]
    unsafe fn enter(mut self: Passed<'_>, code: *const Code, back: *const u8) -> Flow {
        // SAFETY: the arguments lie in the caller's frame and so in the stack, and what
        // the callee needs beyond is checked here.
        unsafe {
            let fp = self.sp.byte_sub((*code).param_bytes);
            if ((*self.ctx).stack_end as usize - fp as usize) < (*code).frame_bytes {
                return self.call(trap::stack_overflow);
            }
            if (*(*self.ctx).interrupt).load(Ordering::Relaxed) {
                self.context().take_interrupt();
                return self.call(trap::interrupted);
            }
            self.link(fp, code, back);
            self.go(0)
        }
    }

    /// The trap that a function with its frame at `fp` must not start for, if there is one.
    #[cfg_attr(not(sampan_small), inline(always))]
    #[cfg_attr(sampan_small, inline(never))]
    unsafe fn refuse(&mut self, fp: *mut u64, code: *const Code) -> Option<Handler> {
        // SAFETY: as for `enter`.
        unsafe {
            if ((*self.ctx).stack_end as usize - fp as usize) < (*code).frame_bytes {
                return Some(trap::stack_overflow);
            }
            if (*(*self.ctx).interrupt).load(Ordering::Relaxed) {
                self.context().take_interrupt();
                return Some(trap::interrupted);
            }
        }
        None
    }

    /// Calls the function with an index, whose arguments are in memory.
    #[inline(always)]
    unsafe fn call_index(self: Passed<'_>, index: u32, len: usize) -> Flow {
        // SAFETY: validation: the function exists.
        unsafe {
            let ctx = self.ctx;
            if index < (*ctx).imported {
                return self.call(call_import);
            }
            let code = (*(*ctx).codes.wrapping_add(index as usize)).as_ptr();
            if code.is_null() {
                return self.call(prepare_callee);
            }
            let back = self.pc.add(len);
            self.enter(code, back)
        }
    }

    /// Makes the caller's frame the current one.
    #[cfg_attr(not(sampan_small), inline(always))]
    #[cfg_attr(sampan_small, inline(never))]
    pub unsafe fn unlink(&mut self) {
        // SAFETY: `link` made the linkage.
        unsafe {
            let [back, side, fp, caller] = self.linkage().cast::<[u64; LINK]>().read();
            self.pc = with_exposed_provenance(back as usize);
            self.set_side(with_exposed_provenance(side as usize));
            self.fp = with_exposed_provenance_mut(fp as usize);
            let caller: *const Code = with_exposed_provenance(caller as usize);
            (*self.ctx).code = caller;
            (*self.ctx).tables = (*caller).tables;
        }
    }

    /// Returns from the current function.
    #[inline(always)]
    #[allow(unused_mut)]
    pub unsafe fn return_(mut self: Passed<'_>, depth: usize) -> Flow {
        // SAFETY: the results are the topmost operands.
        unsafe {
            let to = self.fp;
            match (*(*self.ctx).code).results {
                0 => {
                    self.unlink();
                    self.sp = to;
                    self.go(0)
                }
                1 => {
                    let mut top = depth;
                    self.a = self.pop(&mut top);
                    self.unlink();
                    self.sp = to;
                    self.go(1)
                }
                _ => match depth {
                    0 => self.call(control::return_many::<0>),
                    1 => self.call(control::return_many::<1>),
                    _ => self.call(control::return_many::<2>),
                },
            }
        }
    }

    /// A function of the machine.
    unsafe fn entity(&self, func: u32) -> *const FuncEntity {
        // SAFETY: an instance's functions exist in its machine.
        unsafe {
            let machine = &*(*self.ctx).machine;
            machine.funcs.as_ptr().add(func as usize)
        }
    }

    /// The function in a table that an indirect call means.
    #[cfg_attr(not(sampan_small), inline(always))]
    #[cfg_attr(sampan_small, inline(never))]
    unsafe fn resolve(
        &self,
        index: u64,
        ty: usize,
        table: usize,
    ) -> Result<*const FuncEntity, Handler> {
        // SAFETY: validated indices; the machine keeps its entities.
        unsafe {
            let instance = &*(*self.ctx).instance;
            let table = &**instance.tables.get_unchecked(table);
            let index = usize::try_from(index & table.index_mask).unwrap_or(usize::MAX);
            let Some(element) = table.elements.get(index) else {
                return Err(trap::undefined_element);
            };
            let Some(func) = element.index() else { return Err(trap::uninitialized_element) };
            let func = self.entity(func);
            let want = *instance.types.get_unchecked(ty);
            if (*func).ty != want && !is_subtype(&(*(*self.ctx).machine).registry, (*func).ty, want)
            {
                return Err(trap::indirect_call_type_mismatch);
            }
            Ok(func)
        }
    }

    /// The instruction behind a `call` or `call_indirect`.
    #[cfg_attr(not(sampan_small), inline(always))]
    #[cfg_attr(sampan_small, inline(never))]
    unsafe fn after_call(&self) -> *const u8 {
        // SAFETY: validated.
        unsafe {
            let mut len = 1 + leb(self.pc.add(1)).1;
            if *self.pc == Opcode::CallIndirect.code() as u8 {
                len += leb(self.pc.add(len)).1;
            }
            self.pc.add(len)
        }
    }

    /// Replaces the current function by one that is not refused and whose arguments are on
    /// top of the stack in memory.
    #[cfg_attr(not(sampan_small), inline(always))]
    #[cfg_attr(sampan_small, inline(never))]
    #[allow(unused_mut)]
    unsafe fn tail(mut self: Passed<'_>, code: *const Code, back: *const u8) -> Flow {
        // SAFETY: as for `enter`; the linkage is read before arguments may take its place.
        unsafe {
            let params = (*code).param_bytes / 8;
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
}

#[cold]
#[inline(never)]
fn is_subtype(registry: &sampan_wasm::TypeRegistry, have: u32, want: u32) -> bool {
    registry.is_subtype(have, want)
}

/// Notes where to return to in the current instance, and makes another one current. Where there
/// is no memory to note it in, that trap is left in the context.
#[inline(never)]
unsafe fn leave_instance(ctx: *mut Context, back: *const u8, instance: *mut InstanceData) -> bool {
    // SAFETY: the machine owns the instances.
    unsafe {
        let ctx = &mut *ctx;
        if let Err(error) = ctx.cross.put((back, ctx.instance)) {
            ctx.trap = Some(error.into());
            return false;
        }
        ctx.enter_instance(instance);
        true
    }
}

/// The code of a function, prepared if need be. Null leaves a trap in the context.
#[inline(never)]
unsafe fn ready(ctx: *mut Context, instance: *mut InstanceData, body: u32) -> *const Code {
    // SAFETY: the instance outlives execution.
    unsafe {
        match code_of((*instance).module.data(), body) {
            Ok(code) => code,
            Err(error) => {
                (*ctx).trap = Some(Trap::preparation(error));
                core::ptr::null()
            }
        }
    }
}

/// Calls a host function, the context's callee, with all operands in memory, and gives the
/// end of its results. Null leaves a trap in the context.
#[inline(never)]
unsafe fn call_host(ctx: *mut Context, call: *const HostFn, sp: *mut u64) -> *mut u64 {
    // SAFETY: the machine is borrowed for the call only; its address comes from the
    // reference that `run` holds. The function's arguments are on the stack, and the
    // machine keeps functions.
    unsafe {
        let machine = &mut *(*ctx).machine;
        let func = &*(*ctx).callee;
        let ty = machine.registry.func(func.ty).expect("a function's type is one");
        let params = crate::slots_of_all(ty.params()) as usize;
        let results = crate::slots_of_all(ty.results()) as usize;
        let slots = func.slots as usize;
        let first = sp.sub(params);
        if (((*ctx).stack_end as usize - first as usize) / 8) < slots {
            (*ctx).trap = Some(Trap::new(TrapKind::StackOverflow));
            return core::ptr::null_mut();
        }
        let outer = machine.stack.top;
        machine.stack.top = first.offset_from(machine.stack.base()) as usize + slots;
        let values = core::slice::from_raw_parts_mut(first, slots);
        let caller = (*(*ctx).instance).id;
        let result = (*call)(machine, &mut *(*ctx).data, Some(caller), values);
        (*(*ctx).machine).stack.top = outer;
        if let Err(trap) = result {
            (*ctx).trap = Some(trap);
            return core::ptr::null_mut();
        }
        // The host may have grown the memory.
        (*ctx).load_memory();
        first.add(results)
    }
}
