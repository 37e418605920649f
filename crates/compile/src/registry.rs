//! Which code an address belongs to.
//!
//! A signal handler asks, so looking up takes no lock that its thread could hold: it only
//! tries. Code is entered and removed by threads that do not run code then.

use crate::image::Image;
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

/// Code at an address.
pub(crate) struct Placed {
    pub start: usize,
    pub end: usize,
    pub id: u64,
    pub image: Arc<Image>,
}

/// By the address of the end.
static CODE: RwLock<BTreeMap<usize, Arc<Placed>>> = RwLock::new(BTreeMap::new());

pub(crate) fn add(placed: Arc<Placed>) {
    let mut code = CODE.write().unwrap_or_else(PoisonError::into_inner);
    code.insert(placed.end, placed);
}

pub(crate) fn remove(placed: &Placed) {
    let mut code = CODE.write().unwrap_or_else(PoisonError::into_inner);
    code.remove(&placed.end);
}

/// Calls `found` with the code at an address, if there is any.
pub(crate) fn with<T>(address: usize, found: impl FnOnce(&Placed) -> T) -> Option<T> {
    let code = CODE.try_read().ok()?;
    let (_, placed) = code.range(address + 1..).next()?;
    (placed.start <= address).then(|| found(placed))
}
