//! Decisions taken from random bytes, so that a fuzzer can steer them.

use arbitrary::Unstructured;
use wasm_encoder::ValType;

/// Random bytes that are used up; afterwards each answer is the smallest.
pub struct Choice<'a>(Unstructured<'a>);

impl<'a> Choice<'a> {
    pub fn new(bytes: &'a [u8]) -> Choice<'a> {
        Choice(Unstructured::new(bytes))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn within(&mut self, low: usize, high: usize) -> usize {
        self.0.int_in_range(low..=high).unwrap_or(low)
    }

    pub fn below(&mut self, end: usize) -> usize {
        self.within(0, end - 1)
    }

    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) + 1 == n
    }

    pub fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len())]
    }

    /// The index of one of the weights, the more likely the larger it is.
    pub fn weighted(&mut self, weights: &[u32]) -> usize {
        let mut rest = self.below(weights.iter().sum::<u32>() as usize) as u32;
        for (index, &weight) in weights.iter().enumerate() {
            if rest < weight {
                return index;
            }
            rest -= weight;
        }
        unreachable!("rest was below the sum")
    }

    /// Up to `len` bytes.
    pub fn bytes(&mut self, len: usize) -> Vec<u8> {
        self.0.bytes(len.min(self.0.len())).unwrap_or(&[]).to_vec()
    }

    pub fn number(&mut self) -> u64 {
        self.0.arbitrary().unwrap_or(0)
    }

    pub fn number_type(&mut self) -> ValType {
        use ValType::{F32, F64, I32, I64, V128};
        [I32, I64, F32, F64, V128][self.weighted(&[6, 4, 2, 3, 3])]
    }

    pub fn any_type(&mut self) -> ValType {
        if self.one_in(25) { ValType::FUNCREF } else { self.number_type() }
    }

    /// Up to `most` types of numbers.
    pub fn types(&mut self, most: usize) -> Vec<ValType> {
        (0..self.within(0, most)).map(|_| self.number_type()).collect()
    }
}
