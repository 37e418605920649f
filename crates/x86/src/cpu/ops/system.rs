//! System calls, traps, segment registers, identification.

use crate::cpu::context::{Int, slot};
use crate::cpu::cpuid;
use crate::cpu::loc::{Dst, Src};
use crate::cpu::op::{Op, R, get, handler};
use crate::cpu::ops::branch::push;
use crate::registers::flags::{RF, ZF};
use crate::{Exit, SyscallKind};

/// Leaves the block after this instruction; execution goes on by its address.
pub(in crate::cpu) unsafe fn leave_block(r: R) -> *const Op {
    r.cx().resume = true;
    r.cx().left -= i64::from(r.op().y);
    // SAFETY: see R.
    unsafe { r.trap(Exit::Budget) }
}

handler! {
    fn int80(r) {
        r.trap(Exit::Syscall(SyscallKind::Int80))
    }

    fn syscall(r) {
        let cx = r.cx();
        cx.r[1] = r.next_rip();
        cx.r[11] = cx.flags() & !RF;
        r.trap(Exit::Syscall(SyscallKind::Syscall))
    }

    fn sysenter(r) {
        r.trap(Exit::Syscall(SyscallKind::Sysenter))
    }

    fn int3(r) {
        r.trap(Exit::Breakpoint)
    }

    fn int1(r) {
        r.trap(Exit::SingleStep)
    }

    /// `int 4` raises the same exception as `into`.
    fn int4(r) {
        r.trap(Exit::Overflow)
    }

    fn into(r) {
        if r.cx().of() { r.trap(Exit::Overflow) } else { r.next() }
    }

    fn bound<T: Int>(r) {
        let addr = r.ea();
        let index = r.cx().get::<T>(r.op().a).i64();
        let low = get!(r, r.load::<T>(addr)).i64();
        let high = get!(r, r.load::<T>(addr.wrapping_add(u64::from(T::BITS / 8)) & r.cx().mask)).i64();
        if index < low || index > high { r.raise(Exit::BoundRange) } else { r.next() }
    }

    fn invalid(r) {
        r.raise(Exit::InvalidOpcode)
    }

    fn privileged(r) {
        r.raise(Exit::GeneralProtection)
    }

    /// Known to the decoder and not executed.
    fn unsupported(r) {
        let rip = u64::from(r.op().rip);
        let mut bytes = [0; 15];
        let len = usize::from(r.op().len).min(15);
        // It was decoded from there.
        let _ = (*r.cx().space).peek(rip, &mut bytes[..len]);
        r.raise(Exit::Unsupported { rip, bytes })
    }

    fn cpuid(r) {
        let mode = (*r.cx().registers).mode;
        let cx = r.cx();
        let [a, b, c, d] = cpuid::leaf(mode, cx.r[0] as u32, cx.r[1] as u32);
        (cx.r[0], cx.r[3], cx.r[1], cx.r[2]) = (a.into(), b.into(), c.into(), d.into());
        r.next()
    }

    fn rdtsc(r) {
        let cx = r.cx();
        let now = (cx.clock)();
        (cx.r[0], cx.r[2]) = (now & 0xffff_ffff, now >> 32);
        r.next()
    }

    fn rdtscp(r) {
        let cx = r.cx();
        let now = (cx.clock)();
        (cx.r[0], cx.r[2], cx.r[1]) = (now & 0xffff_ffff, now >> 32, 0);
        r.next()
    }

    /// Reads a segment register, by number in `x`. Field `y` tells a register of 32 or 64
    /// bits, which the selector fills.
    fn mov_from_segment<D: Dst>(r) {
        let value = selector(&r);
        match r.op().y {
            4 => r.cx().set(r.op().a, u32::from(value)),
            8 => r.cx().set(r.op().a, u64::from(value)),
            _ => get!(r, D::write::<u16>(&r, value)),
        }
        r.next()
    }

    fn mov_to_segment<S: Src>(r) {
        let value = get!(r, S::read::<u16>(&r));
        get!(r, load_segment(&r, value));
        r.next()
    }

    fn push_segment<T: Int>(r) {
        get!(r, push(&r, T::of(selector(&r).into())));
        r.next()
    }

    fn pop_segment<T: Int>(r) {
        let sp = r.cx().r[4];
        let value = get!(r, r.load::<T>(sp)).u64();
        get!(r, load_segment(&r, value as u16));
        r.cx().r[4] = sp.wrapping_add(size_of::<T>() as u64) & r.cx().mask;
        r.next()
    }

    /// `lds`, `les`, `lfs`, `lgs`, `lss`.
    fn load_far<T: Int>(r) {
        let addr = r.ea();
        let offset = get!(r, r.load::<T>(addr));
        let value = get!(r, r.load::<u16>(addr.wrapping_add(u64::from(T::BITS / 8)) & r.cx().mask));
        get!(r, load_segment(&r, value));
        r.cx().set(r.op().a, offset);
        r.next()
    }

    /// `verr`, `verw`, by `x`.
    fn verify<S: Src>(r) {
        let value = get!(r, S::read::<u16>(&r));
        let known = value & !3 != 0 && (*r.cx().registers).segment_base(value).is_some();
        let ok = known && (r.op().x == 0 || is_data(value));
        let status = r.cx().status() & !ZF | if ok { ZF } else { 0 };
        r.cx().set_status(status);
        r.next()
    }
}

/// Whether one of the descriptors that programs may load is a data segment.
fn is_data(selector: u16) -> bool {
    !matches!(selector >> 3, 4 | 6)
}

fn selector(r: &R) -> u16 {
    // SAFETY: the registers outlive the run.
    let registers = unsafe { &*r.cx().registers };
    match r.op().x {
        0 => registers.es,
        1 => registers.cs,
        2 => registers.ss,
        3 => registers.ds,
        4 => registers.fs,
        _ => registers.gs,
    }
}

fn load_segment(r: &R, value: u16) -> Option<()> {
    let cx = r.cx();
    // SAFETY: the registers outlive the run.
    let registers = unsafe { &mut *cx.registers };
    let base = registers.segment_base(value);
    let is_null = value & !3 == 0;
    let (Some(base), true) = (base, !is_null || r.op().x != 2) else {
        cx.exit = Exit::BadSelector(value & !3);
        return None;
    };
    match r.op().x {
        4 => (registers.fs, cx.r[slot::FS]) = (value, base),
        5 => (registers.gs, cx.r[slot::GS]) = (value, base),
        // Segments that are addressed without their base, which therefore must be flat.
        _ if base != 0 => {
            cx.exit = Exit::Unsupported { rip: u64::from(r.op().rip), bytes: [0; 15] };
            return None;
        }
        0 => registers.es = value,
        2 => registers.ss = value,
        _ => registers.ds = value,
    }
    Some(())
}
