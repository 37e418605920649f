//! What an embedder does often: instances of a module, calls of the guest, calls of the host.

use std::{collections::BTreeMap, path::Path};

use crate::{engine::Engine, measure, options::Options};

/// Nanoseconds of one.
#[derive(Clone, Copy)]
pub struct Costs {
    /// A store with an instance of a small module, made and dropped.
    pub instance: f64,
    /// The same with ten megabytes of data.
    pub large_instance: f64,
    /// A call of the guest that returns its parameter.
    pub guest_call: f64,
    /// A call of the host that adds one.
    pub host_call: f64,
}

/// Measures all engines that can be embedded in turn.
pub fn run(
    engines: &[Engine],
    options: &Options,
) -> Result<BTreeMap<&'static str, Vec<Costs>>, String> {
    let small = options.kernels.join("embedding.wasm");
    let large = options.native.join("large-data.wasm");
    std::fs::write(&large, large_data())
        .map_err(|error| format!("{}: {error}", large.display()))?;
    let mut results: BTreeMap<&'static str, Vec<Costs>> = BTreeMap::new();
    for _ in 0..options.rounds {
        for engine in engines {
            if let Some(costs) = costs(engine, &small, &large, options)? {
                results.entry(engine.name).or_default().push(costs);
            }
        }
    }
    Ok(results)
}

fn costs(
    engine: &Engine,
    small: &Path,
    large: &Path,
    options: &Options,
) -> Result<Option<Costs>, String> {
    let Some(mut command) = engine.embed(small, large, options) else { return Ok(None) };
    let printed = measure::run(&mut command, options)?.stdout;
    let numbers: Vec<f64> =
        printed.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    let [instance, large_instance, guest_call, host_call] = numbers[..] else {
        return Err(format!("{} printed {printed:?} instead of four numbers", engine.name));
    };
    Ok(Some(Costs { instance, large_instance, guest_call, host_call }))
}

/// A module with a memory whose first ten megabytes are data.
fn large_data() -> Vec<u8> {
    const BYTES: u32 = 10 << 20;
    let mut module = b"\0asm\x01\0\0\0".to_vec();
    let pages = [&[1, 0][..], &leb(BYTES >> 16)].concat();
    section(&mut module, 5, &pages);
    // One segment for memory 0, at 0.
    let mut data = [&[1, 0, 0x41, 0, 0x0b][..], &leb(BYTES)].concat();
    data.extend((0..BYTES).map(|at| (at / 5) as u8));
    section(&mut module, 11, &data);
    module
}

fn section(module: &mut Vec<u8>, id: u8, content: &[u8]) {
    module.push(id);
    module.extend(leb(content.len() as u32));
    module.extend(content);
}

fn leb(mut value: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}
