//! What was translated in all processes, and why translated code was left, for `--report`.
//!
//! In a static, for a process's machine is made and dropped far from the command line.

use sampan_linux::machine::{Counts, Leave, Reason};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Places that are printed.
const HOTTEST: usize = 10;
/// Places that are kept of all processes.
const KEPT: usize = 1 << 16;

struct Sum {
    counts: Counts,
    /// By kind, place and instruction.
    places: BTreeMap<(Leave, u64, String), u64>,
}

static SUM: Mutex<Option<Sum>> = Mutex::new(None);

/// Adds what one process did.
pub fn note(counts: Counts, reasons: &[Reason]) {
    let mut sum = SUM.lock().unwrap_or_else(PoisonError::into_inner);
    let sum = sum.get_or_insert_with(|| Sum { counts: Counts::default(), places: BTreeMap::new() });
    sum.counts.add(&counts);
    for reason in reasons {
        let key = (reason.leave, reason.rip, reason.instruction());
        if sum.places.len() < KEPT || sum.places.contains_key(&key) {
            *sum.places.entry(key).or_default() += reason.count;
        }
    }
}

/// Prints the sum of all processes that have ended.
pub fn print() {
    let sum = SUM.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(sum) = &*sum else { return };
    let counts = &sum.counts;
    eprintln!(
        "sampan: translated: {} regions, {} instructions, {} bytes of WebAssembly, {} dropped; entered {} times",
        counts.regions, counts.instructions, counts.bytes, counts.dropped, counts.entered
    );
    for (leave, count) in Leave::ALL.into_iter().zip(counts.left) {
        eprintln!("  left, {}: {count}", leave.text());
    }
    let mut places: Vec<_> = sum.places.iter().collect();
    places.sort_by_key(|&(_, &count)| std::cmp::Reverse(count));
    for ((leave, rip, instruction), count) in places.into_iter().take(HOTTEST) {
        eprintln!("  {rip:#x} {instruction}, {}: {count}", leave.text());
    }
}
