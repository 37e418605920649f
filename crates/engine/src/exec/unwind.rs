//! Where exceptions are caught.
//!
//! A function that catches has a list of regions, in the order in which their code begins.
//! It is looked at only when something is thrown: code that throws nothing pays nothing.
//! Throwing is a trap ([`TrapKind::Exception`]) whose exception the machine keeps. Where a run
//! of guest frames would end with it, the frames are asked from the innermost on whether they
//! catch it; one that does goes on at the clause's target, and only if none does the trap
//! leaves the run, through host functions and machine code as any other.
//!
//! Source: core specification 3.0, section 4.6.3 (exception handling); the legacy exceptions
//! proposal for `delegate` and `rethrow`.

use crate::entity::InstanceData;
use crate::heap::types::in_heap;
use crate::{Machine, RawRef, TagId, Trap, TrapKind, slots_of};
use alloc::{boxed::Box, vec::Vec};
use sampan_wasm::room::{OutOfMemory, boxed};
use sampan_wasm::{Feature, Features, Instr, List, Module, Opcode, State, ValType, Visitor};

/// The regions of a function, in which positions are what the interpreter counts in.
#[derive(Debug, Default)]
pub(crate) struct Regions {
    regions: List<Region>,
    /// Each with the next of its region.
    clauses: List<(Clause, u32)>,
    /// The position of each `rethrow`, and the slot of the exception (classic).
    rethrows: List<(u32, u32)>,
}

/// Code that catches.
#[derive(Clone, Copy, Debug)]
struct Region {
    start: u32,
    end: u32,
    /// The region around it.
    outer: u32,
    /// The region that is asked next; another than `outer` for `delegate`.
    next: u32,
    /// Its first and its last clause.
    clauses: (u32, u32),
}

/// What a region catches, and where execution goes on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clause {
    /// The module's tag; `None` catches all, and passes nothing of what they carry.
    pub tag: Option<u32>,
    /// Whether the exception follows what it carries.
    pub with_ref: bool,
    /// The position.
    pub target: u32,
    /// Where that is in the side table (classic).
    pub side: u32,
    /// The slot of the frame for the first value.
    pub slot: u32,
    /// A slot that gets the exception, for `rethrow`.
    pub keep: Option<u32>,
}

/// No region.
pub(crate) const NONE: u32 = u32::MAX;

impl Regions {
    /// Begins a region inside of another.
    pub fn open(&mut self, start: u32, outer: u32) -> Result<u32, OutOfMemory> {
        let clauses = (NONE, NONE);
        self.regions.put(Region { start, end: u32::MAX, outer, next: outer, clauses })?;
        Ok(self.regions.len() as u32 - 1)
    }

    /// Ends a region's code.
    pub fn close(&mut self, region: u32, end: u32) {
        if let Some(region) = self.regions.get_mut(region as usize) {
            region.end = region.end.min(end);
        }
    }

    /// Adds a clause behind a region's others, and gives its number.
    pub fn clause(&mut self, region: u32, clause: Clause) -> Result<u32, OutOfMemory> {
        let number = self.clauses.len() as u32;
        self.clauses.put((clause, NONE))?;
        let Some(Region { clauses: (first, last), .. }) = self.regions.get_mut(region as usize)
        else {
            return Err(OutOfMemory); // There was none for the region.
        };
        match *last {
            NONE => *first = number,
            last => self.clauses[last as usize].1 = number,
        }
        *last = number;
        Ok(number)
    }

    /// A clause whose target is found later.
    pub fn clause_mut(&mut self, clause: u32) -> &mut Clause {
        &mut self.clauses[clause as usize].0
    }

    /// Notes which slot a `rethrow` takes its exception from.
    pub fn rethrow(&mut self, position: u32, slot: u32) -> Result<(), OutOfMemory> {
        self.rethrows.put((position, slot))
    }

    /// The slot that the `rethrow` at a position takes its exception from.
    pub fn rethrown(&self, position: u32) -> Option<u32> {
        let found = self.rethrows.binary_search_by_key(&position, |it| it.0).ok()?;
        Some(self.rethrows[found].1)
    }

    /// What a region does not catch goes to another.
    pub fn delegate(&mut self, region: u32, next: u32) {
        self.regions[region as usize].next = next;
    }

    /// The list, unless it is empty.
    pub fn finish(self) -> Result<Option<Box<Regions>>, OutOfMemory> {
        let any = !self.regions.is_empty() || !self.rethrows.is_empty();
        any.then(|| boxed(self)).transpose()
    }

    /// The clause that catches an exception with a tag of the machine, thrown at a position.
    fn find(&self, position: u32, tag: u32, instance: &InstanceData) -> Option<&Clause> {
        let before = self.regions.partition_point(|region| region.start <= position) as u32;
        let mut at = before.checked_sub(1)?;
        while position >= self.regions.get(at as usize)?.end {
            at = self.regions[at as usize].outer;
        }
        while let Some(region) = self.regions.get(at as usize) {
            let mut number = region.clauses.0;
            while let Some((clause, next)) = self.clauses.get(number as usize) {
                match clause.tag {
                    Some(wanted) if instance.tags[wanted as usize].0 != tag => {}
                    _ => return Some(clause),
                }
                number = *next;
            }
            at = region.next;
        }
        None
    }
}

