//! The built-in C library, for modules that import it from `env` and have no WASI.
//!
//! ```
//! use sampan::libc::{self, System};
//! use sampan::{Engine, Linker, Module, Store};
//!
//! struct Console(Vec<u8>);
//!
//! impl System for Console {
//!     fn write(&mut self, text: &[u8]) {
//!         self.0.extend_from_slice(text);
//!     }
//! }
//!
//! # fn main() -> sampan::Result<()> {
//! let engine = Engine::default();
//! let module = Module::new(&engine, r#"(module
//!     (import "env" "puts" (func $puts (param i32) (result i32)))
//!     (memory 1) (data (i32.const 8) "hello\00")
//!     (func (export "main") (result i32) (call $puts (i32.const 8)) drop (i32.const 0)))"#)?;
//! let mut linker = Linker::new(&engine);
//! libc::add_to_linker(&mut linker, &module, |console: &mut Console| console)?;
//! let mut store = Store::new(&engine, Console(Vec::new()));
//! let instance = linker.instantiate(&mut store, &module)?;
//! assert_eq!(libc::call_main(&mut store, instance, &[], |console| console)?, 0);
//! assert_eq!(store.data().0, b"hello\n");
//! # Ok(())
//! # }
//! ```

pub use sampan_libc::{Stop, System};

use crate::into_func::{HostFunc, Scope};
use crate::{
    AsContextMut, Caller, Error, FuncType, I32Exit, Instance, Linker, Module, Result,
    StoreContextMut, ValType,
};
use core::any::Any;
use core::iter::repeat_n;
use sampan_engine::sync::Arc;
use sampan_engine::{Extern, FuncId, InstanceId, Machine, MemoryId, wasm};
use sampan_libc::{Function, Guest, Width};

/// The name under which modules import the library.
const MODULE: &str = "env";

/// Whether a module imports the library, and no WASI, which would bring a C library of the
/// module's own.
pub fn is_wanted_by(module: &Module) -> bool {
    let mut wanted = false;
    for import in &module.raw().decl().imports {
        wanted |= function(module, import).is_some();
        if module.raw().text(&import.module).starts_with("wasi") {
            return false;
        }
    }
    wanted
}

/// Defines what `module` imports of the library. `get` finds the program's output and clocks
/// in the store's data.
///
/// Memory from `malloc` comes from behind the global `__heap_base` that the module exports, or
/// else from behind the memory that it begins with; where that is not enough, the memory
/// grows. A module with a `malloc` and `free` of its own is asked for memory by calling them.
///
/// When the guest ends itself, the error is an [`I32Exit`]; other reasons are a [`Stop`].
///
/// # Errors
/// A name is defined already.
pub fn add_to_linker<T: 'static, S: System + 'static>(
    linker: &mut Linker<T>,
    module: &Module,
    get: fn(&mut T) -> &mut S,
) -> Result<()> {
    for import in &module.raw().decl().imports {
        let Some((function, wanted)) = function(module, import) else { continue };
        let name = module.raw().text(&import.name);
        // Modules may import the same twice.
        if !linker.defines(MODULE, name) {
            let ty = signature(name, function, wanted)?;
            linker.define_host(MODULE, name, host(function, ty, get)?)?;
        }
    }
    Ok(())
}

/// Calls `main` as a program's start does, and gives its result. The compiler's other names
/// for it are known. What `exit` was called with is a result too.
///
/// # Errors
/// There is no such function; there is no memory for `arguments`; the guest was stopped.
pub fn call_main<T: 'static, S: System + 'static>(
    mut store: impl AsContextMut<Data = T>,
    instance: Instance,
    arguments: &[&[u8]],
    get: fn(&mut T) -> &mut S,
) -> Result<i32> {
    const NAMES: [&str; 4] = ["main", "__main_argc_argv", "__main_void", "__original_main"];
    let mut ctx = store.as_context_mut();
    let main = NAMES.iter().find_map(|name| instance.get_func(&ctx, name));
    let main = main.ok_or_else(|| Error::new("the module exports no function main"))?;
    let params = ctx.machine.func_type(main.raw).params().len();
    let result = match params {
        0 => main.typed::<(), i32>(&ctx)?.call(&mut ctx, ()),
        _ => {
            let main = main.typed::<(i32, i32), i32>(&ctx)?;
            let (machine, inner) = (&mut *ctx.machine, &mut *ctx.inner);
            let store = StoreContextMut { machine, inner };
            let caller = Caller { store, instance: Some(instance.raw) };
            let vector = Calling::new(caller, get)?.arguments(arguments)?;
            main.call(&mut ctx, (arguments.len() as i32, vector as i32))
        }
    };
    result.or_else(|error| error.i32_exit_status().ok_or(error))
}

