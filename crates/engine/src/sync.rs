//! What is shared between threads, in one place, for targets that lack it.

pub(crate) use alloc::sync::Arc;
