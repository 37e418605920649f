//! The `sampan` command line.
fn main() {}
