//! What compiled code reaches, and where.

use super::{FuncPart, tier::BodyEntry};
use crate::entity::{FuncEntity, FuncKind, GlobalEntity};
use crate::{FuncId, Machine, MemoryEntity, TableEntity, Trap, stable::Stable};
#[cfg(feature = "std")]
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::any::Any;
use core::mem::{offset_of, size_of};
use core::sync::atomic::AtomicBool;
use sampan_wasm as wasm;

/// What the contexts of a machine share. Compiled code reads and writes the first fields.
#[repr(C)]
pub struct Runtime {
    /// The machine's functions: [`offsets::FUNC_SIZE`] bytes each.
    pub funcs: *const u8,
    /// The stack pointer must not be below.
    pub stack_limit: usize,
    /// The machine's fuel.
    pub fuel: *mut u64,
    /// A byte that is not zero when execution shall stop.
    pub interrupt: *const AtomicBool,
    /// The context that an import or a table's function was last called from.
    pub caller: *mut u64,
    /// [`super::CALLS`].
    pub calls: *const *const u8,
    /// The machine, while code runs.
    pub machine: *mut Machine,
    /// The embedder's data, while code runs.
    pub data: *mut dyn Any,
    /// A trap with more than a number.
    pub trap: Option<Trap>,
    /// How many calls from outside are running.
    pub depth: u32,
    /// How far compiled code may go down the native stack from the first call on, in bytes.
    pub stack_bytes: usize,
    /// What a host function panicked with.
    #[cfg(feature = "std")]
    pub(crate) panic: Option<Box<dyn Any + Send>>,
}

// SAFETY: the pointers lead into the machine that owns it, or are unused between calls.
unsafe impl Send for Runtime {}

impl Runtime {
    pub(crate) fn new(interrupt: *const AtomicBool, stack_bytes: usize) -> Runtime {
        Runtime {
            funcs: core::ptr::null(),
            stack_limit: 0,
            fuel: core::ptr::null_mut(),
            interrupt,
            caller: core::ptr::null_mut(),
            calls: super::CALLS.0.as_ptr(),
            machine: core::ptr::null_mut(),
            data: core::ptr::null_mut::<()>() as *mut dyn Any,
            trap: None,
            depth: 0,
            stack_bytes,
            #[cfg(feature = "std")]
            panic: None,
        }
    }
}

/// The words of an instance's context, as byte offsets.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    memories: u32,
    tables: u32,
    globals: u32,
    words: u32,
}

impl Layout {
    /// The machine's [`Runtime`].
    pub const RUNTIME: i32 = 0;
    /// The instance; null in the context of a function without code.
    pub const INSTANCE: i32 = 8;
    /// The function, in the context of one without code.
    pub const FUNC: i32 = 16;
    /// The registry's numbers of the module's types, 32 bits each.
    pub const TYPES: i32 = 24;
    /// The machine's numbers of the module's functions, 32 bits each.
    pub const FUNCS: i32 = 32;
    /// Where memory 0 begins, if its bytes never move.
    pub const MEMORY_BASE: i32 = 40;
    /// Where a module that tiers up has the code of its bodies: [`offsets::BODY_SIZE`] bytes
    /// each, of which the first word is the code's address, or zero.
    pub const BODIES: i32 = 48;
    const HEADER: u32 = 7;

    /// The layout for instances of a module.
    pub fn of(module: &wasm::Module) -> Layout {
        let memories = Self::HEADER;
        let tables = memories + module.memories.len() as u32;
        let globals = tables + module.tables.len() as u32;
        Layout { memories, tables, globals, words: globals + module.globals.len() as u32 }
    }

    /// The address of a memory: base, then length in bytes.
    pub fn memory(&self, index: u32) -> i32 {
        ((self.memories + index) * 8) as i32
    }

    /// The address of a table: base, then number of elements.
    pub fn table(&self, index: u32) -> i32 {
        ((self.tables + index) * 8) as i32
    }

    /// The address of a global's value.
    pub fn global(&self, index: u32) -> i32 {
        ((self.globals + index) * 8) as i32
    }
}

/// Byte offsets in entities.
pub mod offsets {
    use super::*;

