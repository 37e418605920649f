//! Tells the interpreter whether the compiler will turn its handlers' last calls into
//! jumps: in optimised builds, where whoever builds says, with SAMPAN_TAIL_CALLS=1 (this
//! workspace's `.cargo/config.toml` does), that the whole program is optimised at link
//! time. Elsewhere a loop calls one handler after the other.

fn main() {
    println!("cargo::rustc-check-cfg=cfg(sampan_tail_calls)");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=SAMPAN_TAIL_CALLS");
    let wanted = std::env::var("SAMPAN_TAIL_CALLS").is_ok_and(|value| value == "1");
    let optimised = !matches!(std::env::var("OPT_LEVEL").as_deref(), Ok("0" | "1"));
    let arch = std::env::var("CARGO_CFG_TARGET_ARCH").unwrap_or_default();
    if wanted && optimised && matches!(arch.as_str(), "x86_64" | "aarch64" | "riscv64") {
        println!("cargo::rustc-cfg=sampan_tail_calls");
    }
}
