//! Cranelift as a back end.

mod atomic;
mod builder;
mod function;
mod scalar;
mod vector;

pub(crate) use function::{Compiled, Context, Symbol, Target};
