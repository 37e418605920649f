//! A set of function indices: one bit each, so that a long element segment costs nothing.

use crate::{List, room::OutOfMemory};

#[derive(Default)]
pub(super) struct Declared(List<u32>);

impl Declared {
    /// Adds `index`, which is below the number of functions.
    pub(super) fn insert(&mut self, index: u32) -> Result<(), OutOfMemory> {
        if !cfg!(feature = "reference-types") {
            return Ok(()); // There is no `ref.func` to ask.
        }
        let word = (index / 32) as usize;
        if word >= self.0.len() {
            self.0.put_times(0, word + 1 - self.0.len())?;
        }
        self.0[word] |= 1 << (index % 32);
        Ok(())
    }

    pub(super) fn into_sorted(self) -> Result<List<u32>, OutOfMemory> {
        let mut sorted = List::new();
        for (word, mut bits) in (0..).zip(self.0) {
            while bits != 0 {
                sorted.put(word * 32 + bits.trailing_zeros())?;
                bits &= bits - 1;
            }
        }
        Ok(sorted)
    }
}
