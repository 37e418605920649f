//! A small embedder: takes a module from flash, makes an instance with one host function,
//! looks up an export, calls it, and gives everything back.
//!
//! It is linked to be measured and not to be run, so it knows no board.
#![no_std]
#![no_main]

use sampan::{Config, Engine, Linker, Module, Store};
use sampan_arena::Arena;

// SAFETY: there is one thread.
#[global_allocator]
static ARENA: Arena<{ 16 * 1024 }> = unsafe { Arena::new() };

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

/// Where a board has the module: its address and length.
const MODULE: *const (*const u8, usize) = 0x0800_0000 as *const (*const u8, usize);

#[unsafe(no_mangle)]
extern "C" fn _start() -> ! {
    // SAFETY: the linker puts the module there.
    let bytes: &'static [u8] = unsafe {
        let (start, len) = MODULE.read_volatile();
        core::slice::from_raw_parts(start, len)
    };
    let result = application(bytes).unwrap_or(-1);
    // SAFETY: it is in RAM.
    unsafe { (0x2000_0000 as *mut i32).write_volatile(result) };
    loop {}
}

/// What the module put last.
struct Last(i32);

#[cfg(feature = "libc")]
impl sampan::libc::System for Last {
    fn write(&mut self, text: &[u8]) {
        self.0 = text.first().copied().unwrap_or(0).into();
    }
}

#[inline(never)]
fn application(bytes: &'static [u8]) -> sampan::Result<i32> {
    let mut config = Config::new();
    config.max_stack_bytes(2048).consume_fuel(true);
    let engine = Engine::try_new(&config)?;
    let module = Module::from_static(&engine, bytes)?;
    let mut store = Store::try_new(&engine, Last(0))?;
    store.set_fuel(1_000_000)?;
    let mut linker = Linker::<Last>::new(&engine);
    linker.func_wrap("env", "put", |mut caller: sampan::Caller<'_, Last>, value: i32| {
        caller.data_mut().0 = value;
    })?;
    #[cfg(feature = "libc")]
    sampan::libc::add_to_linker(&mut linker, &module, |last: &mut Last| last)?;
    let instance = linker.instantiate(&mut store, &module)?;
    let run = instance.get_typed_func::<i32, i32>(&store, "run")?;
    run.call(&mut store, 20)
}
