//! Memories of the engine that are address spaces of guests.
//!
//! Unsafe because the engine is told where a memory is, and relies on it.

use sampan_engine::native::{Image, Reservations};
use sampan_x86::Reservation;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ptr::NonNull;
use std::sync::{Arc, Mutex, PoisonError};

thread_local! {
    /// What the next memory made on this thread is.
    static NEXT: RefCell<Option<Arc<Reservation>>> = const { RefCell::new(None) };
}

/// Calls a function that makes one memory, which is the reservation.
pub fn with<T>(reservation: &Arc<Reservation>, make: impl FnOnce() -> T) -> T {
    NEXT.set(Some(reservation.clone()));
    let made = make();
    NEXT.set(None);
    made
}

/// Reservations that memories of the engine keep alive, with how many they are.
#[derive(Debug, Default)]
pub struct Rooms(Mutex<BTreeMap<usize, (Arc<Reservation>, usize)>>);

// SAFETY: a reservation is mapped as far as `commit` lets it be, has nothing accessible behind
// the guest's memory, and lives until the last memory that is there has been released.
unsafe impl Reservations for Rooms {
    fn reserve(&self, len: usize, _: Option<&Image>) -> Option<NonNull<u8>> {
        // What lies before the guest's memory is always mapped.
        if len > Reservation::LAYOUT[3] as usize {
            return None;
        }
        let reservation = NEXT.take()?;
        let start = reservation.start();
        let mut rooms = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        rooms.entry(start.as_ptr().addr()).or_insert((reservation, 0)).1 += 1;
        Some(start)
    }

    fn commit(&self, _: NonNull<u8>, _: usize, to: usize) -> bool {
        to <= Reservation::LAYOUT[3] as usize
    }

    unsafe fn release(&self, base: NonNull<u8>, _: usize) {
        let mut rooms = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = base.as_ptr().addr();
        if let Some((_, count)) = rooms.get_mut(&at) {
            *count -= 1;
            if *count == 0 {
                rooms.remove(&at);
            }
        }
    }
}
