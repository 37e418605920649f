//! From hot x86 code to WebAssembly.
//!
//! The interpreter runs in short turns; where a turn ends is a sample of where the time goes.
//! An address that was met often becomes the seed of a [`region`]: control flow grown along
//! what has been executed, over loops and into the functions that it calls. A region is one
//! WebAssembly function ([`emit`]), structured by the dominator tree ([`flow`]), with the
//! guest's registers in locals; flags are kept as the operands that they follow from
//! ([`state`]) and computed where something reads them. Whatever is not translated, and every
//! access that the byte of its page does not allow at once, leaves the region with exact
//! registers at that instruction, and the interpreter executes it: so faults, first writes to
//! pages and writes to code are the interpreter's alone.
//!
//! A [`Host`] compiles modules while the interpreter goes on, and runs the dispatcher
//! ([`module`]). From region to region it goes by a table in the memory ([`jumps`]), in which
//! regions look themselves where the host has tail calls.
//!
//! Compiling an instruction takes as long as interpreting it some thousand times. So what was
//! interpreted of a region must have taken about that long before it is compiled.
//!
//! Regions are registered with the decoder's cache like decoded blocks: their pages are marked,
//! a write to them ends in the interpreter, and what it overlaps is forgotten.
//!
//! What is absent so far: x87, MMX, string instructions, locked ones and some of SSE (the
//! interpreter executes them); evicting single regions (all are dropped when there are too
//! many).

mod effects;
mod emit;
mod flow;
mod jumps;
mod leave;
mod module;
mod region;
pub(crate) mod state;

use crate::cpu::Map;
use crate::{AddressSpace, Mode, Reservation};
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use jumps::Jumps;
use leave::Reasons;
pub use leave::{Leave, Reason};
use module::Translated;
pub(crate) use region::Seen;
use region::{Before, Region};
pub use state::Layout;
use state::{Jump, State, Stop};

/// How a region accesses the guest's memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Memory {
    /// The byte of the page is tested before each access.
    Strict,
    /// Nothing is tested. Faults, first writes to pages and writes to code are not noticed: for
    /// measuring what the tests cost, and sound for the sandbox only.
    Plain,
}

/// Compiles and runs the modules of one address space.
///
/// A module imports `"" "memory"` (the [`Reservation`]), `"" "table"` and `"" "slot"`, a
/// constant of type i32, and puts a function of type `(i32) -> ()` into that element of the
/// table; it also exports it as `run`. So the same code gives the same module in every process.
pub trait Host {
    /// Hands over a module. Compiling it may take its time.
    fn submit(&mut self, slot: u32, module: Vec<u8>);
    /// Whether the function of a module is in its place by now.
    fn poll(&mut self, slot: u32) -> Readiness;
    /// Calls the function in element 0 with the argument 0; `false` if it trapped.
    fn enter(&mut self) -> bool;
    /// Forgets all modules but that of element 0.
    fn reset(&mut self);
}

/// Makes the host of an address space; `None` if there can be none. It is called when
/// something is to be translated, for most processes end before.
pub type MakeHost = fn(&AddressSpace) -> Option<Box<dyn Host>>;

/// Takes what was done for a process, and where translated code was left, most often first.
pub type Observe = fn(Counts, &[Reason]);

/// How far a module is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// It is being compiled.
    Pending,
    /// Its function can be called.
    Ready,
    /// It will never be.
    Failed,
}

/// How eagerly code is translated, and how.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Instructions that the interpreter executes between two samples.
    pub turn: u64,
    /// Turns that must have ended at an address before it is looked at.
    pub samples: u32,
    /// Instructions that must have been interpreted in a region for each one that it has, before
    /// it is compiled: about as many as take the time that compiling one takes.
    pub price: u64,
    /// How memory is accessed.
    pub memory: Memory,
    /// Whether regions call each other, which takes a host with tail calls.
    pub chained: bool,
    /// Whether the interpreter waits until code is compiled: for tests.
    pub wait: bool,
    /// Is told at the end of each process that had code translated.
    pub observe: Option<Observe>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            turn: 4000,
            samples: 24,
            price: 6000,
            memory: Memory::Strict,
            chained: true,
            wait: false,
            observe: None,
        }
    }
}

