//! Rust types that are WebAssembly types: the arguments and results of typed functions.

use crate::rooted::Rooted;
use crate::store::StoreId;
use crate::{
    AnyRef, ArrayRef, EqRef, Error, Exception, ExternRef, Func, HeapType, HostError, RefType,
    Result, StructRef, V128, ValType,
};
use sampan_engine::{FuncId, RawRef};

/// A Rust type that stands for a WebAssembly type.
///
/// `i32`, `u32`, `i64`, `u64`, `f32`, `f64`, [`V128`], and for the nullable references
/// `Option` of [`Func`], [`ExternRef`], [`AnyRef`], [`EqRef`], [`StructRef`], [`ArrayRef`],
/// [`Exception`].
pub trait WasmTy: Sized + private::Sealed {
    /// The type that it stands for.
    const TYPE: ValType;
    #[doc(hidden)]
    const SLOTS: usize = 1;
    #[doc(hidden)]
    fn store(self, raw: &mut private::Raw<'_>, slots: &mut [u64]) -> Result<()>;
    #[doc(hidden)]
    fn load(raw: &mut private::Raw<'_>, slots: &[u64]) -> Self;
}

/// The parameters of a typed function: nothing, a [`WasmTy`], or a tuple of up to 16.
pub trait WasmParams: Sized {
    #[doc(hidden)]
    const SLOTS: usize;
    /// The types.
    fn types() -> impl Iterator<Item = ValType> + Clone;
    #[doc(hidden)]
    fn store(self, raw: &mut private::Raw<'_>, slots: &mut [u64]) -> Result<()>;
    #[doc(hidden)]
    fn load(raw: &mut private::Raw<'_>, slots: &[u64]) -> Self;
}

/// The results of a typed function: nothing, a [`WasmTy`], or a tuple of up to 16.
pub trait WasmResults: WasmParams {}

/// What a host function may return: [`WasmResults`], or a `Result` of them.
pub trait WasmRet {
    #[doc(hidden)]
    type Results: WasmResults;
    #[doc(hidden)]
    fn into_result(self) -> Result<Self::Results, Error>;
}

pub(crate) mod private {
    use crate::store::StoreId;
    use sampan_engine::Machine;

    pub trait Sealed {}

    /// The store that slots are of.
    pub struct Raw<'a> {
        pub(crate) machine: &'a mut Machine,
        pub(crate) id: StoreId,
    }
}
use private::{Raw, Sealed};

macro_rules! number {
    ($($ty:ty, $wasm:ident, $value:ident => $to:expr, $slot:ident => $from:expr;)*) => {$(
        impl Sealed for $ty {}
        impl WasmTy for $ty {
            const TYPE: ValType = ValType::$wasm;
            #[inline]
            fn store(self, _: &mut Raw<'_>, slots: &mut [u64]) -> Result<()> {
                let $value = self;
                slots[0] = $to;
                Ok(())
            }
            #[inline]
            fn load(_: &mut Raw<'_>, slots: &[u64]) -> $ty {
                let $slot = slots[0];
                $from
            }
        }
    )*};
}

number! {
    i32, I32, value => value as u32 as u64, slot => slot as i32;
    u32, I32, value => u64::from(value), slot => slot as u32;
    i64, I64, value => value as u64, slot => slot as i64;
    u64, I64, value => value, slot => slot;
    f32, F32, value => u64::from(value.to_bits()), slot => f32::from_bits(slot as u32);
    f64, F64, value => value.to_bits(), slot => f64::from_bits(slot);
}

impl Sealed for V128 {}
impl WasmTy for V128 {
    const TYPE: ValType = ValType::V128;
    const SLOTS: usize = 2;

    fn store(self, _: &mut Raw<'_>, slots: &mut [u64]) -> Result<()> {
        let bits = self.as_u128();
        (slots[0], slots[1]) = (bits as u64, (bits >> 64) as u64);
        Ok(())
    }

    fn load(_: &mut Raw<'_>, slots: &[u64]) -> V128 {
        V128::from_slots(slots)
    }
}

impl Sealed for Option<Func> {}
impl WasmTy for Option<Func> {
    const TYPE: ValType = ValType::FUNCREF;

    fn store(self, raw: &mut Raw<'_>, slots: &mut [u64]) -> Result<()> {
        check(raw, self.map(|func| func.store))?;
        slots[0] = self.map_or(RawRef::NULL, |func| RawRef::func(func.raw)).0;
        Ok(())
    }

    fn load(raw: &mut Raw<'_>, slots: &[u64]) -> Option<Func> {
        let index = RawRef(slots[0]).index()?;
        Some(Func { store: raw.id, raw: FuncId(index) })
    }
}

macro_rules! references {
    ($($name:ident $heap:ident;)*) => {$(
        impl Sealed for Option<$name> {}
        impl WasmTy for Option<$name> {
            const TYPE: ValType = ValType::Ref(RefType::new(true, HeapType::$heap));

            fn store(self, raw: &mut Raw<'_>, slots: &mut [u64]) -> Result<()> {
                slots[0] = match self {
                    Some(reference) => reference.0.raw(raw.machine, raw.id)?.0,
                    None => 0,
                };
                Ok(())
            }

            fn load(raw: &mut Raw<'_>, slots: &[u64]) -> Option<$name> {
                let reference = RawRef(slots[0]);
                let rooted = || Rooted::new(raw.machine, raw.id, reference);
                (!reference.is_null()).then(rooted).map($name)
            }
        }
    )*};
}
references! { ExternRef Extern; AnyRef Any; EqRef Eq; StructRef Struct; ArrayRef Array; Exception Exn; }

fn check(raw: &mut Raw<'_>, owner: Option<StoreId>) -> Result<()> {
    match owner {
        Some(owner) if owner != raw.id => Err(Error::new("a reference of another store")),
        _ => Ok(()),
    }
}

impl<A: WasmTy> WasmParams for A {
    const SLOTS: usize = <A as WasmTy>::SLOTS;

    fn types() -> impl Iterator<Item = ValType> + Clone {
        [A::TYPE].into_iter()
    }

    #[inline]
    fn store(self, raw: &mut Raw<'_>, slots: &mut [u64]) -> Result<()> {
        WasmTy::store(self, raw, slots)
    }

    #[inline]
    fn load(raw: &mut Raw<'_>, slots: &[u64]) -> A {
        WasmTy::load(raw, slots)
    }
}

impl<A: WasmTy> WasmResults for A {}

impl<R: WasmResults> WasmRet for R {
    type Results = R;

    #[inline]
    fn into_result(self) -> Result<R, Error> {
        Ok(self)
    }
}

impl<R: WasmResults, E: Into<HostError> + 'static> WasmRet for Result<R, E> {
    type Results = R;

    #[inline]
    fn into_result(self) -> Result<R, Error> {
        self.map_err(Error::of_host)
    }
}

/// Calls a macro with the type parameters of each tuple.
macro_rules! for_each_tuple {
    ($macro:ident) => {
        $macro!();
        $macro!(A);
        $macro!(A B);
        $macro!(A B C);
        $macro!(A B C D);
        $macro!(A B C D E);
        $macro!(A B C D E F);
        $macro!(A B C D E F G);
        $macro!(A B C D E F G H);
        $macro!(A B C D E F G H I);
        $macro!(A B C D E F G H I J);
        $macro!(A B C D E F G H I J K);
        $macro!(A B C D E F G H I J K L);
        $macro!(A B C D E F G H I J K L M);
        $macro!(A B C D E F G H I J K L M N);
        $macro!(A B C D E F G H I J K L M N O);
        $macro!(A B C D E F G H I J K L M N O P);
    };
}
pub(crate) use for_each_tuple;

macro_rules! tuple {
    ($($name:ident)*) => {
        impl<$($name: WasmTy,)*> WasmParams for ($($name,)*) {
            const SLOTS: usize = 0 $(+ <$name as WasmTy>::SLOTS)*;

            fn types() -> impl Iterator<Item = ValType> + Clone {
                [$($name::TYPE,)*].into_iter()
            }

            #[inline]
            #[allow(non_snake_case, unused)]
            fn store(self, raw: &mut Raw<'_>, slots: &mut [u64]) -> Result<()> {
                let ($($name,)*) = self;
                let mut at = 0;
                $(
                    WasmTy::store($name, raw, &mut slots[at..])?;
                    at += <$name as WasmTy>::SLOTS;
                )*
                Ok(())
            }

            #[inline]
            #[allow(unused, clippy::unused_unit)]
            fn load(raw: &mut Raw<'_>, slots: &[u64]) -> Self {
                let mut at = 0;
                // Elements are evaluated from left to right.
                ($({
                    let value = <$name as WasmTy>::load(raw, &slots[at..]);
                    at += <$name as WasmTy>::SLOTS;
                    value
                },)*)
            }
        }

        impl<$($name: WasmTy,)*> WasmResults for ($($name,)*) {}
    };
}
for_each_tuple!(tuple);