    /// See [`Runtime`].
    pub const RUNTIME_FUNCS: i32 = offset_of!(Runtime, funcs) as i32;
    /// See [`Runtime`].
    pub const RUNTIME_STACK_LIMIT: i32 = offset_of!(Runtime, stack_limit) as i32;
    /// See [`Runtime`].
    pub const RUNTIME_FUEL: i32 = offset_of!(Runtime, fuel) as i32;
    /// See [`Runtime`].
    pub const RUNTIME_INTERRUPT: i32 = offset_of!(Runtime, interrupt) as i32;
    /// See [`Runtime`].
    pub const RUNTIME_CALLER: i32 = offset_of!(Runtime, caller) as i32;
    /// See [`Runtime`].
    pub const RUNTIME_CALLS: i32 = offset_of!(Runtime, calls) as i32;
    /// See [`Layout::BODIES`].
    pub const BODY_SIZE: i32 = size_of::<BodyEntry>() as i32;
    /// The size of a function.
    pub const FUNC_SIZE: i32 = size_of::<FuncEntity>() as i32;
    const _: () = assert!(size_of::<FuncEntity>().is_power_of_two(), "code shifts numbers");
    /// Its code; null if it has none.
    pub const FUNC_ENTRY: i32 = FUNC_PART + offset_of!(FuncPart, entry) as i32;
    /// What the code gets as its context.
    pub const FUNC_CONTEXT: i32 = FUNC_PART + offset_of!(FuncPart, context) as i32;
    /// The registry's number of its type, 32 bits.
    pub const FUNC_TYPE: i32 = offset_of!(FuncEntity, ty) as i32;
    /// Where a memory's bytes are.
    pub const MEMORY_BASE: i32 = MemoryEntity::BASE_OFFSET as i32;
    /// How many there are.
    pub const MEMORY_LEN: i32 = MemoryEntity::LEN_OFFSET as i32;
    /// Where the number of a shared memory's bytes is.
    pub const MEMORY_SHARED_LEN: i32 = MemoryEntity::SHARED_LEN_OFFSET as i32;
    /// Where a table's elements are, 64 bits each.
    pub const TABLE_BASE: i32 = TableEntity::BASE_OFFSET as i32;
    /// How many there are.
    pub const TABLE_LEN: i32 = TableEntity::LEN_OFFSET as i32;
    /// All of them.
    pub const ALL: [i32; 17] = [
        RUNTIME_FUNCS,
        RUNTIME_STACK_LIMIT,
        RUNTIME_FUEL,
        RUNTIME_INTERRUPT,
        RUNTIME_CALLER,
        RUNTIME_CALLS,
        BODY_SIZE,
        FUNC_SIZE,
        FUNC_ENTRY,
        FUNC_CONTEXT,
        FUNC_TYPE,
        MEMORY_BASE,
        MEMORY_LEN,
        MEMORY_SHARED_LEN,
        TABLE_BASE,
        TABLE_LEN,
        Layout::HEADER as i32,
    ];
    const FUNC_PART: i32 = offset_of!(FuncEntity, native) as i32;
    const _: () = assert!(offset_of!(GlobalEntity, value) == 0);
}

/// Makes the context of an instance whose entities exist, if its module has code, and gives
/// its functions their code, or what compiled code finds those without code by.
pub(crate) fn bind_instance(machine: &mut Machine, at: usize) {
    if machine.engine.native().0.is_none() {
        return;
    }
    let module = machine.instances[at].module.clone();
    let part = &module.data().native;
    if part.has_code() {
        make_context(machine, at);
    }
    let runtime = machine.native.0.as_ptr();
    let data = &mut *machine.instances[at];
    let context = data.native.context.as_mut_ptr();
    let own = &data.funcs[data.module.decl().imported_funcs as usize..];
    let mut headers = Vec::new();
    let mut without = Vec::new();
    for (body, &id) in own.iter().enumerate() {
        let func = &mut machine.funcs[id.0 as usize].native;
        match part.has_code().then(|| part.entry(body as u32)).flatten() {
            Some(entry) => (func.entry, func.context) = (entry.code, context),
            None => {
                headers.push([runtime as u64, 0, id.0.into()]);
                without.push(id);
            }
        }
    }
    data.native.headers = headers.into_boxed_slice();
    for (id, header) in without.into_iter().zip(&mut data.native.headers) {
        machine.funcs[id.0 as usize].native.context = header.as_mut_ptr();
    }
}

/// Makes the context of an instance.
fn make_context(machine: &mut Machine, at: usize) {
    let runtime = machine.native.0.as_ptr();
    let module = machine.instances[at].module.clone();
    let part = &module.data().native;
    let instance = machine.instances[at].as_ptr();
    let data = &mut *machine.instances[at];
    let layout = Layout::of(data.module.decl());
    let mut words: Vec<u64> = Vec::with_capacity(layout.words as usize);
    let base = match data.memories.first() {
        // SAFETY: the machine owns the memory.
        Some(&memory) => unsafe { (*memory).base() as u64 },
        None => 0,
    };
    words.extend([
        runtime as u64,
        instance as u64,
        0,
        data.types.as_ptr() as u64,
        data.funcs.as_ptr() as u64,
        base,
        part.tier().map_or(0, |tier| tier.entries() as u64),
    ]);
    words.extend(data.memories.iter().map(|&p| p as u64));
    words.extend(data.tables.iter().map(|&p| p as u64));
    words.extend(data.globals.iter().map(|&p| p as u64));
    data.native.context = words.into_boxed_slice();
}

/// After functions were added, gives one of the host the context that a call from compiled code
/// finds it by. Those of an instance wait for [`bind_instance`].
pub(crate) fn bind_function(machine: &mut Machine, func: FuncId) {
    let runtime = &mut machine.native.0;
    let of_host = matches!(machine.funcs[func.0 as usize].kind, FuncKind::Host(_));
    if machine.engine.native().0.is_some() && of_host {
        let header = Stable::new([runtime.as_ptr() as u64, 0, u64::from(func.0)])
            .expect("there is memory on hosts with machine code");
        let part = &mut machine.funcs[func.0 as usize].native;
        part.context = header.as_ptr().cast();
        part.header = Some(header);
    }
    runtime.funcs = machine.funcs.as_ptr().cast();
}
