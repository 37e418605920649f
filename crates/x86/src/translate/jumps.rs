//! The table of addresses at which regions can be entered, which translated code looks up.
//!
//! Unsafe because it lies in the memory of translated code.

use super::state::{BESIDE, JUMPS, Jump, jump_index};
use crate::Reservation;
use alloc::sync::Arc;

/// The table of an address space.
pub(super) struct Jumps {
    reservation: Arc<Reservation>,
    /// Where it is, in bytes from the reservation's start.
    at: u32,
}

impl Jumps {
    /// The table at a place of the reservation that was all zero, or cleared.
    pub fn new(reservation: Arc<Reservation>, at: u32) -> Jumps {
        const _: () = assert!(JUMPS as usize * size_of::<Jump>() <= 0x4_0000);
        let mut jumps = Jumps { reservation, at };
        // Where all is zero, elsewhere address 0 is never looked for.
        for index in [0, BESIDE] {
            *jumps.get(index) = Jump::free(index);
        }
        jumps
    }

    /// Puts an address into the table, in the place of another if need be.
    pub fn set(&mut self, jump: Jump) {
        let first = jump_index(jump.rip);
        let second = first ^ BESIDE;
        let before = *self.get(first);
        let beside = *self.get(second);
        if before.rip == jump.rip || beside.rip != jump.rip && before.slot == 0 {
            *self.get(first) = jump;
        } else if beside.rip == jump.rip || beside.slot == 0 {
            *self.get(second) = jump;
        } else {
            // The one that came before gets the second look.
            *self.get(second) = before;
            *self.get(first) = jump;
        }
    }

    /// Takes an address out of the table.
    pub fn clear(&mut self, rip: u32) {
        let first = jump_index(rip);
        for index in [first, first ^ BESIDE] {
            let jump = self.get(index);
            if jump.rip == rip {
                *jump = Jump::free(index);
            }
        }
    }

    fn get(&mut self, index: u32) -> &mut Jump {
        let table = self.reservation.at(self.at).cast::<Jump>();
        // SAFETY: inside the reservation, where nothing else is, for an index is below JUMPS;
        // translated code does not run, and the reference lives as long as the table is lent.
        unsafe { &mut *table.wrapping_add(index as usize) }
    }
}
