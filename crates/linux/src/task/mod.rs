//! Processes and threads. A [`Thread`] is what is scheduled; a [`Process`] is a
//! group of threads with one number, as `CLONE_THREAD` makes it.

pub mod clone;
pub mod credentials;
mod elf;
pub mod exec;
pub mod exit;
mod first_stack;
pub mod ids;
pub mod limits;
pub mod memory;
pub mod pidfd;
pub mod prctl;
pub mod ptrace;
pub mod sched;
pub mod users;
pub mod wait;

use alloc::rc::Rc;
use alloc::vec::Vec;
use core::any::Any;
use core::cell::{Cell, RefCell};

pub use credentials::Credentials;

use crate::errno::Errno;
use crate::fs::{FdTable, FsContext};
use crate::machine::Registers;
use crate::mm::Mm;
use crate::signal::{Actions, Pending, SigInfo};
use crate::syscall::{Abi, CallState};
use crate::time::posix::Timers;
use crate::wait::WaitQueue;

/// A thread's number.
pub type Tid = i32;
/// A process's number.
pub type Pid = i32;

/// What a thread does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It runs, or would.
    Runnable,
    /// It waits in a call.
    Parked,
    /// It is gone.
    Dead,
}

/// A thread.
pub struct Thread {
    /// Its number.
    pub tid: Tid,
    /// The process that it is in.
    pub process: Rc<Process>,
    /// The ABI of its call.
    pub abi: Cell<Abi>,
    /// Its registers, while it is not running.
    pub registers: RefCell<Registers>,
    /// What it does.
    pub state: Cell<State>,
    /// Whether it is on the run queue.
    pub queued: Cell<bool>,
    /// The call that it is in.
    pub call: RefCell<Option<CallState>>,
    /// A call ended that may be made again: how, and its number.
    pub restart: Cell<Option<(Errno, u32)>>,
    /// What `restart_syscall` goes on with.
    pub restart_block: RefCell<Option<CallState>>,
    /// Its name (`PR_SET_NAME`), at most 15 bytes.
    pub name: RefCell<Vec<u8>>,
    /// Blocked signals, signal 1 in bit 0.
    pub mask: Cell<u64>,
    /// The mask to be set again after a call that changed it for a while.
    pub saved_mask: Cell<Option<u64>>,
    /// Signals for this thread alone.
    pub pending: RefCell<Pending>,
    /// The alternate stack: address, size, flags.
    pub altstack: Cell<(u64, u64, u32)>,
    /// Zeroed, and its futex woken, when the thread ends.
    pub clear_child_tid: Cell<u64>,
    /// Its list of robust futexes.
    pub robust_list: Cell<u64>,
    /// Time on the processor.
    pub cpu_ns: Cell<u64>,
    /// How it is scheduled, as far as it may say.
    pub scheduling: Cell<sched::Scheduling>,
    /// `PR_SET_TIMERSLACK`.
    pub timer_slack: Cell<u64>,
    /// The call that it made when it last came from its program, or -1.
    pub original: Cell<i64>,
    /// Who traces it.
    pub traced: RefCell<Option<Rc<ptrace::Tracing>>>,
    /// Whether anybody does: what every call asks.
    pub is_traced: Cell<bool>,
    /// Where its call last found a page absent; see `mm/demand.rs`.
    pub absent: Cell<u64>,
    /// Woken when the child of a `vfork` lets go of the memory.
    pub vfork_done: RefCell<Option<Rc<WaitQueue>>>,
    mm: RefCell<Rc<RefCell<Mm>>>,
    files: RefCell<Rc<RefCell<FdTable>>>,
    fs: RefCell<Rc<FsContext>>,
    credentials: RefCell<Rc<Credentials>>,
}

/// What a thread shares with others, or not.
#[allow(missing_docs)]
pub struct Parts {
    pub mm: Rc<RefCell<Mm>>,
    pub files: Rc<RefCell<FdTable>>,
    pub fs: Rc<FsContext>,
    pub credentials: Rc<Credentials>,
}

impl Thread {
    /// A thread that would run.
    pub fn new(tid: Tid, process: Rc<Process>, registers: Registers, parts: Parts) -> Rc<Thread> {
        Rc::new(Thread {
            tid,
            process,
            abi: Cell::new(Abi::Amd64),
            registers: RefCell::new(registers),
            state: Cell::new(State::Runnable),
            queued: Cell::new(false),
            call: RefCell::new(None),
            restart: Cell::new(None),
            restart_block: RefCell::new(None),
            name: RefCell::default(),
            mask: Cell::new(0),
            saved_mask: Cell::new(None),
            pending: RefCell::default(),
            altstack: Cell::new((0, 0, 2)),
            clear_child_tid: Cell::new(0),
            robust_list: Cell::new(0),
            cpu_ns: Cell::new(0),
            scheduling: Cell::default(),
            timer_slack: Cell::new(50_000),
            original: Cell::new(-1),
            traced: RefCell::new(None),
            is_traced: Cell::new(false),
            absent: Cell::new(0),
            vfork_done: RefCell::new(None),
            mm: RefCell::new(parts.mm),
            files: RefCell::new(parts.files),
            fs: RefCell::new(parts.fs),
            credentials: RefCell::new(parts.credentials),
        })
    }

    /// Its memory.
    pub fn mm(&self) -> Rc<RefCell<Mm>> {
        self.mm.borrow().clone()
    }

    /// Gives it other memory.
    pub fn set_mm(&self, mm: Rc<RefCell<Mm>>) {
        *self.mm.borrow_mut() = mm;
    }

    /// Its descriptors.
    pub fn files(&self) -> Rc<RefCell<FdTable>> {
        self.files.borrow().clone()
    }

