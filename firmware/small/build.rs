//! Translates the module, and tells the linker what memory the board has.

use std::{env, fs, path::PathBuf};

fn main() {
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    let path = "modules/report.wat";
    println!("cargo::rerun-if-changed={path}");
    let wasm = wat::parse_file(path).expect("the module is right");
    fs::write(out.join("report.wasm"), wasm).expect("the folder is there");
    fs::copy("memory.x", out.join("memory.x")).expect("the folder is there");
    println!("cargo::rerun-if-changed=memory.x");
    println!("cargo::rustc-link-search={}", out.display());
    println!("cargo::rustc-link-arg=-Tlink.x");
}
