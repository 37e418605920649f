//! Why translated code is left for the interpreter: counted by kind, and by where.

use super::effects;
use crate::cpu::Map;
use crate::{Access, AddressSpace, Mode};
use alloc::string::String;
use alloc::vec::Vec;
use iced_x86::{Decoder, DecoderOptions, Instruction};

/// Places that are told apart. What comes later is only counted by kind.
const PLACES: usize = 1 << 14;
const LONGEST: usize = 15;

/// Why the interpreter went on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Leave {
    /// The next instruction is not translated.
    Untranslated,
    /// The next instruction is translated, and was not executed: its page did not allow the
    /// access at once, or it would have raised an exception.
    Refused,
    /// The next instruction is in no region.
    Outside,
    /// The region of the next instruction had lost its place in the table of jumps.
    Displaced,
    /// The budget was used up.
    Budget,
}

impl Leave {
    /// All of them, in order.
    pub const ALL: [Leave; 5] =
        [Leave::Untranslated, Leave::Refused, Leave::Outside, Leave::Displaced, Leave::Budget];

    /// A few words.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Leave::Untranslated => "not translated",
            Leave::Refused => "access or operand refused",
            Leave::Outside => "in no region",
            Leave::Displaced => "not in the table of jumps",
            Leave::Budget => "budget used up",
        }
    }
}

/// A place before which translated code was left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// The address of the instruction that the interpreter went on with.
    pub rip: u64,
    /// Why, the first time.
    pub leave: Leave,
    /// How often.
    pub count: u64,
    mode: Mode,
    bytes: [u8; LONGEST],
}

impl Reason {
    /// The instruction: its bytes in hexadecimal. The decoder's names of instructions would
    /// be 5,000 strings in every program.
    #[must_use]
    pub fn instruction(&self) -> String {
        let length = decode(self.mode, self.rip, &self.bytes).len();
        let bytes = self.bytes.iter().take(length);
        bytes.map(|byte| alloc::format!("{byte:02x}")).collect::<Vec<_>>().join(" ")
    }
}

/// All that was counted.
#[derive(Default)]
pub(crate) struct Reasons {
    places: Map<Reason>,
}

impl Reasons {
    /// Counts a place that stopped translated code at an instruction.
    pub fn stopped(&mut self, mode: Mode, rip: u64, space: &AddressSpace) -> Leave {
        self.note(mode, rip, space, None)
    }

    /// Counts a place to which translated code led.
    pub fn led(&mut self, mode: Mode, rip: u64, space: &AddressSpace, leave: Leave) {
        self.note(mode, rip, space, Some(leave));
    }

    fn note(&mut self, mode: Mode, rip: u64, space: &AddressSpace, leave: Option<Leave>) -> Leave {
        let key = rip as u32;
        if let Some(reason) = self.places.get_mut(&key) {
            reason.count += 1;
            return leave.unwrap_or(reason.leave);
        }
        let mut bytes = [0; LONGEST];
        let len = space.accessible(rip, LONGEST as u64, Access::Execute);
        let content = space.content(rip, len);
        bytes[..content.len()].copy_from_slice(content);
        let leave = leave.unwrap_or_else(|| {
            let i = decode(mode, rip, &bytes);
            let rep = i.has_rep_prefix() || i.has_repne_prefix();
            match effects::of(&i) {
                Some(_) if !rep => Leave::Refused,
                _ => Leave::Untranslated,
            }
        });
        if self.places.len() < PLACES {
            self.places.insert(key, Reason { rip, leave, count: 1, mode, bytes });
        }
        leave
    }

    /// The most frequent ones first.
    pub fn list(&self) -> Vec<Reason> {
        let mut list: Vec<Reason> = self.places.values().cloned().collect();
        list.sort_unstable_by_key(|reason| (core::cmp::Reverse(reason.count), reason.rip));
        list
    }
}

fn decode(mode: Mode, rip: u64, bytes: &[u8]) -> Instruction {
    let bits = if mode == Mode::Amd64 { 64 } else { 32 };
    Decoder::with_ip(bits, bytes, rip, DecoderOptions::NONE).decode()
}
