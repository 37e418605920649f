//! Tells the fast interpreter whether the compiler will turn its handlers' last calls
//! into jumps: in optimised builds, where functions get enough arguments in registers, and
//! where whoever builds says that the whole program is optimised at link time.
//!
//! Without `lto = "fat"` some handlers do call the next, and would grow the host's stack. A
//! build script cannot see that setting, so it takes the word of the environment variable
//! SAMPAN_TAIL_CALLS (this workspace's `.cargo/config.toml` sets it); else a loop is used.

fn main() {
    // Where size counts, frequent ways are not written out in many places. SAMPAN_SMALL=1 asks
    // for that form in other builds, so that tests see it.
    println!("cargo::rustc-check-cfg=cfg(sampan_small)");
    println!("cargo::rerun-if-env-changed=SAMPAN_SMALL");
    let asked = std::env::var("SAMPAN_SMALL").is_ok_and(|value| value == "1");
    let small = asked || matches!(std::env::var("OPT_LEVEL").as_deref(), Ok("s" | "z"));
    if small {
        println!("cargo::rustc-cfg=sampan_small");
    }
    println!("cargo::rustc-check-cfg=cfg(sampan_tail_calls)");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=SAMPAN_TAIL_CALLS");
    let wanted = std::env::var("SAMPAN_TAIL_CALLS").is_ok_and(|value| value == "1");
    let optimised = !matches!(std::env::var("OPT_LEVEL").as_deref(), Ok("0" | "1" | "s" | "z"));
    let arch = std::env::var("CARGO_CFG_TARGET_ARCH").unwrap_or_default();
    // Windows passes only four arguments in registers.
    let windows = std::env::var("CARGO_CFG_WINDOWS").is_ok();
    if wanted
        && optimised
        && !small
        && !windows
        && matches!(arch.as_str(), "x86_64" | "aarch64" | "riscv64")
    {
        println!("cargo::rustc-cfg=sampan_tail_calls");
    }
}
