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