/// What has been done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Regions made.
    pub regions: u64,
    /// Instructions in them.
    pub instructions: u64,
    /// Bytes of WebAssembly.
    pub bytes: u64,
    /// How often translated code was entered from the interpreter.
    pub entered: u64,
    /// How often it was left, in the order of [`Leave::ALL`].
    pub left: [u64; Leave::ALL.len()],
    /// Regions dropped because their code changed.
    pub dropped: u64,
}

impl Counts {
    /// How often translated code was left for one instruction of the interpreter.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.left[Leave::Untranslated as usize] + self.left[Leave::Refused as usize]
    }

    /// Adds what was done elsewhere.
    pub fn add(&mut self, other: &Counts) {
        self.regions += other.regions;
        self.instructions += other.instructions;
        self.bytes += other.bytes;
        self.entered += other.entered;
        self.dropped += other.dropped;
        for (left, more) in self.left.iter_mut().zip(other.left) {
            *left += more;
        }
    }
}

/// What leaving translated code costs, in instructions interpreted.
pub(crate) const LEAVING: u64 = 40;

/// Instructions that translated code must execute for entering to be faster than going on to
/// interpret.
const WORTH: i64 = 50;
/// How many entries in a row may lead to nothing until the interpreter enters there no more.
const PATIENCE: i64 = 30;

/// Instructions of a region that callers take in: compiling them again costs less than going
/// there and back.
const SMALL: usize = 60;

/// Regions that are compiled at a time.
const MAX_PENDING: usize = 3;

/// Regions that one host holds before all are dropped.
const MAX_REGIONS: usize = 4000;

/// Translated code of an address space.
pub(crate) struct Translator {
    host: Option<Box<dyn Host>>,
    make: MakeHost,
    options: Options,
    layout: Layout,
    reservation: Arc<Reservation>,
    jumps: Jumps,
    /// Regions by slot less one.
    regions: Vec<Made>,
    /// Where regions can be entered.
    entries: Map<Entry>,
    pending: Vec<u32>,
    /// How often news could have been asked for.
    asked: u32,
    heat: Map<Heat>,
    pub counts: Counts,
    reasons: Reasons,
}

/// What not having code for an address has cost.
#[derive(Clone, Copy, Default)]
struct Heat {
    /// In instructions interpreted.
    spent: u64,
    /// When it is worth looking at.
    next: u64,
}

/// Where a region can be entered.
#[derive(Clone, Copy)]
struct Entry {
    slot: u32,
    number: u32,
    /// Instructions that were executed from here on, over what makes entering worth while.
    gain: i64,
    /// Whether the interpreter goes on by itself: other regions lead here, but alone it is too
    /// short.
    poor: bool,
}

struct Made {
    /// Instructions.
    count: usize,
    stops: Vec<Stop>,
    entries: Vec<u32>,
    spans: Vec<(u32, u32)>,
    live: bool,
}

impl fmt::Debug for Translator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Translator").field("counts", &self.counts).finish_non_exhaustive()
    }
}

impl Translator {
    /// With nothing translated; `None` where the memory cannot be reached by other code.
    pub fn new(make: MakeHost, space: &AddressSpace, options: Options) -> Option<Self> {
        let reservation = space.reservation()?.clone();
        let [state, jumps, pages, guest] = reservation.layout();
        let layout = Layout { state, jumps, pages, guest };
        Some(Self {
            host: None,
            make,
            options,
            layout,
            jumps: Jumps::new(reservation.clone(), jumps),
            reservation,
            regions: Vec::new(),
            entries: Map::default(),
            pending: Vec::new(),
            asked: 0,
            heat: Map::default(),
            counts: Counts::default(),
            reasons: Reasons::default(),
        })
    }

    pub fn options(&self) -> &Options {
        &self.options
    }

    /// The registers that regions work on.
    pub fn state(&mut self) -> *mut State {
        self.reservation.at(self.layout.state).cast()
    }

    /// Whether the interpreter enters a region at an address; then the dispatcher finds it.
    pub fn find(&mut self, rip: u64) -> bool {
        let Ok(rip) = u32::try_from(rip) else { return false };
        let Some(&Entry { slot, number, poor: false, .. }) = self.entries.get(&rip) else {
            return false;
        };
        self.jumps.set(Jump { rip, slot, entry: number, unused: 0 });
        true
    }

