//! A module's behaviour in wasmtime.

use crate::outcome::{self, Event, Outcome, Value};
use wasmtime::{
    Config, Engine, Error, Extern, GcHeapOutOfMemory, Linker, Module, Store, StoreLimits,
    StoreLimitsBuilder, ThrownException, Trap, V128, Val, ValType,
};

/// What the module's exports do, by name.
///
/// # Errors
/// The module is not valid.
pub fn run(bytes: &[u8]) -> Result<Outcome, Error> {
    let mut config = Config::new();
    config.consume_fuel(true).cranelift_nan_canonicalization(true);
    config.wasm_relaxed_simd(false);
    config.wasm_memory64(true).wasm_multi_memory(true).wasm_tail_call(true);
    config.wasm_custom_page_sizes(true).wasm_wide_arithmetic(true);
    config.wasm_gc(true).wasm_function_references(true).wasm_exceptions(true);
    config.wasm_threads(true).shared_memory(true);
    let engine = Engine::new(&config)?;
    let module = Module::new(&engine, bytes)?;
    let limits = StoreLimitsBuilder::new().memory_size(outcome::MEMORY_BYTES).build();
    let mut store = Store::new(&engine, limits);
    store.limiter(|limits| limits);
    store.set_fuel(outcome::FUEL)?;
    let mut linker = Linker::<StoreLimits>::new(&engine);
    linker.func_wrap("host", "mix", outcome::mix)?;
    linker.func_wrap("host", "pair", outcome::pair)?;
    let mut outcome = Outcome::default();
    let instance = match linker.instantiate(&mut store, &module) {
        Ok(instance) => instance,
        Err(error) => {
            outcome.push(Event::Start(trap(&error)));
            return Ok(outcome);
        }
    };
    let names: Vec<String> = module.exports().map(|e| e.name().to_string()).collect();
    let mut exports: Vec<(String, Extern)> = names
        .into_iter()
        .filter_map(|name| Some((name.clone(), instance.get_export(&mut store, &name)?)))
        .collect();
    exports.sort_by(|a, b| a.0.cmp(&b.0));
    for (name, item) in &exports {
        let Extern::Func(func) = item else { continue };
        let ty = func.ty(&store);
        for round in 0..outcome::ROUNDS {
            if let Some(reset) = instance.get_func(&mut store, "reset") {
                reset.call(&mut store, &[], &mut [])?;
            }
            let types = ty.params().enumerate();
            let args = types.map(|(i, ty)| argument(ty, i as u64, round));
            // There is nothing to give for a reference that may not be null.
            let Some(args) = args.collect::<Option<Vec<Val>>>() else { continue };
            let mut results = vec![Val::I32(0); ty.results().len()];
            let result = func.call(&mut store, &args, &mut results);
            let result = match result {
                Ok(()) => Ok(results.iter().map(value).collect()),
                Err(error) => Err(trap(&error)),
            };
            store.take_pending_exception();
            let stop = result == Err("stopped");
            outcome.push(Event::Call(name.clone(), round, result));
            if stop {
                return Ok(outcome);
            }
            outcome.push(state(&mut store, &exports));
        }
    }
    Ok(outcome)
}

fn state(store: &mut Store<StoreLimits>, exports: &[(String, Extern)]) -> Event {
    let mut values = Vec::new();
    let mut memories = Vec::new();
    for (_, item) in exports {
        match item {
            Extern::Global(global) => values.push(value(&global.get(&mut *store))),
            Extern::Memory(memory) => memories.push(outcome::digest(memory.data(&*store))),
            Extern::SharedMemory(memory) => {
                // SAFETY: No other thread runs, so that nobody writes.
                let bytes = memory.data().iter().map(|cell| unsafe { *cell.get() });
                memories.push(outcome::digest(&bytes.collect::<Vec<u8>>()));
            }
            Extern::Table(table) => values.push(Value::Bits(table.size(&*store).into())),
            _ => {}
        }
    }
    Event::State(values, memories)
}

fn argument(ty: ValType, index: u64, round: u64) -> Option<Val> {
    let bits = outcome::argument(index, round);
    Some(match ty {
        ValType::I32 => Val::I32(bits as i32),
        ValType::I64 => Val::I64(bits as i64),
        ValType::F32 => Val::from(outcome::float(bits)),
        ValType::F64 => Val::from(f64::from(outcome::float(bits))),
        ValType::V128 => Val::V128(V128::from(u128::from(bits) * 0x1_0000_0000_0000_0003)),
        ty => return Val::default_for_ty(&ty),
    })
}

fn value(value: &Val) -> Value {
    match value {
        Val::I32(it) => Value::Bits(*it as u32 as u128),
        Val::I64(it) => Value::Bits(*it as u64 as u128),
        Val::F32(it) => Value::f32(*it),
        Val::F64(it) => Value::f64(*it),
        Val::V128(it) => Value::Bits(it.as_u128()),
        other => Value::Null(other.ref_().is_none_or(|reference| reference.is_null())),
    }
}

fn trap(error: &Error) -> &'static str {
    if error.is::<ThrownException>() {
        return "exception";
    }
    if error.is::<GcHeapOutOfMemory<()>>() {
        return "stopped";
    }
    match error.downcast_ref::<Trap>() {
        Some(Trap::UnreachableCodeReached) => "unreachable",
        Some(Trap::MemoryOutOfBounds) => "memory",
        Some(Trap::TableOutOfBounds) => "table",
        Some(Trap::IndirectCallToNull) => "null",
        Some(Trap::BadSignature) => "signature",
        Some(Trap::IntegerOverflow) => "overflow",
        Some(Trap::IntegerDivisionByZero) => "division",
        Some(Trap::BadConversionToInteger) => "conversion",
        Some(Trap::NullReference) => "null reference",
        Some(Trap::CastFailure) => "cast",
        Some(Trap::ArrayOutOfBounds) => "array",
        Some(Trap::HeapMisaligned) => "alignment",
        Some(Trap::AtomicWaitNonSharedMemory) => "wait",
        Some(Trap::StackOverflow | Trap::OutOfFuel | Trap::AllocationTooLarge) => "stopped",
        _ => panic!("unexpected error: {error:?}"),
    }
}
