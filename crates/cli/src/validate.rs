//! `sampan validate`.

use crate::args::Validate;
use crate::report::{self, Exit};
use sampan::wasm::{self, Scratch};
use sampan::{Features, wat_to_wasm};
use std::path::Path;

/// Checks modules and prints their problems, each on a line.
pub fn validate(args: Validate) -> Exit {
    let features = args.enable.iter().fold(Features::WASM3, |all, &feature| all.with(feature));
    let mut exit = Exit::Success;
    for path in &args.files {
        for problem in problems(path, features) {
            exit = Exit::BadInput;
            report::print(format!("{}: {problem}\n", path.display()).as_bytes());
        }
    }
    exit
}

/// What is wrong with a file: one problem, or one for each function's body.
fn problems(path: &Path, features: Features) -> Vec<String> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) => return vec![error.to_string()],
    };
    let bytes = match wat_to_wasm(&bytes) {
        Ok(bytes) => bytes,
        Err(error) => return vec![error.to_string()],
    };
    let module = match wasm::decode(&bytes, features) {
        Ok(module) => module,
        Err(error) => return vec![error.to_string()],
    };
    let mut scratch = Scratch::default();
    let bodies = module.imported_funcs..module.funcs.len() as u32;
    let errors = bodies.filter_map(|func| {
        wasm::validate_body(&bytes, features, &module, func, &mut scratch, &mut ()).err()
    });
    errors.map(|error| error.to_string()).collect()
}
