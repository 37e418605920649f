//! What is asked of terminals (`tty_ioctl(4)`).
//!
//! Source of the numbers: Linux, include/uapi/asm-generic/ioctls.h.

use alloc::rc::Rc;

use super::file::TtyFile;
use super::termios::{Layout, lflag};
use super::{End, Tty, WinSize, job};
use crate::errno::{Errno, SysResult};
use crate::fs::{OpenFile, flags};
use crate::kernel::Context;
use crate::signal::{SIGTTOU, SigInfo};
use crate::syscall::Args;

const TIOCPKT_FLUSHREAD: u8 = 1;
const TIOCPKT_FLUSHWRITE: u8 = 2;
const TIOCPKT_NOSTOP: u8 = 16;
const TIOCPKT_DOSTOP: u8 = 32;

/// A request to the terminal itself.
pub fn slave(cx: &mut Context, tty: &Rc<Tty>, _: &OpenFile, args: Args) -> SysResult {
    match args.u32(1) {
        // TIOCSCTTY, TIOCNOTTY
        0x540e => job::set_controlling(cx, tty, args.u64(2) == 1),
        0x5422 => job::give_up(cx, tty),
        // TIOCGPGRP, TIOCGSID: only of the caller's own terminal.
        0x540f | 0x5429 if !job::controls(cx, tty) => Err(Errno::ENOTTY),
        // FIONREAD
        0x541b => {
            let canonical = tty.termios.borrow().local(lflag::ICANON);
            let count = tty.input.borrow().available(canonical);
            cx.write_u32(args.u64(2), count as u32).map(|()| 0)
        }
        // TIOCOUTQ
        0x5411 => {
            let waiting = match &tty.end {
                End::Console => 0,
                End::Pty(line) => line.output.borrow().len(),
            };
            cx.write_u32(args.u64(2), waiting as u32).map(|()| 0)
        }
        _ => common(cx, tty, args),
    }
}

/// A request to the master of a pair.
pub fn master(
    cx: &mut Context,
    tty: &Rc<Tty>,
    number: u32,
    open: &OpenFile,
    args: Args,
) -> SysResult {
    let at = args.u64(2);
    let End::Pty(line) = &tty.end else { return Err(Errno::ENOTTY) };
    let flag = |value: bool| u32::from(value);
    match args.u32(1) {
        // TIOCGPTN
        0x8004_5430 => cx.write_u32(at, number).map(|()| 0),
        // TIOCSPTLCK, TIOCGPTLCK
        0x4004_5431 => {
            line.locked.set(cx.read_u32(at)? != 0);
            Ok(0)
        }
        0x8004_5439 => cx.write_u32(at, flag(line.locked.get())).map(|()| 0),
        // TIOCPKT, TIOCGPKT
        0x5420 => {
            line.packet.set(cx.read_u32(at)? != 0);
            line.status.set(0);
            Ok(0)
        }
        0x8004_5438 => cx.write_u32(at, flag(line.packet.get())).map(|()| 0),
        // TIOCGPTPEER
        0x5441 => {
            let how =
                at as u32 & (flags::ACCMODE | flags::NOCTTY | flags::CLOEXEC | flags::NONBLOCK);
            let path = alloc::format!("/dev/{}", tty.name);
            let place = crate::fs::walk::resolve(
                cx,
                crate::fs::walk::AT_FDCWD,
                path.as_bytes(),
                crate::fs::walk::Follow::Yes,
            )
            .ok();
            let file = TtyFile::open(cx, tty, how)?;
            cx.install(OpenFile::new(file, place, how), how).map(|fd| fd as u64)
        }
        // TIOCSIG
        0x4004_5436 => {
            let signal = crate::signal::checked(args.int(2))?;
            if signal != 0 && tty.pgrp.get() != 0 {
                cx.kernel.signal_group(tty.pgrp.get(), SigInfo::kernel(signal));
            }
            Ok(0)
        }
        // FIONREAD
        0x541b => {
            let count = line.output.borrow().len();
            cx.write_u32(at, count as u32).map(|()| 0)
        }
        // TIOCOUTQ, TIOCSCTTY
        0x5411 => cx.write_u32(at, 0).map(|()| 0),
        0x540e => Err(Errno::EINVAL),
        _ => {
            let _ = open;
            common(cx, tty, args)
        }
    }
}

