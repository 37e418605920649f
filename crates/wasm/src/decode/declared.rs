//! A set of function indices: one bit each, so that a long element segment costs nothing.

use alloc::vec::Vec;

#[derive(Default)]
pub(super) struct Declared(Vec<u32>);

impl Declared {
    /// Adds `index`, which is below the number of functions.
    pub(super) fn insert(&mut self, index: u32) {
        let word = (index / 32) as usize;
        if word >= self.0.len() {
            self.0.resize(word + 1, 0);
        }
        self.0[word] |= 1 << (index % 32);
    }

    pub(super) fn into_sorted(self) -> Vec<u32> {
        let bits = |(word, mut bits): (u32, u32)| {
            core::iter::from_fn(move || {
                let bit = (bits != 0).then(|| bits.trailing_zeros())?;
                bits &= bits - 1;
                Some(word * 32 + bit)
            })
        };
        (0..).zip(self.0).flat_map(bits).collect()
    }
}
