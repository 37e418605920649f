//! Signal frames: what a handler finds on its stack, and the way back.
//!
//! Source: Linux, arch/x86/kernel/signal_{32,64}.c, and the structures of
//! `asm/sigcontext.h` and `asm/ucontext.h`.

use super::{Action, SigInfo, bit, sa};
use crate::errno::{Errno, SysResult};
use crate::kernel::Context;
use crate::machine::{Fpu, Mode, Registers, flags, gpr};
use crate::syscall::{Abi, Args};

/// Size of the image that `fxsave` writes.
const FXSAVE: u64 = 512;
/// Size of the older image in front of it on i386.
const FSAVE: u64 = 112;

/// Bytes of a structure, written by offset.
struct Image<const N: usize>([u8; N]);

impl<const N: usize> Image<N> {
    fn u16(&mut self, at: usize, value: u16) {
        self.0[at..at + 2].copy_from_slice(&value.to_le_bytes());
    }
    fn u32(&mut self, at: usize, value: u64) {
        self.0[at..at + 4].copy_from_slice(&(value as u32).to_le_bytes());
    }
    fn u64(&mut self, at: usize, value: u64) {
        self.0[at..at + 8].copy_from_slice(&value.to_le_bytes());
    }
}

fn get32(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes")))
}

fn get64(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"))
}

/// Puts a frame on the stack and lets the thread go on in the handler.
pub fn push(cx: &mut Context, info: &SigInfo, action: Action) -> SysResult<()> {
    let thread = cx.thread.clone();
    let old_mask = thread.saved_mask.get().unwrap_or(thread.mask.get());
    let mut registers = thread.registers.borrow().clone();
    match registers.mode {
        Mode::Amd64 => push64(cx, info, action, old_mask, &mut registers)?,
        Mode::I386 => push32(cx, info, action, old_mask, &mut registers)?,
    }
    registers.rflags &= !(flags::DF | flags::TF | flags::RF);
    registers.rip = action.handler;
    *thread.registers.borrow_mut() = registers;
    let mut mask = thread.mask.get() | action.mask;
    if action.flags & sa::NODEFER == 0 {
        mask |= bit(info.signal);
    }
    thread.mask.set(mask & !super::UNBLOCKABLE);
    thread.saved_mask.set(None);
    Ok(())
}

/// Where the frame goes: the alternate stack if it is asked for and not in use.
fn stack(cx: &Context, sp: u64, action: Action, red_zone: u64) -> u64 {
    let (start, size, _) = cx.thread.altstack.get();
    let on_it = sp > start && sp - start <= size;
    if action.flags & sa::ONSTACK != 0 && size != 0 && !on_it {
        return start + size;
    }
    sp.wrapping_sub(red_zone)
}

fn altstack_flags(cx: &Context, sp: u64) -> u32 {
    let (start, size, flags) = cx.thread.altstack.get();
    match size {
        0 => 2,
        _ if sp > start && sp - start <= size => 1 | flags & 0x8000_0000,
        _ => flags & 0x8000_0000,
    }
}

fn push64(
    cx: &mut Context,
    info: &SigInfo,
    action: Action,
    old_mask: u64,
    r: &mut Registers,
) -> SysResult<()> {
    let sp = r.gpr[gpr::RSP];
    let fpu_at = (stack(cx, sp, action, 128).wrapping_sub(FXSAVE)) & !63;
    cx.write_bytes(fpu_at, &r.fpu.fxsave())?;
    let frame = ((fpu_at.wrapping_sub(440)) & !15).wrapping_sub(8);
    let mut image = Image([0; 440]);
    image.u64(0, action.restorer);
    // The ucontext is at 8, its stack at 24, its registers at 48, its mask at 304.
    let (alt, size, _) = cx.thread.altstack.get();
    image.u64(24, alt);
    image.u32(32, u64::from(altstack_flags(cx, sp)));
    image.u64(40, size);
    let order = [8, 9, 10, 11, 12, 13, 14, 15, 7, 6, 5, 3, 2, 0, 1, 4];
    for (index, register) in order.into_iter().enumerate() {
        image.u64(48 + index * 8, r.gpr[register]);
    }
    image.u64(176, r.rip);
    image.u64(184, r.rflags);
    image.u16(192, r.cs);
    image.u16(198, r.ss);
    let address = match info.fields {
        super::Fields::Address(address) => address,
        _ => 0,
    };
    image.u64(224, address);
    image.u64(232, fpu_at);
    image.u64(304, old_mask);
    image.0[312..440].copy_from_slice(&info.encode(Abi::Amd64));
    if action.flags & sa::RESTORER == 0 {
        return Err(Errno::EFAULT);
    }
    cx.write_bytes(frame, &image.0)?;
    r.gpr[gpr::RDI] = info.signal as u64;
    r.gpr[gpr::RSI] = frame + 312;
    r.gpr[gpr::RDX] = frame + 8;
    r.gpr[gpr::RAX] = 0;
    r.gpr[gpr::RSP] = frame;
    Ok(())
}

