//! Makes a module on which engines differ smaller: `shrink FILE [hidden|seen]` writes
//! FILE.small. With `seen` only sampan's modes are compared.

use sampan_fuzz::compare::{Tally, compare};
use sampan_fuzz::shape::Nans;

fn main() {
    let mut args = std::env::args().skip(1);
    let file = args.next().expect("a file's name");
    let nans = match args.next().as_deref() {
        Some("seen") => Nans::Seen,
        Some("hidden") => Nans::Hidden,
        _ => Nans::Native,
    };
    let module = std::fs::read(&file).expect("the file can be read");
    let differs = |module: &[u8]| {
        let verdict = compare(module, nans, &mut Tally::default());
        // What is not valid does not count.
        verdict.err().filter(|what| what.contains("versus"))
    };
    println!("{}", differs(&module).expect("engines differ on it"));
    let shrunk = wasm_shrink::WasmShrink::default()
        .attempts(3000)
        .run(module, &mut |module: &[u8]| Ok(differs(module).is_some()))
        .expect("it is valid");
    println!("{} bytes: {}", shrunk.output.len(), differs(&shrunk.output).expect("it is kept"));
    println!("{}", wasmprinter::print_bytes(&shrunk.output).expect("it is valid"));
    std::fs::write(file + ".small", shrunk.output).expect("it can be written");
}
