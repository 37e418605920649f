//! x87 instructions: operands are fetched here, and everything else happens in `crate::x87`.
//!
//! Fields: the immediate is the operation's address where there is one, `y` the stack register,
//! `x` the format in memory or a variant of the instruction.

use crate::Exit;
use crate::cpu::flags::Cond;
use crate::cpu::op::{R, get, handler};
use crate::x87::arith::{self, Operation};
use crate::x87::control;
use crate::x87::memory::{self, Kind};
use crate::x87::transcendental::{self, Trigonometric};

/// An operation on the top of the stack.
pub(in crate::cpu) type Top = fn(&mut crate::Fpu);

/// `x`: pops after the operation.
pub(in crate::cpu) const POP: u8 = 1;
/// `x`: truncates, in stores.
pub(in crate::cpu) const TRUNCATE: u8 = 0x40;
/// `x`: pops, in stores and comparisons with memory.
pub(in crate::cpu) const STORE_POP: u8 = 0x80;

handler! {
    /// `st(a) = st(a) op st(b)`, where one of them is the top.
    fn registers(r) {
        get!(r, ready(&r));
        arith::registers(r.fpu(), operation(&r), r.op().a, r.op().b, r.op().x == POP);
        r.next()
    }

    fn with_memory(r) {
        get!(r, ready(&r));
        let kind = kind(&r);
        let bits = get!(r, fetch(&r, kind));
        arith::with_memory(r.fpu(), operation(&r), kind, bits);
        r.next()
    }

    fn compare_memory(r) {
        get!(r, ready(&r));
        let kind = kind(&r);
        let bits = get!(r, fetch(&r, kind));
        arith::compare_with(r.fpu(), kind, bits, r.op().x >> 7);
        r.next()
    }

    /// `x` is how many are popped, bit 2 whether quiet NaNs raise nothing.
    fn compare(r) {
        get!(r, ready(&r));
        arith::compare(r.fpu(), r.op().y, r.op().x & 4 != 0, r.op().x & 3);
        r.next()
    }

    fn compare_to_flags(r) {
        get!(r, ready(&r));
        let quiet = r.op().x & 4 != 0;
        let status = arith::compare_to_flags(r.fpu(), r.op().y, quiet, r.op().x & 3);
        r.cx().set_status(status);
        r.next()
    }

    fn top(r) {
        get!(r, ready(&r));
        let address = r.op().imm as usize;
        core::mem::transmute::<usize, Top>(address)(r.fpu());
        r.next()
    }

    fn trigonometric(r) {
        get!(r, ready(&r));
        let which = match r.op().x {
            0 => Trigonometric::Sin,
            1 => Trigonometric::Cos,
            2 => Trigonometric::SinCos,
            _ => Trigonometric::Tan,
        };
        transcendental::trigonometric(r.fpu(), which);
        r.next()
    }

    fn constant(r) {
        get!(r, ready(&r));
        arith::constant(r.fpu(), r.op().x);
        r.next()
    }

    fn fld(r) {
        get!(r, ready(&r));
        arith::fld(r.fpu(), r.op().y);
        r.next()
    }

    fn fst(r) {
        get!(r, ready(&r));
        arith::fst(r.fpu(), r.op().y, r.op().x == POP);
        r.next()
    }

    fn fstpnce(r) {
        get!(r, ready(&r));
        arith::fstpnce(r.fpu(), r.op().y);
        r.next()
    }

    fn fxch(r) {
        get!(r, ready(&r));
        arith::fxch(r.fpu(), r.op().y);
        r.next()
    }

    fn fcmov<C: Cond>(r) {
        get!(r, ready(&r));
        arith::fcmov(r.fpu(), r.op().y, C::holds(r.cx()));
        r.next()
    }

    fn ffree(r) {
        get!(r, ready(&r));
        control::free(r.fpu(), r.op().y, r.op().x == POP);
        r.next()
    }

    /// `fincstp`, `fdecstp`: `x` is how far the top moves.
    fn turn(r) {
        get!(r, ready(&r));
        control::turn(r.fpu(), r.op().x.into());
        r.next()
    }

    fn load(r) {
        get!(r, ready(&r));
        let kind = kind(&r);
        let bits = get!(r, fetch(&r, kind));
        memory::load(r.fpu(), kind, bits);
        r.next()
    }

    fn store(r) {
        get!(r, ready(&r));
        let kind = kind(&r);
        let at = r.writable(r.ea(), kind.size());
        if at.is_null() {
            return r.fault();
        }
        if put(r.fpu(), at, r.op().x) && r.op().x & STORE_POP != 0 {
            memory::pop(r.fpu());
        }
        r.next()
    }

    fn wait(r) {
        get!(r, ready(&r));
        r.next()
    }

    fn fninit(r) {
        r.fpu().reset_x87();
        r.next()
    }

    fn fnclex(r) {
        control::clear_exceptions(r.fpu());
        r.next()
    }

    fn fnstcw(r) {
        get!(r, r.store(r.ea(), r.fpu().control));
        r.next()
    }

    fn fldcw(r) {
        get!(r, ready(&r));
        let value = get!(r, r.load::<u16>(r.ea()));
        control::set_control(r.fpu(), value);
        r.next()
    }

    fn fnstsw(r) {
        get!(r, r.store(r.ea(), r.fpu().status));
        r.next()
    }

    fn fnstsw_ax(r) {
        let value = r.fpu().status;
        r.cx().set(0, value);
        r.next()
    }

    /// `x` is 1 for the form with 32-bit operands; so below.
    fn fnstenv(r) {
        let wide = r.op().x == 1;
        let len = if wide { 28 } else { 14 };
        let at = r.writable(r.ea(), len);
        if at.is_null() {
            return r.fault();
        }
        put_environment(r.fpu(), at, wide);
        // All exceptions are masked then.
        r.fpu().control |= 0x3f;
        control::update_pending(r.fpu());
        r.next()
    }

    fn fldenv(r) {
        get!(r, ready(&r));
        let wide = r.op().x == 1;
        let len = if wide { 28 } else { 14 };
        let at = r.readable(r.ea(), len);
        if at.is_null() {
            return r.fault();
        }
        control::set_environment(r.fpu(), core::slice::from_raw_parts(at, len), wide);
        r.next()
    }

    fn fnsave(r) {
        let wide = r.op().x == 1;
        let len = if wide { 28 } else { 14 };
        let at = r.writable(r.ea(), len + 80);
        if at.is_null() {
            return r.fault();
        }
        put_environment(r.fpu(), at, wide);
        put_stack(r.fpu(), at.add(len));
        r.fpu().reset_x87();
        r.next()
    }

    fn frstor(r) {
        get!(r, ready(&r));
        let wide = r.op().x == 1;
        let len = if wide { 28 } else { 14 };
        let at = r.readable(r.ea(), len + 80);
        if at.is_null() {
            return r.fault();
        }
        control::set_environment(r.fpu(), core::slice::from_raw_parts(at, len), wide);
        control::set_stack_image(r.fpu(), core::slice::from_raw_parts(at.add(len), 80));
        r.next()
    }
}

