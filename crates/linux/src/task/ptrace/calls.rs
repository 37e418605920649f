//! `ptrace(2)`: the requests.

use alloc::rc::Rc;
use alloc::vec::Vec;

use super::registers::{self, Set};
use super::{Resume, Tracing, Why, option, peek, poke};
use crate::errno::{Errno, SysResult};
use crate::kernel::Context;
use crate::machine::{Mode, gpr};
use crate::signal::{SIGKILL, SIGNALS, SIGSTOP, SigInfo, UNBLOCKABLE};
use crate::syscall::{Abi, Args, address};
use crate::task::memory::may_reach;
use crate::task::{Thread, Tid};

const TRACEME: u64 = 0;
const PEEKTEXT: u64 = 1;
const PEEKDATA: u64 = 2;
const PEEKUSER: u64 = 3;
const POKETEXT: u64 = 4;
const POKEDATA: u64 = 5;
const POKEUSER: u64 = 6;
const CONT: u64 = 7;
const KILL: u64 = 8;
const SINGLESTEP: u64 = 9;
const GETREGS: u64 = 12;
const SETREGS: u64 = 13;
const GETFPREGS: u64 = 14;
const SETFPREGS: u64 = 15;
const ATTACH: u64 = 16;
const DETACH: u64 = 17;
const GETFPXREGS: u64 = 18;
const SETFPXREGS: u64 = 19;
const SYSCALL: u64 = 24;
const SETOPTIONS: u64 = 0x4200;
const GETEVENTMSG: u64 = 0x4201;
const GETSIGINFO: u64 = 0x4202;
const SETSIGINFO: u64 = 0x4203;
const GETREGSET: u64 = 0x4204;
const SETREGSET: u64 = 0x4205;
const SEIZE: u64 = 0x4206;
const INTERRUPT: u64 = 0x4207;
const LISTEN: u64 = 0x4208;
const GETSIGMASK: u64 = 0x420a;
const SETSIGMASK: u64 = 0x420b;
const GET_SYSCALL_INFO: u64 = 0x420e;

/// `ptrace(2)`.
pub fn ptrace(cx: &mut Context, args: Args) -> SysResult {
    let (request, tid) = (args.u64(0), args.int(1));
    if request == TRACEME {
        return trace_me(cx);
    }
    let thread = cx.kernel.threads.get(&tid).cloned().ok_or(Errno::ESRCH)?;
    if matches!(request, ATTACH | SEIZE) {
        return attach(cx, &thread, request == SEIZE, args);
    }
    let own = cx.thread.tid;
    let is_own = |tracing: &Rc<Tracing>| tracing.tracer == own;
    let tracing = thread.tracing().filter(is_own).ok_or(Errno::ESRCH)?;
    match request {
        KILL => {
            cx.kernel.signal_process(&thread.process, SigInfo::kernel(SIGKILL));
            return Ok(0);
        }
        INTERRUPT => return interrupt(cx, &thread, &tracing),
        _ if !tracing.is_stopped() => return Err(Errno::ESRCH),
        _ => {}
    }
    stopped(cx, &thread, &tracing, args)
}

fn trace_me(cx: &mut Context) -> SysResult {
    let thread = cx.thread.clone();
    let parent = thread.process.parent.get();
    if thread.tracing().is_some() || parent == 0 {
        return Err(Errno::EPERM);
    }
    let tracer = first_thread(cx, parent).ok_or(Errno::EPERM)?;
    cx.kernel.attach(&thread, Tracing::new(&tracer, false, 0));
    Ok(0)
}

fn first_thread(cx: &Context, pid: Tid) -> Option<Rc<Thread>> {
    let process = cx.kernel.processes.get(&pid)?;
    let tid = process.threads.borrow().first().copied()?;
    cx.kernel.threads.get(&tid).cloned()
}

fn attach(cx: &mut Context, thread: &Rc<Thread>, seize: bool, args: Args) -> SysResult {
    let options = if seize { args.u64(3) } else { 0 };
    if seize && (args.u64(2) != 0 || options & !u64::from(option::ALL) != 0) {
        return Err(Errno::EIO);
    }
    if Rc::ptr_eq(&thread.process, &cx.thread.process) {
        return Err(Errno::EPERM);
    }
    may_reach(cx, thread)?;
    if thread.tracing().is_some() || thread.process.exiting.get().is_some() {
        return Err(Errno::EPERM);
    }
    let tracing = Tracing::new(&cx.thread, seize, options as u32);
    // Who is stopped already tells that first.
    let stopped = thread.process.stopped.get();
    tracing.interrupt.set(stopped);
    cx.kernel.attach(thread, tracing);
    if stopped {
        cx.kernel.wake(thread);
    }
    if !seize {
        cx.kernel.signal_thread(thread, SigInfo::user(cx, SIGSTOP, 0));
    }
    Ok(0)
}

fn interrupt(cx: &mut Context, thread: &Rc<Thread>, tracing: &Tracing) -> SysResult {
    if !tracing.seized {
        return Err(Errno::EIO);
    }
    match tracing.stop.get() {
        // A thread that is stopped has what this asks for.
        Some(stop) if !stop.listening => return Ok(0),
        Some(_) => tracing.stop.set(None),
        None => {}
    }
    tracing.interrupt.set(true);
    cx.kernel.wake(thread);
    Ok(0)
}