    /// Whether a region can be entered at an address, from another at least.
    pub fn knows(&self, rip: u64) -> bool {
        u32::try_from(rip).is_ok_and(|rip| self.entries.contains_key(&rip))
    }

    /// Notes how far an entry led; whether the interpreter does not enter there any more.
    pub fn judge(&mut self, rip: u64, executed: i64) -> bool {
        let Ok(rip) = u32::try_from(rip) else { return false };
        let Some(entry) = self.entries.get_mut(&rip) else { return false };
        let limit = PATIENCE * WORTH;
        entry.gain = (entry.gain + executed.min(limit) - WORTH).min(limit);
        entry.poor = entry.gain <= -limit;
        entry.poor
    }

    /// The stop for which a region was left, by its number.
    pub fn stop(&self, slot: u32, number: u32) -> Option<Stop> {
        let made = self.regions.get((slot as usize).checked_sub(1)?)?;
        made.stops.get(number as usize).copied()
    }

    /// Counts that translated code stopped before an instruction that the interpreter must
    /// execute.
    pub fn stopped(&mut self, mode: Mode, rip: u64, space: &AddressSpace) {
        let leave = self.reasons.stopped(mode, rip, space);
        self.counts.left[leave as usize] += 1;
    }

    /// Counts that translated code was left otherwise.
    pub fn led(&mut self, mode: Mode, rip: u64, space: &AddressSpace, leave: Leave) {
        self.reasons.led(mode, rip, space, leave);
        self.counts.left[leave as usize] += 1;
    }

    /// Where translated code was left, most often first.
    pub fn reasons(&self) -> Vec<Reason> {
        self.reasons.list()
    }

    /// Runs translated code from the state on; `false` if the host failed.
    pub fn enter(&mut self) -> bool {
        self.counts.entered += 1;
        self.host.as_mut().is_some_and(|host| host.enter())
    }

    /// Notes that so many instructions were interpreted from or at an address; whether to look
    /// at whether it should be translated.
    pub fn sample(&mut self, rip: u64, spent: u64) -> bool {
        let Ok(rip) = u32::try_from(rip) else { return false };
        if self.heat.len() > 1 << 16 {
            self.heat.clear();
        }
        let next = u64::from(self.options.samples) * self.options.turn;
        let heat = self.heat.entry(rip).or_insert(Heat { spent: 0, next });
        heat.spent += spent;
        let hot = heat.spent >= heat.next && self.pending.len() < MAX_PENDING;
        // What leads to little would do so again, and what is being compiled may be what is
        // missing here.
        hot && !self.entries.contains_key(&rip) && !self.is_coming(rip)
    }

    fn is_coming(&self, rip: u32) -> bool {
        self.pending.iter().any(|&slot| contains(&self.regions[slot as usize - 1].spans, rip))
    }

    /// Begins to translate from an address, if it is `wanted` or if that pays. Gives the slot and
    /// the spans of its code.
    pub fn translate(
        &mut self,
        mode: Mode,
        seed: u32,
        space: &AddressSpace,
        seen: &dyn Seen,
        wanted: bool,
    ) -> Option<(u32, Vec<(u32, u32)>)> {
        let before = |at: u32| match self.entries.get(&at).map(|entry| self.size(entry.slot)) {
            None => Before::No,
            Some(..=SMALL) => Before::Small,
            Some(_) => Before::Large,
        };
        let Some(region) = region::grow(mode, seed, space, seen, &before) else {
            self.put_off(seed, u64::MAX);
            return None;
        };
        if !wanted && !self.pays(seed, &region) {
            return None;
        }
        self.submit(mode, region, space)
    }

    /// Instructions of a region.
    fn size(&self, slot: u32) -> usize {
        self.regions[slot as usize - 1].count
    }

    fn submit(
        &mut self,
        mode: Mode,
        region: Region,
        space: &AddressSpace,
    ) -> Option<(u32, Vec<(u32, u32)>)> {
        if self.host.is_none() {
            let mut host = (self.make)(space)?;
            host.submit(0, module::dispatcher(self.layout));
            self.host = Some(host);
        }
        let host = self.host.as_mut()?;
        let slot = self.regions.len() as u32 + 1;
        let Translated { bytes, entries, stops } =
            module::region(mode, &self.options, self.layout, &region);
        let count = region.addresses.len();
        self.counts.regions += 1;
        self.counts.instructions += count as u64;
        self.counts.bytes += bytes.len() as u64;
        host.submit(slot, bytes);
        self.regions.push(Made { count, stops, entries, spans: region.spans.clone(), live: true });
        self.pending.push(slot);
        Some((slot, region.spans))
    }

