//! The project's habits.
fn main() {}