fn common(cx: &mut Context, tty: &Rc<Tty>, args: Args) -> SysResult {
    let at = args.u64(2);
    if tty.hung_up.get() {
        return Err(Errno::EIO);
    }
    match args.u32(1) {
        // TCGETS, TCGETA, TCGETS2
        0x5401 => get(cx, tty, at, Layout::Termios),
        0x5405 => get(cx, tty, at, Layout::Termio),
        0x802c_542a => get(cx, tty, at, Layout::Termios2),
        // TCSETS and its two relatives, which wait for output, and drop input too.
        0x5402..=0x5404 => set(cx, tty, at, Layout::Termios, args.u32(1) == 0x5404),
        0x5406..=0x5408 => set(cx, tty, at, Layout::Termio, args.u32(1) == 0x5408),
        0x402c_542b..=0x402c_542d => set(cx, tty, at, Layout::Termios2, args.u32(1) == 0x402c_542d),
        // TCSBRK, TCSBRKP, TIOCSBRK, TIOCCBRK: there is no line to break.
        0x5409 | 0x5425 | 0x5427 | 0x5428 => Ok(0),
        // TCXONC
        0x540a => {
            job::check_foreground(cx, tty, SIGTTOU)?;
            match args.int(2) {
                0 => {
                    tty.stopped.set(true);
                    tty.tell_master(TIOCPKT_DOSTOP);
                }
                1 => {
                    tty.stopped.set(false);
                    tty.writers.wake_all();
                    tty.tell_master(TIOCPKT_NOSTOP);
                }
                2 | 3 => {}
                _ => return Err(Errno::EINVAL),
            }
            Ok(0)
        }
        // TCFLSH
        0x540b => {
            job::check_foreground(cx, tty, SIGTTOU)?;
            flush(tty, args.int(2))
        }
        // TIOCEXCL, TIOCNXCL, TIOCGEXCL
        0x540c | 0x540d => {
            tty.exclusive.set(args.u32(1) == 0x540c);
            Ok(0)
        }
        0x8004_5440 => cx.write_u32(at, u32::from(tty.exclusive.get())).map(|()| 0),
        // TIOCGPGRP, TIOCSPGRP, TIOCGSID
        0x540f => cx.write_u32(at, tty.pgrp.get() as u32).map(|()| 0),
        0x5410 => set_foreground(cx, tty, at),
        0x5429 => {
            let sid = tty.session.borrow().upgrade().ok_or(Errno::ENOTTY)?.sid;
            cx.write_u32(at, sid as u32).map(|()| 0)
        }
        // TIOCSTI
        0x5412 => {
            if !job::controls(cx, tty)
                && !cx.thread.credentials().has(crate::task::credentials::cap::SYS_ADMIN)
            {
                return Err(Errno::EPERM);
            }
            let mut byte = [0];
            cx.read_bytes(at, &mut byte)?;
            tty.receive(cx.kernel, &byte);
            Ok(0)
        }
        // TIOCGWINSZ, TIOCSWINSZ
        0x5413 => {
            let mut bytes = [0; 8];
            for (part, value) in bytes.chunks_exact_mut(2).zip(tty.size.get()) {
                part.copy_from_slice(&value.to_le_bytes());
            }
            cx.write_bytes(at, &bytes).map(|()| 0)
        }
        0x5414 => {
            let mut bytes = [0; 8];
            cx.read_bytes(at, &mut bytes)?;
            let value = |index: usize| u16::from_le_bytes([bytes[index * 2], bytes[index * 2 + 1]]);
            let size: WinSize = [value(0), value(1), value(2), value(3)];
            tty.resize(cx.kernel, size);
            Ok(0)
        }
        // TIOCGSOFTCAR, TIOCSSOFTCAR
        0x5419 => cx.write_u32(at, 0).map(|()| 0),
        0x541a => Ok(0),
        // TIOCSETD, TIOCGETD: there is one line discipline.
        0x5423 if cx.read_u32(at)? != 0 => Err(Errno::EINVAL),
        0x5423 => Ok(0),
        0x5424 => cx.write_u32(at, 0).map(|()| 0),
        // TIOCGDEV
        0x8004_5432 => cx.write_u32(at, tty.dev as u32).map(|()| 0),
        // TIOCVHANGUP
        0x5437 if !cx.thread.credentials().has(crate::task::credentials::cap::SYS_ADMIN) => {
            Err(Errno::EPERM)
        }
        0x5437 => {
            job::hang_up(cx.kernel, tty);
            Ok(0)
        }
        _ => Err(Errno::ENOTTY),
    }
}

fn get(cx: &Context, tty: &Tty, at: u64, layout: Layout) -> SysResult {
    let bytes = tty.termios.borrow().encode(layout);
    cx.write_bytes(at, &bytes[..layout.size()]).map(|()| 0)
}

fn set(cx: &mut Context, tty: &Rc<Tty>, at: u64, layout: Layout, drop_input: bool) -> SysResult {
    let bytes = cx.read_vec(at, layout.size() as u64)?;
    job::check_foreground(cx, tty, SIGTTOU)?;
    let old = *tty.termios.borrow();
    let mut new = old;
    new.decode(layout, &bytes);
    if drop_input {
        tty.input.borrow_mut().flush();
    }
    *tty.termios.borrow_mut() = new;
    let canonical = new.local(lflag::ICANON);
    if old.local(lflag::ICANON) != canonical {
        tty.input.borrow_mut().switch(canonical);
    }
    if new.iflag & super::termios::iflag::IXON == 0 && tty.stopped.replace(false) {
        tty.writers.wake_all();
    }
    // What is there may be readable now that was not before.
    tty.readers.wake_all();
    Ok(0)
}

fn flush(tty: &Tty, which: i32) -> SysResult {
    if !(0..=2).contains(&which) {
        return Err(Errno::EINVAL);
    }
    if which != 1 {
        tty.input.borrow_mut().flush();
        tty.writers.wake_all();
        tty.tell_master(TIOCPKT_FLUSHREAD);
    }
    if which != 0 {
        if let End::Pty(line) = &tty.end {
            line.output.borrow_mut().clear();
        }
        tty.writers.wake_all();
        tty.tell_master(TIOCPKT_FLUSHWRITE);
    }
    Ok(0)
}

fn set_foreground(cx: &mut Context, tty: &Rc<Tty>, at: u64) -> SysResult {
    let pgrp = cx.read_u32(at)? as i32;
    if !job::controls(cx, tty) {
        return Err(Errno::ENOTTY);
    }
    if pgrp < 0 {
        return Err(Errno::EINVAL);
    }
    job::check_foreground(cx, tty, SIGTTOU)?;
    let session = cx.thread.process.session.borrow().clone();
    let mut members = cx.kernel.processes.values().filter(|process| process.pgrp.get() == pgrp);
    let Some(member) = members.next() else { return Err(Errno::ESRCH) };
    if !Rc::ptr_eq(&member.session.borrow(), &session) {
        return Err(Errno::EPERM);
    }
    tty.pgrp.set(pgrp);
    Ok(0)
}
