//! A set of function indices: one bit each, so that a long element segment costs nothing.

use alloc::vec::Vec;

#[derive(Default)]
pub(super) struct Declared(Vec<u32>);

impl Declared {
    /// Adds `index`, which is below the number of functions.
    pub(super) fn insert(&mut self, index: u32) {
        if !cfg!(feature = "reference-types") {
            return; // There is no `ref.func` to ask.
        }
        let word = (index / 32) as usize;
        if word >= self.0.len() {
            self.0.resize(word + 1, 0);
        }
        self.0[word] |= 1 << (index % 32);
    }

    pub(super) fn into_sorted(self) -> Vec<u32> {
        let mut sorted = Vec::new();
        for (word, mut bits) in (0..).zip(self.0) {
            while bits != 0 {
                sorted.push(word * 32 + bits.trailing_zeros());
                bits &= bits - 1;
            }
        }
        sorted
    }
}