/// Requests to a stopped thread.
fn stopped(cx: &mut Context, thread: &Rc<Thread>, tracing: &Tracing, args: Args) -> SysResult {
    let (addr, data) = (args.u64(2), args.u64(3));
    let out = address(data);
    let abi = cx.abi();
    let stop = tracing.stop.get().ok_or(Errno::ESRCH)?;
    match args.u64(0) {
        PEEKTEXT | PEEKDATA => {
            let mut word = [0; 8];
            let word = &mut word[..cx.word()];
            if peek(cx, &thread.mm(), addr, word)? < word.len() {
                return Err(Errno::EIO);
            }
            cx.write_bytes(out, word).map(|()| 0)
        }
        POKETEXT | POKEDATA => {
            let word = data.to_le_bytes();
            let word = &word[..cx.word()];
            let mut old = [0; 8];
            // All of it or nothing.
            if peek(cx, &thread.mm(), addr, &mut old[..word.len()])? < word.len() {
                return Err(Errno::EIO);
            }
            poke(cx, &thread.mm(), addr, word).map(|_| 0)
        }
        PEEKUSER => {
            let value = match debug_register(cx, addr) {
                Some(number) => tracing.debug.get(number),
                None => user(cx, thread, addr)?,
            };
            cx.write_word(out, value).map(|()| 0)
        }
        POKEUSER => {
            if let Some(number) = debug_register(cx, addr) {
                return tracing.debug.set(number, data).map(|()| 0);
            }
            user(cx, thread, addr)?;
            let general = Set::General(abi);
            let mut bytes = registers::get(thread, general);
            let (at, word) = (addr as usize, cx.word());
            match bytes.get_mut(at..at + word) {
                Some(part) => part.copy_from_slice(&data.to_le_bytes()[..word]),
                None => return Err(Errno::EIO),
            }
            registers::set(thread, general, &bytes).map(|()| 0)
        }
        CONT => resume(cx, thread, Resume::Continue, data),
        SYSCALL => resume(cx, thread, Resume::Syscall, data),
        SINGLESTEP => resume(cx, thread, Resume::Step, data),
        DETACH => {
            let signal = signal(cx, tracing, data)?;
            let signal =
                signal.filter(|_| matches!(stop.why, Why::Signal | Why::Entry | Why::Exit));
            cx.kernel.detach(thread, signal);
            Ok(0)
        }
        LISTEN => {
            if !tracing.seized || stop.code >> 8 != super::event::STOP {
                return Err(Errno::EIO);
            }
            if tracing.interrupt.get() {
                // The process went on meanwhile.
                tracing.stop.set(None);
                cx.kernel.wake(thread);
            } else {
                tracing.stop.set(Some(super::Stop { listening: true, ..stop }));
            }
            Ok(0)
        }
        GETREGS => give(cx, thread, Set::General(abi), out),
        SETREGS => take(cx, thread, Set::General(abi), out),
        GETFPREGS => give(cx, thread, floating(abi), out),
        SETFPREGS => take(cx, thread, floating(abi), out),
        GETFPXREGS if abi == Abi::I386 => give(cx, thread, Set::Fxsave, out),
        SETFPXREGS if abi == Abi::I386 => take(cx, thread, Set::Fxsave, out),
        GETREGSET | SETREGSET => {
            let set = noted(thread, addr)?;
            let (base, len) = (cx.read_word(out)?, cx.read_word(out + cx.word() as u64)?);
            let size = registers::get(thread, set).len() as u64;
            let len = len.min(size);
            let unit = if set == Set::General(Abi::Amd64) { 8 } else { 4 };
            if len % unit != 0 {
                return Err(Errno::EINVAL);
            }
            if args.u64(0) == GETREGSET {
                let bytes = registers::get(thread, set);
                cx.write_bytes(address(base), &bytes[..len as usize])?;
            } else {
                let bytes = cx.read_vec(address(base), len)?;
                registers::set(thread, set, &bytes).map_err(|_| Errno::EINVAL)?;
            }
            cx.write_word(out + cx.word() as u64, len).map(|()| 0)
        }
        SETOPTIONS => {
            if data & !u64::from(option::ALL) != 0 {
                return Err(Errno::EINVAL);
            }
            tracing.options.set(data as u32);
            Ok(0)
        }
        GETEVENTMSG => cx.write_word(out, tracing.message.get()).map(|()| 0),
        GETSIGINFO => {
            let info = stop.info.ok_or(Errno::EINVAL)?;
            cx.write_bytes(out, &info.encode(abi)).map(|()| 0)
        }
        SETSIGINFO => {
            stop.info.ok_or(Errno::EINVAL)?;
            let info = Some(SigInfo::decode(cx, out)?);
            tracing.stop.set(Some(super::Stop { info, ..stop }));
            Ok(0)
        }
        GETSIGMASK if addr == 8 => cx.write_u64(out, thread.mask.get()).map(|()| 0),
        SETSIGMASK if addr == 8 => {
            thread.mask.set(cx.read_u64(out)? & !UNBLOCKABLE);
            Ok(0)
        }
        GETSIGMASK | SETSIGMASK => Err(Errno::EINVAL),
        GET_SYSCALL_INFO => {
            let bytes = syscall_info(thread, stop.why);
            let count = bytes.len().min(usize::try_from(addr).unwrap_or(usize::MAX));
            cx.write_bytes(out, &bytes[..count])?;
            Ok(bytes.len() as u64)
        }
        _ => Err(Errno::EIO),
    }
}

