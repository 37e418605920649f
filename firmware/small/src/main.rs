//! A module with `printf` and `malloc`, and everything that runs it, in 8 KB of RAM: the
//! processor's stack, what is allocated, and all variables. `cargo xtask firmware` boots it.
//!
//! The processor's stack has what the arena leaves. It is painted first, so that at the end it
//! says how much of it was used.
#![no_std]
#![no_main]

use cortex_m_rt::entry;
use cortex_m_semihosting::{debug, hprint, hprintln};
use sampan::libc::{self, System};
use sampan::{Config, Engine, Linker, Module, Result, Store};
use sampan_arena::Arena;

const ARENA_BYTES: usize = 5 * 1024;

// SAFETY: there is one thread, and interrupts do not allocate.
#[global_allocator]
static ARENA: Arena<ARENA_BYTES> = unsafe { Arena::new() };

/// In flash: it is neither copied nor changed.
static REPORT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/report.wasm"));

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    debug::exit(debug::EXIT_FAILURE);
    loop {}
}

#[entry]
fn main() -> ! {
    let unused = paint();
    match run() {
        Ok(status) => hprintln!("main: {}", status),
        Err(error) => hprintln!("main: {}", error),
    }
    // Frames leave holes, so the deepest word that was written counts.
    let untouched = unused.iter().take_while(|word| **word == PAINT).count();
    let stack = RAM_END - unused.as_ptr() as usize - 4 * untouched;
    hprintln!("bytes: arena {} of {}, stack {}", ARENA.peak(), ARENA_BYTES, stack);
    // Else it may have been in the arena, too.
    let fits = untouched > 0;
    hprintln!("fits in 8 KB: {}", fits);
    debug::exit(if fits { debug::EXIT_SUCCESS } else { debug::EXIT_FAILURE });
    loop {}
}

struct Console;

impl System for Console {
    fn write(&mut self, text: &[u8]) {
        hprint!("{}", core::str::from_utf8(text).unwrap_or("?"));
    }
}

fn run() -> Result<i32> {
    let mut config = Config::new();
    config.max_stack_bytes(512).shrink_memories(160);
    let engine = Engine::try_new(&config)?;
    let module = Module::from_static(&engine, REPORT)?;
    let mut store = Store::try_new(&engine, Console)?;
    let mut linker = Linker::new(&engine);
    libc::add_to_linker(&mut linker, &module, |console: &mut Console| console)?;
    let instance = linker.instantiate(&mut store, &module)?;
    libc::call_main(&mut store, instance, &[], |console| console)
}

/// Where the stack begins: see `memory.x`.
const RAM_END: usize = 0x2000_0000 + 8 * 1024;

const PAINT: u32 = 0xa5a5_a5a5;

/// Paints what of RAM is between the variables and the stack's top, and gives that.
fn paint() -> &'static [u32] {
    unsafe extern "C" {
        static mut __sheap: u32;
    }
    let here = 0u32;
    // SAFETY: from behind all variables up to well below this frame nothing is in use.
    unsafe {
        let start = &raw mut __sheap;
        let count = (&raw const here).offset_from(start) as usize - 32;
        for place in 0..count {
            start.add(place).write_volatile(PAINT);
        }
        core::slice::from_raw_parts(start, count)
    }
}
