//! Vector instructions: moves, and the handlers that call what an instruction computes.
//!
//! Fields: `a` and `b` are register numbers (or offsets of general registers), `x` the bytes
//! of the memory operand, 0 for a register, 16 for aligned, 17 for not aligned; `y` the
//! instruction's immediate; the op's immediate is the function's address.

use crate::Exit;
use crate::Fpu;
use crate::cpu::context::Int;
use crate::cpu::op::{R, get, handler};
use crate::registers::flags::{CF, ZF};
use crate::vector::{Float, Lane, Pure, make, string};

const LOW: u128 = u64::MAX as u128;

handler! {
    fn pure(r) {
        let b = get!(r, source(&r));
        let a = xmm(&r, r.op().a);
        *a = function::<Pure>(&r)(*a, b, 16, r.op().y);
        r.next()
    }

    fn pure_mmx(r) {
        get!(r, no_pending(&r));
        let b = get!(r, source_mmx(&r));
        let a = mmx(&r, r.op().a);
        let result = function::<Pure>(&r)(a, b, 8, r.op().y);
        set_mmx(&r, r.op().a, result);
        r.next()
    }

    /// A shift by the instruction's immediate.
    fn shift(r) {
        let a = xmm(&r, r.op().a);
        *a = function::<Pure>(&r)(*a, r.op().y.into(), 16, 0);
        r.next()
    }

    fn shift_mmx(r) {
        get!(r, no_pending(&r));
        let result = function::<Pure>(&r)(mmx(&r, r.op().a), r.op().y.into(), 8, 0);
        set_mmx(&r, r.op().a, result);
        r.next()
    }

    fn float(r) {
        let b = get!(r, source(&r));
        let a = *xmm(&r, r.op().a);
        let result = get!(r, compute(&r, a, b));
        *xmm(&r, r.op().a) = result;
        r.next()
    }

    /// From an MMX register or memory.
    fn float_from_mmx(r) {
        // From memory it has nothing to do with x87.
        if r.op().x == 0 {
            get!(r, no_pending(&r));
        }
        let b = get!(r, source_mmx(&r));
        let a = *xmm(&r, r.op().a);
        if r.op().x == 0 {
            enter_mmx(r.fpu());
        }
        let result = get!(r, compute(&r, a, b));
        *xmm(&r, r.op().a) = result;
        r.next()
    }

    fn float_to_mmx(r) {
        get!(r, no_pending(&r));
        let b = get!(r, source(&r));
        let result = get!(r, compute(&r, 0, b));
        set_mmx(&r, r.op().a, result);
        r.next()
    }

    /// With a general register as source.
    fn pure_from_general<T: Int>(r) {
        let b = u128::from(r.cx().get::<T>(r.op().b).u64());
        let a = xmm(&r, r.op().a);
        *a = function::<Pure>(&r)(*a, b, 16, r.op().y);
        r.next()
    }

    fn pure_mmx_from_general<T: Int>(r) {
        get!(r, no_pending(&r));
        let b = u128::from(r.cx().get::<T>(r.op().b).u64());
        let result = function::<Pure>(&r)(mmx(&r, r.op().a), b, 8, r.op().y);
        set_mmx(&r, r.op().a, result);
        r.next()
    }

    fn float_from_general<T: Int>(r) {
        let b = u128::from(r.cx().get::<T>(r.op().b).u64());
        let a = *xmm(&r, r.op().a);
        let result = get!(r, compute(&r, a, b));
        *xmm(&r, r.op().a) = result;
        r.next()
    }

    /// With a general register as destination.
    fn pure_to_general<T: Int>(r) {
        let value = function::<Pure>(&r)(0, *xmm(&r, r.op().b), 16, r.op().y);
        r.cx().set(r.op().a, T::of(value as u64));
        r.next()
    }

    fn pure_mmx_to_general<T: Int>(r) {
        get!(r, no_pending(&r));
        let value = function::<Pure>(&r)(0, mmx(&r, r.op().b), 8, r.op().y);
        enter_mmx(r.fpu());
        r.cx().set(r.op().a, T::of(value as u64));
        r.next()
    }

    fn pure_to_memory<T: Int>(r) {
        let value = function::<Pure>(&r)(0, *xmm(&r, r.op().b), 16, r.op().y);
        get!(r, r.store(r.ea(), T::of(value as u64)));
        r.next()
    }

    fn float_to_general<T: Int>(r) {
        let b = get!(r, source(&r));
        let value = get!(r, compute(&r, 0, b));
        r.cx().set(r.op().a, T::of(value as u64));
        r.next()
    }

    /// `comiss` and its kin.
    fn float_to_flags(r) {
        let b = get!(r, source(&r));
        let a = *xmm(&r, r.op().a);
        let status = get!(r, compute(&r, a, b));
        r.cx().set_status(status as u64);
        r.next()
    }

    /// The whole register.
    fn move_whole(r) {
        *xmm(&r, r.op().a) = *xmm(&r, r.op().b);
        r.next()
    }

    /// Loads as many bytes as `x` says and clears the rest.
    fn load(r) {
        let value = get!(r, source(&r));
        *xmm(&r, r.op().a) = value;
        r.next()
    }

    fn load64(r) {
        let value = get!(r, r.load::<u64>(r.ea()));
        *xmm(&r, r.op().a) = value.into();
        r.next()
    }

    fn load32(r) {
        let value = get!(r, r.load::<u32>(r.ea()));
        *xmm(&r, r.op().a) = value.into();
        r.next()
    }

    fn load_unaligned(r) {
        let value = get!(r, r.load::<u128>(r.ea()));
        *xmm(&r, r.op().a) = value;
        r.next()
    }

    fn load_low(r) {
        let value = get!(r, r.load::<u64>(r.ea()));
        let a = xmm(&r, r.op().a);
        *a = *a & !LOW | u128::from(value);
        r.next()
    }

    fn load_high(r) {
        let value = get!(r, r.load::<u64>(r.ea()));
        let a = xmm(&r, r.op().a);
        *a = *a & LOW | u128::from(value) << 64;
        r.next()
    }

    fn store_aligned(r) {
        let addr = r.ea();
        if addr & 15 != 0 {
            return r.raise(Exit::GeneralProtection);
        }
        get!(r, r.store(addr, *xmm(&r, r.op().b)));
        r.next()
    }

    fn store_unaligned(r) {
        get!(r, r.store(r.ea(), *xmm(&r, r.op().b)));
        r.next()
    }

    fn store64(r) {
        get!(r, r.store(r.ea(), *xmm(&r, r.op().b) as u64));
        r.next()
    }

    fn store32(r) {
        get!(r, r.store(r.ea(), *xmm(&r, r.op().b) as u32));
        r.next()
    }

    fn store_high(r) {
        get!(r, r.store(r.ea(), (*xmm(&r, r.op().b) >> 64) as u64));
        r.next()
    }

    fn store_mmx<T: Int>(r) {
        get!(r, no_pending(&r));
        let value = mmx(&r, r.op().b) as u64;
        get!(r, r.store(r.ea(), T::of(value)));
        enter_mmx(r.fpu());
        r.next()
    }

    fn movq2dq(r) {
        get!(r, no_pending(&r));
        let value = mmx(&r, r.op().b);
        enter_mmx(r.fpu());
        *xmm(&r, r.op().a) = value;
        r.next()
    }

    fn movdq2q(r) {
        get!(r, no_pending(&r));
        set_mmx(&r, r.op().a, *xmm(&r, r.op().b));
        r.next()
    }

    fn ptest(r) {
        let b = get!(r, source(&r));
        let a = *xmm(&r, r.op().a);
        let flag = |set: bool, flag| if set { flag } else { 0 };
        r.cx().set_status(flag(a & b == 0, ZF) | flag(!a & b == 0, CF));
        r.next()
    }

    /// By the sign of each lane of `xmm0`; `y` is the lane's bytes.
    fn blend(r) {
        let b = get!(r, source(&r));
        let (a, by) = (*xmm(&r, r.op().a), *xmm(&r, 0));
        *xmm(&r, r.op().a) = match r.op().y {
            1 => make(|i| u8::at(if i8::at(by, i) < 0 { b } else { a }, i)),
            4 => make(|i| u32::at(if i32::at(by, i) < 0 { b } else { a }, i)),
            _ => make(|i| u64::at(if i64::at(by, i) < 0 { b } else { a }, i)),
        };
        r.next()
    }

    /// `pcmpestri` and its kin: bit 0 of the immediate for explicit lengths, bit 1 for a mask
    /// as result, bit 2 for 64-bit lengths.
    fn compare_strings(r) {
        let b = get!(r, source(&r));
        let a = *xmm(&r, r.op().a);
        let (form, imm) = (r.op().imm, r.op().y);
        let cx = r.cx();
        let length = |n: usize| if form & 4 != 0 { cx.r[n] as i64 } else { i64::from(cx.r[n] as i32) };
        let lens = (form & 1 != 0).then(|| (length(0), length(2)));
        let (bits, status) = string::compare(a, b, lens, imm);
        cx.set_status(status);
        if form & 2 != 0 {
            *xmm(&r, 0) = string::mask(bits, imm);
        } else {
            cx.r[1] = string::index(bits, imm).into();
        }
        r.next()
    }

    fn ldmxcsr(r) {
        let value = get!(r, r.load::<u32>(r.ea()));
        if value & !crate::fpu::MXCSR_MASK != 0 {
            return r.raise(Exit::GeneralProtection);
        }
        r.fpu().mxcsr = value;
        r.next()
    }

    fn stmxcsr(r) {
        get!(r, r.store(r.ea(), r.fpu().mxcsr));
        r.next()
    }

    fn emms(r) {
        get!(r, no_pending(&r));
        r.fpu().in_use = 0;
        r.fpu().status &= !0x3800;
        r.next()
    }

    /// `maskmovdqu`, `maskmovq` by `x`; the immediate masks the address, `y` is the offset of
    /// the segment's base.
    fn store_masked(r) {
        let (data, mask) = if r.op().x == 16 {
            (*xmm(&r, r.op().a), *xmm(&r, r.op().b))
        } else {
            get!(r, no_pending(&r));
            (mmx(&r, r.op().a), mmx(&r, r.op().b))
        };
        let seg: u64 = r.cx().get(r.op().y);
        let at = |i: u64| (r.cx().r[7] & r.op().imm).wrapping_add(seg).wrapping_add(i) & r.cx().mask;
        let chosen = |i: u64| mask >> (8 * i + 7) & 1 != 0;
        // Checked first, so that nothing is written if a later byte faults.
        for i in (0..u64::from(r.op().x)).filter(|&i| chosen(i)) {
            if r.writable(at(i), 1).is_null() {
                return r.fault();
            }
        }
        for i in (0..u64::from(r.op().x)).filter(|&i| chosen(i)) {
            get!(r, r.store(at(i), (data >> (8 * i)) as u8));
        }
        if r.op().x == 8 {
            enter_mmx(r.fpu());
        }
        r.next()
    }

    /// `y` is 8 for the form with 64-bit pointers.
    fn fxsave(r) {
        let addr = r.ea();
        if addr & 15 != 0 {
            return r.raise(Exit::GeneralProtection);
        }
        let image = r.fpu().fxsave();
        // What is reserved and, in i386 mode, xmm8 to 15, stays as it is in memory.
        let len = if r.cx().mask >> 32 == 0 { 288 } else { 416 };
        let at = r.writable(addr, 512);
        if at.is_null() {
            return r.fault();
        }
        core::ptr::copy_nonoverlapping(image.as_ptr(), at, len);
        r.next()
    }

    fn fxrstor(r) {
        let addr = r.ea();
        if addr & 15 != 0 {
            return r.raise(Exit::GeneralProtection);
        }
        let at = r.readable(addr, 512);
        if at.is_null() {
            return r.fault();
        }
        let mut image = at.cast::<[u8; 512]>().read_unaligned();
        if r.cx().mask >> 32 == 0 {
            image[288..416].copy_from_slice(&r.fpu().fxsave()[288..416]);
        }
        if !r.fpu().fxrstor(&image) {
            return r.raise(Exit::GeneralProtection);
        }
        r.next()
    }
}

