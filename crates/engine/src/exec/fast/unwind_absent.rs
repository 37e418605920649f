//! In the place of exceptions where they are not built in: nothing is caught.

use super::run::Ctx;

pub(super) unsafe fn catch(_: &mut Ctx) -> Option<(*const u64, *mut u64)> {
    None
}
