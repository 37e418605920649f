//! Values of scripts: arguments, and patterns for results.

use sampan::{AnyRef, ExternRef, HeapType, Store, V128, Val};
use wast::core::{
    AbstractHeapType, HeapType as WastHeapType, NanPattern, V128Pattern, WastArgCore, WastRetCore,
};
use wast::{WastArg, WastRet};

/// An argument. References to host objects are made in the store; the object is the number.
pub(super) fn argument(store: &mut Store<()>, arg: &WastArg<'_>) -> Result<Val, String> {
    let WastArg::Core(arg) = arg else { return Err("not an argument of a core module".into()) };
    Ok(match arg {
        WastArgCore::I32(value) => (*value).into(),
        WastArgCore::I64(value) => (*value).into(),
        WastArgCore::F32(value) => Val::F32(value.bits),
        WastArgCore::F64(value) => Val::F64(value.bits),
        WastArgCore::V128(value) => V128::from(u128::from_le_bytes(value.to_le_bytes())).into(),
        WastArgCore::RefNull(heap) => null(heap).ok_or("a null of an unknown type")?,
        WastArgCore::RefExtern(number) => host(store, *number)?.into(),
        WastArgCore::RefHost(number) => AnyRef::convert_extern(host(store, *number)?).into(),
    })
}

fn host(store: &mut Store<()>, number: u32) -> Result<ExternRef, String> {
    ExternRef::new(store, number).map_err(|error| error.to_string())
}

fn null(heap: &WastHeapType<'_>) -> Option<Val> {
    let WastHeapType::Abstract { ty, .. } = heap else { return Val::null(HeapType::Func) };
    Val::null(match ty {
        AbstractHeapType::Func => HeapType::Func,
        AbstractHeapType::NoFunc => HeapType::NoFunc,
        AbstractHeapType::Extern => HeapType::Extern,
        AbstractHeapType::NoExtern => HeapType::NoExtern,
        AbstractHeapType::Any => HeapType::Any,
        AbstractHeapType::Eq => HeapType::Eq,
        AbstractHeapType::I31 => HeapType::I31,
        AbstractHeapType::Struct => HeapType::Struct,
        AbstractHeapType::Array => HeapType::Array,
        AbstractHeapType::None => HeapType::None,
        AbstractHeapType::Exn => HeapType::Exn,
        AbstractHeapType::NoExn => HeapType::NoExn,
        _ => return None,
    })
}