/// A pending exception comes before the next instruction that waits.
#[inline(always)]
fn ready(r: &R) -> Option<()> {
    if r.fpu().status & 0x80 != 0 {
        r.cx().exit = Exit::X87Exception;
        return None;
    }
    Some(())
}

fn kind(r: &R) -> Kind {
    Kind::ALL[usize::from(r.op().x & 7) % 7]
}

fn operation(r: &R) -> Operation {
    Operation::ALL[(r.op().imm % 6) as usize]
}

#[inline(always)]
unsafe fn fetch(r: &R, kind: Kind) -> Option<u128> {
    let addr = r.ea();
    // SAFETY: readable() checks as many bytes as are read.
    unsafe {
        let at = r.readable(addr, kind.size());
        if at.is_null() {
            return None;
        }
        Some(match kind.size() {
            2 => at.cast::<u16>().read_unaligned().into(),
            4 => at.cast::<u32>().read_unaligned().into(),
            8 => at.cast::<u64>().read_unaligned().into(),
            _ => {
                let low = at.cast::<u64>().read_unaligned();
                u128::from(low) | u128::from(at.add(8).cast::<u16>().read_unaligned()) << 64
            }
        })
    }
}

/// Writes the top as a format; `false` if an exception keeps it from being written. Not inlined,
/// so that its locals do not burden the handler.
#[inline(never)]
unsafe fn put(fpu: &mut crate::Fpu, at: *mut u8, x: u8) -> bool {
    let kind = Kind::ALL[usize::from(x & 7) % 7];
    let Some(bits) = memory::store(fpu, kind, x & TRUNCATE != 0) else { return false };
    // SAFETY: the caller checked that so many bytes may be written.
    unsafe { core::ptr::copy_nonoverlapping(bits.to_le_bytes().as_ptr(), at, kind.size()) };
    true
}

#[inline(never)]
unsafe fn put_environment(fpu: &crate::Fpu, at: *mut u8, wide: bool) {
    let image = control::environment(fpu, wide);
    let len = if wide { 28 } else { 14 };
    // SAFETY: the caller checked that so many bytes may be written.
    unsafe { core::ptr::copy_nonoverlapping(image.as_ptr(), at, len) };
}

#[inline(never)]
unsafe fn put_stack(fpu: &crate::Fpu, at: *mut u8) {
    let image = control::stack_image(fpu);
    // SAFETY: the caller checked that so many bytes may be written.
    unsafe { core::ptr::copy_nonoverlapping(image.as_ptr(), at, image.len()) };
}
