//! The kernel: all its state, and the loop that runs threads.
//!
//! One host thread runs everything. [`Kernel::run`] executes for a while and says
//! whether there is more to do; it never waits.

mod context;
mod dispatch;

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use core::cell::RefCell;

pub use context::Context;
pub use dispatch::restart_syscall;

use crate::fs::buffer::Budget;
use crate::fs::tmpfs::Tmpfs;
use crate::fs::{Device, FileSystem, FsContext, Mounts};
use crate::host::Host;
use crate::machine::{Machine, MapError};
use crate::mm::FutexQueues;
use crate::syscall::Abi;
use crate::task::{Pid, Process, State, Thread, Tid};
use crate::time::Timespec;
use crate::time::timers::{Target, Timers};
use crate::tty::{Ptys, Tty};
use crate::wait::{WaitQueue, Woken};

/// Makes a process's memory.
pub type NewMachine = fn() -> Result<Box<dyn Machine>, MapError>;

/// What a kernel is set up with.
pub struct Config {
    /// Bytes of memory that all processes together may take.
    pub memory: u64,
    /// `uname -n`.
    pub hostname: Vec<u8>,
    /// Print each call.
    pub trace: bool,
    /// Makes a process's memory.
    pub new_machine: NewMachine,
}

/// What [`Kernel::run`] says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// There is more to do now.
    Runnable,
    /// Nothing to do until this moment (monotonic nanoseconds; none: no such
    /// moment), or until the host has news.
    Idle(Option<u64>),
    /// The first process ended, as `wait(2)` tells it.
    Exited(i32),
}

/// The kernel.
pub struct Kernel {
    /// The program around.
    pub host: Box<dyn Host>,
    /// What it was set up with.
    pub config: Config,
    /// The NIS domain's name (`setdomainname(2)`).
    pub domain: Vec<u8>,
    /// All threads.
    pub threads: BTreeMap<Tid, Rc<Thread>>,
    /// All processes, dead ones that nobody waited for among them.
    pub processes: BTreeMap<Pid, Rc<Process>>,
    /// All mounts.
    pub mounts: Mounts,
    /// What happens later.
    pub timers: Timers,
    /// Threads that wait for a word in memory.
    pub futexes: FutexQueues,
    /// Woken when the host has news of its streams or devices.
    pub host_news: Rc<WaitQueue>,
    /// What is behind memfds and shared anonymous memory.
    pub shm: Rc<Tmpfs>,
    /// Monotonic nanoseconds when it was started.
    pub boot_ns: u64,
    /// Processes that wait for a lock of another, with the thread that waits.
    pub lock_waits: BTreeMap<Pid, (Pid, Tid)>,
    /// Connections to the outside.
    pub links: Vec<crate::net::outside::Link>,
    /// Names of sockets.
    pub names: crate::net::Names,
    /// What pipes and sockets may hold together: an eighth of all memory.
    pub buffers: Rc<Budget>,
    /// How much programs watch files.
    pub inotify: Rc<crate::fs::inotify::Counts>,
    /// The number that joins both ends of a move for those who watch.
    pub last_cookie: u32,
    /// System V semaphores, queues and shared memory.
    pub ipc: crate::ipc::Ipc,
    /// Members of all epoll sets.
    pub epoll_members: Rc<core::cell::Cell<u32>>,
    /// Calls that programs made and that are not there.
    pub missing: BTreeMap<(bool, u32), u64>,
    /// Everything else that was missing, for the report.
    pub notes: BTreeSet<String>,
    /// How the first process ended.
    pub exited: Option<i32>,
    /// Processes without a parent that ended, and how: what [`Kernel::spawn`] started.
    pub ended: Vec<(Pid, i32)>,
    /// Traced threads that ended, until their tracers know.
    pub dead_tracees: Vec<crate::task::ptrace::Dead>,
    /// Added to the host's real time by `clock_settime`.
    pub realtime_offset: i64,
    /// What tells this kernel's life from others', once somebody asked.
    pub boot_id: Option<[u8; 16]>,
    /// The terminal whose other end is the host's.
    pub console: Rc<Tty>,
    /// The number of the file system of pseudo-terminals.
    pub devpts_dev: u64,
    /// All pseudo-terminals.
    pub ptys: Rc<Ptys>,
    devices: BTreeMap<u32, Rc<dyn Device>>,
    ready: VecDeque<Tid>,
    woken: Rc<Woken>,
    last_pid: Pid,
    last_dev: u32,
    last_anonymous: u64,
}

