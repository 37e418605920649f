//! Modules made to take more than their size: what is kept for a module is bounded by a
//! multiple of its bytes, and refusing one costs no more.
//!
//! One test, since the allocator counts for the whole process.

use peak_alloc::PeakAlloc;
use sampan::{Config, Engine, Mode, Module, Preparation};
use wasm_encoder::{
    BlockType, CodeSection, ConstExpr, DataSection, ElementSection, Elements, EntityType,
    ExportKind, ExportSection, Function, FunctionSection, GlobalSection, GlobalType, HeapType,
    ImportSection, Instruction as I, MemorySection, MemoryType, RefType, TableSection, TableType,
    TypeSection, ValType,
};

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// What a module may take at its peak for each of its bytes. The densest code there is, a
/// comparison in one byte, becomes an instruction of three words; the densest nesting, a block
/// in three, has a frame in the validator and one in the translator.
const BYTES_FOR_A_BYTE: usize = 80;
/// What any module may take.
const FIXED: usize = 2 << 20;

#[test]
fn what_is_kept_is_bounded_by_what_was_read() {
    let mut failures = Vec::new();
    for (name, bytes) in modules() {
        for (mode, preparation) in [
            (Mode::Classic, Preparation::Eager),
            (Mode::Fast, Preparation::Eager),
            (Mode::Fast, Preparation::Lazy),
        ] {
            let engine = Engine::new(Config::new().mode(mode).preparation(preparation));
            let before = ALLOCATOR.current_usage();
            ALLOCATOR.reset_peak_usage();
            let module = Module::new(&engine, &bytes);
            let peak = ALLOCATOR.peak_usage() - before;
            let ends = match &module {
                Ok(_) => "taken".to_string(),
                Err(error) => format!("refused: {error}"),
            };
            println!(
                "{name}, {mode:?} {preparation:?}: {} bytes, peak {peak}, {ends}",
                bytes.len()
            );
            if peak > FIXED + BYTES_FOR_A_BYTE * bytes.len() {
                failures.push(format!("{name}, {mode:?}: {peak} bytes for {}", bytes.len()));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

fn modules() -> Vec<(&'static str, Vec<u8>)> {
    let many: Vec<ValType> = vec![ValType::I64; 1000];
    let mut list = vec![
        (
            "deep blocks",
            body(&[], &[], |f| {
                times(100_000, f, &I::Block(BlockType::Empty));
                times(100_000, f, &I::End);
            }),
        ),
        (
            "an else for each of many ifs",
            body(&[], &[], |f| {
                for _ in 0..50_000 {
                    f.instruction(&I::I32Const(1)).instruction(&I::If(BlockType::Empty));
                }
                for _ in 0..50_000 {
                    f.instruction(&I::Else).instruction(&I::End);
                }
            }),
        ),
        (
            "comparisons",
            body(&[], &[], |f| {
                f.instruction(&I::I32Const(0));
                times(500_000, f, &I::I32Eqz);
                f.instruction(&I::Drop);
            }),
        ),
        (
            "branches out of blocks with 1,000 results",
            body(&[], &many, |f| {
                for n in 0..1000 {
                    f.instruction(&I::I64Const(n));
                }
                for _ in 0..20_000 {
                    f.instruction(&I::I32Const(1)).instruction(&I::BrIf(0));
                }
            }),
        ),
        (
            "calls with 1,000 parameters and results",
            body(&many, &many, |f| {
                for n in 0..1000 {
                    f.instruction(&I::LocalGet(n));
                }
                times(50_000, f, &I::Call(0));
            }),
        ),
        (
            "blocks with 1,000 parameters",
            body(&many, &many, |f| {
                for n in 0..1000 {
                    f.instruction(&I::LocalGet(n));
                }
                for _ in 0..20_000 {
                    f.instruction(&I::Loop(BlockType::FunctionType(0))).instruction(&I::End);
                }
            }),
        ),
        (
            "branches in a table, with 1,000 results",
            body(&[], &many, |f| {
                for n in 0..1000 {
                    f.instruction(&I::I64Const(n));
                }
                f.instruction(&I::I32Const(7));
                f.instruction(&I::BrTable(vec![0; 100_000].into(), 0));
            }),
        ),
        (
            "returns of 1,000 results, unreachable",
            body(&[], &many, |f| {
                f.instruction(&I::Unreachable);
                times(200_000, f, &I::Return);
            }),
        ),
        (
            "changes of a local that was read 1,000 times",
            body(&[ValType::I64], &many, |f| {
                for _ in 0..200 {
                    times(1000, f, &I::LocalGet(0));
                    f.instruction(&I::I64Const(1)).instruction(&I::LocalSet(0));
                    times(999, f, &I::I64Add);
                    f.instruction(&I::Drop);
                }
                times(1000, f, &I::LocalGet(0));
            }),
        ),
        ("many locals in many functions", locals()),
        ("many empty types", section_of(1, 1_000_000, &[0x60, 0, 0])),
        ("a count of types that is not there", section_of(1, u32::MAX, &[])),
        ("a count of functions that is not there", section_of(3, 1_000_000, &[])),
        ("a count of globals that is not there", section_of(6, 1_000_000, &[])),
        ("a count of elements that is not there", section_of(9, 10_000_000, &[])),
        ("a count of functions' bodies that is not there", section_of(10, u32::MAX, &[])),
        ("a huge table", table(10_000_000)),
        ("a memory of 4 GiB", memory(65_536)),
        ("many exports of one function", exports()),
        ("many imports", imports()),
        ("many segments", segments()),
        ("long constant expressions", constants()),
    ];
    // Names may lie about their length, too.
    let mut names = b"\0asm\x01\0\0\0".to_vec();
    names.extend(b"\x00\x0d\x04name\x01\x06\xff\xff\xff\xff\x0f\x00");
    list.push(("a name section with counts that are not there", names));
    list
}

/// The same instruction over and over.
fn times(count: usize, f: &mut Function, instruction: &I) {
    for _ in 0..count {
        f.instruction(instruction);
    }
}

/// A module with one function.
fn body(params: &[ValType], results: &[ValType], fill: impl Fn(&mut Function)) -> Vec<u8> {
    let mut function = Function::new([]);
    fill(&mut function);
    function.instruction(&I::End);
    let mut types = TypeSection::new();
    types.ty().function(params.iter().copied(), results.iter().copied());
    let mut functions = FunctionSection::new();
    functions.function(0);
    let mut code = CodeSection::new();
    code.function(&function);
    let mut module = wasm_encoder::Module::new();
    module.section(&types).section(&functions).section(&code);
    module.finish()
}

fn locals() -> Vec<u8> {
    let mut types = TypeSection::new();
    types.ty().function([], []);
    let mut functions = FunctionSection::new();
    let mut code = CodeSection::new();
    for _ in 0..20_000 {
        functions.function(0);
        let mut function = Function::new([(25_000, ValType::I32), (25_000, ValType::F64)]);
        function.instruction(&I::End);
        code.function(&function);
    }
    let mut module = wasm_encoder::Module::new();
    module.section(&types).section(&functions).section(&code);
    module.finish()
}

/// A module with one section that says `count` and then holds one `item` over and over, as
/// often as a megabyte has room.
fn section_of(id: u8, count: u32, item: &[u8]) -> Vec<u8> {
    let mut content = Vec::new();
    leb(&mut content, count);
    if !item.is_empty() {
        content.extend(item.repeat((count as usize).min((1 << 20) / item.len())));
    }
    let mut module = b"\0asm\x01\0\0\0".to_vec();
    module.push(id);
    leb(&mut module, content.len() as u32);
    module.extend(content);
    module
}

fn leb(bytes: &mut Vec<u8>, mut value: u32) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

fn table(minimum: u64) -> Vec<u8> {
    let mut tables = TableSection::new();
    let element_type = RefType { nullable: true, heap_type: HeapType::FUNC };
    tables.table(TableType { element_type, minimum, maximum: None, table64: false, shared: false });
    let mut module = wasm_encoder::Module::new();
    module.section(&tables);
    module.finish()
}

fn memory(minimum: u64) -> Vec<u8> {
    let mut memories = MemorySection::new();
    memories.memory(MemoryType {
        minimum,
        maximum: None,
        memory64: false,
        shared: false,
        page_size_log2: None,
    });
    let mut module = wasm_encoder::Module::new();
    module.section(&memories);
    module.finish()
}

fn exports() -> Vec<u8> {
    let mut types = TypeSection::new();
    types.ty().function([], []);
    let mut functions = FunctionSection::new();
    functions.function(0);
    let mut exports = ExportSection::new();
    for n in 0..50_000 {
        exports.export(&n.to_string(), ExportKind::Func, 0);
    }
    let mut code = CodeSection::new();
    let mut function = Function::new([]);
    function.instruction(&I::End);
    code.function(&function);
    let mut module = wasm_encoder::Module::new();
    module.section(&types).section(&functions).section(&exports).section(&code);
    module.finish()
}

fn imports() -> Vec<u8> {
    let mut imports = ImportSection::new();
    let global = GlobalType { val_type: ValType::I32, mutable: false, shared: false };
    for _ in 0..100_000 {
        imports.import("", "", EntityType::Global(global));
    }
    let mut module = wasm_encoder::Module::new();
    module.section(&imports);
    module.finish()
}

fn segments() -> Vec<u8> {
    let mut elements = ElementSection::new();
    let mut data = DataSection::new();
    for _ in 0..50_000 {
        elements.passive(Elements::Functions((&[][..]).into()));
        data.passive([]);
    }
    let mut module = wasm_encoder::Module::new();
    module.section(&elements).section(&data);
    module.finish()
}

fn constants() -> Vec<u8> {
    let mut globals = GlobalSection::new();
    let ty = GlobalType { val_type: ValType::I32, mutable: false, shared: false };
    let sum = |depth: usize| {
        let operands = (0..=depth).map(|_| I::I32Const(1));
        ConstExpr::extended(operands.chain((0..depth).map(|_| I::I32Add)))
    };
    for _ in 0..100 {
        globals.global(ty, &sum(10_000));
    }
    let mut module = wasm_encoder::Module::new();
    module.section(&globals);
    module.finish()
}
