//! Where size counts, frequent ways are not written out in many places: the same condition as
//! in `sampan-engine`.

fn main() {
    println!("cargo::rustc-check-cfg=cfg(sampan_small)");
    println!("cargo::rerun-if-changed=build.rs");
    if matches!(std::env::var("OPT_LEVEL").as_deref(), Ok("s" | "z")) {
        println!("cargo::rustc-cfg=sampan_small");
    }
}
