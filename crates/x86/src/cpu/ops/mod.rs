//! Handlers, by family.

pub(super) mod alu;
pub(super) mod bcd;
pub(super) mod bits;
pub(super) mod branch;
pub(super) mod data;
pub(super) mod exchange;
pub(super) mod muldiv;
pub(super) mod shift;
pub(super) mod stack;
pub(super) mod string;
pub(super) mod system;
pub(super) mod vector;
pub(super) mod x87;