#[inline(always)]
fn xmm<'a>(r: &R, number: u8) -> &'a mut u128 {
    // SAFETY: the registers outlive the handler, which holds one such reference at a time
    // across nothing that makes another to the same register.
    unsafe { &mut (*(*r.cx).registers).fpu.xmm[usize::from(number & 15)] }
}

fn mmx(r: &R, number: u8) -> u128 {
    r.fpu().st[usize::from(number & 7)].significand.into()
}

/// What every MMX instruction does to the x87 state.
pub(in crate::cpu) fn enter_mmx(fpu: &mut Fpu) {
    fpu.status &= !0x3800;
    fpu.in_use = 0xff;
}

fn set_mmx(r: &R, number: u8, value: u128) {
    let fpu = r.fpu();
    enter_mmx(fpu);
    let register = &mut fpu.st[usize::from(number & 7)];
    (register.significand, register.sign_exponent) = (value as u64, 0xffff);
}

/// A pending x87 exception comes before an MMX instruction.
fn no_pending(r: &R) -> Option<()> {
    if r.fpu().status & 0x80 != 0 {
        r.cx().exit = Exit::X87Exception;
        return None;
    }
    Some(())
}

#[inline(always)]
unsafe fn source(r: &R) -> Option<u128> {
    let size = r.op().x;
    if size == 0 {
        return Some(*xmm(r, r.op().b));
    }
    let addr = r.ea();
    // SAFETY: see R.
    unsafe {
        match size {
            16 if addr & 15 != 0 => {
                r.cx().exit = Exit::GeneralProtection;
                None
            }
            8 => r.load::<u64>(addr).map(u128::from),
            4 => r.load::<u32>(addr).map(u128::from),
            2 => r.load::<u16>(addr).map(u128::from),
            1 => r.load::<u8>(addr).map(u128::from),
            _ => r.load::<u128>(addr),
        }
    }
}

