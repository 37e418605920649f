//! A thread's turn: going on with a call that waited, running the program,
//! making calls, and turning faults into signals.

use alloc::rc::Rc;

use super::{Context, Kernel};
use crate::errno::{Errno, SysResult};
use crate::machine::{Exit, Registers, SyscallKind, flags, gpr};
use crate::mm::demand;
use crate::signal;
use crate::syscall::{Abi, Args, CallState, Handler, Row, raw_arguments};
use crate::task::ptrace::watch::{self, Begin};
use crate::task::{State, Thread, ptrace};

/// Instructions of a turn of a thread that is watched, which are executed one by one.
const STEPS: u32 = 5000;
/// Instructions of a turn.
const SLICE: u64 = 400_000;
/// Calls of a turn, if others wait.
const CALLS: u32 = 32;

impl Kernel {
    /// Runs a thread for a while.
    pub(super) fn turn(&mut self, thread: &Rc<Thread>) {
        let started = self.monotonic_ns();
        let mut cx = Context { kernel: self, thread: thread.clone() };
        run(&mut cx);
        let spent = cx.kernel.monotonic_ns().saturating_sub(started);
        thread.cpu_ns.set(thread.cpu_ns.get() + spent);
        self.expire_cpu_timers(&thread.process);
        self.enqueue(thread);
    }
}

fn run(cx: &mut Context) {
    let thread = cx.thread.clone();
    let waited = thread.call.borrow().is_some();
    if waited && !go_on(cx) {
        return;
    }
    let (mut calls, mut steps) = (0, 0);
    loop {
        if !signal::before_user(cx) || thread.state.get() != State::Runnable {
            return;
        }
        let mm = thread.mm();
        let by_tracer = thread.is_stepped();
        let watch = if thread.is_traced.get() { watch::begin(cx) } else { Begin::Freely };
        let watch = match watch {
            Begin::Freely => None,
            Begin::Stop => continue,
            Begin::Step(before) => Some(before),
        };
        let stepped = by_tracer || watch.is_some();
        let exit = {
            let mut registers = thread.registers.borrow_mut();
            let own = registers.rflags & flags::TF;
            if stepped {
                registers.rflags |= flags::TF;
            }
            let exit = mm.borrow_mut().machine.run(&mut registers, SLICE);
            if stepped && own == 0 {
                registers.rflags &= !flags::TF;
                if exit == Exit::Syscall(SyscallKind::Syscall) {
                    registers.gpr[11] &= !flags::TF;
                }
            }
            exit
        };
        thread.original.set(-1);
        let grew = {
            let mut mm = mm.borrow_mut();
            let pages = mm.machine.touched_pages();
            let grew = pages > mm.checked_pages + 64;
            if grew {
                mm.checked_pages = pages;
            }
            grew
        };
        drop(mm);
        if grew {
            cx.kernel.check_memory(&thread);
        }
        if let (Exit::SingleStep, Some(before)) = (exit, &watch)
            && !watch::after(cx, before, by_tracer)
            && !by_tracer
        {
            steps += 1;
            if steps >= STEPS {
                return;
            }
            continue;
        }
        match exit {
            Exit::SingleStep if watch.is_some() && !by_tracer => {}
            Exit::Syscall(kind) => {
                begin(cx, kind);
                if ptrace::call_begins(cx) || !go_on(cx) {
                    return;
                }
                calls += 1;
                if calls >= CALLS && cx.kernel.others_are_ready() || calls >= 50 * CALLS {
                    return;
                }
            }
            Exit::Budget => return,
            Exit::Fault(fault) if thread.mm().borrow().is_absent(fault.addr) => {
                let state = CallState::new(u32::MAX, None, Args::default());
                *thread.call.borrow_mut() = Some(CallState { fault: Some(exit), ..state });
                if !go_on(cx) {
                    return;
                }
            }
            other => signal::fault::raise(cx, other),
        }
    }
}

/// Takes a call from the registers.
fn begin(cx: &mut Context, kind: SyscallKind) {
    let thread = &cx.thread;
    let mut registers = thread.registers.borrow_mut();
    let abi = match kind {
        SyscallKind::Syscall => Abi::Amd64,
        SyscallKind::Int80 | SyscallKind::Sysenter => Abi::I386,
    };
    thread.abi.set(abi);
    let number = registers.gpr[gpr::RAX] as u32;
    thread.original.set(i64::from(number));
    let mut call = decode(&registers, abi, number);
    if thread.is_traced.get() {
        // What a tracer sees as its result so far, and may change.
        registers.gpr[gpr::RAX] = result_register(abi, Errno::ENOSYS.as_result());
        call.stopped = true;
    }
    *thread.call.borrow_mut() = Some(call);
}

/// A call as its registers say it.
fn decode(registers: &Registers, abi: Abi, number: u32) -> CallState {
    let row = Row::find(abi, number);
    let raw = raw_arguments(registers, abi);
    let args = match row {
        Some(row) => Args::new(raw, row.args, abi),
        None => Args(raw),
    };
    CallState::new(number, row, args)
}

fn result_register(abi: Abi, value: u64) -> u64 {
    match abi {
        Abi::I386 => value & 0xffff_ffff,
        Abi::Amd64 => value,
    }
}

