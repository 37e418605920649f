//! Host functions whose pointers and lengths are checked before they run.
//!
//! The signature is a string of the letters that embedders of WAMR know from
//! `registerNatives`; the native reaches the guest's bytes only through ranges that were found
//! to lie inside the calling instance's first memory. A range stays valid during the call,
//! for memories do not shrink.

use crate::error::message;
use crate::into_func::{HostFunc, Scope};
use crate::wasm_ty::{WasmResults, WasmTy, private::Raw};
use crate::{Caller, Error, ExternRef, FuncType, Result, StoreContextMut, ValType};
use alloc::borrow::Cow;
use core::any::Any;
use core::fmt;
use core::ops::Range;
use sampan_engine::sync::Arc;
use sampan_engine::wasm::List;
use sampan_engine::{InstanceId, Machine, MemoryId};

/// The most parameters that a signature may have.
const MAX_PARAMS: usize = 16;

/// What a native function gets: its arguments, the guest's memory, and the store.
///
/// Arguments are numbered from 0, and a length counts as one. Asking for an argument as
/// something else than the signature says is a bug of the embedder and panics.
pub struct NativeCall<'a, T: 'static> {
    caller: Caller<'a, T>,
    memory: Option<MemoryId>,
    kinds: &'a [Kind],
    slots: &'a [u64; MAX_PARAMS],
    /// Of each pointer the number of bytes that were checked, of a string without its end.
    lengths: [usize; MAX_PARAMS],
}

