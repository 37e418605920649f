//! A module's behaviour in sampan.

use crate::outcome::{self, Event, Outcome, Value};
use sampan::{
    Config, Engine, Error, Extern, Linker, Mode, Module, Preparation, Store, StoreLimitsBuilder,
    Trap, V128, Val, ValType,
};

/// How sampan runs it.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    pub mode: Mode,
    pub preparation: Preparation,
    /// Fuel, interruption: the code has checks, which do not fire.
    pub checks: bool,
    pub canonical_nans: bool,
    /// Memories are guarded by address space.
    pub guarded: bool,
    /// Each allocation collects first.
    pub collects: bool,
    /// Where the mode is auto: after how many calls and rounds of loops code is compiled.
    pub tier_after: u32,
}

impl Setup {
    pub fn new(mode: Mode, preparation: Preparation) -> Setup {
        Setup {
            mode,
            preparation,
            checks: false,
            canonical_nans: false,
            guarded: true,
            collects: false,
            tier_after: 2,
        }
    }

    /// Mode auto, where the module decides when it goes on in machine code: often at once, so
    /// that all of it does, and often somewhere in the middle of a loop.
    #[cfg(feature = "jit")]
    pub fn tiers_up(module: &[u8]) -> Setup {
        let sum = module.iter().fold(7u32, |sum, &byte| sum.wrapping_mul(31) ^ u32::from(byte));
        let tier_after = [0, 1, 2, sum / 4 % 60][sum as usize % 4];
        Setup { tier_after, ..Setup::new(Mode::Auto, Preparation::Lazy) }
    }
}

/// What the module's exports do, by name.
///
/// # Errors
/// The module is not valid.
pub fn run(bytes: &[u8], setup: Setup) -> Result<Outcome, Error> {
    let mut config = Config::new();
    config
        .mode(setup.mode)
        .preparation(setup.preparation)
        .consume_fuel(setup.checks)
        .tier_up(setup.tier_after, true)
        .interruptible(setup.checks)
        .canonicalize_nans(setup.canonical_nans)
        .guarded_memories(setup.guarded)
        .spectre_mitigations(setup.guarded)
        .collect_always(setup.collects);
    let engine = Engine::new(&config);
    let module = Module::new(&engine, bytes)?;
    let mut store = Store::new(&engine, ());
    let bound = outcome::MEMORY_BYTES as u64;
    store.limiter(StoreLimitsBuilder::new().memory_size(bound).build());
    if setup.checks {
        store.set_fuel(u64::MAX)?;
    }
    let mut linker = Linker::new(&engine);
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
    let mut exports: Vec<(String, Extern)> =
        instance.exports(&store).map(|(name, item)| (name.to_string(), item)).collect();
    exports.sort_by(|a, b| a.0.cmp(&b.0));
    for (name, item) in &exports {
        let Extern::Func(func) = item else { continue };
        let ty = func.ty(&store);
        for round in 0..outcome::ROUNDS {
            if let Some(reset) = instance.get_func(&store, "reset") {
                reset.call(&mut store, &[], &mut [])?;
            }
            let types = ty.params().iter().enumerate();
            let args = types.map(|(i, &ty)| argument(ty, i as u64, round));
            // There is nothing to give for a reference that may not be null.
            let Some(args) = args.collect::<Option<Vec<Val>>>() else { continue };
            let mut results = vec![Val::I32(0); ty.results().len()];
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
            outcome.push(state(&mut store, &exports));
        }
    }
    Ok(outcome)
}

fn state(store: &mut Store<()>, exports: &[(String, Extern)]) -> Event {
    let mut values = Vec::new();
    let mut memories = Vec::new();
    for (_, item) in exports {
        match item {
            Extern::Global(global) => values.push(value(&global.get(&mut *store))),
            Extern::Memory(memory) => memories.push(outcome::digest(memory.data(&*store))),
            Extern::SharedMemory(memory) => {
                let mut bytes = vec![0; memory.data_size()];
                memory.read(0, &mut bytes).expect("it never shrinks");
                memories.push(outcome::digest(&bytes));
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
        ValType::F32 => Val::F32(outcome::float(bits).to_bits()),
        ValType::F64 => Val::F64(f64::from(outcome::float(bits)).to_bits()),
        ValType::V128 => Val::V128(V128::from(u128::from(bits) * 0x1_0000_0000_0000_0003)),
        ty => return Val::default_for_ty(ty),
    })
}

fn value(value: &Val) -> Value {
    match *value {
        Val::I32(it) => Value::Bits(it as u32 as u128),
        Val::I64(it) => Value::Bits(it as u64 as u128),
        Val::F32(bits) => Value::f32(bits),
        Val::F64(bits) => Value::f64(bits),
        Val::V128(it) => Value::Bits(it.as_u128()),
        ref other => Value::Null(other.ref_().is_none_or(|reference| reference.is_null())),
    }
}

fn trap(error: &Error) -> &'static str {
    match error.trap() {
        Some(Trap::UnreachableCodeReached) => "unreachable",
        Some(Trap::MemoryOutOfBounds) => "memory",
        Some(Trap::TableOutOfBounds | Trap::UndefinedElement) => "table",
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
        Some(Trap::StackOverflow | Trap::HeapExhausted) => "stopped",
        None if matches!(error.kind(), sampan::ErrorKind::Exception) => "exception",
        other => panic!("unexpected error: {other:?}: {error}"),
    }
}
