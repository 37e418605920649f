//! Real programs with damaged bytes: each is refused with a position, or runs within its
//! limits and the same in both interpreters.

use sampan::wasi::{self, OutputPipe, WasiCtx};
use sampan::{Config, Engine, Linker, Mode, Module, Store, StoreLimitsBuilder, Trap};

use crate::choice::Choice;

const FUEL: u64 = 300_000;
const MEMORY_BYTES: u64 = 16 << 20;
const OUTPUT_BYTES: usize = 1 << 16;
/// Programs that end within the fuel, or nearly, so that much of them is executed.
const PROGRAMS: [&str; 4] = ["hello", "vm", "sha256", "simd"];

/// Where damaged programs ended, both interpreters agreeing.
#[derive(Debug, Default)]
pub struct Tally {
    pub refused: u64,
    pub ran: u64,
    pub stopped: u64,
}

/// The undamaged programs.
pub fn programs() -> Vec<Vec<u8>> {
    let kernels = concat!(env!("CARGO_MANIFEST_DIR"), "/../../bench/kernels");
    let read = |name| std::fs::read(format!("{kernels}/{name}.wasm"));
    PROGRAMS.iter().map(|name| read(name).expect("a kernel of the benchmarks")).collect()
}

/// One of the programs, with some bytes changed, removed or repeated.
pub fn damaged(programs: &[Vec<u8>], choice: &mut Choice) -> Vec<u8> {
    let mut bytes = programs[choice.below(programs.len())].clone();
    for _ in 0..1 + choice.below(3) {
        if bytes.is_empty() {
            break;
        }
        let at = choice.below(bytes.len());
        match choice.below(8) {
            0 => bytes.truncate(at),
            1 => drop(bytes.drain(at..(at + 1 + choice.below(4)).min(bytes.len()))),
            2 => {
                let end = (at + 1 + choice.below(16)).min(bytes.len());
                let copy = bytes[at..end].to_vec();
                bytes.splice(at..at, copy);
            }
            3 => bytes[at] = choice.number() as u8,
            4 => bytes[at] = 0xff,
            5 => bytes[at] = bytes[at].wrapping_add(1),
            _ => bytes[at] ^= 1 << choice.below(8),
        }
    }
    bytes
}

/// Runs a program in both interpreters.
///
/// # Errors
/// How they differ.
pub fn compare(bytes: &[u8], tally: &mut Tally) -> Result<(), String> {
    match (run(bytes, Mode::Classic), run(bytes, Mode::Fast)) {
        // Fuel is counted in steps that differ, and so are frames.
        (End::Stopped, _) | (_, End::Stopped) => tally.stopped += 1,
        (classic, fast) if classic != fast => {
            return Err(format!("classic: {classic:?}\n  versus fast: {fast:?}"));
        }
        (End::Refused(_), _) => tally.refused += 1,
        (End::Ended(..), _) => tally.ran += 1,
    }
    Ok(())
}

/// How a program ended.
#[derive(Debug, PartialEq)]
enum End {
    /// It was not run at all.
    Refused(String),
    /// A limit was reached.
    Stopped,
    /// It returned, ended itself or trapped, and had written this.
    Ended(Result<(), String>, Vec<u8>),
}

fn run(bytes: &[u8], mode: Mode) -> End {
    let engine = Engine::new(Config::new().mode(mode).consume_fuel(true));
    let module = match Module::new(&engine, bytes) {
        Ok(module) => module,
        Err(error) => {
            let text = error.to_string();
            assert!(!text.is_empty());
            return End::Refused(text);
        }
    };
    let output = OutputPipe::new(OUTPUT_BYTES);
    let wasi = WasiCtx::builder().stdout(output.clone()).build().expect("nothing is opened");
    let limits = StoreLimitsBuilder::new().memory_size(MEMORY_BYTES).table_elements(10_000);
    let mut store = Store::new(&engine, wasi);
    store.limiter(limits.build());
    store.set_fuel(FUEL).expect("fuel is consumed");
    let mut linker = Linker::new(&engine);
    wasi::add_to_linker(&mut linker, |wasi: &mut WasiCtx| wasi).expect("an empty linker");
    let ended = linker.instantiate(&mut store, &module).and_then(|instance| {
        let start = instance.get_typed_func::<(), ()>(&store, "_start")?;
        start.call(&mut store, ())
    });
    match ended {
        Err(error) if matches!(error.trap(), Some(Trap::OutOfFuel | Trap::StackOverflow)) => {
            End::Stopped
        }
        ended => {
            End::Ended(ended.map_err(|error| error.kind().to_string()), output.contents().to_vec())
        }
    }
}
