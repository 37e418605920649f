//! Reading types.
//!
//! Source: core specification 3.0, section 5.3.

use crate::{Error, Feature, HeapType, Reader, RefType, Result, ValType};

/// A value type.
pub(crate) fn val_type(reader: &mut Reader<'_>) -> Result<ValType> {
    let at = reader.pos();
    let plain = match reader.peek() {
        Some(0x7f) => ValType::I32,
        Some(0x7e) => ValType::I64,
        Some(byte @ (0x7c | 0x7d)) => {
            reader.need(Feature::Float, at)?;
            if byte == 0x7d { ValType::F32 } else { ValType::F64 }
        }
        Some(0x7b) => {
            reader.need(Feature::Simd, at)?;
            ValType::V128
        }
        _ => {
            // In WebAssembly 1.0 `funcref` is the type of a table's elements, not of values.
            let ty = ref_type(reader)?;
            reader.need(Feature::ReferenceTypes, at)?;
            return Ok(ValType::Ref(ty));
        }
    };
    reader.u8()?;
    Ok(plain)
}

/// A reference type: `(ref null? heap)` or one of the short forms.
pub(crate) fn ref_type(reader: &mut Reader<'_>) -> Result<RefType> {
    let at = reader.pos();
    let byte = reader.u8()?;
    let ty = match byte {
        0x63 | 0x64 => {
            reader.need(Feature::FunctionReferences, at)?;
            RefType::new(byte == 0x63, heap_type(reader)?)
        }
        _ => match abstract_heap_type(byte) {
            Some(heap) => RefType::new(true, heap),
            None => return Err(Error::malformed("malformed value type", at)),
        },
    };
    if ty != RefType::FUNCREF {
        reader.need(heap_feature(ty.heap()), at)?;
    }
    Ok(ty)
}

/// A heap type: a type index or one of the abstract ones.
pub(crate) fn heap_type(reader: &mut Reader<'_>) -> Result<HeapType> {
    let at = reader.pos();
    if let Some(heap) = reader.peek().and_then(abstract_heap_type) {
        reader.u8()?;
        reader.need(heap_feature(heap), at)?;
        return Ok(heap);
    }
    match u32::try_from(reader.i33()?) {
        Ok(index) if index < crate::limits::MAX_TYPES => {
            reader.need(Feature::FunctionReferences, at)?;
            Ok(HeapType::Concrete(index))
        }
        Ok(index) => Err(Error::unknown("type", index, at)),
        Err(_) => Err(Error::malformed("malformed heap type", at)),
    }
}

fn abstract_heap_type(byte: u8) -> Option<HeapType> {
    Some(match byte {
        0x69 => HeapType::Exn,
        0x6a => HeapType::Array,
        0x6b => HeapType::Struct,
        0x6c => HeapType::I31,
        0x6d => HeapType::Eq,
        0x6e => HeapType::Any,
        0x6f => HeapType::Extern,
        0x70 => HeapType::Func,
        0x71 => HeapType::None,
        0x72 => HeapType::NoExtern,
        0x73 => HeapType::NoFunc,
        0x74 => HeapType::NoExn,
        _ => return None,
    })
}

fn heap_feature(heap: HeapType) -> Feature {
    match heap {
        HeapType::Func | HeapType::Extern => Feature::ReferenceTypes,
        HeapType::Concrete(_) => Feature::FunctionReferences,
        HeapType::Exn | HeapType::NoExn => Feature::Exceptions,
        _ => Feature::Gc,
    }
}
