//! What the fuzz targets share with the tests: the generators and the comparison.

#[path = "../../crates/sampan/tests/differential/body/mod.rs"]
pub mod body;
#[path = "../../crates/sampan/tests/differential/choice.rs"]
pub mod choice;
#[path = "../../crates/sampan/tests/differential/compare.rs"]
pub mod compare;
#[path = "../../crates/sampan/tests/differential/outcome.rs"]
pub mod outcome;
#[path = "../../crates/wasm/tests/peer/mod.rs"]
pub mod peer;
#[path = "../../crates/sampan/tests/differential/sampan_engine.rs"]
pub mod sampan_engine;
#[path = "../../crates/sampan/tests/differential/shape.rs"]
pub mod shape;
#[path = "../../crates/sampan/tests/differential/smith.rs"]
pub mod smith;
#[path = "../../crates/sampan/tests/differential/wasmi_engine.rs"]
pub mod wasmi_engine;
#[cfg(feature = "wasmtime")]
pub mod wasmtime_engine;

/// Runs a module in both interpreters and in wasmtime, with canonical NaNs, which all see.
///
/// # Errors
/// How a mode differs from it.
#[cfg(feature = "wasmtime")]
pub fn compare_with_wasmtime(module: &[u8]) -> Result<(), String> {
    use ::sampan::{Mode, Preparation};
    use sampan_engine::Setup;
    let theirs = wasmtime_engine::run(module).map_err(|e| format!("wasmtime: {e}"))?;
    if theirs.is_stopped() {
        return Ok(());
    }
    for mode in [Mode::Fast, Mode::Classic] {
        let setup = Setup { canonical_nans: true, ..Setup::new(mode, Preparation::Lazy) };
        let ours = sampan_engine::run(module, setup).map_err(|e| format!("{setup:?}: {e}"))?;
        if let Some(difference) = theirs.difference(&ours) {
            return Err(format!("wasmtime, {mode:?}: {difference}"));
        }
    }
    Ok(())
}