    /// Whether what was spent on a region's code is what compiling it takes.
    fn pays(&mut self, seed: u32, region: &Region) -> bool {
        let heat = region.addresses.iter().filter_map(|at| self.heat.get(at));
        let spent: u64 = heat.map(|heat| heat.spent).sum();
        let price = region.addresses.len() as u64 * self.options.price;
        if spent < price {
            // Growing it takes time, too. Part of what is missing will be spent elsewhere in it.
            let here = self.heat.get(&seed).map_or(0, |heat| heat.spent);
            self.put_off(seed, here + ((price - spent) / 4).max(self.options.turn));
        }
        spent >= price
    }

    fn put_off(&mut self, rip: u32, next: u64) {
        self.heat.entry(rip).or_default().next = next;
    }

    /// The addresses at which regions that have become ready can be entered.
    pub fn news(&mut self) -> Vec<u32> {
        let mut news = Vec::new();
        let Some(host) = &mut self.host else { return Vec::new() };
        let mut at = 0;
        while let Some(&slot) = self.pending.get(at) {
            let readiness = loop {
                match host.poll(slot) {
                    Readiness::Pending if self.options.wait => core::hint::spin_loop(),
                    readiness => break readiness,
                }
            };
            if readiness == Readiness::Pending {
                at += 1;
                continue;
            }
            self.pending.swap_remove(at);
            let made = &self.regions[slot as usize - 1];
            if !made.live || readiness == Readiness::Failed {
                continue;
            }
            // What was spent is paid.
            let spans = &made.spans;
            self.heat.retain(|&rip, heat| heat.next == u64::MAX || !contains(spans, rip));
            // The latest region knows most of the program.
            for (number, &rip) in made.entries.iter().enumerate() {
                let entry = Entry { slot, number: number as u32, gain: 0, poor: false };
                self.entries.insert(rip, entry);
                news.push((rip, slot, entry.number));
            }
        }
        for &(rip, slot, entry) in &news {
            self.jumps.set(Jump { rip, slot, entry, unused: 0 });
        }
        news.into_iter().map(|(rip, ..)| rip).collect()
    }

    /// Whether it is time to ask the host for regions that are ready.
    pub fn looks_for_news(&mut self) -> bool {
        if self.pending.is_empty() {
            return false;
        }
        self.asked = self.asked.wrapping_add(1);
        self.options.wait || self.asked.is_multiple_of(16)
    }

    pub fn is_full(&self) -> bool {
        self.regions.len() >= MAX_REGIONS
    }

    /// Forgets a region whose code has changed; the addresses that are no entries any more.
    pub fn remove(&mut self, slot: u32) -> Vec<u32> {
        let Some(made) = self.regions.get_mut(slot as usize - 1) else { return Vec::new() };
        if !core::mem::replace(&mut made.live, false) {
            return Vec::new();
        }
        self.counts.dropped += 1;
        let entries = core::mem::take(&mut made.entries);
        let mut gone = Vec::new();
        for rip in entries {
            if self.entries.get(&rip).is_some_and(|entry| entry.slot == slot) {
                self.entries.remove(&rip);
                self.jumps.clear(rip);
                self.heat.remove(&rip);
                gone.push(rip);
            }
        }
        gone
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.clear_jumps();
        self.regions.clear();
        self.pending.clear();
        self.heat.clear();
        if let Some(host) = &mut self.host {
            host.reset();
        }
    }

    fn clear_jumps(&mut self) {
        for (rip, _) in self.entries.drain() {
            self.jumps.clear(rip);
        }
    }
}

/// Whether one of some spans, which are in order, has an address.
fn contains(spans: &[(u32, u32)], rip: u32) -> bool {
    let after = spans.partition_point(|&(first, _)| first <= rip);
    after > 0 && rip <= spans[after - 1].1
}

impl Drop for Translator {
    fn drop(&mut self) {
        if let Some(observe) = self.options.observe
            && self.counts.regions > 0
        {
            observe(self.counts, &self.reasons.list());
        }
        // The memory may serve another process, with regions of its own.
        self.clear_jumps();
    }
}
