//! The proposals, each a run-time switch; those that take much code are cargo features too.

use crate::ErrorKind;

/// A proposal that adds to WebAssembly 1.0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Feature {
    /// The first version; always on.
    Mvp,
    /// Floating point, which is part of the first version, but can be left out of a build.
    Float,
    /// Imported and exported mutable globals.
    MutableGlobal,
    /// `i32.trunc_sat_f32_s` and its kin.
    SaturatingFloatToInt,
    /// `i32.extend8_s` and its kin.
    SignExtension,
    /// Several results, block parameters.
    MultiValue,
    /// `memory.copy`, passive segments.
    BulkMemory,
    /// `funcref` and `externref` as values, several tables.
    ReferenceTypes,
    /// 128-bit vectors.
    Simd,
    /// Vector operations whose result may depend on the host.
    RelaxedSimd,
    /// `return_call` and its kin.
    TailCall,
    /// Arithmetic in constant expressions.
    ExtendedConst,
    /// Typed function references.
    FunctionReferences,
    /// Structs, arrays, `i31`, recursive types and subtyping.
    Gc,
    /// `try_table`, `throw_ref`, tags.
    Exceptions,
    /// The older `try`, `catch`, `delegate`, which shipped binaries still use.
    LegacyExceptions,
    /// Memories and tables with 64-bit addresses.
    Memory64,
    /// More than one memory.
    MultiMemory,
    /// Shared memories and atomic operations.
    Threads,
    /// Memories whose page is one byte.
    CustomPageSizes,
    /// `i64.add128`, `i64.mul_wide_s` and their kin.
    WideArithmetic,
}

impl Feature {
    /// Every feature, in the order of declaration.
    pub const ALL: &[Feature] = {
        use Feature::*;
        &[
            Mvp,
            Float,
            MutableGlobal,
            SaturatingFloatToInt,
            SignExtension,
            MultiValue,
            BulkMemory,
            ReferenceTypes,
            Simd,
            RelaxedSimd,
            TailCall,
            ExtendedConst,
            FunctionReferences,
            Gc,
            Exceptions,
            LegacyExceptions,
            Memory64,
            MultiMemory,
            Threads,
            CustomPageSizes,
            WideArithmetic,
        ]
    };

    /// The name that messages and command lines use.
    pub fn name(self) -> &'static str {
        match self {
            Feature::Mvp => "mvp",
            Feature::Float => "float",
            Feature::MutableGlobal => "mutable-global",
            Feature::SaturatingFloatToInt => "saturating-float-to-int",
            Feature::SignExtension => "sign-extension",
            Feature::MultiValue => "multi-value",
            Feature::BulkMemory => "bulk-memory",
            Feature::ReferenceTypes => "reference-types",
            Feature::Simd => "simd",
            Feature::RelaxedSimd => "relaxed-simd",
            Feature::TailCall => "tail-call",
            Feature::ExtendedConst => "extended-const",
            Feature::FunctionReferences => "function-references",
            Feature::Gc => "gc",
            Feature::Exceptions => "exceptions",
            Feature::LegacyExceptions => "legacy-exceptions",
            Feature::Memory64 => "memory64",
            Feature::MultiMemory => "multi-memory",
            Feature::Threads => "threads",
            Feature::CustomPageSizes => "custom-page-sizes",
            Feature::WideArithmetic => "wide-arithmetic",
        }
    }
}

/// The set of proposals that a module may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Features(u32);

impl Features {
    /// WebAssembly 1.0.
    pub const MVP: Features = Features(1).with(Feature::Float);

    /// WebAssembly 2.0.
    pub const WASM2: Features = Features::MVP
        .with(Feature::MutableGlobal)
        .with(Feature::SaturatingFloatToInt)
        .with(Feature::SignExtension)
        .with(Feature::MultiValue)
        .with(Feature::BulkMemory)
        .with(Feature::ReferenceTypes)
        .with(Feature::Simd);

    /// WebAssembly 3.0 and threads.
    pub const WASM3: Features = Features::WASM2
        .with(Feature::RelaxedSimd)
        .with(Feature::TailCall)
        .with(Feature::ExtendedConst)
        .with(Feature::FunctionReferences)
        .with(Feature::Gc)
        .with(Feature::Exceptions)
        .with(Feature::Memory64)
        .with(Feature::MultiMemory)
        .with(Feature::Threads);

    /// Every feature, the unfinished and the superseded ones included.
    pub const ALL: Features = Features::WASM3
        .with(Feature::LegacyExceptions)
        .with(Feature::CustomPageSizes)
        .with(Feature::WideArithmetic);

    /// What this build was made with: all, or what its cargo features name. Small additions
    /// to the first version are always there.
    pub const BUILT: Features = {
        let mut built = Features::ALL;
        let mut i = 0;
        while i < OPTIONAL.len() {
            let (feature, is_built) = OPTIONAL[i];
            if !is_built {
                built = built.without(feature);
            }
            i += 1;
        }
        built
    };

    /// The set with `feature` added.
    #[must_use]
    pub const fn with(self, feature: Feature) -> Features {
        Features(self.0 | 1 << feature as u32)
    }

    /// The set without `feature`.
    #[must_use]
    pub const fn without(self, feature: Feature) -> Features {
        Features(self.0 & !(1 << feature as u32))
    }

    /// Whether `feature` is in the set and built in. Where it is not, the compiler knows the
    /// answer, and leaves out what depends on it.
    #[inline]
    pub const fn has(self, feature: Feature) -> bool {
        self.0 & Features::BUILT.0 & 1 << feature as u32 != 0
    }

    /// Why something that needs `feature`, which the set does not have, cannot be.
    #[cold]
    pub(crate) fn refusal(feature: Feature) -> ErrorKind {
        match Features::BUILT.has(feature) {
            true => ErrorKind::FeatureDisabled(feature),
            false => ErrorKind::NotBuiltIn(feature),
        }
    }
}

impl Default for Features {
    /// WebAssembly 3.0 and threads.
    fn default() -> Self {
        Features::WASM3
    }
}

/// What cargo features decide on, and their decision.
const OPTIONAL: &[(Feature, bool)] = &[
    (Feature::Float, cfg!(feature = "float")),
    (Feature::SaturatingFloatToInt, cfg!(feature = "float")),
    (Feature::BulkMemory, cfg!(feature = "bulk-memory")),
    (Feature::ReferenceTypes, cfg!(feature = "reference-types")),
    (Feature::Simd, cfg!(feature = "simd")),
    (Feature::RelaxedSimd, cfg!(feature = "relaxed-simd")),
    (Feature::TailCall, cfg!(feature = "tail-calls")),
    (Feature::FunctionReferences, cfg!(feature = "function-references")),
    (Feature::Gc, cfg!(feature = "gc")),
    (Feature::Exceptions, cfg!(feature = "exceptions")),
    (Feature::LegacyExceptions, cfg!(feature = "exceptions")),
    (Feature::Memory64, cfg!(feature = "memory64")),
    (Feature::MultiMemory, cfg!(feature = "multi-memory")),
    (Feature::Threads, cfg!(feature = "threads")),
    (Feature::CustomPageSizes, cfg!(feature = "custom-page-sizes")),
    (Feature::WideArithmetic, cfg!(feature = "wide-arithmetic")),
];
