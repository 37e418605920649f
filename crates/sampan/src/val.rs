//! Values whose type is known at run time.

use crate::rooted::Rooted;
use crate::store::StoreId;
use crate::{
    AnyRef, ArrayRef, AsContext, EqRef, Error, Exception, ExternRef, Func, HeapType, RefType,
    Result, StructRef, ValType,
};
use sampan_engine::{FuncId, Machine, RawRef};

/// A value.
///
/// Floating-point numbers are held as their bits, so that NaNs keep theirs.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Val {
    /// A 32-bit integer; of neither sign.
    I32(i32),
    /// A 64-bit integer; of neither sign.
    I64(i64),
    /// The bits of a 32-bit float.
    F32(u32),
    /// The bits of a 64-bit float.
    F64(u64),
    /// A vector.
    V128(V128),
    /// A reference to a function, or null.
    FuncRef(Option<Func>),
    /// A reference to an object of the host, or null.
    ExternRef(Option<ExternRef>),
    /// A reference to a struct, an array or an `i31`, or null.
    AnyRef(Option<AnyRef>),
    /// A reference to an exception, or null.
    ExnRef(Option<Exception>),
}

/// A 128-bit vector; its lowest lane is in the lowest bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct V128(u128);

/// A reference.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Ref {
    /// A reference to a function, or null.
    Func(Option<Func>),
    /// A reference to an object of the host, or null.
    Extern(Option<ExternRef>),
    /// A reference to a struct, an array or an `i31`, or null.
    Any(Option<AnyRef>),
    /// A reference to an exception, or null.
    Exn(Option<Exception>),
}

impl V128 {
    /// The vector as an integer.
    pub fn as_u128(self) -> u128 {
        self.0
    }
}

impl From<u128> for V128 {
    fn from(bits: u128) -> V128 {
        V128(bits)
    }
}

impl From<V128> for u128 {
    fn from(vector: V128) -> u128 {
        vector.0
    }
}

impl Val {
    /// The null reference of the least type that has one, if `ty` has null. Of a defined type
    /// it is taken for a function's, but any null does.
    pub fn null(ty: HeapType) -> Option<Val> {
        match ty {
            HeapType::Func | HeapType::NoFunc | HeapType::Concrete(_) => Some(Val::FuncRef(None)),
            HeapType::Extern | HeapType::NoExtern => Some(Val::ExternRef(None)),
            HeapType::Any
            | HeapType::Eq
            | HeapType::I31
            | HeapType::Struct
            | HeapType::Array
            | HeapType::None => Some(Val::AnyRef(None)),
            HeapType::Exn | HeapType::NoExn => Some(Val::ExnRef(None)),
        }
    }

    /// The value that a local of a type starts with; `None` if it has none.
    pub fn default_for_ty(ty: ValType) -> Option<Val> {
        Some(match ty {
            ValType::I32 => Val::I32(0),
            ValType::I64 => Val::I64(0),
            ValType::F32 => Val::F32(0),
            ValType::F64 => Val::F64(0),
            ValType::V128 => Val::V128(V128(0)),
            ValType::Ref(ty) if ty.is_nullable() => return Val::null(ty.heap()),
            ValType::Ref(_) => return None,
        })
    }

    /// The type, as exactly as it is known without a store.
    pub fn ty(&self) -> ValType {
        match self {
            Val::I32(_) => ValType::I32,
            Val::I64(_) => ValType::I64,
            Val::F32(_) => ValType::F32,
            Val::F64(_) => ValType::F64,
            Val::V128(_) => ValType::V128,
            Val::FuncRef(None) => ValType::Ref(RefType::new(true, HeapType::NoFunc)),
            Val::FuncRef(Some(_)) => ValType::Ref(RefType::new(false, HeapType::Func)),
            Val::ExternRef(None) => ValType::Ref(RefType::new(true, HeapType::NoExtern)),
            Val::ExternRef(Some(_)) => ValType::Ref(RefType::new(false, HeapType::Extern)),
            Val::AnyRef(None) => ValType::Ref(RefType::new(true, HeapType::None)),
            Val::AnyRef(Some(_)) => ValType::Ref(RefType::new(false, HeapType::Any)),
            Val::ExnRef(None) => ValType::Ref(RefType::new(true, HeapType::NoExn)),
            Val::ExnRef(Some(_)) => ValType::Ref(RefType::new(false, HeapType::Exn)),
        }
    }

