//! Faults of compiled code are traps while the embedder's own handlers keep working, whether
//! they were there before ours or came after.

#![cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64")
))]

use sampan_compile::Jit;
use sampan_engine::{Config, Engine, Extern, FuncId, Machine, Mode, Module, TrapKind};
use std::mem::{MaybeUninit, zeroed};
use std::ptr::{null, null_mut};
use std::sync::Arc;
use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

const MODULE: &str = r#"(module (memory 1)
  (func (export "f") (param i32 i32) (result i32)
    (i32.div_s (i32.load (local.get 0)) (local.get 1))))"#;

/// The page that the embedder's handler repairs, and how often it and its successor ran.
static PAGE: AtomicPtr<libc::c_void> = AtomicPtr::new(null_mut());
static EARLY: AtomicU32 = AtomicU32::new(0);
static LATE: AtomicU32 = AtomicU32::new(0);
static BEFORE_LATE: AtomicPtr<libc::sigaction> = AtomicPtr::new(null_mut());

extern "C" fn early(_: i32, info: *mut libc::siginfo_t, _: *mut libc::c_void) {
    // SAFETY: the system passes an information; the page is ours.
    unsafe {
        let page = PAGE.load(Ordering::Relaxed);
        assert_eq!((*info).si_addr(), page);
        libc::mprotect(page, 4096, libc::PROT_READ);
    }
    EARLY.fetch_add(1, Ordering::Relaxed);
}

extern "C" fn late(signal: i32, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    LATE.fetch_add(1, Ordering::Relaxed);
    // SAFETY: what was installed before is a handler with information: ours.
    unsafe {
        let before = &*BEFORE_LATE.load(Ordering::Relaxed);
        let handler: extern "C" fn(i32, *mut libc::siginfo_t, *mut libc::c_void) =
            std::mem::transmute(before.sa_sigaction);
        handler(signal, info, context);
    }
}

fn install(
    handler: extern "C" fn(i32, *mut libc::siginfo_t, *mut libc::c_void),
) -> libc::sigaction {
    // SAFETY: the handler has the type that SA_SIGINFO asks for; the structures are valid.
    unsafe {
        let mut new: libc::sigaction = zeroed();
        new.sa_sigaction = handler as *const () as usize;
        new.sa_flags = libc::SA_SIGINFO | libc::SA_NODEFER;
        let mut old = MaybeUninit::zeroed();
        assert_eq!(libc::sigaction(libc::SIGSEGV, &raw const new, old.as_mut_ptr()), 0);
        old.assume_init()
    }
}

fn machine() -> (Machine, FuncId) {
    let config = Config { mode: Mode::Jit, ..Config::default() };
    let jit = Jit::new(&config).expect("this host runs compiled code");
    let engine = Engine::with_compiler(config, Arc::new(jit));
    let wasm = wat::parse_str(MODULE).expect("valid text");
    let module = Module::new(&engine, wasm).expect("a valid module");
    let mut machine = Machine::new(&engine);
    let it = machine.instantiate(&mut (), &module, &[]).expect("it has no start");
    let Some(Extern::Func(func)) = machine.export(it, "f") else { panic!("exported") };
    (machine, func)
}

fn guest_traps(machine: &mut Machine, func: FuncId) {
    let mut call = |at: u32, by: u32| {
        let mut slots = [u64::from(at), u64::from(by)];
        machine.call(&mut (), func, &mut slots).map(|()| slots[0])
    };
    assert_eq!(call(0, 1).expect("in the memory"), 0);
    let trap = call(65533, 1).expect_err("partly beyond");
    assert!(matches!(trap.kind(), TrapKind::MemoryOutOfBounds));
    let trap = call(u32::MAX, 1).expect_err("far beyond");
    assert!(matches!(trap.kind(), TrapKind::MemoryOutOfBounds));
    assert_eq!(trap.frames().len(), 1);
    let trap = call(0, 0).expect_err("a division by zero");
    assert!(matches!(trap.kind(), TrapKind::IntegerDivideByZero));
}

/// Reads a page that cannot be read until the handler repairs it.
fn embedder_faults() {
    // SAFETY: the page is mapped; a fault is repaired by the handler.
    unsafe {
        let page = PAGE.load(Ordering::Relaxed);
        assert_eq!(libc::mprotect(page, 4096, libc::PROT_NONE), 0);
        assert_eq!(page.cast::<u32>().read_volatile(), 0);
    }
}

#[test]
fn handlers_before_and_after() {
    // SAFETY: a new mapping.
    let page = unsafe {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        libc::mmap(null_mut(), 4096, libc::PROT_NONE, flags, -1, 0)
    };
    assert_ne!(page, libc::MAP_FAILED);
    assert_ne!(page.cast_const(), null());
    PAGE.store(page, Ordering::Relaxed);
    install(early);
    let (mut first, func) = machine();
    let (mut second, other) = machine();
    for _ in 0..3 {
        guest_traps(&mut first, func);
        guest_traps(&mut second, other);
        assert_eq!(EARLY.load(Ordering::Relaxed), 0, "traps are not the embedder's");
    }
    embedder_faults();
    assert_eq!(EARLY.load(Ordering::Relaxed), 1);

    let before = Box::into_raw(Box::new(install(late)));
    BEFORE_LATE.store(before, Ordering::Relaxed);
    guest_traps(&mut first, func);
    assert_eq!(EARLY.load(Ordering::Relaxed), 1);
    assert!(LATE.load(Ordering::Relaxed) >= 2);
    embedder_faults();
    assert_eq!(EARLY.load(Ordering::Relaxed), 2);

    // Code comes and goes on one thread while others trap.
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let (mut machine, func) = machine();
                for _ in 0..200 {
                    guest_traps(&mut machine, func);
                }
            });
        }
        for _ in 0..50 {
            let (mut machine, func) = machine();
            guest_traps(&mut machine, func);
        }
    });
}