impl Machine {
    /// The clause of a frame that catches the exception under way.
    pub(crate) fn caught_by<'a>(
        &self,
        regions: &'a Regions,
        position: u32,
        instance: &InstanceData,
    ) -> Option<&'a Clause> {
        regions.find(position, self.exception_tag(self.exception)?, instance)
    }

    /// Writes what a clause passes into a frame, and gives how many slots that are. The
    /// exception is no longer under way.
    ///
    /// # Safety
    /// The frame is of the function that the clause is of.
    pub(crate) unsafe fn deliver(&mut self, clause: &Clause, frame: *mut u64) -> usize {
        let exception = core::mem::replace(&mut self.exception, RawRef::NULL);
        // SAFETY: the frame has the slots.
        let put = |slot: u32, value: u64| unsafe { *frame.add(slot as usize) = value };
        let mut count = 0;
        if clause.tag.is_some() {
            count = self.exception_slots(exception);
            for index in 0..count {
                put(clause.slot + index, self.exception_slot(exception, index));
            }
        }
        if clause.with_ref {
            put(clause.slot + count, exception.0);
            count += 1;
        }
        if let Some(slot) = clause.keep {
            put(slot, exception.0);
        }
        count as usize
    }

    /// An exception with a tag, and what it carries in slots, of the tag's types.
    ///
    /// # Errors
    /// The heap has no room.
    pub fn make_exception(&mut self, tag: TagId, payload: &[u64]) -> Result<RawRef, TrapKind> {
        let ty = self.tag_type(tag);
        let is_func = |index| self.registry.func(index).is_some();
        let mut is_ref = List::with_room(payload.len())?;
        for &ty in ty.params() {
            let heap = matches!(ty, ValType::Ref(ty) if in_heap(ty, is_func));
            is_ref.put_times(heap, slots_of(ty) as usize)?;
        }
        self.new_exception(tag.0, payload, &|slot| is_ref[slot])
    }

    /// The tag of an exception and what it carries, in slots; `None` for what is none.
    pub fn exception_parts(&self, exception: RawRef) -> Option<(TagId, Vec<u64>)> {
        let tag = self.exception_tag(exception)?;
        Some((TagId(tag), self.exception_payload(exception)))
    }

    /// An instance whose module has a tag, and the tag's index there; `None` for a host's tag
    /// that no module has. It is the instance that defines it, as others came later.
    pub fn tag_place(&self, tag: TagId) -> Option<(&InstanceData, u32)> {
        self.instances.iter().find_map(|instance| {
            let index = instance.tags.iter().position(|&it| it == tag)?;
            Some((&**instance, index as u32))
        })
    }

    /// Makes an exception the one that a following [`TrapKind::Exception`] throws.
    pub fn set_exception(&mut self, exception: RawRef) {
        self.exception = exception;
    }

    /// The exception that is thrown and that no guest caught; null if there is none.
    pub fn exception(&self) -> RawRef {
        self.exception
    }

    /// Whether a trap is an exception that guests may catch.
    pub(crate) fn is_thrown(&self, trap: Option<&Trap>) -> bool {
        trap.is_some_and(|trap| matches!(trap.kind(), TrapKind::Exception))
            && !self.exception.is_null()
    }
}

/// How many older `try` blocks of a function are at most in each other: each has a slot for
/// the exception that it caught. Zero where the proposal is off.
pub(crate) fn legacy_depth(
    bytes: &[u8],
    features: Features,
    module: &Module,
    index: u32,
) -> sampan_wasm::Result<u32> {
    if !features.has(Feature::LegacyExceptions) {
        return Ok(0);
    }
    let span = &module.bodies[(index - module.imported_funcs) as usize];
    let body = &bytes[span.start as usize..span.end as usize];
    if !body.contains(&(Opcode::Try.code() as u8)) {
        return Ok(0);
    }
    let mut depth = Depth::default();
    let mut scratch = sampan_wasm::Scratch::default();
    sampan_wasm::validate_body(bytes, features, module, index, &mut scratch, &mut depth)?;
    Ok(depth.most)
}

#[derive(Default)]
struct Depth {
    /// The depth of blocks at which each `try` that is open was opened.
    open: List<u32>,
    most: u32,
}

impl Visitor for Depth {
    fn begin(&mut self, _: &Module, _: u32, _: &[ValType]) -> sampan_wasm::Result<()> {
        Ok(())
    }

    fn instr(
        &mut self,
        _: usize,
        _: usize,
        instr: &Instr<'_>,
        state: &State<'_>,
    ) -> sampan_wasm::Result<()> {
        while self.open.last().is_some_and(|&depth| depth > state.depth) {
            self.open.pop();
        }
        if instr.op == Opcode::Try {
            self.open.put(state.depth)?;
            self.most = self.most.max(self.open.len() as u32);
        }
        Ok(())
    }
}
