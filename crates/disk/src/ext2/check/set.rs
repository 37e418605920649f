//! A set of numbers that takes memory only where there are any.

use super::super::cache::Numbers;
use alloc::boxed::Box;
use hashbrown::HashMap;

/// Numbers of a part.
const PART: u32 = 1 << 15;
const WORDS: usize = PART as usize / 64;

/// Numbers of blocks.
#[derive(Debug)]
pub struct Set(HashMap<u32, Box<[u64; WORDS]>, Numbers>);

impl Set {
    pub fn new() -> Set {
        Set(HashMap::with_hasher(Numbers))
    }

    /// Puts a number in; false if it was there.
    pub fn insert(&mut self, number: u32) -> bool {
        let part = self.0.entry(number / PART).or_insert_with(|| Box::new([0; WORDS]));
        let (word, bit) = (&mut part[(number % PART / 64) as usize], 1 << (number % 64));
        let is_new = *word & bit == 0;
        *word |= bit;
        is_new
    }

    pub fn contains(&self, number: u32) -> bool {
        let part = self.0.get(&(number / PART));
        part.is_some_and(|part| part[(number % PART / 64) as usize] >> (number % 64) & 1 != 0)
    }
}
