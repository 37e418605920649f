//! Calls into code, and the way out when it traps.
//!
//! A trap is a fault of the processor: an instruction that is none, a division, an access
//! to what is not there. The signal handler looks whether the instruction is one of ours
//! that may do so, notes the calls on the stack, and lets the thread go on where
//! the innermost call into code left the registers to restore. So no Rust frame is ever
//! unwound: between the call and the fault there is compiled code only, as the functions of
//! the engine that code calls return normally, and say by a number that code must trap.

use crate::image::{Image, Tables};
use crate::platform;
use crate::registry::{self, Placed};
use sampan_engine::native::{Code, CodeFrame, CodeTrap, Entry, Place, Runtime, TrapCode};
use std::cell::Cell;
use std::ptr::null_mut;
use std::sync::Arc;

/// A module's code in executable memory.
pub(crate) struct Loaded {
    placed: Arc<Placed>,
    memory: platform::CodeMemory,
    /// The type of each body.
    types: Vec<u32>,
    /// By type: where the entry for functions of it is, if there is one.
    entries: Vec<u32>,
}

/// A call into code. The first field is known to [`platform::enter`].
#[repr(C)]
pub(crate) struct Activation {
    /// The stack pointer to go on with after a trap.
    pub sp: usize,
    outer: *mut Activation,
    code: u8,
    count: usize,
    calls: [usize; MAX_CALLS],
}

/// As many as a trap keeps, and one that had not begun.
const MAX_CALLS: usize = sampan_engine::MAX_FRAMES + 1;

thread_local! {
    /// The innermost call into code.
    static CURRENT: Cell<*mut Activation> = const { Cell::new(null_mut()) };
}

impl Loaded {
    /// Places an image of a module, whose bodies have these types.
    pub fn new(image: Image, types: Vec<u32>, module: u64) -> Result<Loaded, String> {
        let Image { code, tables } = image;
        let memory = platform::CodeMemory::new(&code)?;
        // From now on the code is there only.
        drop(code);
        let start = memory.code().as_ptr().addr();
        let end = start + memory.code().len().max(1);
        let mut entries = Vec::new();
        for (ty, at) in tables.entries() {
            let ty = ty as usize;
            entries.resize(entries.len().max(ty + 1), u32::MAX);
            entries[ty] = at;
        }
        let placed = Arc::new(Placed { start, end, module, tables });
        registry::add(placed.clone());
        Ok(Loaded { placed, memory, types, entries })
    }

    fn address(&self, offset: u32) -> *const u8 {
        self.memory.code().as_ptr().wrapping_add(offset as usize)
    }

    /// How many bytes the code has.
    pub fn len(&self) -> usize {
        self.memory.code().len()
    }

    /// The code, and what is known about it.
    pub fn parts(&self) -> (&[u8], &Tables) {
        (self.memory.code(), &self.placed.tables)
    }

    /// The places that the code is for.
    pub fn places(&self) -> impl Iterator<Item = (Place, Entry)> {
        self.placed.tables.places().map(|(place, code, through)| {
            (place, Entry { code: self.address(code), through: self.address(through) })
        })
    }
}

impl Drop for Loaded {
    fn drop(&mut self) {
        registry::remove(&self.placed);
    }
}

impl Code for Loaded {
    fn entry(&self, body: u32) -> Option<Entry> {
        let code = self.placed.tables.body(body)?;
        let through = self.entries[self.types[body as usize] as usize];
        Some(Entry { code: self.address(code), through: self.address(through) })
    }

    fn to_bytes(&self) -> Vec<u8> {
        self.placed.tables.image_bytes(self.memory.code())
    }
}

/// See [`sampan_engine::native::Compiler::call`].
///
/// # Safety
/// As there.
pub(crate) unsafe fn call(
    entry: Entry,
    context: *mut u64,
    slots: *mut u64,
    runtime: *mut Runtime,
) -> Result<(), CodeTrap> {
    let outer = CURRENT.get();
    let mut activation = Activation { sp: 0, outer, code: 0, count: 0, calls: [0; MAX_CALLS] };
    // SAFETY: the runtime is the caller's; the entry takes what it is given here.
    unsafe {
        if (*runtime).depth == 1 {
            let here = (&raw const outer) as usize;
            let chosen = here.saturating_sub((*runtime).stack_bytes);
            (*runtime).stack_limit = platform::stack_limit().max(chosen);
        }
        CURRENT.set(&raw mut activation);
        let trapped =
            platform::enter(context, slots, entry.code, entry.through, &raw mut activation);
        CURRENT.set(outer);
        if !trapped {
            return Ok(());
        }
    }
    let calls = &activation.calls[..activation.count];
    // A function without room for its frame has not begun: the call of it trapped, as in
    // the interpreters.
    let room = activation.code == TrapCode::StackOverflow as u8 && calls.len() > 1;
    let begun = calls.iter().enumerate().skip(usize::from(room));
    let frames = begun.filter_map(|(i, &address)| {
        // A return address may be that of the next instruction's line, or function.
        frame(if i == 0 { address } else { address - 1 })
    });
    Err(CodeTrap { code: activation.code, frames: frames.collect() })
}

fn frame(address: usize) -> Option<CodeFrame> {
    registry::with(address, |placed| {
        let at = (address - placed.start) as u32;
        let body = placed.tables.body_at(at)?;
        Some(CodeFrame { module: placed.module, body, offset: placed.tables.offset_at(at) })
    })
    .flatten()
}

/// For the signal handler: whether a fault at `pc` with a frame pointer is a trap, and then
/// the activation to end.
///
/// # Safety
/// Called on the thread that faulted, while it stands there.
pub(crate) unsafe fn trap_at(pc: usize, mut frame: usize) -> Option<*mut Activation> {
    let activation = CURRENT.get();
    if activation.is_null() {
        return None;
    }
    let code =
        registry::with(pc, |placed| placed.tables.trap_at((pc - placed.start) as u32)).flatten()?;
    // SAFETY: the activation is on the stack of this thread, whose compiled code keeps frame
    // pointers up to the frame of `enter`, which lies above the activation's stack pointer.
    unsafe {
        let this = &mut *activation;
        this.code = code;
        this.calls[0] = pc;
        this.count = 1;
        while this.count < MAX_CALLS && frame != 0 && frame < this.sp && frame.is_multiple_of(8) {
            let words = frame as *const usize;
            this.calls[this.count] = *words.add(1);
            this.count += 1;
            frame = *words;
        }
        debug_assert!(this.outer.is_null() || this.sp != 0);
    }
    Some(activation)
}