/// Makes the call that the thread is in, for the first time or again. False if
/// it waits now, or if the thread is gone.
fn go_on(cx: &mut Context) -> bool {
    let thread = cx.thread.clone();
    let (row, args, fault) = {
        let mut call = thread.call.borrow_mut();
        let Some(call) = &mut *call else { return true };
        if call.stopped {
            *call = decode(&thread.registers.borrow(), cx.abi(), thread.original.get() as u32);
        }
        if let Some(parked) = call.parked.take() {
            parked.cancel();
        }
        if let Some(timer) = call.timer.take() {
            cx.kernel.timers.cancel(timer);
        }
        (call.row, call.args, call.fault)
    };
    if let Some(exit) = fault {
        return bring_page(cx, exit);
    }
    let result = match row.and_then(|row| row.handler) {
        Some(handler) => make(cx, handler, args),
        // A tracer took the call away, and left a result.
        None if thread.original.get() < 0 => Ok(thread.registers.borrow().gpr[gpr::RAX]),
        None => {
            let number = cx.with_call(|call| call.number);
            cx.kernel.note_missing(cx.abi(), number);
            Err(Errno::ENOSYS)
        }
    };
    if thread.state.get() == State::Dead {
        return false;
    }
    let result = match result {
        Err(Errno::PARK) => {
            // What no signal interrupts ends with the process all the same.
            let ends = thread.process.exiting.get().is_some();
            let waits = cx.with_call(|call| call.uninterruptible) && !ends;
            if waits || !cx.signal_pending() {
                thread.call.borrow_mut().as_mut().expect("it is in a call").again = true;
                thread.state.set(State::Parked);
                return false;
            }
            cx.with_call(|call| match call.progress {
                0 => Err(call.interrupted),
                done => Ok(done),
            })
        }
        Err(Errno::NOT_READY) => return wait_for_host(cx),
        result => result,
    };
    finish(cx, result);
    true
}

/// Makes a call whose buffers may be absent.
fn make(cx: &mut Context, handler: Handler, args: Args) -> SysResult {
    demand::load_arguments(cx, args)?;
    loop {
        match handler(cx, args) {
            Err(Errno::ABSENT) => {
                let (mm, addr) = (cx.mm(), cx.thread.absent.get());
                match demand::load(cx, &mm, addr) {
                    Ok(()) => continue,
                    Err(Errno::NOT_READY) => return Err(Errno::NOT_READY),
                    Err(_) => return Err(Errno::EFAULT),
                }
            }
            result => return result,
        }
    }
}

/// Brings the page that the program needs, or tells it that there is none. False if it waits.
fn bring_page(cx: &mut Context, exit: Exit) -> bool {
    let loaded = match exit {
        Exit::Fault(fault) => {
            let mm = cx.mm();
            demand::load(cx, &mm, fault.addr)
        }
        _ => Err(Errno::EFAULT),
    };
    if loaded == Err(Errno::NOT_READY) {
        return wait_for_host(cx);
    }
    *cx.thread.call.borrow_mut() = None;
    if loaded.is_err() {
        signal::fault::raise(cx, exit);
    }
    true
}

/// Not interruptible, as waiting for a disk is.
fn wait_for_host(cx: &mut Context) -> bool {
    let news = cx.kernel.host_news.clone();
    cx.wait_on(&news);
    cx.thread.state.set(State::Parked);
    false
}

fn finish(cx: &mut Context, result: SysResult) {
    let thread = cx.thread.clone();
    let Some(mut call) = thread.call.borrow_mut().take() else { return };
    if let Some(parked) = call.parked.take() {
        parked.cancel();
    }
    if let Some(timer) = call.timer.take() {
        cx.kernel.timers.cancel(timer);
    }
    if cx.kernel.config.trace {
        let line = crate::syscall::trace_line(cx, &call, result);
        cx.kernel.host.log(line);
    }
    let mut registers = thread.registers.borrow_mut();
    let value = match result {
        Ok(value) => value,
        Err(errno) => {
            if !errno.is_public() {
                thread.restart.set(Some((errno, call.number)));
            }
            errno.as_result()
        }
    };
    registers.gpr[gpr::RAX] = result_register(thread.abi.get(), value);
    drop(registers);
    ptrace::call_ends(&thread);
    if result == Err(Errno::ERESTART_RESTARTBLOCK) {
        *thread.restart_block.borrow_mut() = Some(call);
    }
}

/// `restart_syscall(2)`: goes on with a call that a signal without a handler
/// interrupted, with its deadline as it was.
pub fn restart_syscall(cx: &mut Context, _: Args) -> SysResult {
    let Some(saved) = cx.thread.restart_block.borrow_mut().take() else {
        return Err(Errno::EINTR);
    };
    let (row, args) = (saved.row, saved.args);
    *cx.thread.call.borrow_mut() = Some(CallState { parked: None, timer: None, ..saved });
    cx.with_call(|call| call.again = true);
    match row.and_then(|row| row.handler) {
        Some(handler) => handler(cx, args),
        None => Err(Errno::EINTR),
    }
}
