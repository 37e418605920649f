//! The modules that a host gets.
//!
//! Each imports the memory and the table of functions and puts one function into it, of type
//! `(i32) -> ()`, where a global says. Element 0 is the dispatcher: it goes from region to region
//! as long as the table of jumps has the next address. Regions do that themselves where the host
//! has tail calls.

use super::Options;
use super::emit;
use super::flow::Flow;
use super::region::{End, Region, Target};
use super::state::{self, Layout, Stop};
use crate::Mode;
use alloc::vec::Vec;
use wasm_encoder::{
    BlockType, BranchHint, BranchHints, CodeSection, ConstExpr, ElementSection, Elements,
    EntityType, ExportKind, ExportSection, Function, FunctionSection, GlobalType, ImportSection,
    MemoryType, Module, RefType, TableType, TypeSection, ValType,
};

/// What a region becomes.
pub(super) struct Translated {
    pub bytes: Vec<u8>,
    /// The addresses of its entries in the order of their numbers.
    pub entries: Vec<u32>,
    pub stops: Vec<Stop>,
}

/// Translates a region.
#[inline(never)]
pub(super) fn region(mode: Mode, options: &Options, layout: Layout, region: &Region) -> Translated {
    let successors: Vec<Vec<usize>> = region
        .blocks
        .iter()
        .map(|block| {
            let targets = match block.end {
                End::Jump(target) | End::Call(target) => [Some(target), None],
                End::Branch { taken, fall } => [Some(taken), Some(fall)],
                End::Return => return region.returns.iter().map(|&(_, block)| block).collect(),
                End::Computed => return region.computed.clone(),
                End::Stop(_) => [None, None],
            };
            let inside = |target| match target {
                Some(Target::Inside(block)) => Some(block),
                _ => None,
            };
            targets.into_iter().filter_map(inside).collect()
        })
        .collect();
    let returns = region.returns.iter().map(|&(_, block)| block);
    let others = region.computed.iter().chain(&region.resumed).copied();
    let entries = core::iter::once(0).chain(returns).chain(others);
    let flow = Flow::new(&successors, entries.collect());
    let written = emit::function(mode, options, layout, region, &flow);
    let entries = flow.dispatched.iter().map(|&block| region.blocks[block].start).collect();
    let mut functions = Vec::from([written.function]);
    if written.status {
        functions.push(emit::status_function());
    }
    Translated { bytes: module(&functions, &written.rare), entries, stops: written.stops }
}

/// The dispatcher's module.
pub(super) fn dispatcher(layout: Layout) -> Vec<u8> {
    let word = emit::memarg;
    let (rip, at) = (1, 2);
    let mut function = Function::new([(2, ValType::I32)]);
    let mut s = function.instructions();
    s.loop_(BlockType::Empty).block(BlockType::Empty);
    s.i32_const(0).i64_load(word(layout.state + state::RIP, 3));
    s.i64_const(32).i64_shr_u().i64_eqz().i32_eqz().br_if(0);
    s.i32_const(0).i32_load(word(layout.state + state::RIP, 2)).local_set(rip);
    emit::look_up(&mut s, layout, rip, at);
    s.call_indirect(0, 0);
    s.i32_const(0).i32_load(word(layout.state + state::WHY, 2));
    emit::is_stop(&mut s);
    s.i32_eqz().br_if(1);
    s.end().end().end();
    module(&[function], &[])
}

/// A module with a function for the table, some of whose branches are `rare`, and perhaps the
/// one that computes status flags.
#[inline(never)]
fn module(functions: &[Function], rare: &[BranchHint]) -> Vec<u8> {
    let mut types = TypeSection::new();
    types.ty().function([ValType::I32], []);
    types.ty().function([ValType::I64, ValType::I64, ValType::I64, ValType::I32], [ValType::I32]);
    let mut imports = ImportSection::new();
    let memory = MemoryType {
        minimum: 1,
        maximum: None,
        memory64: false,
        shared: false,
        page_size_log2: None,
    };
    imports.import("", "memory", EntityType::Memory(memory));
    let table = TableType {
        element_type: RefType::FUNCREF,
        table64: false,
        minimum: 1,
        maximum: None,
        shared: false,
    };
    imports.import("", "table", EntityType::Table(table));
    let slot = GlobalType { val_type: ValType::I32, mutable: false, shared: false };
    imports.import("", "slot", EntityType::Global(slot));
    let mut kinds = FunctionSection::new();
    for ty in 0..functions.len() as u32 {
        kinds.function(ty);
    }
    let mut exports = ExportSection::new();
    exports.export("run", ExportKind::Func, 0);
    let mut elements = ElementSection::new();
    let at = ConstExpr::global_get(0);
    elements.active(Some(0), &at, Elements::Functions((&[0_u32][..]).into()));
    let mut code = CodeSection::new();
    for function in functions {
        code.function(function);
    }
    let mut module = Module::new();
    module.section(&types).section(&imports).section(&kinds);
    module.section(&exports).section(&elements);
    if !rare.is_empty() {
        let mut hints = BranchHints::new();
        hints.function_hints(0, rare.iter().copied());
        module.section(&hints);
    }
    module.section(&code);
    module.finish()
}
