//! Which code an address belongs to.
//!
//! A signal handler asks, whose thread may not hold the lock that it asks for. So a thread
//! that changes the list says so first, and its own faults are then not looked up; others
//! wait for the short time that a change takes.

use crate::image::Tables;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock, TryLockError};

/// Code at an address.
pub(crate) struct Placed {
    pub start: usize,
    pub end: usize,
    /// The module that it is of.
    pub module: u64,
    pub tables: Tables,
}

/// By the address of the end.
static CODE: RwLock<BTreeMap<usize, Arc<Placed>>> = RwLock::new(BTreeMap::new());

thread_local! {
    /// This thread changes the list.
    static CHANGING: Cell<bool> = const { Cell::new(false) };
}

pub(crate) fn add(placed: Arc<Placed>) {
    change(|code| code.insert(placed.end, placed));
}

pub(crate) fn remove(placed: &Placed) {
    change(|code| code.remove(&placed.end));
}

fn change(how: impl FnOnce(&mut BTreeMap<usize, Arc<Placed>>) -> Option<Arc<Placed>>) {
    CHANGING.set(true);
    let old = how(&mut CODE.write().unwrap_or_else(PoisonError::into_inner));
    CHANGING.set(false);
    drop(old);
}

/// Calls `found` with the code at an address, if there is any.
pub(crate) fn with<T>(address: usize, found: impl FnOnce(&Placed) -> T) -> Option<T> {
    if CHANGING.get() {
        return None;
    }
    let code = loop {
        match CODE.try_read() {
            Ok(code) => break code,
            Err(TryLockError::Poisoned(code)) => break code.into_inner(),
            Err(TryLockError::WouldBlock) => std::hint::spin_loop(),
        }
    };
    let (_, placed) = code.range(address + 1..).next()?;
    (placed.start <= address).then(|| found(placed))
}
