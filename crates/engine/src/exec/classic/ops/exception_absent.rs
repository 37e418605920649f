//! In the place of exceptions where they are not built in: no table has these.

pub(in crate::exec::classic) use super::trap::invalid as rethrow;
pub(in crate::exec::classic) use super::trap::invalid as try_table;