/// The function of the library that an import means, and the type that the module wants.
fn function<'a>(
    module: &'a Module,
    import: &wasm::Import,
) -> Option<(Function, Option<&'a FuncType>)> {
    let wasm::ExternType::Func(ty) = import.ty else { return None };
    let module = module.raw();
    if module.text(&import.module) != MODULE {
        return None;
    }
    Some((sampan_libc::find(module.text(&import.name))?, module.decl().types.func(ty)))
}

fn signature(name: &str, function: Function, wanted: Option<&FuncType>) -> Result<FuncType> {
    let result = function.result.map(|width| match width {
        Width::W32 => ValType::I32,
        Width::W64 => ValType::I64,
    });
    let mut params = usize::from(function.params);
    // C's takes nothing, while that of Emscripten says why.
    if name == "abort" && wanted.is_some_and(|ty| ty.params().is_empty()) {
        params = 0;
    }
    Ok(FuncType::try_new(repeat_n(ValType::I32, params), result)?)
}

fn host<T: 'static, S: System + 'static>(
    function: Function,
    ty: FuncType,
    get: fn(&mut T) -> &mut S,
) -> Result<HostFunc<T>> {
    let params = ty.params().len();
    let call = move |machine: &mut Machine,
                     data: &mut dyn Any,
                     instance: Option<InstanceId>,
                     slots: &mut [u64]| {
        let scope = Scope::open(machine);
        let mut arguments = [0; 4];
        for (argument, &slot) in arguments[..params].iter_mut().zip(&*slots) {
            *argument = slot as u32;
        }
        let store = StoreContextMut::<T>::of_host(&mut *scope.machine, data);
        let guest = Calling::new(Caller { store, instance }, get);
        let result = guest.and_then(|mut it| sampan_libc::call(function, arguments, &mut it));
        let result = result.map_err(Error::into_trap)?;
        if function.result.is_some() {
            slots[0] = result;
        }
        Ok(())
    };
    Ok(HostFunc::raw(ty, Arc::host(call)?))
}

/// Writes bytes to a place in memory.
fn put(memory: &mut [u8], at: usize, bytes: &[u8]) -> Result<()> {
    let target = memory.get_mut(at..).and_then(|rest| rest.get_mut(..bytes.len()));
    target.ok_or(Stop::OutOfBounds)?.copy_from_slice(bytes);
    Ok(())
}

/// The instance that called, for the library.
struct Calling<'a, T: 'static, S: 'static> {
    caller: Caller<'a, T>,
    memory: MemoryId,
    get: fn(&mut T) -> &mut S,
}

impl<'a, T: 'static, S: System + 'static> Calling<'a, T, S> {
    fn new(caller: Caller<'a, T>, get: fn(&mut T) -> &mut S) -> Result<Self> {
        let machine = &*caller.store.machine;
        let memory = caller.instance.and_then(|it| machine.instance(it).memory(0));
        match memory {
            Some(memory) if machine.memory(memory).shared().is_none() => {
                Ok(Calling { caller, memory, get })
            }
            Some(_) => Err(Error::new("the C library cannot work in a shared memory")),
            None => Err(Error::new("the C library was called by what has no memory")),
        }
    }

    /// The module's own function with a name, which it did not import.
    fn own(&self, name: &str) -> Option<FuncId> {
        let Some(Extern::Func(func)) = self.export(name) else { return None };
        self.caller.store.machine.func_place(func).map(|_| func)
    }