/// `struct sigcontext_32`.
fn context32(r: &Registers, fpu_at: u64, mask: u64, address: u64) -> Image<88> {
    let mut image = Image([0; 88]);
    for (index, selector) in [r.gs, r.fs, r.es, r.ds].into_iter().enumerate() {
        image.u16(index * 4, selector);
    }
    for (index, register) in [7, 6, 5, 4, 3, 2, 1, 0].into_iter().enumerate() {
        image.u32(16 + index * 4, r.gpr[register]);
    }
    image.u32(56, r.rip);
    image.u16(60, r.cs);
    image.u32(64, r.rflags);
    image.u32(68, r.gpr[gpr::RSP]);
    image.u16(72, r.ss);
    image.u32(76, fpu_at);
    image.u32(80, mask);
    image.u32(84, address);
    image
}

fn push32(
    cx: &mut Context,
    info: &SigInfo,
    action: Action,
    old_mask: u64,
    r: &mut Registers,
) -> SysResult<()> {
    let sp = r.gpr[gpr::RSP];
    let fx_at = (stack(cx, sp, action, 0).wrapping_sub(FXSAVE) & 0xffff_ffff) & !63;
    let fpu_at = fx_at.wrapping_sub(FSAVE);
    cx.write_bytes(fx_at, &r.fpu.fxsave())?;
    cx.write_bytes(fpu_at, &fsave(&r.fpu))?;
    let address = match info.fields {
        super::Fields::Address(address) => address,
        _ => 0,
    };
    let context = context32(r, fpu_at, old_mask, address);
    let rt = action.flags & sa::SIGINFO != 0;
    let size = if rt { 16 + 128 + 116 + 8 } else { 732 };
    let frame = ((fpu_at.wrapping_sub(size) + 4) & !15).wrapping_sub(4) & 0xffff_ffff;
    let trampoline = cx.mm().borrow().trampoline;
    let back = match (action.flags & sa::RESTORER != 0, rt) {
        (true, _) => action.restorer,
        (false, true) => trampoline + 16,
        (false, false) => trampoline,
    };
    if rt {
        let mut image = Image([0; 268]);
        image.u32(0, back);
        image.u32(4, info.signal as u64);
        image.u32(8, frame + 16);
        image.u32(12, frame + 144);
        image.0[16..144].copy_from_slice(&info.encode(Abi::I386));
        let (alt, alt_size, _) = cx.thread.altstack.get();
        image.u32(152, alt);
        image.u32(156, u64::from(altstack_flags(cx, sp)));
        image.u32(160, alt_size);
        image.0[164..252].copy_from_slice(&context.0);
        image.u64(252, old_mask);
        cx.write_bytes(frame, &image.0)?;
        r.gpr[gpr::RDX] = frame + 16;
        r.gpr[gpr::RCX] = frame + 144;
    } else {
        let mut image = Image([0; 732]);
        image.u32(0, back);
        image.u32(4, info.signal as u64);
        image.0[8..96].copy_from_slice(&context.0);
        image.u32(720, old_mask >> 32);
        cx.write_bytes(frame, &image.0)?;
        (r.gpr[gpr::RDX], r.gpr[gpr::RCX]) = (0, 0);
    }
    r.gpr[gpr::RAX] = info.signal as u64;
    r.gpr[gpr::RSP] = frame;
    (r.cs, r.ss, r.ds, r.es) = (0x23, 0x2b, 0x2b, 0x2b);
    Ok(())
}

/// The image of `fsave` and the kernel's last word: the environment, and the registers from the top on.
pub fn fsave(fpu: &Fpu) -> [u8; FSAVE as usize] {
    let mut image = Image([0; FSAVE as usize]);
    image.u32(0, u64::from(fpu.control) | 0xffff_0000);
    image.u32(4, u64::from(fpu.status) | 0xffff_0000);
    let mut tags = 0u16;
    for index in 0..8 {
        let in_use = fpu.in_use >> index & 1 != 0;
        let register = fpu.st[index];
        let exponent = register.sign_exponent & 0x7fff;
        let tag = match (in_use, exponent, register.significand) {
            (false, ..) => 3,
            (_, 0, 0) => 1,
            (_, 0 | 0x7fff, _) => 2,
            (_, _, significand) if significand >> 63 == 0 => 2,
            _ => 0,
        };
        tags |= tag << (2 * index);
    }
    image.u32(8, u64::from(tags) | 0xffff_0000);
    image.u32(12, fpu.last_ip);
    image.u32(20, fpu.last_data);
    for index in 0..8 {
        let register = fpu.st[(fpu.top() + index) & 7];
        image.u64(28 + index * 10, register.significand);
        image.u16(36 + index * 10, register.sign_exponent);
    }
    image.u16(108, fpu.status);
    // The magic that says that the image of `fxsave` follows is zero.
    image.0
}