impl Kernel {
    /// A kernel without processes, whose root is an empty tmpfs.
    pub fn new(mut host: Box<dyn Host>, config: Config) -> Kernel {
        let now = Timespec::from_ns(host.realtime_ns());
        let shm = Tmpfs::new(1, 0o1777, config.memory, now);
        let root = Tmpfs::named("rootfs", 2, 0o755, config.memory / 2, now);
        let buffers = Budget::new((config.memory / 8) as usize);
        let boot_ns = host.monotonic_ns();
        let mut mounts = Mounts::default();
        let dentry = crate::fs::Dentry::root(root.root());
        mounts.add(root, dentry, None, 0, b"rootfs");
        let mut kernel = Kernel {
            host,
            config,
            domain: b"(none)".to_vec(),
            threads: BTreeMap::new(),
            processes: BTreeMap::new(),
            mounts,
            timers: Timers::default(),
            futexes: FutexQueues::default(),
            host_news: Rc::default(),
            shm,
            boot_ns,
            lock_waits: BTreeMap::new(),
            links: Vec::new(),
            names: crate::net::Names::default(),
            buffers,
            inotify: Rc::default(),
            last_cookie: 0,
            ipc: crate::ipc::Ipc::default(),
            epoll_members: Rc::default(),
            missing: BTreeMap::new(),
            notes: BTreeSet::new(),
            exited: None,
            ended: Vec::new(),
            dead_tracees: Vec::new(),
            realtime_offset: 0,
            boot_id: None,
            console: Tty::console(),
            devpts_dev: 3,
            ptys: Rc::default(),
            devices: BTreeMap::new(),
            ready: VecDeque::new(),
            woken: Rc::new(RefCell::new(Vec::new())),
            last_pid: 0,
            last_dev: 3,
            last_anonymous: 0,
        };
        crate::dev::register(&mut kernel);
        kernel
    }

    /// The place that is the root of all.
    pub fn root(&self) -> crate::fs::Location {
        let first = self.mounts.iter().next().expect("the root is never taken away");
        self.mounts.enter(first.location())
    }

    /// Root and working directory of the first process.
    pub fn first_fs(&self) -> Rc<FsContext> {
        FsContext::new(self.root())
    }

    /// Mounts a file system over the root of all.
    pub fn mount_root(&mut self, fs: Rc<dyn FileSystem>, flags: u32, source: &[u8]) {
        let point = self.root();
        let dentry = crate::fs::Dentry::root(fs.root());
        self.mounts.add(fs, dentry, Some(point), flags, source);
    }

    /// Real time.
    pub fn now(&mut self) -> Timespec {
        Timespec::from_ns(self.realtime_ns())
    }

    /// Real time in nanoseconds.
    pub fn realtime_ns(&mut self) -> u64 {
        self.host.realtime_ns().saturating_add_signed(self.realtime_offset)
    }

    /// Nanoseconds since the start.
    pub fn monotonic_ns(&mut self) -> u64 {
        self.host.monotonic_ns().saturating_sub(self.boot_ns)
    }

    /// A number for a file system without a device.
    pub fn new_dev(&mut self) -> u64 {
        self.last_dev += 1;
        u64::from(self.last_dev)
    }

    /// A number for a pipe, a socket and the like.
    pub fn new_anonymous_ino(&mut self) -> u64 {
        self.last_anonymous += 1;
        self.last_anonymous
    }

    /// Lets a driver handle the character devices of this major number.
    pub fn register_device(&mut self, major: u32, device: Rc<dyn Device>) {
        self.devices.insert(major, device);
    }

    /// The driver of a major number.
    pub fn device(&self, major: u32) -> Option<Rc<dyn Device>> {
        self.devices.get(&major).cloned()
    }