/// Compares results with what is expected of them.
pub(super) fn check(store: &Store<()>, want: &[WastRet<'_>], have: &[Val]) -> Result<(), String> {
    if want.len() != have.len() {
        return Err(format!("expected {} results, found {}", want.len(), have.len()));
    }
    for (want, &have) in want.iter().zip(have) {
        let WastRet::Core(want) = want else { return Err("not a result of a core module".into()) };
        if !matches(store, want, have) {
            return Err(format!("expected {want:?}, found {}", describe(have)));
        }
    }
    Ok(())
}

fn matches(store: &Store<()>, want: &WastRetCore<'_>, have: Val) -> bool {
    match (want, have) {
        (WastRetCore::I32(want), Val::I32(have)) => *want == have,
        (WastRetCore::I64(want), Val::I64(have)) => *want == have,
        (WastRetCore::F32(want), Val::F32(have)) => f32_matches(want, have),
        (WastRetCore::F64(want), Val::F64(have)) => f64_matches(want, have),
        (WastRetCore::V128(want), Val::V128(have)) => v128_matches(want, have.as_u128()),
        (WastRetCore::RefNull(None), have) => have.ref_().is_some_and(|it| it.is_null()),
        (WastRetCore::RefNull(Some(heap)), Val::FuncRef(None)) => {
            matches!(null(heap), Some(Val::FuncRef(_)))
        }
        (WastRetCore::RefNull(Some(heap)), Val::ExternRef(None)) => {
            matches!(null(heap), Some(Val::ExternRef(_)))
        }
        (WastRetCore::RefNull(Some(heap)), Val::AnyRef(None)) => {
            matches!(null(heap), Some(Val::AnyRef(_)))
        }
        (WastRetCore::RefNull(Some(heap)), Val::ExnRef(None)) => {
            matches!(null(heap), Some(Val::ExnRef(_)))
        }
        (WastRetCore::RefAny, Val::AnyRef(Some(_))) => true,
        (WastRetCore::RefEq, have) => is_of(store, have, HeapType::Eq),
        (WastRetCore::RefI31, have) | (WastRetCore::RefI31Shared, have) => {
            is_of(store, have, HeapType::I31)
        }
        (WastRetCore::RefStruct, have) => is_of(store, have, HeapType::Struct),
        (WastRetCore::RefArray, have) => is_of(store, have, HeapType::Array),
        (WastRetCore::RefHost(want), Val::AnyRef(Some(have))) => {
            let object = ExternRef::convert_any(have);
            object.data(store).and_then(|object| object.downcast_ref()) == Some(want)
        }
        (WastRetCore::RefFunc(_), Val::FuncRef(Some(_))) => true,
        (WastRetCore::RefExtern(None), Val::ExternRef(Some(_))) => true,
        (WastRetCore::RefExtern(Some(want)), Val::ExternRef(Some(have))) => {
            have.data(store).and_then(|object| object.downcast_ref()) == Some(want)
        }
        (WastRetCore::Either(wants), have) => wants.iter().any(|want| matches(store, want, have)),
        _ => false,
    }
}

fn is_of(store: &Store<()>, have: Val, ty: HeapType) -> bool {
    matches!(have, Val::AnyRef(Some(any)) if any.is_of(store, ty).unwrap_or(false))
}

fn f32_matches(want: &NanPattern<wast::token::F32>, have: u32) -> bool {
    match want {
        NanPattern::CanonicalNan => have & 0x7fff_ffff == 0x7fc0_0000,
        NanPattern::ArithmeticNan => have & 0x7fc0_0000 == 0x7fc0_0000,
        NanPattern::Value(want) => want.bits == have,
    }
}

fn f64_matches(want: &NanPattern<wast::token::F64>, have: u64) -> bool {
    match want {
        NanPattern::CanonicalNan => have & (u64::MAX >> 1) == 0x7ff8_0000_0000_0000,
        NanPattern::ArithmeticNan => have & 0x7ff8_0000_0000_0000 == 0x7ff8_0000_0000_0000,
        NanPattern::Value(want) => want.bits == have,
    }
}

fn v128_matches(want: &V128Pattern, have: u128) -> bool {
    fn lanes<L>(want: &[L], have: u128, same: impl Fn(&L, u128) -> bool) -> bool {
        let width = 128 / want.len();
        want.iter().enumerate().all(|(i, want)| same(want, have >> (i * width)))
    }
    match want {
        V128Pattern::I8x16(want) => lanes(want, have, |&want, have| want == have as i8),
        V128Pattern::I16x8(want) => lanes(want, have, |&want, have| want == have as i16),
        V128Pattern::I32x4(want) => lanes(want, have, |&want, have| want == have as i32),
        V128Pattern::I64x2(want) => lanes(want, have, |&want, have| want == have as i64),
        V128Pattern::F32x4(want) => lanes(want, have, |want, have| f32_matches(want, have as u32)),
        V128Pattern::F64x2(want) => lanes(want, have, |want, have| f64_matches(want, have as u64)),
    }
}

fn describe(value: Val) -> String {
    match value {
        Val::F32(bits) => format!("F32({} = 0x{bits:08x})", f32::from_bits(bits)),
        Val::F64(bits) => format!("F64({} = 0x{bits:016x})", f64::from_bits(bits)),
        Val::V128(vector) => format!("V128(0x{:032x})", vector.as_u128()),
        other => format!("{other:?}"),
    }
}
