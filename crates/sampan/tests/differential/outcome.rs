//! What is seen of a run, in terms that all engines share.

use std::fmt;

/// With how many lists of arguments each function is called.
pub const ROUNDS: u64 = 2;
/// What wasmi may do for a module; beyond it is not worth the time.
pub const FUEL: u64 = 20_000_000;
/// What the memories may take together.
pub const MEMORY_BYTES: usize = 40 << 16;

/// All that was seen.
#[derive(Debug, Default, PartialEq)]
pub struct Outcome(pub Vec<Event>);

impl Outcome {
    pub fn push(&mut self, event: Event) {
        self.0.push(event);
    }

    /// How many calls returned, and how many trapped.
    pub fn calls(&self) -> (u64, u64) {
        let count = |ok| {
            let is = |event: &&Event| matches!(event, Event::Call(_, _, r) if r.is_ok() == ok);
            self.0.iter().filter(is).count() as u64
        };
        (count(true), count(false))
    }

    /// Whether an engine's own limit was reached.
    pub fn is_stopped(&self) -> bool {
        self.0.iter().any(Event::is_stopped)
    }

    /// Where the two differ. An engine whose stack is full has no more to say.
    pub fn difference(&self, other: &Outcome) -> Option<String> {
        for (i, (a, b)) in self.0.iter().zip(&other.0).enumerate() {
            if a.is_stopped() || b.is_stopped() {
                return None;
            }
            if a != b {
                let call = self.0[..=i].iter().rev().find(|e| matches!(e, Event::Call(..)));
                return Some(format!("{a:?}\n  versus {b:?}\n  at {call:?}"));
            }
        }
        (self.0.len() != other.0.len()).then(|| "one stopped early".to_string())
    }
}

#[derive(Debug, PartialEq)]
pub enum Event {
    /// The start function trapped, or segments did not fit.
    Start(&'static str),
    /// A call of an export in a round: its results, or the kind of trap.
    Call(String, u64, Result<Vec<Value>, &'static str>),
    /// Globals, the sizes of tables, and memories' digests after a call.
    State(Vec<Value>, Vec<(usize, u64)>),
}

impl Event {
    fn is_stopped(&self) -> bool {
        matches!(self, Event::Start("stopped") | Event::Call(_, _, Err("stopped")))
    }
}

#[derive(PartialEq)]
pub enum Value {
    Bits(u128),
    NotANumber,
    /// A reference, and whether it is null.
    Null(bool),
}

impl Value {
    pub fn f32(bits: u32) -> Value {
        if f32::from_bits(bits).is_nan() { Value::NotANumber } else { Value::Bits(bits.into()) }
    }

    pub fn f64(bits: u64) -> Value {
        if f64::from_bits(bits).is_nan() { Value::NotANumber } else { Value::Bits(bits.into()) }
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Bits(bits) => write!(f, "{bits:#x}"),
            Value::NotANumber => write!(f, "NaN"),
            Value::Null(null) => write!(f, "{}", if *null { "null" } else { "a reference" }),
        }
    }
}

/// A memory's length and a number that another content hardly has.
pub fn digest(bytes: &[u8]) -> (usize, u64) {
    let (words, _) = bytes.as_chunks::<8>();
    let add = |hash: u64, word: &[u8; 8]| {
        (hash.rotate_left(5) ^ u64::from_le_bytes(*word)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    };
    (bytes.len(), words.iter().fold(0, add))
}

/// The bits of an argument.
pub fn argument(index: u64, round: u64) -> u64 {
    match round {
        0 => index + 1,
        _ => (index + 3).wrapping_mul(round + 7).wrapping_mul(0x9e37_79b9_97f4_a7c1),
    }
}

pub fn float(bits: u64) -> f32 {
    bits as i32 as f32 * 0.25
}

/// The function `host.mix`.
pub fn mix(a: i32, b: i64, c: f32, d: f64) -> i64 {
    let c = if c.is_nan() { 1 } else { c.to_bits() };
    let d = if d.is_nan() { 1 } else { d.to_bits() };
    (i64::from(a) ^ b).rotate_left(9) ^ i64::from(c).rotate_left(32) ^ d as i64
}

/// The function `host.pair`.
pub fn pair(a: i64) -> (f64, i32) {
    (a as f64 * 0.5, (a >> 7) as i32)
}
