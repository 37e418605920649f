//! Job control: which group may read and write, and what becomes of a session whose
//! terminal or leader is gone (`credentials(7)`, `tty_ioctl(4)`).

use alloc::rc::{Rc, Weak};
use core::any::Any;

use super::Tty;
use crate::errno::{Errno, SysResult};
use crate::fs::flags;
use crate::kernel::{Context, Kernel};
use crate::signal::{SIGCONT, SIGHUP, SIGTTIN, SIGTTOU, SigInfo, bit};
use crate::task::Session;

/// The terminal that controls the caller's session.
pub fn controlling(cx: &Context) -> Option<Rc<Tty>> {
    let session = cx.thread.process.session.borrow().clone();
    let tty = session.tty.borrow().clone()?;
    tty.downcast::<Tty>().ok()
}

/// Whether a terminal controls the caller's session.
pub fn controls(cx: &Context, tty: &Rc<Tty>) -> bool {
    controlling(cx).is_some_and(|own| Rc::ptr_eq(&own, tty))
}

/// What becomes of a background group that reads (`SIGTTIN`) or changes (`SIGTTOU`) its
/// terminal.
pub fn check_foreground(cx: &mut Context, tty: &Rc<Tty>, signal: i32) -> SysResult<()> {
    let process = cx.thread.process.clone();
    let own = process.pgrp.get();
    if !controls(cx, tty) || tty.pgrp.get() == own || tty.pgrp.get() == 0 {
        return Ok(());
    }
    let blocked = cx.thread.mask.get() & bit(signal) != 0;
    let ignored = process.actions.borrow().borrow().ignores(signal);
    if blocked || ignored {
        // Who does not want to hear of it may write, and cannot read.
        return if signal == SIGTTOU { Ok(()) } else { Err(Errno::EIO) };
    }
    if cx.kernel.is_orphaned(&process) {
        return Err(Errno::EIO);
    }
    let info = SigInfo::kernel(signal);
    cx.kernel.signal_group(own, info);
    Err(Errno::ERESTARTSYS)
}

/// As [`check_foreground`], for reading.
pub fn check_read(cx: &mut Context, tty: &Rc<Tty>) -> SysResult<()> {
    check_foreground(cx, tty, SIGTTIN)
}

/// A session leader without a terminal opened one: it becomes the session's.
pub fn opened(cx: &mut Context, tty: &Rc<Tty>, how: u32) {
    let process = cx.thread.process.clone();
    let session = process.session.borrow().clone();
    if how & flags::NOCTTY == 0
        && session.sid == process.pid
        && session.tty.borrow().is_none()
        && tty.session.borrow().strong_count() == 0
    {
        acquire(tty, &session, process.pgrp.get());
    }
}

/// Makes a terminal that of a session.
pub fn acquire(tty: &Rc<Tty>, session: &Rc<Session>, pgrp: i32) {
    *session.tty.borrow_mut() = Some(tty.clone() as Rc<dyn Any>);
    *tty.session.borrow_mut() = Rc::downgrade(session);
    tty.pgrp.set(pgrp);
}

/// `TIOCSCTTY`.
pub fn set_controlling(cx: &mut Context, tty: &Rc<Tty>, steal: bool) -> SysResult {
    let process = cx.thread.process.clone();
    let session = process.session.borrow().clone();
    if controls(cx, tty) && session.sid == process.pid {
        return Ok(0);
    }
    if session.sid != process.pid || session.tty.borrow().is_some() {
        return Err(Errno::EPERM);
    }
    let other = tty.session.borrow().upgrade();
    if let Some(other) = other {
        if !(steal && cx.thread.credentials().has(crate::task::credentials::cap::SYS_ADMIN)) {
            return Err(Errno::EPERM);
        }
        other.tty.borrow_mut().take();
    }
    acquire(tty, &session, process.pgrp.get());
    Ok(0)
}

/// `TIOCNOTTY`.
pub fn give_up(cx: &mut Context, tty: &Rc<Tty>) -> SysResult {
    if !controls(cx, tty) {
        return Err(Errno::ENOTTY);
    }
    let process = cx.thread.process.clone();
    let session = process.session.borrow().clone();
    // The real system lets a single process go; a session has one terminal here, and
    // only its leader can let go of it.
    if session.sid == process.pid {
        session.tty.borrow_mut().take();
        leader_ended(cx.kernel, tty.clone());
    }
    Ok(0)
}

/// The leader of a terminal's session ended or let go: its foreground is told.
pub fn leader_ended(kernel: &mut Kernel, tty: Rc<dyn Any>) {
    let Ok(tty) = tty.downcast::<Tty>() else { return };
    *tty.session.borrow_mut() = Weak::new();
    let pgrp = tty.pgrp.replace(0);
    if pgrp != 0 {
        kernel.signal_group(pgrp, SigInfo::kernel(SIGHUP));
        kernel.signal_group(pgrp, SigInfo::kernel(SIGCONT));
    }
}

/// The other end is gone.
pub fn hang_up(kernel: &mut Kernel, tty: &Rc<Tty>) {
    if tty.hung_up.replace(true) {
        return;
    }
    tty.input.borrow_mut().flush();
    let session = tty.session.borrow().upgrade();
    if let Some(session) = session {
        session.tty.borrow_mut().take();
        if let Some(leader) = kernel.processes.get(&session.sid).cloned() {
            kernel.signal_process(&leader, SigInfo::kernel(SIGHUP));
            kernel.signal_process(&leader, SigInfo::kernel(SIGCONT));
        }
    }
    leader_ended(kernel, tty.clone());
    tty.readers.wake_all();
    tty.writers.wake_all();
}