    /// A number for a process or a thread that nobody has.
    pub fn new_pid(&mut self) -> Pid {
        const PID_MAX: Pid = 32768;
        loop {
            self.last_pid = if self.last_pid + 1 >= PID_MAX { 300 } else { self.last_pid + 1 };
            let pid = self.last_pid;
            let is_group = |process: &Rc<Process>| {
                process.pgrp.get() == pid || process.session.borrow().sid == pid
            };
            if !self.threads.contains_key(&pid)
                && !self.processes.contains_key(&pid)
                && !self.processes.values().any(is_group)
                && !self.dead_tracees.iter().any(|dead| dead.tid == pid)
            {
                return pid;
            }
        }
    }

    /// Numbers start at 1 again: nothing runs yet.
    pub(crate) fn forget_pids(&mut self) {
        self.last_pid = 0;
    }

    /// Nobody gets number 1 any more.
    pub(crate) fn keep_first_pid(&mut self) {
        self.last_pid = self.last_pid.max(1);
    }

    /// Lets a thread run, if nothing else keeps it.
    pub fn enqueue(&mut self, thread: &Rc<Thread>) {
        let runs = thread.state.get() == State::Runnable && !thread.is_held();
        if runs && !thread.queued.replace(true) {
            self.ready.push_back(thread.tid);
        }
    }

    /// Lets a thread go on that waits, for whatever reason.
    pub fn wake(&mut self, thread: &Rc<Thread>) {
        if thread.state.get() == State::Parked {
            if let Some(call) = &mut *thread.call.borrow_mut()
                && let Some(parked) = call.parked.take()
            {
                parked.cancel();
            }
            thread.state.set(State::Runnable);
        }
        self.enqueue(thread);
    }

    /// The list that [`Parked`](crate::wait::Parked) waits are put on.
    pub fn woken_list(&self) -> Rc<Woken> {
        self.woken.clone()
    }

    /// The host has news: a stream is ready, a block is there.
    pub fn host_ready(&mut self) {
        self.host_news.wake_all();
    }

    /// Whether a thread waits for news of the host.
    pub fn waits_for_host(&self) -> bool {
        self.host_news.has_waiters()
    }

    /// Runs threads for at most so many turns.
    pub fn run(&mut self, turns: u32) -> Status {
        for _ in 0..turns {
            if let Some(status) = self.exited {
                return Status::Exited(status);
            }
            self.expire_timers();
            self.pump();
            self.collect_woken();
            let Some(tid) = self.ready.pop_front() else {
                let mut next = self.timers.next().map(|when| when + self.boot_ns);
                if let Some(nap) = self.nap_ns() {
                    let soon = self.host.monotonic_ns() + nap;
                    next = Some(next.unwrap_or(u64::MAX).min(soon));
                }
                return Status::Idle(next);
            };
            let Some(thread) = self.threads.get(&tid).cloned() else { continue };
            thread.queued.set(false);
            if thread.state.get() == State::Runnable && !thread.is_held() {
                self.turn(&thread);
            }
        }
        match self.exited {
            Some(status) => Status::Exited(status),
            None => Status::Runnable,
        }
    }

    /// Whether another thread waits for its turn.
    pub fn others_are_ready(&self) -> bool {
        !self.ready.is_empty() || !self.woken.borrow().is_empty()
    }

    fn expire_timers(&mut self) {
        self.timers.sweep();
        if self.timers.next().is_none() {
            return;
        }
        let now = self.monotonic_ns();
        while let Some(target) = self.timers.take_due(now) {
            match target {
                Target::Wake(parked) => drop(parked.wake()),
                Target::Alarm(alarm) => alarm.fire(self),
            }
        }
    }

    fn collect_woken(&mut self) {
        let woken = core::mem::take(&mut *self.woken.borrow_mut());
        for tid in woken {
            if let Some(thread) = self.threads.get(&tid).cloned()
                && thread.state.get() == State::Parked
            {
                thread.state.set(State::Runnable);
                self.enqueue(&thread);
            }
        }
    }

    /// Notes a call that is not there.
    pub fn note_missing(&mut self, abi: Abi, number: u32) {
        // A program that tries every number must not fill memory.
        if self.missing.len() < 4096 {
            *self.missing.entry((abi == Abi::I386, number)).or_default() += 1;
        }
    }
}
