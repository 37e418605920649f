//! One verdict from `wasmparser` and one from here.

use sampan_wasm::{ErrorKind, Feature, Features, validate};
use wasmparser::{Validator, WasmFeatures};

/// The features that are switched together.
pub const SETS: [Features; 5] =
    [Features::ALL, Features::ALL, Features::WASM3, Features::WASM2, Features::MVP];

/// Whether both accept.
///
/// # Errors
/// How they disagree.
pub fn compare(bytes: &[u8], features: Features) -> Result<bool, String> {
    let ours = validate(bytes, features);
    let theirs = Validator::new_with_features(peer_features(features)).validate_all(bytes);
    match (ours, theirs) {
        (Ok(_), Ok(_)) => Ok(true),
        (Err(_), Err(_)) => Ok(false),
        // Limits of wasmparser's own, which the JavaScript interface does not have.
        (Ok(_), Err(e)) if e.to_string().contains("string size out of bounds") => Ok(false),
        (Ok(_), Err(e)) => Err(format!("{features:?}: accepted here, rejected there: {e}")),
        // It does not tell the long form of `funcref` from the short one, which is older.
        (Err(e), Ok(_)) if *e.kind() == LONG_FORM && bytes.windows(2).any(is_long_form) => {
            Ok(false)
        }
        // A limit of the JavaScript interface that wasmparser does not have; only unreachable
        // code can pass it in a small module.
        (Err(e), Ok(_)) if e.to_string().contains("operands of array.new_fixed") => Ok(false),
        (Err(e), Ok(_)) => Err(format!("{features:?}: rejected here, accepted there: {e}")),
    }
}

const LONG_FORM: ErrorKind = ErrorKind::FeatureDisabled(Feature::FunctionReferences);

fn is_long_form(bytes: &[u8]) -> bool {
    matches!(bytes, [0x63, 0x6f | 0x70])
}

fn peer_features(features: Features) -> WasmFeatures {
    let mut peer = WasmFeatures::FLOATS | WasmFeatures::GC_TYPES;
    for &feature in Feature::ALL {
        let flag = match feature {
            Feature::Mvp => WasmFeatures::empty(),
            Feature::Float => WasmFeatures::FLOATS,
            Feature::MutableGlobal => WasmFeatures::MUTABLE_GLOBAL,
            Feature::SaturatingFloatToInt => WasmFeatures::SATURATING_FLOAT_TO_INT,
            Feature::SignExtension => WasmFeatures::SIGN_EXTENSION,
            Feature::MultiValue => WasmFeatures::MULTI_VALUE,
            Feature::BulkMemory => WasmFeatures::BULK_MEMORY,
            Feature::ReferenceTypes => WasmFeatures::REFERENCE_TYPES,
            Feature::Simd => WasmFeatures::SIMD,
            Feature::RelaxedSimd => WasmFeatures::RELAXED_SIMD,
            Feature::TailCall => WasmFeatures::TAIL_CALL,
            Feature::ExtendedConst => WasmFeatures::EXTENDED_CONST,
            Feature::FunctionReferences => WasmFeatures::FUNCTION_REFERENCES,
            Feature::Gc => WasmFeatures::GC,
            Feature::Exceptions => WasmFeatures::EXCEPTIONS,
            Feature::LegacyExceptions => WasmFeatures::LEGACY_EXCEPTIONS,
            Feature::Memory64 => WasmFeatures::MEMORY64,
            Feature::MultiMemory => WasmFeatures::MULTI_MEMORY,
            Feature::Threads => WasmFeatures::THREADS,
            Feature::CustomPageSizes => WasmFeatures::CUSTOM_PAGE_SIZES,
            Feature::WideArithmetic => WasmFeatures::WIDE_ARITHMETIC,
        };
        if features.has(feature) {
            peer |= flag;
        }
    }
    peer
}
