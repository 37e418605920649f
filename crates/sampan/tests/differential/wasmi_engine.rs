//! A module's behaviour in wasmi.

use crate::outcome::{self, Event, Outcome, Value};
use wasmi::errors::{ErrorKind, InstantiationError};
use wasmi::{
    Config, Engine, Error, Extern, Linker, Module, Ref, Store, StoreLimits, StoreLimitsBuilder,
    TrapCode, V128, Val, ValType,
};

/// What the module's exports do, by name.
///
/// # Errors
/// The module is not valid.
pub fn run(bytes: &[u8]) -> Result<Outcome, Error> {
    let mut config = Config::default();
    config
        .consume_fuel(true)
        .wasm_memory64(true)
        .wasm_multi_memory(true)
        .wasm_custom_page_sizes(true)
        .wasm_wide_arithmetic(true);
    let engine = Engine::new(&config);
    let module = Module::new(&engine, bytes)?;
    let limits = StoreLimitsBuilder::new().memory_size(outcome::MEMORY_BYTES).build();
    let mut store = Store::new(&engine, limits);
    store.limiter(|limits| limits);
    store.set_fuel(outcome::FUEL)?;
    let mut linker = Linker::<StoreLimits>::new(&engine);
    linker.func_wrap("host", "mix", outcome::mix)?;
    linker.func_wrap("host", "pair", outcome::pair)?;
    let mut outcome = Outcome::default();
    let instance = match linker.instantiate_and_start(&mut store, &module) {
        Ok(instance) => instance,
        Err(error) => {
            outcome.push(Event::Start(trap(&error)));
            return Ok(outcome);
        }
    };
    let mut exports: Vec<(String, Extern)> = module
        .exports()
        .filter_map(|e| Some((e.name().to_string(), instance.get_export(&store, e.name())?)))
        .collect();
    exports.sort_by(|a, b| a.0.cmp(&b.0));
    for (name, item) in &exports {
        let Extern::Func(func) = item else { continue };
        let ty = func.ty(&store);
        for round in 0..outcome::ROUNDS {
            if let Some(reset) = instance.get_func(&store, "reset") {
                reset.call(&mut store, &[], &mut [])?;
            }
            let types = ty.params().iter().enumerate();
            let args: Vec<Val> = types.map(|(i, &ty)| argument(ty, i as u64, round)).collect();
            let mut results: Vec<Val> = ty.results().iter().copied().map(default).collect();
            let result = func.call(&mut store, &args, &mut results);
            let result = match result {
                Ok(()) => Ok(results.iter().map(value).collect()),
                Err(error) => Err(trap(&error)),
            };
            let stop = result == Err("stopped");
            outcome.push(Event::Call(name.clone(), round, result));
            if stop {
                return Ok(outcome);
            }
            outcome.push(state(&store, &exports));
        }
    }
    Ok(outcome)
}

fn state(store: &Store<StoreLimits>, exports: &[(String, Extern)]) -> Event {
    let mut values = Vec::new();
    let mut memories = Vec::new();
    for (_, item) in exports {
        match item {
            Extern::Global(global) => values.push(value(&global.get(store))),
            Extern::Memory(memory) => memories.push(outcome::digest(memory.data(store))),
            Extern::Table(table) => values.push(Value::Bits(table.size(store).into())),
            _ => {}
        }
    }
    Event::State(values, memories)
}

fn argument(ty: ValType, index: u64, round: u64) -> Val {
    let bits = outcome::argument(index, round);
    match ty {
        ValType::I32 => Val::I32(bits as i32),
        ValType::I64 => Val::I64(bits as i64),
        ValType::F32 => Val::from(outcome::float(bits)),
        ValType::F64 => Val::from(f64::from(outcome::float(bits))),
        ValType::V128 => Val::V128(V128::from(u128::from(bits) * 0x1_0000_0000_0000_0003)),
        ty => default(ty),
    }
}

fn default(ty: ValType) -> Val {
    Val::default(ty)
}

fn value(value: &Val) -> Value {
    match value {
        Val::I32(it) => Value::Bits(*it as u32 as u128),
        Val::I64(it) => Value::Bits(*it as u64 as u128),
        Val::F32(it) => Value::f32(it.to_bits()),
        Val::F64(it) => Value::f64(it.to_bits()),
        Val::V128(it) => Value::Bits(it.as_u128()),
        Val::FuncRef(it) => Value::Null(matches!(it, Ref::Null)),
        Val::ExternRef(it) => Value::Null(matches!(it, Ref::Null)),
    }
}

fn trap(error: &Error) -> &'static str {
    match error.as_trap_code() {
        Some(TrapCode::UnreachableCodeReached) => "unreachable",
        Some(TrapCode::MemoryOutOfBounds) => "memory",
        Some(TrapCode::TableOutOfBounds) => "table",
        Some(TrapCode::IndirectCallToNull) => "null",
        Some(TrapCode::BadSignature) => "signature",
        Some(TrapCode::IntegerOverflow) => "overflow",
        Some(TrapCode::IntegerDivisionByZero) => "division",
        Some(TrapCode::BadConversionToInteger) => "conversion",
        Some(TrapCode::StackOverflow | TrapCode::OutOfFuel) => "stopped",
        _ => match error.kind() {
            ErrorKind::Instantiation(InstantiationError::ElementSegmentDoesNotFit { .. }) => {
                "table"
            }
            ErrorKind::Table(_) => "table",
            _ => panic!("unexpected error: {error:?}"),
        },
    }
}
