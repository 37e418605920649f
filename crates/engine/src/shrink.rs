//! Linear memories smaller than a page, for modules that were built with pages of 64 KiB.
//!
//! Linkers put data and the stack first and export where they end as the global `__heap_base`;
//! the rest of the page is the heap's, and for many programs on small devices nothing's at all.
//! By the embedder's choice such a memory has bytes for pages and ends a little behind
//! `__heap_base`. An address beyond is out of bounds then, where it would be an unused zero.
//!
//! A module that asks for its memory's size, or changes it, counts in pages and keeps them. So
//! does one whose code may be machine code, which relies on the size of pages.

use crate::{Machine, Module};
use sampan_wasm::{
    AddrType, ExternKind, Limits, MemoryType, Opcode, Reader, Result, Span, ValType,
};

/// Heads and blocks of the C library's heap lie at multiples of this.
const UNIT: u64 = 16;

/// The type that a memory of `module` has instead of `ty`, if it can and shall be smaller.
pub(crate) fn shrunk(machine: &Machine, module: &Module, ty: MemoryType) -> Option<MemoryType> {
    let heap = machine.engine.config().shrink_memories?;
    let plain = ty.addr == AddrType::I32 && !ty.shared && machine.engine.native().rooms().is_none();
    let decl = module.decl();
    if !plain || decl.memories.len() != 1 {
        return None;
    }
    let len = (u64::from(heap_base(module)?) + u64::from(heap)).next_multiple_of(UNIT);
    let bytes = |pages: u64| pages << ty.page_log2;
    let counts = |body: &Span| counts_pages(module, body) != Ok(false);
    if len >= bytes(ty.limits.min) || decl.bodies.iter().any(counts) {
        return None;
    }
    let limits = Limits { min: len, max: ty.limits.max.map(bytes) };
    Some(MemoryType { limits, page_log2: 0, ..ty })
}

/// The value of the global that the module exports as `__heap_base`.
fn heap_base(module: &Module) -> Option<u32> {
    let decl = module.decl();
    let export = decl.exports.iter().find(|export| {
        export.kind == ExternKind::Global && module.text(&export.name) == "__heap_base"
    })?;
    let global = &decl.globals[export.index as usize];
    if global.ty.mutable || global.ty.content != ValType::I32 {
        return None;
    }
    let init = &global.init.as_ref()?.0;
    let mut reader = reader(module, init);
    let instr = reader.instr().ok()?;
    let value = match (instr.op, instr.imm) {
        (Opcode::I32Const, sampan_wasm::Imm::I32(value)) => value as u32,
        _ => return None,
    };
    // Nothing may be computed with it.
    (reader.instr().ok()?.op == Opcode::End).then_some(value)
}

/// Whether a body, which is valid, has `memory.size` or `memory.grow`.
fn counts_pages(module: &Module, body: &Span) -> Result<bool> {
    let mut reader = reader(module, body);
    for _ in 0..reader.u32()? {
        reader.u32()?;
        if let 0x63 | 0x64 = reader.u8()? {
            reader.i33()?;
        }
    }
    while !reader.is_empty() {
        if let Opcode::MemorySize | Opcode::MemoryGrow = reader.instr()?.op {
            return Ok(true);
        }
    }
    Ok(false)
}

fn reader<'a>(module: &'a Module, span: &Span) -> Reader<'a> {
    let range = span.start as usize..span.end as usize;
    Reader::new(module.bytes(), range, module.engine().config().features)
}