/// The signal that a request lets through; none for 0.
fn signal(cx: &Context, tracing: &Tracing, number: u64) -> SysResult<Option<SigInfo>> {
    let number = match number {
        0 => return Ok(None),
        number if number <= SIGNALS as u64 => number as i32,
        _ => return Err(Errno::EIO),
    };
    let same = tracing.stop.get().and_then(|stop| stop.info).filter(|info| info.signal == number);
    Ok(Some(same.unwrap_or_else(|| SigInfo::user(cx, number, 0))))
}

fn resume(cx: &mut Context, thread: &Rc<Thread>, how: Resume, number: u64) -> SysResult {
    let tracing = thread.tracing().ok_or(Errno::ESRCH)?;
    let signal = signal(cx, &tracing, number)?;
    cx.kernel.resume(thread, how, signal);
    Ok(0)
}

/// The floating-point registers that an ABI's `PTRACE_GETFPREGS` means.
fn floating(abi: Abi) -> Set {
    if abi == Abi::Amd64 { Set::Fxsave } else { Set::Fsave }
}

fn give(cx: &mut Context, thread: &Thread, set: Set, to: u64) -> SysResult {
    cx.write_bytes(to, &registers::get(thread, set)).map(|()| 0)
}

fn take(cx: &mut Context, thread: &Thread, set: Set, from: u64) -> SysResult {
    let len = registers::get(thread, set).len() as u64;
    let bytes = cx.read_vec(from, len)?;
    registers::set(thread, set, &bytes).map(|()| 0)
}

/// The set of a note's type; its form is that of the traced program.
fn noted(thread: &Thread, kind: u64) -> SysResult<Set> {
    let narrow = thread.registers.borrow().mode == Mode::I386;
    match kind {
        1 if narrow => Ok(Set::General(Abi::I386)),
        1 => Ok(Set::General(Abi::Amd64)),
        2 if narrow => Ok(Set::Fsave),
        2 => Ok(Set::Fxsave),
        0x46e6_2b7f if narrow => Ok(Set::Fxsave),
        // CPUID says that there is no XSAVE.
        0x202 => Err(Errno::ENODEV),
        _ => Err(Errno::EINVAL),
    }
}

/// The debug register that a place in `struct user` is.
fn debug_register(cx: &Context, at: u64) -> Option<usize> {
    let word = cx.word() as u64;
    let first = if word == 8 { 848 } else { 252 };
    let number = at.checked_sub(first)? / word;
    (at.is_multiple_of(word) && number < 8).then_some(number as usize)
}

/// A word of `struct user`: registers at its beginning, zeros behind.
fn user(cx: &Context, thread: &Thread, at: u64) -> SysResult<u64> {
    let word = cx.word() as u64;
    let size = if word == 8 { 912 } else { 284 };
    if !at.is_multiple_of(word) || at > size - word {
        return Err(Errno::EIO);
    }
    let bytes = registers::get(thread, Set::General(cx.abi()));
    let part = bytes.get(at as usize..(at + word) as usize).unwrap_or(&[]);
    Ok(part.iter().rev().fold(0, |value, &byte| value << 8 | u64::from(byte)))
}

/// `struct ptrace_syscall_info`.
fn syscall_info(thread: &Thread, why: Why) -> Vec<u8> {
    let r = thread.registers.borrow();
    let abi = thread.abi.get();
    let mut bytes = alloc::vec![0; 24];
    let arch: u32 = if abi == Abi::Amd64 { 0xc000_003e } else { 0x4000_0003 };
    bytes[4..8].copy_from_slice(&arch.to_le_bytes());
    bytes[8..16].copy_from_slice(&r.rip.to_le_bytes());
    bytes[16..24].copy_from_slice(&r.gpr[gpr::RSP].to_le_bytes());
    match why {
        Why::Entry => {
            bytes[0] = 1;
            bytes.extend_from_slice(&(thread.original.get() as u64).to_le_bytes());
            let args = crate::syscall::raw_arguments(&r, abi);
            args.iter().for_each(|arg| bytes.extend_from_slice(&arg.to_le_bytes()));
        }
        Why::Exit => {
            bytes[0] = 2;
            let value = match abi {
                Abi::Amd64 => r.gpr[gpr::RAX] as i64,
                Abi::I386 => i64::from(r.gpr[gpr::RAX] as i32),
            };
            bytes.extend_from_slice(&value.to_le_bytes());
            bytes.push(u8::from((-4095..0).contains(&value)));
        }
        _ => {}
    }
    bytes
}
