//! The module's table of functions is for JavaScript too, which puts translated code there.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    for argument in ["--export-table", "--growable-table"] {
        println!("cargo::rustc-link-arg-cdylib={argument}");
    }
}
