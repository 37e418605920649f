//! The table, in Markdown.

use std::fmt::Write;

use crate::{
    Results,
    embedding::Costs,
    engine::Engine,
    figures::{geometric_mean, machine, median, number},
    kernels::{KERNELS, ONE_THREAD, TWO_THREADS},
    measure::Measured,
    options::Options,
};

/// All that was measured, as text.
pub fn table(results: &Results, engines: &[Engine], options: &Options) -> String {
    let mut text = String::from("# WebAssembly, measured\n\n");
    writeln!(
        text,
        "`cargo xtask bench wasm` wrote this on: {}. Medians of {} rounds, engines taking turns.\n\
         Time of the whole process, compilation included. Peers: wasmi 2.0.0, wasm3 0.5.0, wasmtime 48.0.8,\n\
         V8 14 in node 26.12.1, each with the same few host functions. A difference below 20 % is noise.\n",
        machine(),
        options.rounds
    )
    .expect("text grows");
    kernels(&mut text, results, engines);
    if !results.hello.is_empty() {
        start_up(&mut text, results, engines);
        loading(&mut text, results, engines, options);
        embedding(&mut text, results, engines);
    }
    text
}

fn kernels(text: &mut String, results: &Results, engines: &[Engine]) {
    let columns: Vec<&str> =
        engines.iter().map(|engine| engine.name).filter(|name| *name != "native").collect();
    text.push_str("## Kernels: time over native `cc -O3`\n\n");
    row(text, ["kernel", "native s"].into_iter().chain(columns.iter().copied()).map(String::from));
    row(text, ["---", "---:"].into_iter().chain(columns.iter().map(|_| "---:")).map(String::from));
    // The lines of the mean first, the mean after them.
    for in_mean in [true, false] {
        for kernel in KERNELS.iter().filter(|kernel| kernel.mean == in_mean) {
            let Some(native) = results.kernels.get(&(kernel.name, "native")) else {
                continue;
            };
            let label = format!("{}: {}", kernel.name, kernel.about);
            let ratios = columns.iter().map(|column| number(ratio(results, kernel.name, column)));
            row(text, [label, number(median(seconds(native)))].into_iter().chain(ratios));
        }
        if in_mean {
            let means = columns.iter().map(|column| number(mean(results, column)));
            row(text, ["**geometric mean**".into(), String::new()].into_iter().chain(means));
        }
    }
    speed_up(text, results, engines);
    against(text, results, &columns);
    memory(text, results, engines);
}

/// What a second thread gains.
fn speed_up(text: &mut String, results: &Results, engines: &[Engine]) {
    let mut lines = String::new();
    for engine in engines {
        let of = |kernel| results.kernels.get(&(kernel, engine.name));
        let Some((one, two)) = of(ONE_THREAD).zip(of(TWO_THREADS)) else { continue };
        let ratios = one.iter().zip(two).map(|(one, two)| one.seconds / two.seconds).collect();
        row(&mut lines, [engine.name.to_string(), number(median(ratios))]);
    }
    if !lines.is_empty() {
        text.push_str("\n## Time with one thread over time with two (2: twice as fast)\n\n");
        text.push_str("| engine | |\n|---|---:|\n");
        text.push_str(&lines);
    }
}

/// Our modes over each peer.
fn against(text: &mut String, results: &Results, columns: &[&str]) {
    let ours: Vec<&str> = columns
        .iter()
        .copied()
        .filter(|name| matches!(*name, "classic" | "fast" | "jit" | "auto"))
        .collect();
    let peers: Vec<&str> = columns.iter().copied().filter(|name| !ours.contains(name)).collect();
    if ours.is_empty() || peers.is_empty() {
        return;
    }
    text.push_str("\n## Geometric mean over each peer's (below 1: sampan is faster)\n\n");
    row(text, std::iter::once("mode").chain(peers.iter().copied()).map(String::from));
    row(text, std::iter::once("---").chain(peers.iter().map(|_| "---:")).map(String::from));
    for mode in ours {
        let cells = peers.iter().map(|peer| {
            number(mean(results, mode).zip(mean(results, peer)).map(|(mode, peer)| mode / peer))
        });
        row(text, std::iter::once(mode.to_string()).chain(cells));
    }
}

