//! The few WASI functions that a benchmark kernel calls.
//!
//! Every peer gets this same small host, so that a comparison of engines does
//! not become a comparison of WASI libraries (those of wasmtime and wasmi are
//! far larger than the kernels). Memory is a plain slice: offsets that a kernel
//! passes are trusted as far as Rust's own bounds checks go.

use std::hint::black_box;
use std::io::Write;
use std::time::{SystemTime, UNIX_EPOCH};

/// One imported function: its name and the number of its parameters that are
/// 32 bits wide; `wide` says which one, if any, is 64 bits wide.
pub struct Import {
    /// Name in the module `wasi_snapshot_preview1`.
    pub name: &'static str,
    /// Kinds of the parameters, `i` for i32 and `I` for i64.
    pub params: &'static str,
    /// Whether it returns an errno.
    pub returns: bool,
}

const fn import(name: &'static str, params: &'static str) -> Import {
    Import { name, params, returns: true }
}

/// All that there is. `Host::call` takes an index into this table.
pub const IMPORTS: &[Import] = &[
    import("args_get", "ii"),
    import("args_sizes_get", "ii"),
    import("environ_get", "ii"),
    import("environ_sizes_get", "ii"),
    import("clock_time_get", "iIi"),
    import("fd_close", "i"),
    import("fd_fdstat_get", "ii"),
    import("fd_seek", "iIii"),
    import("fd_write", "iiii"),
    Import { name: "proc_exit", params: "i", returns: false },
];

/// The module that the imports belong to.
pub const MODULE: &str = "wasi_snapshot_preview1";

const BADF: u32 = 8;
const NOSYS: u32 = 52;

/// What a call asks the peer to do.
pub enum Outcome {
    /// Return this errno to the guest.
    Errno(u32),
    /// End the program with this code.
    Exit(i32),
}

/// The state of a program: only its arguments.
pub struct Host {
    args: Vec<String>,
}

impl Host {
    /// `args[0]` is the program's name.
    pub fn new(args: Vec<String>) -> Host {
        Host { args }
    }

    /// Calls the import at `index` of [`IMPORTS`].
    pub fn call(&mut self, index: usize, params: &[u64], memory: &mut [u8]) -> Outcome {
        let at = |n: usize| params[n] as u32 as usize;
        Outcome::Errno(match IMPORTS[index].name {
            "args_get" => {
                let (mut pointers, mut text) = (at(0), at(1));
                for arg in &self.args {
                    put_u32(memory, pointers, text as u32);
                    memory[text..text + arg.len()].copy_from_slice(arg.as_bytes());
                    memory[text + arg.len()] = 0;
                    pointers += 4;
                    text += arg.len() + 1;
                }
                0
            }
            "args_sizes_get" => {
                put_u32(memory, at(0), self.args.len() as u32);
                put_u32(memory, at(1), self.args.iter().map(|a| a.len() as u32 + 1).sum());
                0
            }
            "environ_get" => 0,
            "environ_sizes_get" => {
                put_u32(memory, at(0), 0);
                put_u32(memory, at(1), 0);
                0
            }
            "clock_time_get" => {
                let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                memory[at(2)..at(2) + 8].copy_from_slice(&(now.as_nanos() as u64).to_le_bytes());
                0
            }
            "fd_fdstat_get" if params[0] <= 2 => {
                // A character device with the right to write.
                let stat = &mut memory[at(1)..at(1) + 24];
                stat.fill(0);
                stat[0] = 2;
                stat[8] = 0x40;
                0
            }
            "fd_write" if matches!(params[0], 1 | 2) => {
                let (vectors, count) = (at(1), at(2));
                let mut written = 0;
                for n in 0..count {
                    let start = get_u32(memory, vectors + 8 * n) as usize;
                    let len = get_u32(memory, vectors + 8 * n + 4) as usize;
                    let bytes = &memory[start..start + len];
                    let result = match params[0] {
                        1 => std::io::stdout().write_all(bytes),
                        _ => std::io::stderr().write_all(bytes),
                    };
                    if result.is_err() {
                        return Outcome::Errno(29);
                    }
                    written += len as u32;
                }
                put_u32(memory, at(3), written);
                0
            }
            "proc_exit" => return Outcome::Exit(params[0] as i32),
            "fd_fdstat_get" | "fd_write" => BADF,
            _ => NOSYS,
        })
    }
}

