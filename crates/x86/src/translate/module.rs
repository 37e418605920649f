//! The modules that a host gets.
//!
//! Each imports the memory and the table of functions and puts one function into it, of type
//! `(i32) -> ()`, where a global says. Element 0 is the dispatcher: it goes from region to region as long as the
//! table of jumps has the next address.

use super::Memory;
use super::emit;
use super::flow::Flow;
use super::region::{End, Region, Target};
use super::state::{self, Layout, why};
use crate::Mode;
use alloc::vec::Vec;
use wasm_encoder::{
    BlockType, BranchHint, BranchHints, CodeSection, ConstExpr, ElementSection, Elements,
    EntityType, ExportKind, ExportSection, Function, FunctionSection, GlobalType, ImportSection,
    MemoryType, Module, RefType, TableType, TypeSection, ValType,
};

/// A region's module, and the addresses of its entries in the order of their numbers.
#[inline(never)]
pub(super) fn region(
    mode: Mode,
    memory: Memory,
    layout: Layout,
    region: &Region,
) -> (Vec<u8>, Vec<u32>) {
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
    let (function, rare) = emit::function(mode, memory, layout, region, &flow);
    let starts = flow.dispatched.iter().map(|&block| region.blocks[block].start).collect();
    (module(&[emit::status_function(), function], &rare), starts)
}

/// The dispatcher's module.
pub(super) fn dispatcher(layout: Layout) -> Vec<u8> {
    let word = emit::memarg;
    let (rip, at, rounds) = (1, 2, 3);
    let mut function = Function::new([(3, ValType::I32)]);
    let mut s = function.instructions();
    s.i32_const(state::ROUNDS as i32).local_set(rounds);
    s.loop_(BlockType::Empty).block(BlockType::Empty);
    s.i32_const(0).i64_load(word(layout.state + state::RIP, 3));
    s.i64_const(32).i64_shr_u().i64_eqz().i32_eqz().br_if(0);
    s.i32_const(0).i32_load(word(layout.state + state::RIP, 2)).local_set(rip);
    emit::jump_place(&mut s, rip);
    s.local_tee(at);
    s.i32_load(word(layout.jumps, 2)).local_get(rip).i32_ne().br_if(0);
    s.local_get(at).i32_load(word(layout.jumps + 4, 2)).i32_eqz().br_if(0);
    s.local_get(at).i32_load(word(layout.jumps + 8, 2));
    s.local_get(at).i32_load(word(layout.jumps + 4, 2)).call_indirect(0, 0);
    s.i32_const(0).i32_load(word(layout.state + state::WHY, 2));
    // One of both that are for the interpreter.
    s.i32_const(why::STEP as i32).i32_sub().i32_const((why::BUDGET - why::STEP) as i32);
    s.i32_le_u().br_if(0);
    s.local_get(rounds).i32_const(1).i32_sub().local_tee(rounds).br_if(1);
    s.i32_const(0).i32_load(word(layout.state + state::WHY, 2)).br_if(0);
    s.i32_const(0).i32_const(why::ROUNDS as i32).i32_store(word(layout.state + state::WHY, 2));
    s.end().end().end();
    module(&[emit::status_function(), function], &[])
}

/// A module with the function that computes status flags and one for the table, some of whose
/// branches are `rare`.
#[inline(never)]
fn module(functions: &[Function; 2], rare: &[BranchHint]) -> Vec<u8> {
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
    kinds.function(1).function(0);
    let mut exports = ExportSection::new();
    exports.export("run", ExportKind::Func, 1);
    let mut elements = ElementSection::new();
    let at = ConstExpr::global_get(0);
    elements.active(Some(0), &at, Elements::Functions((&[1_u32][..]).into()));
    let mut code = CodeSection::new();
    for function in functions {
        code.function(function);
    }
    let mut module = Module::new();
    module.section(&types).section(&imports).section(&kinds);
    module.section(&exports).section(&elements);
    if !rare.is_empty() {
        let mut hints = BranchHints::new();
        hints.function_hints(1, rare.iter().copied());
        module.section(&hints);
    }
    module.section(&code);
    module.finish()
}
