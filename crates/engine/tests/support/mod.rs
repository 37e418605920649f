//! A module in the classic interpreter, called by name.

#![allow(dead_code)] // Each test file uses some of it.

use sampan_engine::sync::Arc;
use sampan_engine::{
    Config, Engine, Extern, FuncId, HostFn, InstanceId, Machine, Mode, Module, Trap, wasm,
};
use wasm::{FuncType, ValType};

pub struct Guest {
    pub machine: Machine,
    pub instance: InstanceId,
}

pub fn classic() -> Config {
    Config { mode: Mode::Classic, ..Config::default() }
}

impl Guest {
    pub fn new(wat: &str) -> Guest {
        Guest::with(classic(), wat, |_| Vec::new())
    }

    /// `imports` makes what the module imports.
    pub fn with(
        config: Config,
        wat: &str,
        imports: impl FnOnce(&mut Machine) -> Vec<Extern>,
    ) -> Guest {
        let engine = Engine::new(config);
        let mut machine = Machine::new(&engine);
        let imports = imports(&mut machine);
        let instance = add(&mut machine, wat, &imports);
        Guest { machine, instance }
    }

    pub fn func(&self, name: &str) -> FuncId {
        match self.machine.export(self.instance, name) {
            Some(Extern::Func(func)) => func,
            _ => panic!("no function {name}"),
        }
    }

    pub fn call(&mut self, name: &str, args: &[u64]) -> Result<Vec<u64>, Trap> {
        let func = self.func(name);
        call(&mut self.machine, func, args)
    }

    /// The first result as i32, or the trap's text.
    pub fn i32(&mut self, name: &str, args: &[u64]) -> Result<i32, String> {
        match self.call(name, args) {
            Ok(results) => Ok(results.first().map_or(0, |&slot| slot as i32)),
            Err(trap) => Err(trap.to_string()),
        }
    }
}

pub fn add(machine: &mut Machine, wat: &str, imports: &[Extern]) -> InstanceId {
    let bytes = wat::parse_str(wat).expect("valid text");
    let module = Module::new(machine.engine(), bytes).expect("valid module");
    machine.instantiate(&mut (), &module, imports).expect("imports fit")
}

pub fn call(machine: &mut Machine, func: FuncId, args: &[u64]) -> Result<Vec<u64>, Trap> {
    let mut slots = args.to_vec();
    slots.resize(machine.call_slots(func).max(args.len()), 0);
    machine.call(&mut (), func, &mut slots)?;
    Ok(slots)
}

pub fn host(
    machine: &mut Machine,
    params: &[ValType],
    results: &[ValType],
    call: Arc<HostFn>,
) -> Extern {
    let ty = FuncType::new(params.iter().copied(), results.iter().copied());
    Extern::Func(machine.new_host_func(&ty, call).expect("there is memory"))
}
