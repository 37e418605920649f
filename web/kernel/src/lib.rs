//! The Linux kernel as a WebAssembly module for a browser's worker. The page instantiates it
//! with [`imports`], hands requests over in [`buffer`], and calls [`run`] from its event loop.

#![cfg(target_family = "wasm")]

mod console;
mod disk;
mod files;
mod folder;
mod host;
mod imports;
mod machine;
mod mounts;
mod network;

use host::Page;
use machine::Remote;
use sampan_linux::start::Program;
use sampan_linux::{Config, Kernel, Status};
use std::cell::RefCell;

struct Vm {
    kernel: Kernel,
    status: Status,
    ended_status: i32,
    /// What was read last, for the page to take.
    read: Vec<u8>,
}

thread_local! {
    static VM: RefCell<Option<Vm>> = const { RefCell::new(None) };
    /// What the page writes before a call.
    static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Room for so many bytes, which the next call reads.
#[unsafe(no_mangle)]
pub extern "C" fn buffer(len: usize) -> *mut u8 {
    BUFFER.with_borrow_mut(|buffer| {
        buffer.resize(len, 0);
        buffer.as_mut_ptr()
    })
}

fn with_vm<T>(act: impl FnOnce(&mut Vm) -> T) -> T {
    VM.with_borrow_mut(|vm| act(vm.as_mut().expect("create comes first")))
}

fn take_buffer() -> Vec<u8> {
    BUFFER.take()
}

/// Sets a kernel up with so many bytes of memory for its processes.
#[unsafe(no_mangle)]
pub extern "C" fn create(memory: f64, trace: u32) {
    std::panic::set_hook(Box::new(|info| {
        let line = info.to_string();
        // SAFETY: the import reads these bytes only.
        unsafe { imports::log(line.as_ptr(), line.len()) }
    }));
    let config = Config {
        memory: memory as u64,
        hostname: b"sampan".to_vec(),
        trace: trace != 0,
        new_machine: Remote::create,
    };
    let kernel = Kernel::new(Box::new(Page(network::Outside::default())), config);
    VM.set(Some(Vm { kernel, status: Status::Runnable, ended_status: 0, read: Vec::new() }));
}

/// Starts a process. The buffer holds strings that each end in a zero: path, working
/// directory, arguments (`argc` of them), environment. `terminal`: its descriptors 0 to 2 are
/// the console, else the host's streams. Its number, or the error's number, negated;
/// -[`NOT_READY`](Errno::NOT_READY) if a disk has to bring something first.
#[unsafe(no_mangle)]
pub extern "C" fn start(argc: usize, uid: u32, gid: u32, terminal: u32) -> i32 {
    let buffer = take_buffer();
    let mut strings = buffer.split(|&byte| byte == 0).map(<[u8]>::to_vec);
    let (Some(path), Some(cwd)) = (strings.next(), strings.next()) else { return -22 };
    let argv: Vec<_> = strings.by_ref().take(argc).collect();
    let mut envp: Vec<_> = strings.collect();
    // What is behind the last zero.
    envp.pop();
    let terminals = [terminal != 0; 3];
    let program = Program { path, argv, envp, cwd, user: (uid, gid), terminals };
    with_vm(|vm| match vm.kernel.spawn(program) {
        Ok(pid) => pid,
        Err(errno) => -i32::from(errno.0),
    })
}

/// Runs threads for at most so many turns: 0 there is more to do, 1 idle ([`idle_until`]).
#[unsafe(no_mangle)]
pub extern "C" fn run(turns: u32) -> u32 {
    with_vm(|vm| {
        vm.status = vm.kernel.run(turns);
        u32::from(vm.status != Status::Runnable)
    })
}

/// When there is something to do again, in the milliseconds of `monotonic`; infinity if only
/// the page can cause it.
#[unsafe(no_mangle)]
pub extern "C" fn idle_until() -> f64 {
    with_vm(|vm| match vm.status {
        Status::Idle(Some(ns)) => ns as f64 / 1e6,
        _ => f64::INFINITY,
    })
}

/// A process that [`start`] started and that ended: its number, or 0 if there is none left
/// to tell. How it ended is in [`ended_status`].
#[unsafe(no_mangle)]
pub extern "C" fn ended() -> i32 {
    with_vm(|vm| {
        let Some((pid, status)) = vm.kernel.ended.pop() else { return 0 };
        vm.ended_status = status;
        pid
    })
}

/// How the process that [`ended`] told ended, as `wait(2)` tells it.
#[unsafe(no_mangle)]
pub extern "C" fn ended_status() -> i32 {
    with_vm(|vm| vm.ended_status)
}

/// Whether a thread waits for news of the page.
#[unsafe(no_mangle)]
pub extern "C" fn waits_for_host() -> u32 {
    with_vm(|vm| u32::from(vm.kernel.waits_for_host()))
}

/// The page has news: a stream is ready.
#[unsafe(no_mangle)]
pub extern "C" fn host_ready() {
    with_vm(|vm| vm.kernel.host_ready());
}

fn number<T>(result: Result<T, sampan_linux::Errno>) -> i32 {
    match result {
        Ok(_) => 0,
        Err(errno) => errno.0.into(),
    }
}
