//! A Linux process in a browser: the x86 processor and the memory of its program, as one
//! WebAssembly instance. The page instantiates it once for each process, and carries the
//! kernel's questions to [`call`] and its threads' registers to [`run`].
//!
//! Hot code is translated if [`translate`] was called ([`code`]).
//!
//! What the processor itself needs comes from an array of fixed size ([`heap`]), since the
//! program's memory lies behind everything else.

#![cfg(target_family = "wasm")]
#![no_std]

extern crate alloc;

mod code;
mod heap;

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::cell::UnsafeCell;
use sampan_web_abi::{self as abi, Turn, op};
use sampan_x86::translate::Options;
use sampan_x86::{AddressSpace, Cpu, Fault, Mode, PageState, Prot, Registers};

struct State {
    cpu: Cpu,
    space: AddressSpace,
    turn: Turn,
    fault_addr: u64,
    value: u64,
    /// What `runs` gives and `adopt` takes: start, end, state.
    runs: Vec<[u64; 3]>,
}

struct Cell(UnsafeCell<Option<Box<State>>>);

// SAFETY: an instance has one thread.
unsafe impl Sync for Cell {}

static STATE: Cell = Cell(UnsafeCell::new(None));

/// The state, made at the first call.
fn state() -> &'static mut State {
    // SAFETY: one thread, and no export calls another while it holds this.
    let state = unsafe { &mut *STATE.0.get() };
    state.get_or_insert_with(|| {
        let room = (1 << 32) - memory_end() - abi_slack();
        let Ok(space) = AddressSpace::new(room) else { core::arch::wasm32::unreachable() };
        let turn = Turn::new(&Registers::new(Mode::Amd64), 0);
        let runs = Vec::new();
        Box::new(State { cpu: Cpu::new(), space, turn, fault_addr: 0, value: 0, runs })
    })
}

/// The bytes of memory that exist.
fn memory_end() -> u64 {
    core::arch::wasm32::memory_size::<0>() as u64 * 65536
}

/// What stays free at the end of memory, so that an access checked by its first byte fits.
fn abi_slack() -> u64 {
    65536
}

/// Where the program's address 0 lies.
#[unsafe(no_mangle)]
pub extern "C" fn base() -> usize {
    state().space.base()
}

/// Where the registers of a turn lie, [`turn_size`] bytes.
#[unsafe(no_mangle)]
pub extern "C" fn turn() -> *const Turn {
    &raw const state().turn
}

/// The length of a turn's block in bytes.
#[unsafe(no_mangle)]
pub extern "C" fn turn_size() -> usize {
    size_of::<Turn>()
}

/// Executes the turn that was written at [`turn`], and leaves its outcome there.
#[unsafe(no_mangle)]
pub extern "C" fn run() {
    let state = state();
    let mut registers = state.turn.registers();
    let budget = state.turn.budget;
    let exit = state.cpu.run(&mut registers, &mut state.space, budget);
    state.turn = Turn::new(&registers, 0);
    state.turn.set_exit(exit);
}

/// From now on, until [`reset`], hot code is translated: so many samples, of which there is one
/// for `turn` instructions, make it hot. `wait`: it is compiled when it is handed over.
#[unsafe(no_mangle)]
pub extern "C" fn translate(turn: u32, samples: u32, wait: u32) {
    let state = state();
    let wait = wait != 0;
    let price = if wait { 0 } else { Options::default().price };
    // Not every browser has tail calls.
    let chained = false;
    let options =
        Options { turn: turn.into(), samples, price, wait, chained, ..Options::default() };
    state.cpu.translate(code::create, &state.space, options);
}

/// What has been translated: regions, instructions in them, bytes of modules, how often
/// translated code was entered and left for one instruction, regions dropped as code changed.
#[unsafe(no_mangle)]
pub extern "C" fn translated(which: u32) -> f64 {
    let counts = state().cpu.translated().unwrap_or_default();
    let count = match which {
        0 => counts.regions,
        1 => counts.instructions,
        2 => counts.bytes,
        3 => counts.entered,
        4 => counts.steps(),
        _ => counts.dropped,
    };
    count as f64
}

