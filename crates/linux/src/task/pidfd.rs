//! Descriptors of processes (`pidfd_open(2)`).

use alloc::rc::Rc;
use core::any::Any;

use super::Process;
use crate::errno::{Errno, SysResult};
use crate::fs::{File, OpenFile, events, flags};
use crate::kernel::Context;
use crate::signal::SigInfo;
use crate::syscall::Args;
use crate::wait::WaitQueue;

/// The file.
pub struct PidFd(Rc<Process>);

/// Gives a descriptor of a process.
pub fn install(cx: &Context, process: Rc<Process>, how: u32) -> SysResult<i32> {
    cx.install_file(Rc::new(PidFd(process)), how | flags::CLOEXEC | flags::RDWR)
}

/// The process of a descriptor.
pub fn process(cx: &Context, fd: i32) -> SysResult<Rc<Process>> {
    let open = cx.io_file(fd)?;
    let file = open.file.as_any().downcast_ref::<PidFd>().ok_or(Errno::EBADF)?;
    Ok(file.0.clone())
}

/// The process of a descriptor, or of a directory of `/proc`.
fn signalled(cx: &Context, fd: i32) -> SysResult<Rc<Process>> {
    let open = cx.io_file(fd)?;
    let Some(pid) = open.inode().and_then(crate::proc::process_of) else { return process(cx, fd) };
    cx.kernel.processes.get(&pid).cloned().ok_or(Errno::ESRCH)
}

/// `pidfd_open(2)`.
pub fn pidfd_open(cx: &mut Context, args: Args) -> SysResult {
    if args.int(0) <= 0 || args.u32(1) & !flags::NONBLOCK != 0 {
        return Err(Errno::EINVAL);
    }
    let found = cx.kernel.processes.get(&args.int(0)).cloned();
    let process = match found {
        Some(process) => process,
        // A thread that leads no group.
        None if cx.kernel.threads.contains_key(&args.int(0)) => return Err(Errno::EINVAL),
        None => return Err(Errno::ESRCH),
    };
    install(cx, process, args.u32(1)).map(|fd| fd as u64)
}

/// `pidfd_send_signal(2)`.
pub fn pidfd_send_signal(cx: &mut Context, args: Args) -> SysResult {
    let process = signalled(cx, args.int(0))?;
    let signal = crate::signal::checked(args.int(1))?;
    if args.u32(3) != 0 {
        return Err(Errno::EINVAL);
    }
    let info = match args.u64(2) {
        0 => SigInfo::user(cx, signal, 0),
        at => {
            let info = SigInfo::decode(cx, at)?;
            if info.signal != signal {
                return Err(Errno::EINVAL);
            }
            if info.code >= 0 && process.pid != cx.thread.process.pid {
                return Err(Errno::EPERM);
            }
            info
        }
    };
    if process.status.get().is_some() && !cx.kernel.processes.contains_key(&process.pid) {
        return Err(Errno::ESRCH);
    }
    if !crate::signal::calls::allowed(cx, &process, signal) {
        return Err(Errno::EPERM);
    }
    if signal != 0 {
        cx.kernel.signal_process(&process, info);
    }
    Ok(0)
}

/// `pidfd_getfd(2)`: a descriptor of another process's file.
pub fn pidfd_getfd(cx: &mut Context, args: Args) -> SysResult {
    if args.u32(2) != 0 {
        return Err(Errno::EINVAL);
    }
    let process = process(cx, args.int(0))?;
    let first = process.threads.borrow().first().copied();
    let thread = first.and_then(|tid| cx.kernel.threads.get(&tid).cloned()).ok_or(Errno::ESRCH)?;
    super::memory::may_reach(cx, &thread)?;
    let open = thread.files().borrow().get(args.int(1))?.clone();
    cx.install(open, flags::CLOEXEC).map(|fd| fd as u64)
}

impl File for PidFd {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn poll(&self, _: &mut Context, _: &OpenFile) -> u32 {
        if self.0.status.get().is_some() { events::IN | events::RDNORM } else { 0 }
    }

    fn queues(&self, tell: &mut dyn FnMut(&WaitQueue)) {
        tell(&self.0.end_news);
    }

    fn description(&self) -> alloc::string::String {
        "anon_inode:[pidfd]".into()
    }

    fn fdinfo(&self) -> alloc::string::String {
        alloc::format!("Pid:\t{}\nNSpid:\t{}\n", self.0.pid, self.0.pid)
    }
}