impl<'a, T: 'static> NativeCall<'a, T> {
    /// The argument of letter `i` or `~`.
    pub fn i32(&self, argument: usize) -> i32 {
        self.slot(argument, &[Kind::I32, Kind::Length]) as i32
    }

    /// The argument of letter `i` or `~`, without a sign.
    pub fn u32(&self, argument: usize) -> u32 {
        self.i32(argument) as u32
    }

    /// The argument of letter `I`.
    pub fn i64(&self, argument: usize) -> i64 {
        self.slot(argument, &[Kind::I64]) as i64
    }

    /// The argument of letter `f`.
    pub fn f32(&self, argument: usize) -> f32 {
        f32::from_bits(self.slot(argument, &[Kind::F32]) as u32)
    }

    /// The argument of letter `F`.
    pub fn f64(&self, argument: usize) -> f64 {
        f64::from_bits(self.slot(argument, &[Kind::F64]))
    }

    /// The argument of letter `r`.
    pub fn externref(&mut self, argument: usize) -> Option<ExternRef> {
        let slot = self.slot(argument, &[Kind::Ref]);
        let (machine, id) = (&mut *self.caller.store.machine, self.caller.store.inner.id);
        WasmTy::load(&mut Raw { machine, id }, &[slot])
    }

    /// Where in [`NativeCall::memory`] the bytes of an argument of letter `*` or `$` are:
    /// as many as the length behind it says, or 1 without one; a string without its NUL.
    pub fn range(&self, argument: usize) -> Range<usize> {
        let start = self.slot(argument, &[Kind::Pointer, Kind::String]) as usize;
        start..start + self.lengths[argument]
    }

    /// The bytes of an argument of letter `*` or `$`; see [`NativeCall::range`].
    pub fn bytes(&self, argument: usize) -> &[u8] {
        let range = self.range(argument);
        self.memory.map_or(&[], |memory| &self.caller.store.machine.memory(memory).data()[range])
    }

    /// The same bytes, to be changed.
    pub fn bytes_mut(&mut self, argument: usize) -> &mut [u8] {
        let range = self.range(argument);
        &mut self.memory()[range]
    }

    /// The string of an argument of letter `$`.
    ///
    /// # Errors
    /// It is not UTF-8; the error names the argument.
    pub fn str(&self, argument: usize) -> Result<&str, ArgumentError> {
        let reason = BadArgument::NotUtf8;
        core::str::from_utf8(self.bytes(argument)).map_err(|_| ArgumentError { argument, reason })
    }

    /// All of the calling instance's first memory; empty where it has none, or a shared one.
    pub fn memory(&mut self) -> &mut [u8] {
        match self.memory {
            Some(memory) => self.caller.store.machine.memory_mut(memory).data_mut(),
            None => &mut [],
        }
    }

    /// The embedder's data, to be changed.
    pub fn data_mut(&mut self) -> &mut T {
        self.caller.data_mut()
    }

    /// All of the memory as [`NativeCall::memory`] gives it, together with the embedder's data.
    pub fn memory_and_data_mut(&mut self) -> (&mut [u8], &mut T) {
        let store = &mut self.caller.store;
        let memory = match self.memory {
            Some(memory) => store.machine.memory_mut(memory).data_mut(),
            None => &mut [],
        };
        (memory, &mut store.inner.data)
    }

    /// The store, for all else: calls of the guest's functions, fuel, exports.
    pub fn caller(&mut self) -> &mut Caller<'a, T> {
        &mut self.caller
    }

    /// Checks all pointers.
    fn check(&mut self) -> Result<(), ArgumentError> {
        let machine = &*self.caller.store.machine;
        let mut absent = BadArgument::NoMemory;
        if self.memory.is_some_and(|memory| machine.memory(memory).shared().is_some()) {
            // There are no slices of it: for the native it is as if there were no memory.
            self.memory = None;
            absent = BadArgument::SharedMemory;
        }
        for (argument, &kind) in self.kinds.iter().enumerate() {
            if !matches!(kind, Kind::Pointer | Kind::String) {
                continue;
            }
            let fails = |reason| Err(ArgumentError { argument, reason });
            let Some(memory) = self.memory else { return fails(absent) };
            let memory = machine.memory(memory);
            let start = self.slots[argument] as u32 as usize;
            let Some(rest) = memory.data().get(start..) else {
                return fails(BadArgument::OutOfBounds);
            };
            self.lengths[argument] = match (kind, self.kinds.get(argument + 1)) {
                (Kind::String, _) => match rest.iter().position(|&byte| byte == 0) {
                    Some(length) => length,
                    None => return fails(BadArgument::Unterminated),
                },
                (_, Some(Kind::Length)) => self.slots[argument + 1] as u32 as usize,
                _ => 1,
            };
            if self.lengths[argument] > rest.len() {
                return fails(BadArgument::OutOfBounds);
            }
        }
        Ok(())
    }

    #[track_caller]
    fn slot(&self, argument: usize, kinds: &[Kind]) -> u64 {
        let fits = self.kinds.get(argument).is_some_and(|kind| kinds.contains(kind));
        assert!(fits, "the signature has no such argument {argument}");
        match self.kinds[argument] {
            Kind::I64 | Kind::F64 | Kind::Ref => self.slots[argument],
            _ => u64::from(self.slots[argument] as u32),
        }
    }
}

/// An argument of a native function that it cannot be called with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArgumentError {
    /// Its number, from 0.
    pub argument: usize,
    /// What is wrong with it.
    pub reason: BadArgument,
}

/// What is wrong with an argument of a native function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BadArgument {
    /// The bytes are not all inside the memory.
    OutOfBounds,
    /// No NUL ends the string before the memory does.
    Unterminated,
    /// The string is not UTF-8.
    NotUtf8,
    /// The calling instance has no memory, or the host itself called.
    NoMemory,
    /// Other threads may change the memory at any time, so there are no slices of it.
    SharedMemory,
}

impl fmt::Display for ArgumentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reason = match self.reason {
            BadArgument::OutOfBounds => "is out of the memory's bounds",
            BadArgument::Unterminated => "is a string without an end",
            BadArgument::NotUtf8 => "is not UTF-8",
            BadArgument::NoMemory => "points into no memory",
            BadArgument::SharedMemory => "points into a shared memory",
        };
        if cfg!(feature = "messages") {
            write!(f, "argument {} {reason}", self.argument)
        } else {
            f.write_str(reason)
        }
    }
}

impl core::error::Error for ArgumentError {}

impl From<ArgumentError> for Error {
    fn from(error: ArgumentError) -> Error {
        Error::try_host(error)
    }
}