fn memory(text: &mut String, results: &Results, engines: &[Engine]) {
    text.push_str("\n## Peak memory of the process, MB\n\n");
    row(
        text,
        std::iter::once("kernel").chain(engines.iter().map(|engine| engine.name)).map(String::from),
    );
    row(text, std::iter::once("---").chain(engines.iter().map(|_| "---:")).map(String::from));
    for kernel in KERNELS {
        let cells: Vec<Option<f64>> = engines
            .iter()
            .map(|engine| {
                results.kernels.get(&(kernel.name, engine.name)).and_then(|runs| megabytes(runs))
            })
            .collect();
        if cells.iter().any(Option::is_some) {
            row(
                text,
                std::iter::once(kernel.name.to_string()).chain(cells.into_iter().map(number)),
            );
        }
    }
}

fn start_up(text: &mut String, results: &Results, engines: &[Engine]) {
    text.push_str(
        "\n## Start-up: a program that prints one line\n\n| engine | ms | MB |\n|---|---:|---:|\n",
    );
    for engine in engines {
        if let Some(runs) = results.hello.get(engine.name) {
            let ms = median(seconds(runs)).map(|seconds| seconds * 1e3);
            row(text, [engine.name.to_string(), number(ms), number(megabytes(runs))]);
        }
    }
}

fn loading(text: &mut String, results: &Results, engines: &[Engine], options: &Options) {
    let size = options.large.metadata().map_or(0.0, |data| data.len() as f64 / 1e6);
    let _ = writeln!(
        text,
        "\n## Loading: all of a {size:.1} MB module validated and translated, as a process\n\n\
         For `classic` that is the side tables, for `fast` its internal code; `auto` only validates, as when a program starts. wasm3 translates and does not validate. Those that compile use all cores.\n\n\
         | engine | s | MB/s | MB of memory |\n|---|---:|---:|---:|"
    );
    for engine in engines {
        if let Some(runs) = results.load.get(engine.name) {
            let time = median(seconds(runs));
            row(
                text,
                [
                    engine.name.to_string(),
                    number(time),
                    number(time.map(|time| size / time)),
                    number(megabytes(runs)),
                ],
            );
        }
    }
}

fn embedding(text: &mut String, results: &Results, engines: &[Engine]) {
    text.push_str(
        "\n## Embedding: what instances and calls cost\n\n\
         A store with an instance of a module is made and dropped, of a small one and of one with 10 MB of data; the guest is called with a number, which it returns, and calls a function of the host, which adds one. Wasmtime with its default allocator.\n\n\
         | engine | instance, µs | with 10 MB of data, µs | call of the guest, ns | call of the host, ns |\n\
         |---|---:|---:|---:|---:|\n",
    );
    for engine in engines {
        if let Some(runs) = results.embedding.get(engine.name) {
            let of = |cost: fn(&Costs) -> f64| median(runs.iter().map(cost).collect());
            row(
                text,
                [
                    engine.name.to_string(),
                    number(of(|costs| costs.instance / 1e3)),
                    number(of(|costs| costs.large_instance / 1e3)),
                    number(of(|costs| costs.guest_call)),
                    number(of(|costs| costs.host_call)),
                ],
            );
        }
    }
}

/// The median of the ratios within each round.
fn ratio(results: &Results, kernel: &'static str, engine: &str) -> Option<f64> {
    let native = results.kernels.get(&(kernel, "native"))?;
    let (_, runs) = results.kernels.iter().find(|((k, e), _)| *k == kernel && *e == engine)?;
    median(runs.iter().zip(native).map(|(run, native)| run.seconds / native.seconds).collect())
}

/// The geometric mean over the kernels that belong to it; none if the engine
/// ran only some of those that native ran.
fn mean(results: &Results, engine: &str) -> Option<f64> {
    let counted = KERNELS
        .iter()
        .filter(|kernel| kernel.mean && results.kernels.contains_key(&(kernel.name, "native")));
    geometric_mean(counted.map(|kernel| ratio(results, kernel.name, engine)))
}

fn seconds(runs: &[Measured]) -> Vec<f64> {
    runs.iter().map(|run| run.seconds).collect()
}

fn megabytes(runs: &[Measured]) -> Option<f64> {
    median(runs.iter().filter_map(|run| run.kib).map(|kib| kib as f64 * 1024.0 / 1e6).collect())
}

fn row(text: &mut String, cells: impl IntoIterator<Item = String>) {
    let cells: Vec<String> = cells.into_iter().collect();
    let _ = writeln!(text, "| {} |", cells.join(" | "));
}
