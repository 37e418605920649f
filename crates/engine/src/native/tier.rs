//! Tiering up: functions and loops that the interpreter runs often go on in machine code.
//!
//! Each body has a counter, which the interpreter counts down at the start of a call and of a
//! round of a loop. At its end the body, or the loop from its next round on, is asked of the
//! compiler, which answers from another thread; until then the interpreter goes on and looks
//! again from time to time.

use super::{Code, Entry, Place};
use crate::exec::fast;
use crate::module::ModuleData;
use crate::{Config, Module};
use alloc::sync::Arc;
use alloc::{boxed::Box, collections::BTreeMap, vec::Vec};
use core::any::Any;
use core::sync::atomic::{AtomicI32, AtomicPtr, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

/// Of a module whose functions tier up.
pub(crate) struct Tier {
    counters: Box<[AtomicI32]>,
    entries: Box<[BodyEntry]>,
    asked: Mutex<Asked>,
    beside: OnceLock<Beside>,
}

/// What a compiler keeps with a module.
type Beside = Arc<dyn Any + Send + Sync>;

/// Where the machine code of a body is, for what calls it; null before it is there. Compiled
/// code reads the first field.
#[derive(Default)]
#[repr(C)]
pub(super) struct BodyEntry {
    code: AtomicPtr<u8>,
    through: AtomicPtr<u8>,
}

/// What the compiler was asked for.
#[derive(Default)]
struct Asked {
    places: BTreeMap<Place, State>,
    /// What keeps the code where it is.
    code: Vec<Arc<dyn Code>>,
}

#[derive(Clone, Copy)]
enum State {
    Awaited,
    Ready(Entry),
    /// It cannot be compiled.
    Refused,
}

/// After so many more rounds it is looked whether code is there.
const PATIENCE: i32 = 200;

impl Tier {
    pub fn new(bodies: usize, config: &Config) -> Tier {
        let after = i32::try_from(config.tier_after).unwrap_or(i32::MAX);
        Tier {
            counters: (0..bodies).map(|_| AtomicI32::new(after)).collect(),
            entries: (0..bodies).map(|_| BodyEntry::default()).collect(),
            asked: Mutex::default(),
            beside: OnceLock::new(),
        }
    }

    pub fn counter(&self, body: u32) -> u64 {
        &raw const self.counters[body as usize] as usize as u64
    }

    /// The table that compiled code looks entries up in.
    pub fn entries(&self) -> *const u8 {
        self.entries.as_ptr().cast()
    }

    pub fn entry(&self, body: u32) -> Option<Entry> {
        let entry = &self.entries[body as usize];
        let code = entry.code.load(Ordering::Acquire);
        let through = entry.through.load(Ordering::Relaxed);
        (!code.is_null()).then_some(Entry { code, through })
    }

    /// From now on calls of a body go to its code.
    fn enter(&self, data: &ModuleData, body: u32, entry: Entry) {
        let to = &self.entries[body as usize];
        to.through.store(entry.through.cast_mut(), Ordering::Relaxed);
        to.code.store(entry.code.cast_mut(), Ordering::Release);
        fast::enter_code(data, body);
    }

    fn wait(&self, body: u32, rounds: i32) {
        self.counters[body as usize].store(rounds, Ordering::Relaxed);
    }
}

/// One place that the compiler makes code for.
pub struct Job {
    module: Module,
    place: Place,
}

impl Job {
    /// The module.
    pub fn module(&self) -> &Module {
        &self.module
    }

    /// What of it.
    pub fn place(&self) -> Place {
        self.place
    }

    /// What the compiler keeps with the module, made when it is first asked for.
    pub fn beside(&self, make: impl FnOnce() -> Beside) -> Beside {
        let tier = self.module.data().native.tier().expect("only modules that tier up have jobs");
        tier.beside.get_or_init(make).clone()
    }

    /// Whether the place needs no more code.
    pub fn is_done(&self) -> bool {
        let Some(tier) = self.module.data().native.tier() else { return true };
        let asked = tier.asked.lock().unwrap_or_else(PoisonError::into_inner);
        !matches!(asked.places.get(&self.place), Some(State::Awaited))
    }

    /// Hands code of any places of the module over, asked for or not, but not of those that have
    /// some. It stays as long as the module.
    pub fn offer(&self, code: Arc<dyn Code>, places: &[(Place, Entry)]) {
        let data = self.module.data();
        let Some(tier) = data.native.tier() else { return };
        let mut asked = tier.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.code.push(code);
        for &(place, entry) in places {
            if let Some(State::Ready(_)) = asked.places.get(&place) {
                continue;
            }
            asked.places.insert(place, State::Ready(entry));
            match place.at {
                0 => tier.enter(data, place.body, entry),
                // The loop may run already: it looks at its next round.
                _ => tier.wait(place.body, 0),
            }
        }
    }

    /// Hands the code over; `None` if there can be none. The code stays as long as the module.
    pub fn finish(self, made: Option<(Entry, Arc<dyn Code>)>) {
        let data = self.module.data();
        let Some(tier) = data.native.tier() else { return };
        let mut asked = tier.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((entry, code)) = made else {
            asked.places.insert(self.place, State::Refused);
            return;
        };
        asked.code.push(code);
        asked.places.insert(self.place, State::Ready(entry));
        if self.place.at == 0 {
            tier.enter(data, self.place.body, entry);
        }
    }
}

impl Module {
    /// The machine code of a place that runs often, if it is there; else it is asked for.
    #[cold]
    pub(crate) fn hot(&self, place: Place) -> Option<Entry> {
        let data = self.data();
        let tier = data.native.tier()?;
        let whole = Place { body: place.body, at: 0, stack: 0 };
        let place = if place.at == 0 { whole } else { place };
        let ask = |place: Place| {
            let mut asked = tier.asked.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(&state) = asked.places.get(&place) {
                return state;
            }
            asked.places.insert(place, State::Awaited);
            drop(asked);
            self.engine().native().begin(Job { module: self.clone(), place });
            let asked = tier.asked.lock().unwrap_or_else(PoisonError::into_inner);
            asked.places[&place]
        };
        let state = ask(place);
        if place != whole {
            // The function will be called again.
            ask(whole);
        }
        match state {
            State::Ready(entry) => {
                tier.wait(place.body, 0);
                if place == whole {
                    // It may have been translated after the code was there.
                    fast::enter_code(data, place.body);
                }
                Some(entry)
            }
            State::Awaited => {
                tier.wait(place.body, PATIENCE);
                None
            }
            State::Refused => {
                tier.wait(place.body, i32::MAX);
                None
            }
        }
    }
}

// SAFETY: the addresses are those of code that the module keeps.
unsafe impl Send for Asked {}