/// What a letter of a signature stands for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    I32,
    I64,
    F32,
    F64,
    Ref,
    Pointer,
    Length,
    String,
}

impl Kind {
    fn of(letter: u8) -> Option<Kind> {
        Some(match letter {
            b'i' => Kind::I32,
            b'I' => Kind::I64,
            b'f' => Kind::F32,
            b'F' => Kind::F64,
            b'r' => Kind::Ref,
            b'*' => Kind::Pointer,
            b'~' => Kind::Length,
            b'$' => Kind::String,
            _ => return None,
        })
    }

    fn ty(self) -> ValType {
        match self {
            Kind::I32 | Kind::Pointer | Kind::Length | Kind::String => ValType::I32,
            Kind::I64 => ValType::I64,
            Kind::F32 => ValType::F32,
            Kind::F64 => ValType::F64,
            Kind::Ref => ValType::EXTERNREF,
        }
    }
}

/// A host function of a signature; see [`Linker::func_native`](crate::Linker::func_native).
pub(crate) fn native<T: 'static, R: WasmResults>(
    signature: &str,
    call: impl Fn(&mut NativeCall<'_, T>) -> Result<R> + Send + Sync + 'static,
) -> Result<HostFunc<T>> {
    let (kinds, results) = parse(signature).map_err(|problem| {
        Error::new(message!("bad signature": "native signature {signature:?}: {problem}"))
    })?;
    if !R::types().eq(results.iter().map(|kind| kind.ty())) {
        return Err(Error::new(message!("bad signature":
            "native signature {signature:?}: the function returns {}",
            crate::types::describe(R::types()))));
    }
    let ty = FuncType::try_new(kinds.iter().map(|kind| kind.ty()), R::types())?;
    let call = move |machine: &mut Machine,
                     data: &mut dyn Any,
                     instance: Option<InstanceId>,
                     slots: &mut [u64]| {
        let scope = Scope::open(machine);
        let mut arguments = [0; MAX_PARAMS];
        arguments[..kinds.len()].copy_from_slice(&slots[..kinds.len()]);
        let memory = instance.and_then(|it| scope.machine.instance(it).memory(0));
        let store = StoreContextMut::<T>::of_host(&mut *scope.machine, data);
        let id = store.inner.id;
        let mut native = NativeCall {
            caller: Caller { store, instance },
            memory,
            kinds: &kinds,
            slots: &arguments,
            lengths: [0; MAX_PARAMS],
        };
        native.check().map_err(|error| Error::try_host(error).into_trap())?;
        let results = call(&mut native).map_err(Error::into_trap)?;
        let raw = &mut Raw { machine: &mut *scope.machine, id };
        results.store(raw, slots).map_err(Error::into_trap)
    };
    Ok(HostFunc::raw(ty, Arc::host(call)?))
}

/// The parameters and results of `"(i*~$)i"`.
fn parse(signature: &str) -> Result<(List<Kind>, List<Kind>), Cow<'static, str>> {
    let inner = signature.strip_prefix('(').and_then(|rest| rest.split_once(')'));
    let (params, results) = inner.ok_or("it has no parentheses")?;
    let kind = |letter: u8| {
        Kind::of(letter)
            .ok_or_else(|| message!("unknown letter": "unknown letter {:?}", char::from(letter)))
    };
    let list = |letters: &str| {
        let mut kinds = List::new();
        for letter in letters.bytes() {
            kinds.put(kind(letter)?).map_err(|_| "there is no memory left")?;
        }
        Ok::<_, Cow<'static, str>>(kinds)
    };
    let (params, results) = (list(params)?, list(results)?);
    if params.len() > MAX_PARAMS {
        return Err("more than 16 parameters".into());
    }
    let follows = |place: usize| place > 0 && params[place - 1] == Kind::Pointer;
    if (0..params.len()).any(|place| params[place] == Kind::Length && !follows(place)) {
        return Err("'~' does not follow a '*'".into());
    }
    if results.iter().any(|kind| matches!(kind, Kind::Pointer | Kind::Length | Kind::String)) {
        return Err("a result is one of i, I, f, F, r".into());
    }
    Ok((params, results))
}