unsafe fn source_mmx(r: &R) -> Option<u128> {
    if r.op().x == 0 {
        return Some(mmx(r, r.op().b));
    }
    // SAFETY: see R.
    unsafe { source(r) }
}

/// The function whose address is the op's immediate.
#[inline(always)]
unsafe fn function<F: Copy>(r: &R) -> F {
    const { assert!(size_of::<F>() == size_of::<usize>()) };
    let address = r.op().imm as usize;
    // SAFETY: lowering put a function of this type there.
    unsafe { core::mem::transmute_copy(&address) }
}

/// Computes; `None` if that raises an exception that is not masked.
#[inline(always)]
unsafe fn compute(r: &R, a: u128, b: u128) -> Option<u128> {
    let fpu = r.fpu();
    // SAFETY: lowering put such a function there.
    let f: Float = unsafe { function(r) };
    // No local's address may reach the function, or the handler's last call would be no jump.
    if fpu.mxcsr & 0x1f80 == 0x1f80 {
        return Some(f(&mut fpu.mxcsr, a, b, r.op().y));
    }
    compute_unmasked(fpu, f, a, b, r.op().y).or_else(|| {
        r.cx().exit = Exit::SimdException;
        None
    })
}

#[cold]
#[inline(never)]
fn compute_unmasked(fpu: &mut Fpu, f: Float, a: u128, b: u128, imm: u8) -> Option<u128> {
    // The flags that this instruction raises matter, not those from before.
    let mut mx = fpu.mxcsr & !0x3f;
    let result = f(&mut mx, a, b, imm);
    let mut raised = mx & 0x3f;
    // What is about the operands traps before there is a result to be inexact.
    if raised & !(mx >> 7) & 7 != 0 {
        raised &= 7;
    }
    fpu.mxcsr |= raised;
    (raised & !(mx >> 7) & 0x3f == 0).then_some(result)
}