    /// Writes the value, which must be of type `ty` and of store `id`, to its slots and gives
    /// their number.
    pub(crate) fn to_slots(
        self,
        machine: &Machine,
        id: StoreId,
        ty: ValType,
        slots: &mut [u64],
    ) -> Result<usize> {
        if !self.is_of(machine, id, ty)? {
            return Err(Error::new(
                crate::error::message!("type mismatch": "type mismatch: expected {ty}, found {}", self.ty()),
            ));
        }
        slots[0] = match self {
            Val::I32(value) => value as u32 as u64,
            Val::I64(value) => value as u64,
            Val::F32(bits) => bits.into(),
            Val::F64(bits) => bits,
            Val::V128(vector) => {
                slots[1] = (vector.0 >> 64) as u64;
                slots[0] = vector.0 as u64;
                return Ok(2);
            }
            Val::FuncRef(func) => func.map_or(RawRef::NULL, |func| RawRef::func(func.raw)).0,
            Val::ExternRef(Some(object)) => object.0.raw(machine, id)?.0,
            Val::AnyRef(Some(any)) => any.0.raw(machine, id)?.0,
            Val::ExnRef(Some(exception)) => exception.0.raw(machine, id)?.0,
            Val::ExternRef(None) | Val::AnyRef(None) | Val::ExnRef(None) => 0,
        };
        Ok(1)
    }

    /// Whether it is of a type in the numbering of store `id`.
    fn is_of(&self, machine: &Machine, id: StoreId, ty: ValType) -> Result<bool> {
        let found = match *self {
            Val::FuncRef(Some(func)) if func.store != id => {
                return Err(Error::new("a reference of another store"));
            }
            Val::FuncRef(Some(func)) => {
                let heap = HeapType::Concrete(machine.func_type_id(func.raw));
                ValType::Ref(RefType::new(false, heap))
            }
            Val::FuncRef(None) | Val::ExternRef(None) | Val::AnyRef(None)
                if ty.as_ref().is_some_and(|ty| {
                    ty.is_nullable() && matches!(ty.heap(), HeapType::Concrete(_))
                }) =>
            {
                return Ok(true);
            }
            Val::AnyRef(Some(any)) => {
                let raw = any.0.raw(machine, id)?;
                let ValType::Ref(ty) = ty else { return Ok(false) };
                let any = RefType::new(false, HeapType::Any);
                let in_hierarchy = machine.registry().ref_matches(ty.with_nullable(false), any);
                return Ok(in_hierarchy && machine.is_of(raw, ty));
            }
            _ => self.ty(),
        };
        Ok(machine.registry().val_matches(found, ty))
    }

    /// The value of type `ty` that slots of store `id` hold, and how many they are.
    pub(crate) fn from_slots(
        machine: &mut Machine,
        id: StoreId,
        ty: ValType,
        slots: &[u64],
    ) -> (Val, usize) {
        let value = match ty {
            ValType::I32 => Val::I32(slots[0] as i32),
            ValType::I64 => Val::I64(slots[0] as i64),
            ValType::F32 => Val::F32(slots[0] as u32),
            ValType::F64 => Val::F64(slots[0]),
            ValType::V128 => return (Val::V128(V128::from_slots(slots)), 2),
            ValType::Ref(ty) => Ref::from_raw(machine, id, ty, RawRef(slots[0])).into(),
        };
        (value, 1)
    }

    /// The integer, if it is one of 32 bits.
    pub fn i32(&self) -> Option<i32> {
        if let Val::I32(value) = *self { Some(value) } else { None }
    }

    /// The integer, if it is one of 64 bits.
    pub fn i64(&self) -> Option<i64> {
        if let Val::I64(value) = *self { Some(value) } else { None }
    }

    /// The number, if it is a float of 32 bits.
    pub fn f32(&self) -> Option<f32> {
        if let Val::F32(bits) = *self { Some(f32::from_bits(bits)) } else { None }
    }

    /// The number, if it is a float of 64 bits.
    pub fn f64(&self) -> Option<f64> {
        if let Val::F64(bits) = *self { Some(f64::from_bits(bits)) } else { None }
    }