    fn export(&self, name: &str) -> Option<Extern> {
        self.caller.store.machine.export(self.caller.instance?, name)
    }

    /// Calls the module's own `malloc` or `free`, which have one parameter.
    fn call_own(&mut self, func: FuncId, results: &[ValType], argument: u32) -> Result<u32> {
        let store = &mut self.caller.store;
        let ty = store.machine.func_type(func);
        if ty.params() != [ValType::I32] || ty.results() != results {
            return Err(Error::new("the module's own malloc or free has another type"));
        }
        let mut slots = [argument.into()];
        store.call(func, &mut slots)?;
        Ok(slots[0] as u32)
    }

    /// Puts the arguments of `main` into the guest's memory: strings, and the array that points
    /// to them and ends with a null.
    fn arguments(mut self, arguments: &[&[u8]]) -> Result<u32> {
        let vector = 4 * (arguments.len() + 1);
        let size = arguments.iter().map(|it| it.len() + 1).fold(vector, usize::saturating_add);
        let size = u32::try_from(size).ok();
        let at = match size {
            Some(size) => sampan_libc::allocate(&mut self, size)?,
            None => 0,
        };
        if at == 0 {
            return Err(Error::new("there is no memory for the program's arguments"));
        }
        let memory = self.parts().0.get_mut(at as usize..).ok_or(Stop::OutOfBounds)?;
        let (mut word, mut end) = (0, vector);
        for argument in arguments {
            let place = (at as usize + end) as u32;
            put(memory, word, &place.to_le_bytes())?;
            put(memory, end, argument)?;
            put(memory, end + argument.len(), &[0])?;
            (word, end) = (word + 4, end + argument.len() + 1);
        }
        put(memory, word, &[0; 4])?;
        Ok(at)
    }
}

impl<T: 'static, S: System + 'static> Guest for Calling<'_, T, S> {
    type Error = Error;

    fn parts(&mut self) -> (&mut [u8], &mut dyn System) {
        let StoreContextMut { machine, inner } = &mut self.caller.store;
        (machine.memory_mut(self.memory).data_mut(), (self.get)(&mut inner.data))
    }

    fn grow(&mut self, bytes: usize) -> bool {
        let machine = &mut *self.caller.store.machine;
        let page = 1u64 << machine.memory(self.memory).ty().page_log2;
        machine.memory_grow(self.memory, (bytes as u64).div_ceil(page)).is_some()
    }

    fn heap_base(&mut self) -> u32 {
        let machine = &*self.caller.store.machine;
        if let Some(Extern::Global(global)) = self.export("__heap_base")
            && machine.global_type(global).content == ValType::I32
        {
            return machine.global(global)[0] as u32;
        }
        let Some(instance) = self.caller.instance else { return u32::MAX };
        let decl = machine.instance(instance).module().decl();
        match decl.extern_type(wasm::ExternKind::Memory, 0) {
            Some(wasm::ExternType::Memory(ty)) => {
                let pages = ty.limits.min;
                u32::try_from(pages << ty.page_log2).unwrap_or(u32::MAX)
            }
            _ => u32::MAX,
        }
    }

    fn own_malloc(&mut self, size: u32) -> Result<Option<u32>> {
        if self.own("free").is_none() {
            return Ok(None);
        }
        let Some(malloc) = self.own("malloc") else { return Ok(None) };
        self.call_own(malloc, &[ValType::I32], size).map(Some)
    }

    fn own_free(&mut self, pointer: u32) -> Result<bool> {
        if self.own("malloc").is_none() {
            return Ok(false);
        }
        let Some(free) = self.own("free") else { return Ok(false) };
        self.call_own(free, &[], pointer).map(|_| true)
    }
}

impl From<Stop> for Error {
    fn from(stop: Stop) -> Error {
        match stop {
            Stop::Exit(status) => Error::try_host(I32Exit(status)),
            other => Error::try_host(other),
        }
    }
}