/// What a peer's command line says: `(run|load) [--KEY VALUE]... FILE ARGS...`.
pub struct Command {
    /// `run` or `load` (to validate and translate everything, then print the
    /// seconds that it took).
    pub verb: String,
    /// `--compiler`, where a peer has several.
    pub compiler: Option<String>,
    /// The module's path.
    pub file: String,
    /// The program's arguments, its name first.
    pub args: Vec<String>,
}

/// Reads the process's arguments.
pub fn command() -> Option<Command> {
    let mut words = std::env::args().skip(1).peekable();
    let verb = words.next()?;
    let compiler = words.next_if_eq("--compiler").and_then(|_| words.next());
    let file = words.next()?;
    let args = std::iter::once(file.clone()).chain(words).collect();
    Some(Command { verb, compiler, file, args })
}

fn put_u32(memory: &mut [u8], at: usize, value: u32) {
    memory[at..at + 4].copy_from_slice(&value.to_le_bytes());
}

fn get_u32(memory: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([memory[at], memory[at + 1], memory[at + 2], memory[at + 3]])
}

/// An engine with a module that imports `host.next` (it adds one) and exports `same` (gives its
/// parameter) and `calls` (calls `next` so many times), and one with ten megabytes of data.
pub trait Embedded {
    /// Makes and drops a store with an instance of the first module.
    fn instance(&mut self);
    /// Makes and drops a store with an instance of the second.
    fn large_instance(&mut self);
    /// Calls `same`, in an instance that stays.
    fn guest_call(&mut self, value: i32) -> i32;
    /// Calls `calls`, in an instance that stays.
    fn host_calls(&mut self, times: i32) -> i32;
}

/// Implements [`Embedded`] for an engine whose types have the usual names, which are in scope:
/// `Embedding`, whose fields are the engine, both modules, a linker with `next`, and a store with
/// the functions of an instance. What instantiates is the linker's method with that name.
#[macro_export]
macro_rules! embedding {
    ($instantiate:ident) => {
        struct Embedding {
            engine: Engine,
            small: Module,
            large: Module,
            linker: Linker<()>,
            store: Store<()>,
            same: TypedFunc<i32, i32>,
            calls: TypedFunc<i32, i32>,
        }

        impl $crate::Embedded for Embedding {
            fn instance(&mut self) {
                let mut store = Store::new(&self.engine, ());
                self.linker.$instantiate(&mut store, &self.small).expect("as before");
            }

            fn large_instance(&mut self) {
                let mut store = Store::new(&self.engine, ());
                self.linker.$instantiate(&mut store, &self.large).expect("it needs nothing");
            }

            fn guest_call(&mut self, value: i32) -> i32 {
                self.same.call(&mut self.store, value).expect("it cannot trap")
            }

            fn host_calls(&mut self, times: i32) -> i32 {
                self.calls.call(&mut self.store, times).expect("it cannot trap")
            }
        }
    };
}

/// Prints the nanoseconds of one instance of each module, of one call of the guest and of one
/// of the host.
pub fn measure_embedded(mut engine: impl Embedded) {
    assert_eq!((engine.guest_call(3), engine.host_calls(5)), (3, 5));
    let instance = each(200, |times| (0..times).for_each(|_| engine.instance()));
    let large = each(20, |times| (0..times).for_each(|_| engine.large_instance()));
    let guest = each(100_000, |times| {
        (0..times as i32).for_each(|value| {
            black_box(engine.guest_call(value));
        });
    });
    let host = each(100_000, |times| {
        black_box(engine.host_calls(times as i32));
    });
    println!("{instance} {large} {guest} {host}");
}

/// The nanoseconds of one of many, where it went best.
fn each(times: u32, mut work: impl FnMut(u32)) -> f64 {
    let round = |_| {
        let start = std::time::Instant::now();
        work(times);
        start.elapsed().as_secs_f64() * 1e9 / f64::from(times)
    };
    // The first rounds are also there for code that is made when it is needed.
    (0..20).map(round).fold(f64::INFINITY, f64::min)
}
