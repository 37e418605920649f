//! Exceptions as hosts throw and catch them.
//!
//! ```
//! use sampan::{Caller, Engine, Exception, FuncType, Linker, Module, Store, Tag, Val, ValType};
//!
//! # fn main() -> sampan::Result<()> {
//! let engine = Engine::default();
//! let mut store = Store::new(&engine, ());
//! let tag = Tag::new(&mut store, FuncType::new([ValType::I32], []))?;
//! let mut linker = Linker::new(&engine);
//! linker.define(&store, "host", "tag", tag)?;
//! linker.func_wrap("host", "fail", move |mut caller: Caller<'_, ()>, code: i32| {
//!     let exception = Exception::new(&mut caller, tag, &[Val::I32(code + 1)])?;
//!     Err::<(), _>(exception.throw(&mut caller))
//! })?;
//! let module = Module::new(&engine, r#"(module
//!     (import "host" "tag" (tag $tag (param i32)))
//!     (import "host" "fail" (func $fail (param i32)))
//!     (func (export "catch") (result i32)
//!         (block $caught (result i32)
//!             (try_table (catch $tag $caught) (call $fail (i32.const 41)))
//!             (i32.const 0)))
//!     (func (export "throw") (throw $tag (i32.const 7))))"#)?;
//! let instance = linker.instantiate(&mut store, &module)?;
//!
//! let catch = instance.get_typed_func::<(), i32>(&store, "catch")?;
//! assert_eq!(catch.call(&mut store, ())?, 42);
//!
//! let throw = instance.get_typed_func::<(), ()>(&store, "throw")?;
//! let error = throw.call(&mut store, ()).unwrap_err();
//! let exception = Exception::thrown(&mut store, &error).expect("it is one");
//! assert_eq!(exception.tag(&store)?, tag);
//! assert_eq!(exception.fields(&mut store)?[0].i32(), Some(7));
//! # Ok(())
//! # }
//! ```

use crate::rooted::Rooted;
use crate::{AsContext, AsContextMut, Error, ErrorKind, Exception, Result, Tag, Val};
#[cfg(feature = "messages")]
use alloc::string::String;
use alloc::vec::Vec;
use sampan_engine::slots_of_all;
use sampan_engine::wasm::List;
#[cfg(feature = "messages")]
use sampan_engine::wasm::{Export, ExternKind, NameKind, room};

/// What kind of exception is thrown: its tag's name, as the name section or an export has it,
/// or the tag's index; and what it carries.
#[cfg(feature = "messages")]
pub(crate) fn describe(machine: &sampan_engine::Machine) -> Option<String> {
    let (tag, _) = machine.exception_parts(machine.exception())?;
    let types = crate::types::describe(machine.tag_type(tag).params().iter().copied());
    let Some((instance, index)) = machine.tag_place(tag) else {
        return room::text(format_args!("a tag of the host's {types}")).ok();
    };
    let module = instance.module();
    let decl = module.decl();
    let mut names = decl.names(module.bytes()).map(NameKind::Tag);
    let name = names.find(|&(tag, _)| tag == index).map(|(_, name)| name).or_else(|| {
        let is_it = |it: &&Export| it.kind == ExternKind::Tag && it.index == index;
        decl.exports.iter().find(is_it).map(|export| module.text(&export.name))
    });
    let text = match name {
        Some(name) => room::text(format_args!("tag {name:?} {types}")),
        None => room::text(format_args!("tag {index} {types}")),
    };
    text.ok()
}

impl Exception {
    /// An exception that is not thrown yet.
    ///
    /// # Errors
    /// The values are not of the tag's types, or the heap has no room.
    ///
    /// # Panics
    /// The tag is of another store.
    pub fn new(mut store: impl AsContextMut, tag: Tag, fields: &[Val]) -> Result<Exception> {
        let ctx = store.as_context_mut();
        ctx.inner.id.check(tag.store);
        let ty = ctx.machine.tag_type(tag.raw).try_clone()?;
        if ty.params().len() != fields.len() {
            return Err(Error::new("the tag's exceptions carry another number of values"));
        }
        let mut slots = List::new();
        slots.put_times(0, slots_of_all(ty.params()) as usize)?;
        crate::func::store_all(&ctx, ty.params(), fields, &mut slots)?;
        let raw = ctx.machine.make_exception(tag.raw, &slots).map_err(crate::error::of_kind)?;
        Ok(Exception(Rooted::new(ctx.machine, ctx.inner.id, raw)))
    }

    /// The exception for which a call ended with an error; `None` if that is no exception, or
    /// another was thrown since.
    pub fn thrown(mut store: impl AsContextMut, error: &Error) -> Option<Exception> {
        let ctx = store.as_context_mut();
        let raw = ctx.machine.exception();
        if raw.is_null() || !matches!(error.kind(), ErrorKind::Exception) {
            return None;
        }
        Some(Exception(Rooted::new(ctx.machine, ctx.inner.id, raw)))
    }

    /// The error that throws the exception when a host function returns it.
    pub fn throw(&self, mut store: impl AsContextMut) -> Error {
        match self.0.get(&store) {
            Ok(raw) => {
                store.as_context_mut().machine.set_exception(raw);
                Error::of(ErrorKind::Exception)
            }
            Err(error) => error,
        }
    }

    /// Its tag.
    ///
    /// # Errors
    /// It is of another store, or its scope has ended.
    pub fn tag(&self, store: impl AsContext) -> Result<Tag> {
        let raw = self.0.get(&store)?;
        let ctx = store.as_context();
        let parts = ctx.machine.exception_parts(raw);
        let (raw, _) = parts.ok_or_else(|| Error::new("not an exception"))?;
        Ok(Tag { store: ctx.inner.id, raw })
    }

    /// What it carries.
    ///
    /// # Errors
    /// As for [`Exception::tag`].
    pub fn fields(&self, mut store: impl AsContextMut) -> Result<Vec<Val>> {
        let raw = self.0.get(&store)?;
        let ctx = store.as_context_mut();
        let parts = ctx.machine.exception_parts(raw);
        let (tag, slots) = parts.ok_or_else(|| Error::new("not an exception"))?;
        let ty = ctx.machine.tag_type(tag).clone();
        let mut at = 0;
        let mut fields = Vec::with_capacity(ty.params().len());
        for &ty in ty.params() {
            let (value, count) = Val::from_slots(ctx.machine, ctx.inner.id, ty, &slots[at..]);
            fields.push(value);
            at += count;
        }
        Ok(fields)
    }
}
