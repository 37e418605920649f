//! Where size counts, frequent ways are not written out in many places: the same condition as
//! in `sampan-engine`.

fn main() {
    println!("cargo::rustc-check-cfg=cfg(sampan_small)");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=SAMPAN_SMALL");
    let asked = std::env::var("SAMPAN_SMALL").is_ok_and(|value| value == "1");
    if asked || matches!(std::env::var("OPT_LEVEL").as_deref(), Ok("s" | "z")) {
        println!("cargo::rustc-cfg=sampan_small");
    }
}