    /// Gives it other descriptors.
    pub fn set_files(&self, files: Rc<RefCell<FdTable>>) -> Rc<RefCell<FdTable>> {
        self.files.replace(files)
    }

    /// Its root, working directory and umask.
    pub fn fs(&self) -> Rc<FsContext> {
        self.fs.borrow().clone()
    }

    /// Gives it others.
    pub fn set_fs(&self, fs: Rc<FsContext>) {
        *self.fs.borrow_mut() = fs;
    }

    /// Its users and groups.
    pub fn credentials(&self) -> Rc<Credentials> {
        self.credentials.borrow().clone()
    }

    /// Gives it others.
    pub fn set_credentials(&self, credentials: Credentials) {
        *self.credentials.borrow_mut() = Rc::new(credentials);
    }
}

/// A session: process groups with one terminal.
pub struct Session {
    /// Its number, that of its first process.
    pub sid: Pid,
    /// Its controlling terminal; what it is, `tty/` knows.
    pub tty: RefCell<Option<Rc<dyn Any>>>,
}

/// A process.
pub struct Process {
    /// Its number.
    pub pid: Pid,
    /// Its parent's number; 0 for the first.
    pub parent: Cell<Pid>,
    /// Its group.
    pub pgrp: Cell<Pid>,
    /// Its session.
    pub session: RefCell<Rc<Session>>,
    /// Its threads.
    pub threads: RefCell<Vec<Tid>>,
    /// What signals do.
    pub actions: RefCell<Rc<RefCell<Actions>>>,
    /// Signals for whichever thread takes them.
    pub pending: RefCell<Pending>,
    /// Limits of resources: soft and hard.
    pub limits: RefCell<[(u64, u64); limits::COUNT]>,
    /// How it ended, as `wait(2)` tells it, once it did.
    pub status: Cell<Option<i32>>,
    /// All its threads end.
    pub exiting: Cell<Option<i32>>,
    /// It is stopped by a signal.
    pub stopped: Cell<bool>,
    /// By which.
    pub stop_signal: Cell<i32>,
    /// The process that traces its first thread, or 0.
    pub tracer: Cell<Pid>,
    /// It ended, and its tracer is to hear of that before its parent.
    pub held: Cell<bool>,
    /// A stop (the signal) or a continue (0) that the parent may wait for.
    pub event: Cell<Option<i32>>,
    /// The signal that its parent gets at its end; 0 for none.
    pub exit_signal: Cell<i32>,
    /// Woken when a child changes.
    pub child_news: WaitQueue,
    /// It was executed since it was forked (`setpgid` cares).
    pub executed: Cell<bool>,
    /// The signal it gets when its parent ends (`PR_SET_PDEATHSIG`).
    pub death_signal: Cell<i32>,
    /// Orphans come to it (`PR_SET_CHILD_SUBREAPER`).
    pub subreaper: Cell<bool>,
    /// Whether memory may be looked at (`PR_SET_DUMPABLE`).
    pub dumpable: Cell<bool>,
    /// `PR_SET_NO_NEW_PRIVS`.
    pub no_new_privs: Cell<bool>,
    /// `PR_SET_THP_DISABLE`.
    pub no_huge_pages: Cell<bool>,
    /// `personality(2)`.
    pub personality: Cell<u32>,
    /// `nice(2)`.
    pub nice: Cell<i32>,
    /// Timers that send it signals; see `time/posix.rs`.
    pub timers: RefCell<Timers>,
    /// Whether one of them counts time on the processor.
    pub counts_time: Cell<bool>,
    /// Woken when it gets a signal.
    pub signal_news: Rc<WaitQueue>,
    /// Woken when it ends.
    pub end_news: Rc<WaitQueue>,
    /// When it was started (monotonic nanoseconds).
    pub started_ns: u64,
    /// Time on the processor of threads that ended.
    pub dead_ns: Cell<u64>,
    /// Time on the processor of children that were waited for.
    pub children_ns: Cell<u64>,
}

impl Process {
    /// A process without threads.
    pub fn new(pid: Pid, session: Rc<Session>, started_ns: u64) -> Process {
        Process {
            pid,
            parent: Cell::new(0),
            pgrp: Cell::new(pid),
            session: RefCell::new(session),
            threads: RefCell::default(),
            actions: RefCell::default(),
            pending: RefCell::default(),
            limits: RefCell::new(limits::DEFAULT),
            status: Cell::new(None),
            exiting: Cell::new(None),
            stopped: Cell::new(false),
            stop_signal: Cell::new(0),
            tracer: Cell::new(0),
            held: Cell::new(false),
            event: Cell::new(None),
            exit_signal: Cell::new(crate::signal::SIGCHLD),
            child_news: WaitQueue::new(),
            executed: Cell::new(false),
            death_signal: Cell::new(0),
            subreaper: Cell::new(false),
            dumpable: Cell::new(true),
            no_new_privs: Cell::new(false),
            no_huge_pages: Cell::new(false),
            personality: Cell::new(0),
            nice: Cell::new(0),
            timers: RefCell::default(),
            counts_time: Cell::new(false),
            signal_news: Rc::default(),
            end_news: Rc::default(),
            started_ns,
            dead_ns: Cell::new(0),
            children_ns: Cell::new(0),
        }
    }

    /// A limit: soft and hard.
    pub fn limit(&self, which: usize) -> (u64, u64) {
        self.limits.borrow()[which]
    }

    /// A signal for the whole process is queued; it is not yet seen to.
    pub fn queue_signal(&self, info: SigInfo) -> bool {
        self.pending.borrow_mut().push(info)
    }
}
