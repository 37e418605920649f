//! Tells the fast interpreter whether the compiler will turn its handlers' last calls
//! into jumps: in optimised builds, where functions get enough arguments in registers.

fn main() {
    println!("cargo::rustc-check-cfg=cfg(sampan_tail_calls)");
    println!("cargo::rerun-if-changed=build.rs");
    let optimised = !matches!(std::env::var("OPT_LEVEL").as_deref(), Ok("0" | "1"));
    let arch = std::env::var("CARGO_CFG_TARGET_ARCH").unwrap_or_default();
    // Windows passes only four arguments in registers.
    let windows = std::env::var("CARGO_CFG_WINDOWS").is_ok();
    if optimised && !windows && matches!(arch.as_str(), "x86_64" | "aarch64" | "riscv64") {
        println!("cargo::rustc-cfg=sampan_tail_calls");
    }
}