    /// The vector, if it is one.
    pub fn v128(&self) -> Option<V128> {
        if let Val::V128(vector) = *self { Some(vector) } else { None }
    }

    /// The reference, if it is one.
    pub fn ref_(&self) -> Option<Ref> {
        match *self {
            Val::FuncRef(func) => Some(Ref::Func(func)),
            Val::ExternRef(object) => Some(Ref::Extern(object)),
            Val::AnyRef(any) => Some(Ref::Any(any)),
            Val::ExnRef(exception) => Some(Ref::Exn(exception)),
            _ => None,
        }
    }
}

impl V128 {
    pub(crate) fn from_slots(slots: &[u64]) -> V128 {
        V128(u128::from(slots[0]) | u128::from(slots[1]) << 64)
    }
}

impl Ref {
    /// Whether it is null.
    pub fn is_null(&self) -> bool {
        matches!(self, Ref::Func(None) | Ref::Extern(None) | Ref::Any(None) | Ref::Exn(None))
    }

    pub(crate) fn from_raw(machine: &mut Machine, store: StoreId, ty: RefType, raw: RawRef) -> Ref {
        let is_func = match ty.heap() {
            HeapType::Func | HeapType::NoFunc => true,
            HeapType::Concrete(id) => machine.registry().func(id).is_some(),
            _ => false,
        };
        let mut rooted = || (!raw.is_null()).then(|| Rooted::new(machine, store, raw));
        match ty.heap() {
            HeapType::Extern | HeapType::NoExtern => Ref::Extern(rooted().map(ExternRef)),
            HeapType::Exn | HeapType::NoExn => Ref::Exn(rooted().map(Exception)),
            _ if !is_func => Ref::Any(rooted().map(AnyRef)),
            _ => Ref::Func(raw.index().map(|index| Func { store, raw: FuncId(index) })),
        }
    }

    /// The raw reference, for a place of type `ty` in a store.
    pub(crate) fn to_raw(self, store: impl AsContext, ty: RefType) -> Result<RawRef> {
        let ctx = store.as_context();
        let mut slot = [0];
        Val::from(self).to_slots(ctx.machine, ctx.inner.id, ValType::Ref(ty), &mut slot)?;
        Ok(RawRef(slot[0]))
    }
}

macro_rules! from {
    ($($ty:ty: $value:ident => $val:expr;)*) => {$(
        impl From<$ty> for Val {
            fn from($value: $ty) -> Val {
                $val
            }
        }
    )*};
}

from! {
    i32: value => Val::I32(value);
    u32: value => Val::I32(value as i32);
    i64: value => Val::I64(value);
    u64: value => Val::I64(value as i64);
    f32: value => Val::F32(value.to_bits());
    f64: value => Val::F64(value.to_bits());
    V128: value => Val::V128(value);
    Func: value => Val::FuncRef(Some(value));
    Option<Func>: value => Val::FuncRef(value);
    ExternRef: value => Val::ExternRef(Some(value));
    Option<ExternRef>: value => Val::ExternRef(value);
    AnyRef: value => Val::AnyRef(Some(value));
    Option<AnyRef>: value => Val::AnyRef(value);
    Exception: value => Val::ExnRef(Some(value));
    Option<Exception>: value => Val::ExnRef(value);
    EqRef: value => Val::AnyRef(Some(value.into()));
    StructRef: value => Val::AnyRef(Some(value.into()));
    ArrayRef: value => Val::AnyRef(Some(value.into()));
    Ref: value => match value {
        Ref::Any(any) => Val::AnyRef(any),
        Ref::Func(func) => Val::FuncRef(func),
        Ref::Extern(object) => Val::ExternRef(object),
        Ref::Exn(exception) => Val::ExnRef(exception),
    };
}

impl From<Func> for Ref {
    fn from(func: Func) -> Ref {
        Ref::Func(Some(func))
    }
}

impl From<AnyRef> for Ref {
    fn from(any: AnyRef) -> Ref {
        Ref::Any(Some(any))
    }
}

impl From<Exception> for Ref {
    fn from(exception: Exception) -> Ref {
        Ref::Exn(Some(exception))
    }
}

impl From<ExternRef> for Ref {
    fn from(object: ExternRef) -> Ref {
        Ref::Extern(Some(object))
    }
}