/// `rt_sigreturn(2)` of both ABIs, and `sigreturn(2)`.
pub fn rt_sigreturn(cx: &mut Context, _: Args) -> SysResult {
    let mut r = cx.thread.registers.borrow().clone();
    let sp = r.gpr[gpr::RSP];
    let result = match r.mode {
        Mode::Amd64 => back64(cx, sp.wrapping_sub(8), &mut r),
        Mode::I386 => back32_rt(cx, sp.wrapping_sub(4), &mut r),
    };
    went_back(cx, result, r)
}

/// `sigreturn(2)` of i386: the frame without `siginfo`.
pub fn sigreturn(cx: &mut Context, _: Args) -> SysResult {
    let mut r = cx.thread.registers.borrow().clone();
    let frame = r.gpr[gpr::RSP].wrapping_sub(8);
    let result = back32(cx, frame, &mut r);
    went_back(cx, result, r)
}

fn went_back(cx: &mut Context, result: SysResult<u64>, r: Registers) -> SysResult {
    match result {
        Ok(mask) => {
            cx.thread.mask.set(mask & !super::UNBLOCKABLE);
            let value = r.gpr[gpr::RAX];
            *cx.thread.registers.borrow_mut() = r;
            Ok(value)
        }
        Err(_) => {
            super::fault::force(cx, SigInfo::kernel(super::SIGSEGV));
            Ok(0)
        }
    }
}

fn back64(cx: &Context, frame: u64, r: &mut Registers) -> SysResult<u64> {
    let mut image = [0; 312];
    cx.read_bytes(frame, &mut image)?;
    let order = [8, 9, 10, 11, 12, 13, 14, 15, 7, 6, 5, 3, 2, 0, 1, 4];
    for (index, register) in order.into_iter().enumerate() {
        r.gpr[register] = get64(&image, 48 + index * 8);
    }
    r.rip = get64(&image, 176);
    set_flags(r, get64(&image, 184));
    restore_fpu(cx, get64(&image, 232), r)?;
    restore_altstack(cx, get64(&image, 24), get64(&image, 40), get32(&image, 32) as u32);
    Ok(get64(&image, 304))
}

/// Sets the flags that a program may set.
pub fn set_flags(r: &mut Registers, value: u64) {
    r.rflags = r.rflags & !flags::USER | value & flags::USER | flags::FIXED | flags::IF;
}

fn restore_fpu(cx: &Context, at: u64, r: &mut Registers) -> SysResult<()> {
    if at == 0 {
        r.fpu = Fpu::new();
        return Ok(());
    }
    let mut image = [0; FXSAVE as usize];
    cx.read_bytes(at, &mut image)?;
    if r.fpu.fxrstor(&image) { Ok(()) } else { Err(Errno::EFAULT) }
}

fn restore_altstack(cx: &Context, start: u64, size: u64, flags: u32) {
    if flags & 3 == 0 && size != 0 {
        cx.thread.altstack.set((start, size, flags));
    }
}

fn context_back(cx: &Context, image: &[u8], r: &mut Registers) -> SysResult<u64> {
    for (index, register) in [7, 6, 5, 4, 3, 2, 1, 0].into_iter().enumerate() {
        r.gpr[register] = get32(image, 16 + index * 4);
    }
    r.rip = get32(image, 56);
    set_flags(r, get32(image, 64));
    let gs = get32(image, 0) as u16;
    let fs = get32(image, 4) as u16;
    (r.gs, r.gs_base) = (gs, r.segment_base(gs).unwrap_or(0));
    (r.fs, r.fs_base) = (fs, r.segment_base(fs).unwrap_or(0));
    let fpu = get32(image, 76);
    restore_fpu(cx, if fpu == 0 { 0 } else { fpu + FSAVE }, r)?;
    Ok(get32(image, 80))
}

fn back32(cx: &Context, frame: u64, r: &mut Registers) -> SysResult<u64> {
    let mut image = [0; 88];
    cx.read_bytes(frame + 8, &mut image)?;
    let high = cx.read_u32(frame + 720)?;
    let low = context_back(cx, &image, r)?;
    Ok(low | u64::from(high) << 32)
}

fn back32_rt(cx: &Context, frame: u64, r: &mut Registers) -> SysResult<u64> {
    let mut image = [0; 116];
    cx.read_bytes(frame + 144, &mut image)?;
    context_back(cx, &image[20..108], r)?;
    restore_altstack(cx, get32(&image, 8), get32(&image, 16), get32(&image, 12) as u32);
    Ok(get64(&image, 108))
}