/// Answers one of [`op`].
#[unsafe(no_mangle)]
pub extern "C" fn call(what: u32, a: u64, b: u64, c: u64) -> u64 {
    let state = state();
    let space = &mut state.space;
    let fault = match what {
        op::MAP_ZERO => return abi::from_map(space.map_zero(a..b, prot(c))),
        op::UNMAP => return abi::from_map(space.unmap(a..b)),
        op::PROTECT => return abi::from_map(space.protect(a..b, prot(c))),
        op::MOVE_PAGES => {
            let (from, to) = (a..a.saturating_add(c), b..b.saturating_add(c));
            return abi::from_map(space.move_pages(from, to));
        }
        op::DISCARD => return abi::from_map(space.discard(a..b)),
        op::ACCESSIBLE => return space.accessible(a, b, abi::to_access(c)),
        op::TOUCHED_PAGES => return space.touched_pages() as u64,
        op::IS_TOUCHED => return u64::from(space.is_touched(a)),
        op::FAULT_ADDR => return state.fault_addr,
        op::VALUE => return state.value,
        op::READ => space.readable(a, b).map(drop),
        op::WRITE => space.writable(a, b).map(drop),
        op::PEEK => space.bytes(a, b).map(drop),
        op::POKE => space.bytes_mut(a, b).map(drop),
        op::COMPARE_EXCHANGE => space
            .compare_exchange_u32(a, b as u32, c as u32)
            .map(|found| state.value = u64::from(found)),
        _ => core::arch::wasm32::unreachable(),
    };
    match fault {
        Ok(()) => abi::DONE,
        Err(fault) => note(state, &fault),
    }
}

fn note(state: &mut State, fault: &Fault) -> u64 {
    state.fault_addr = fault.addr;
    abi::from_fault(fault)
}

fn prot(bits: u64) -> Prot {
    let mut prot = Prot::NONE;
    for (bit, each) in [(1, Prot::READ), (2, Prot::WRITE), (4, Prot::EXEC)] {
        if bits & bit != 0 {
            prot = prot | each;
        }
    }
    prot
}

/// Lists what is mapped, for [`adopt`] in another instance; gives back how many runs lie at
/// [`runs`].
#[unsafe(no_mangle)]
pub extern "C" fn list_runs() -> usize {
    let state = state();
    let each = |(range, kept): (core::ops::Range<u64>, PageState)| {
        [range.start, range.end, u64::from(kept.bits())]
    };
    state.runs = state.space.runs().map(each).collect();
    state.runs.len()
}

/// Room for so many runs; three numbers of 64 bits each: start, end, state.
#[unsafe(no_mangle)]
pub extern "C" fn runs(count: usize) -> *mut [u64; 3] {
    let state = state();
    state.runs.resize(count, [0; 3]);
    state.runs.as_mut_ptr()
}

/// Maps the runs that were written at [`runs`]; the bytes of touched ones are copied then.
#[unsafe(no_mangle)]
pub extern "C" fn adopt() -> u64 {
    let state = state();
    for [start, end, kept] in core::mem::take(&mut state.runs) {
        let result = state.space.adopt(start..end, PageState::from_bits(kept as u8));
        if result.is_err() {
            return abi::from_map(result);
        }
    }
    abi::DONE
}

/// Whether a run's state says that its bytes must be copied.
#[unsafe(no_mangle)]
pub extern "C" fn is_touched(kept: u32) -> u32 {
    u32::from(PageState::from_bits(kept as u8).is_touched())
}

/// Forgets everything, so that the instance can serve another process.
#[unsafe(no_mangle)]
pub extern "C" fn reset() {
    let state = state();
    let mapped: Vec<_> = state.space.runs().map(|(range, _)| range).collect();
    for range in mapped {
        // It is mapped, so it can be unmapped; and on no error would anything stay readable.
        let _ = state.space.unmap(range);
    }
    state.cpu = Cpu::new();
    state.runs = Vec::new();
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    // The trap ends this process, and its kernel says so.
    core::arch::wasm32::unreachable()
}
