//! What a generated module has besides the bodies of its functions.

use crate::body;
use crate::choice::Choice;
use wasm_encoder::{
    CodeSection, ConstExpr, DataCountSection, DataSection, ElementSection, Elements, EntityType,
    ExportKind, ExportSection, FunctionSection, GlobalSection, GlobalType, ImportSection,
    MemorySection, MemoryType, Module, RefType, TableSection, TableType, TypeSection, ValType,
};

/// How often functions that loop or call are entered before `tick` traps.
const FUEL: i32 = 200;

/// Which values may be NaNs whose bits are seen.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Nans {
    /// The code makes each NaN the canonical one before its bits are used.
    Hidden,
    /// Whatever the processor makes of it, which must be the same in all engines.
    Native,
    /// Whatever the engine makes of it.
    Seen,
}

/// The function types, numbered as they are needed.
#[derive(Default)]
pub struct Types(Vec<(Vec<ValType>, Vec<ValType>)>);

impl Types {
    pub fn number(&mut self, params: &[ValType], results: &[ValType]) -> u32 {
        let found = self.0.iter().position(|(p, r)| p == params && r == results);
        found.unwrap_or_else(|| {
            self.0.push((params.to_vec(), results.to_vec()));
            self.0.len() - 1
        }) as u32
    }
}

/// What bodies can refer to.
pub struct Shape {
    pub nans: Nans,
    pub types: Types,
    /// Parameters and results of every function, the imported ones first.
    pub funcs: Vec<(Vec<ValType>, Vec<ValType>)>,
    pub globals: Vec<(ValType, bool)>,
    /// The functions in table 0 at first; `None` is null.
    pub table: Vec<Option<u32>>,
}

pub const MIX: u32 = 0;
pub const PAIR: u32 = 1;
/// Takes from the fuel, and traps when there is none.
pub const TICK: u32 = 2;
/// Refills the fuel.
const RESET: u32 = 3;
/// The first function whose body is made up.
const FIRST: u32 = 4;
pub const TABLE_SIZE: u64 = 12;
pub const DATA_SEGMENTS: u32 = 2;
/// Segment 0 is active and segment 1 declares functions; this one is passive.
pub const PASSIVE_ELEMENTS: u32 = 2;

/// A valid module that terminates: exports all functions, memory and globals; imports
/// `host.mix` and `host.pair`.
pub fn module(u: &mut Choice<'_>, nans: Nans) -> Vec<u8> {
    use ValType::{F32, F64, I32, I64};
    let mut funcs = vec![
        (vec![I32, I64, F32, F64], vec![I64]),
        (vec![I64], vec![F64, I32]),
        (vec![], vec![]),
        (vec![], vec![]),
    ];
    for _ in 0..u.within(2, 7) {
        let most = if u.one_in(4) { 9 } else { 4 };
        let params = u.types(most);
        let results = if u.one_in(2) { u.types(1) } else { u.types(4) };
        funcs.push((params, results));
    }
    let mut globals = vec![(I32, true)];
    for _ in 0..u.within(2, 9) {
        globals.push((u.number_type(), !u.one_in(5)));
    }
    let count = funcs.len() as u32;
    let table = (0..8).map(|_| (!u.one_in(8)).then(|| u.below(count as usize) as u32)).collect();
    let mut shape = Shape { nans, types: Types::default(), funcs, globals, table };

    let mut code = CodeSection::new();
    code.raw(body::TICK_BODY);
    code.raw(&body::reset(FUEL));
    for func in FIRST..count {
        code.raw(&body::body(u, &mut shape, func));
    }
    encode(u, shape, &code)
}

fn encode(u: &mut Choice<'_>, mut shape: Shape, code: &CodeSection) -> Vec<u8> {
    let mut imports = ImportSection::new();
    let mut functions = FunctionSection::new();
    let mut exports = ExportSection::new();
    for (index, (params, results)) in shape.funcs.iter().enumerate() {
        let ty = shape.types.number(params, results);
        let index = index as u32;
        match index {
            MIX => _ = imports.import("host", "mix", EntityType::Function(ty)),
            PAIR => _ = imports.import("host", "pair", EntityType::Function(ty)),
            _ => _ = functions.function(ty),
        }
        match index {
            RESET => _ = exports.export("reset", ExportKind::Func, index),
            FIRST.. => _ = exports.export(&format!("f{index}"), ExportKind::Func, index),
            _ => {}
        }
    }
    let mut types = TypeSection::new();
    for (params, results) in &shape.types.0 {
        types.ty().function(params.iter().copied(), results.iter().copied());
    }
    let mut tables = TableSection::new();
    for _ in 0..2 {
        tables.table(TableType {
            element_type: RefType::FUNCREF,
            table64: false,
            minimum: TABLE_SIZE,
            maximum: Some(TABLE_SIZE + 4),
            shared: false,
        });
    }
    let mut memories = MemorySection::new();
    memories.memory(MemoryType {
        minimum: 1,
        maximum: Some(3),
        memory64: false,
        shared: false,
        page_size_log2: None,
    });
    exports.export("memory", ExportKind::Memory, 0);
    let mut globals = GlobalSection::new();
    for (index, &(val_type, mutable)) in shape.globals.iter().enumerate() {
        let value = match index {
            0 => ConstExpr::i32_const(FUEL),
            _ => body::constant(u, val_type),
        };
        globals.global(GlobalType { val_type, mutable, shared: false }, &value);
        exports.export(&format!("g{index}"), ExportKind::Global, index as u32);
    }
    let mut elements = ElementSection::new();
    let items: Vec<_> = shape
        .table
        .iter()
        .map(|func| match func {
            Some(func) => ConstExpr::ref_func(*func),
            None => ConstExpr::ref_null(wasm_encoder::HeapType::FUNC),
        })
        .collect();
    let expressions = || Elements::Expressions(RefType::FUNCREF, items.as_slice().into());
    elements.active(Some(0), &ConstExpr::i32_const(0), expressions());
    let all: Vec<u32> = (0..shape.funcs.len() as u32).collect();
    elements.declared(Elements::Functions(all.as_slice().into()));
    elements.passive(expressions());
    let mut data = DataSection::new();
    data.active(0, &ConstExpr::i32_const(16), u.bytes(200));
    data.passive(u.bytes(60));

    Module::new()
        .section(&types)
        .section(&imports)
        .section(&functions)
        .section(&tables)
        .section(&memories)
        .section(&globals)
        .section(&exports)
        .section(&elements)
        .section(&DataCountSection { count: DATA_SEGMENTS })
        .section(code)
        .section(&data)
        .clone()
        .finish()
}
