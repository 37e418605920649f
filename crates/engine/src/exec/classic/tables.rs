//! Which handler each opcode has.
//!
//! There is a set of tables for functions with and without vectors, and for each treatment
//! of NaNs; a set has a table for each number of operands in registers. Metering is a set
//! whose handlers count and then go on in the function's own.

#[cfg(sampan_tail_calls)]
use super::ops::fused;
use super::ops::{call, control, memory, misc, numeric, reference, trap, variable, vector};
use super::regs::{Handler, handler, leb};
use crate::Config;
use numeric::{AnyNans, CanonicalNans, Nans};
use sampan_wasm::Opcode;

/// The numbers of operands in registers: 0, 1, 2 where handlers jump to each other, else
/// always 1.
pub(super) const DEPTHS: usize = if cfg!(sampan_tail_calls) { 3 } else { 1 };

/// Handlers by number of operands in registers and opcode byte.
pub(super) type Tables = [[Handler; 256]; DEPTHS];

/// Where the outermost function returns to: an opcode of our own.
pub(super) static LEAVE: [u8; 1] = [0xf0];
/// Where a function that was called from another instance returns to.
pub(super) static CROSS: [u8; 1] = [0xf1];

/// The handlers for a function.
pub(super) fn base(vectors: bool, config: &Config) -> *const Tables {
    match (vectors, config.canonical_nans, config.fuel) {
        (false, false, false) => &SCALAR,
        (false, false, true) => &SCALAR_SINGLE,
        (false, true, _) => &SCALAR_CANONICAL,
        (true, false, _) => &VECTOR,
        (true, true, _) => &VECTOR_CANONICAL,
    }
}

/// The handlers that count fuel and go on in those of the function.
pub(super) fn metered() -> *const Tables {
    &METERED
}

/// The one that pairs of opcodes have handlers of their own in.
static SCALAR: Tables = tables::<AnyNans>(false, true);
static SCALAR_SINGLE: Tables = tables::<AnyNans>(false, false);
static SCALAR_CANONICAL: Tables = tables::<CanonicalNans>(false, false);
static VECTOR: Tables = tables::<AnyNans>(true, false);
static VECTOR_CANONICAL: Tables = tables::<CanonicalNans>(true, false);
static METERED: Tables = metered_tables();

#[cfg(sampan_tail_calls)]
const fn tables<N: Nans>(vectors: bool, pairs: bool) -> Tables {
    [table::<0, N>(vectors, pairs), table::<1, N>(vectors, pairs), table::<2, N>(vectors, pairs)]
}
#[cfg(not(sampan_tail_calls))]
const fn tables<N: Nans>(vectors: bool, pairs: bool) -> Tables {
    [table::<1, N>(vectors, pairs)]
}

#[cfg(sampan_tail_calls)]
const fn metered_tables() -> Tables {
    [metered_table::<0>(), metered_table::<1>(), metered_table::<2>()]
}
#[cfg(not(sampan_tail_calls))]
const fn metered_tables() -> Tables {
    [metered_table::<1>()]
}

handler! {
    fn count_fuel<const DEPTH: usize>(r) {
        let fuel = &raw mut (*(*r.ctx).machine).fuel;
        if *fuel == 0 {
            return r.call(trap::out_of_fuel);
        }
        *fuel -= 1;
        r.go_base(DEPTH)
    }

    /// Puts one operand into registers, for a handler that wants that.
    fn at_depth_1<const DEPTH: usize>(r) {
        if DEPTH == 0 {
            r.sp = r.sp.sub(1);
            r.a = *r.sp;
        }
        if DEPTH == 2 {
            *r.sp = r.a;
            r.sp = r.sp.add(1);
            r.a = r.b;
        }
        r.go_base(1)
    }

    fn prefix_fc<const DEPTH: usize, N: Nans>(r) {
        let (code, len) = leb(r.pc.add(1));
        let handler = MISC[code as usize % MISC.len()];
        // What is no arithmetic is decoded from its start.
        if !(8..0x13).contains(&code) {
            r.pc = r.pc.add(len);
        }
        r.call(handler)
    }

    fn prefix_fd<const DEPTH: usize, N: Nans>(r) {
        let (code, len) = leb(r.pc.add(1));
        r.pc = r.pc.add(len);
        r.spill(DEPTH);
        let table = if N::CANONICAL { &VECTORS_CANONICAL } else { &VECTORS };
        r.call(table[code as usize % table.len()])
    }
}

const fn metered_table<const DEPTH: usize>() -> [Handler; 256] {
    let mut t = [count_fuel::<DEPTH> as Handler; 256];
    t[Opcode::Nop.code() as usize] = control::nop::<DEPTH>;
    t[Opcode::Block.code() as usize] = control::block::<DEPTH>;
    t[Opcode::Loop.code() as usize] = control::loop_::<DEPTH>;
    t[Opcode::Else.code() as usize] = control::else_::<DEPTH>;
    t[Opcode::End.code() as usize] = control::end::<DEPTH>;
    t[LEAVE[0] as usize] = trap::leave::<DEPTH>;
    t[CROSS[0] as usize] = call::return_cross::<DEPTH>;
    t
}

/// Sets entries: `Variant handler;`.
macro_rules! set {
    ($t:ident $page:literal: $($variant:ident $handler:expr;)*) => {
        $( $t[Opcode::$variant.code() as usize - $page] = $handler; )*
    };
}

/// Sets the entries of the scalar operations that are in a page.
macro_rules! numeric_rows {
    ([$t:ident $page:literal $depth:ident $n:ident]
     $($shape:ident $variant:ident $f:ident $($more:ident)*;)*) => {$(
        if Opcode::$variant.code() as usize / 256 == $page {
            $t[Opcode::$variant.code() as usize % 256] =
                numeric_row!($shape $f $depth $n $($more)*);
        }
    )*};
}
macro_rules! numeric_row {
    (unary $f:ident $depth:ident $n:ident $a:ident $r:ident $canon:ident) => {
        numeric::$f::<$depth, $n>
    };
    (binary $f:ident $depth:ident $n:ident $a:ident $b:ident $r:ident $canon:ident) => {
        numeric::$f::<$depth, $n>
    };
    (wide_binary $f:ident $depth:ident $n:ident) => {
        numeric::$f
    };
    (wide_mul $f:ident $depth:ident $n:ident) => {
        numeric::$f
    };
    ($shape:ident $f:ident $depth:ident $n:ident $($more:ident)*) => {
        numeric::$f::<$depth>
    };
}

/// Sets the entries of comparisons to those that branch as well.
#[cfg(sampan_tail_calls)]
macro_rules! fused_rows {
    ([$t:ident $depth:ident] $($shape:ident $variant:ident $f:ident $($more:ident)*;)*) => {
        $( fused_row!($shape $t $depth $variant $f); )*
    };
}
#[cfg(sampan_tail_calls)]
macro_rules! fused_row {
    (test $t:ident $depth:ident $variant:ident $f:ident) => {
        $t[Opcode::$variant.code() as usize] = fused::$f::<$depth>;
    };
    (compare $t:ident $depth:ident $variant:ident $f:ident) => {
        $t[Opcode::$variant.code() as usize] = fused::$f::<$depth>;
    };
    ($($other:tt)*) => {};
}

const fn table<const DEPTH: usize, N: Nans>(vectors: bool, pairs: bool) -> [Handler; 256] {
    let mut t = [if DEPTH == 1 { trap::invalid as Handler } else { at_depth_1::<DEPTH> }; 256];
    set! { t 0:
        Unreachable trap::unreachable;
        Nop control::nop::<DEPTH>;
        Block control::block::<DEPTH>;
        Loop control::loop_::<DEPTH>;
        If control::if_::<DEPTH>;
        Else control::else_::<DEPTH>;
        End control::end::<DEPTH>;
        Br control::br::<DEPTH>;
        BrIf control::br_if::<DEPTH>;
        BrTable control::br_table::<DEPTH>;
        Return control::return_::<DEPTH>;
        Call call::call::<DEPTH>;
        CallIndirect call::call_indirect::<DEPTH>;
        Drop control::drop::<DEPTH>;
        Select control::select::<DEPTH>;
        LocalGet variable::local_get::<DEPTH>;
        LocalSet variable::local_set::<DEPTH>;
        LocalTee variable::local_tee::<DEPTH>;
        GlobalGet variable::global_get::<DEPTH>;
        GlobalSet variable::global_set::<DEPTH>;
        I32Const variable::i32_const::<DEPTH>;
        I64Const variable::i64_const::<DEPTH>;
        F32Const variable::f32_const::<DEPTH>;
        F64Const variable::f64_const::<DEPTH>;
        I32Load memory::load::<DEPTH, memory::I32>;
        I64Load memory::load::<DEPTH, memory::I64>;
        F32Load memory::load::<DEPTH, memory::I32>;
        F64Load memory::load::<DEPTH, memory::I64>;
        I32Load8S memory::load::<DEPTH, memory::I32As8S>;
        I32Load8U memory::load::<DEPTH, memory::I32As8>;
        I32Load16S memory::load::<DEPTH, memory::I32As16S>;
        I32Load16U memory::load::<DEPTH, memory::I32As16>;
        I64Load8S memory::load::<DEPTH, memory::I64As8S>;
        I64Load8U memory::load::<DEPTH, memory::I64As8>;
        I64Load16S memory::load::<DEPTH, memory::I64As16S>;
        I64Load16U memory::load::<DEPTH, memory::I64As16>;
        I64Load32S memory::load::<DEPTH, memory::I64As32S>;
        I64Load32U memory::load::<DEPTH, memory::I64As32>;
        I32Store memory::store::<DEPTH, memory::I32>;
        I64Store memory::store::<DEPTH, memory::I64>;
        F32Store memory::store::<DEPTH, memory::I32>;
        F64Store memory::store::<DEPTH, memory::I64>;
        I32Store8 memory::store::<DEPTH, memory::I32As8>;
        I32Store16 memory::store::<DEPTH, memory::I32As16>;
        I64Store8 memory::store::<DEPTH, memory::I64As8>;
        I64Store16 memory::store::<DEPTH, memory::I64As16>;
        I64Store32 memory::store::<DEPTH, memory::I64As32>;
        RefNull numeric::ref_null::<DEPTH>;
        RefIsNull numeric::ref_is_null::<DEPTH>;
    }
    crate::exec::num::with_numeric_ops!(numeric_rows [t 0 DEPTH N]);
    t[0xfd] = prefix_fd::<DEPTH, N>;
    t[LEAVE[0] as usize] = trap::leave::<DEPTH>;
    t[CROSS[0] as usize] = call::return_cross::<DEPTH>;
    if DEPTH == 1 {
        set! { t 0:
            ReturnCall call::return_call;
            ReturnCallIndirect call::return_call_indirect;
            CallRef call::call_ref;
            ReturnCallRef call::return_call_ref;
            BrOnNull reference::br_on_null;
            BrOnNonNull reference::br_on_non_null;
            RefAsNonNull reference::ref_as_non_null;
            SelectTyped control::select_typed;
            TableGet misc::slow;
            TableSet misc::slow;
            MemorySize misc::slow;
            MemoryGrow misc::slow;
            RefFunc numeric::ref_func;
        }
        t[0xfc] = prefix_fc::<DEPTH, N>;
    }
    if vectors {
        set! { t 0:
            LocalGet vector::local_get::<DEPTH>;
            LocalSet vector::local_set::<DEPTH>;
            LocalTee vector::local_tee::<DEPTH>;
        }
        let rare = DEPTH != 1;
        set! { t 0:
            GlobalGet if rare { at_depth_1::<DEPTH> } else { vector::global_get };
            GlobalSet if rare { at_depth_1::<DEPTH> } else { vector::global_set };
            Drop if rare { at_depth_1::<DEPTH> } else { vector::drop };
            Select if rare { at_depth_1::<DEPTH> } else { vector::select };
            SelectTyped if rare { at_depth_1::<DEPTH> } else { vector::select_typed };
        }
    }
    #[cfg(not(sampan_tail_calls))]
    let _ = pairs; // There are no handlers for pairs.
    #[cfg(sampan_tail_calls)]
    if pairs {
        set! { t 0:
            LocalGet fused::local_get::<DEPTH>;
            LocalSet fused::local_set::<DEPTH>;
            I32Const fused::i32_const::<DEPTH>;
            I32Add fused::i32_add::<DEPTH>;
        }
        crate::exec::num::with_numeric_ops!(fused_rows [t DEPTH]);
    }
    t
}

/// The opcodes with prefix 0xFC; all begin at depth 1.
static MISC: [Handler; 32] = {
    let mut t = [trap::invalid as Handler; 32];
    const ONE: usize = 1;
    crate::exec::num::with_numeric_ops!(numeric_rows [t 2 ONE AnyNans]);
    set! { t 0x200:
        MemoryInit misc::slow;
        DataDrop misc::slow;
        MemoryCopy misc::slow;
        MemoryFill misc::slow;
        TableInit misc::slow;
        ElemDrop misc::slow;
        TableCopy misc::slow;
        TableGrow misc::slow;
        TableSize misc::slow;
        TableFill misc::slow;
    }
    t
};

macro_rules! vector_rows {
    ([$t:ident $n:ident] $($shape:ident $variant:ident $f:ident $($more:ident)*;)*) => {
        $( $t[Opcode::$variant.code() as usize - 0x300] = vector_row!($shape $f $n $($more)*); )*
    };
}
macro_rules! vector_row {
    ($shape:ident $f:ident $n:ident canon_f32x4) => {
        vector::$f::<0, $n>
    };
    ($shape:ident $f:ident $n:ident canon_f64x2) => {
        vector::$f::<0, $n>
    };
    ($shape:ident $f:ident $n:ident $($more:ident)*) => {
        vector::$f
    };
}

/// The opcodes with prefix 0xFD; all begin at depth 0.
static VECTORS: [Handler; 0x120] = vector_table::<AnyNans>();
static VECTORS_CANONICAL: [Handler; 0x120] = vector_table::<CanonicalNans>();

const fn vector_table<N: Nans>() -> [Handler; 0x120] {
    let mut t = [trap::invalid as Handler; 0x120];
    crate::exec::simd::with_simd_ops!(vector_rows [t N]);
    set! { t 0x300:
        V128Load vector::v128_load;
        V128Load8x8S vector::load::<8, vector::Extend8S>;
        V128Load8x8U vector::load::<8, vector::Extend8U>;
        V128Load16x4S vector::load::<8, vector::Extend16S>;
        V128Load16x4U vector::load::<8, vector::Extend16U>;
        V128Load32x2S vector::load::<8, vector::Extend32S>;
        V128Load32x2U vector::load::<8, vector::Extend32U>;
        V128Load8Splat vector::load::<1, vector::Splat8>;
        V128Load16Splat vector::load::<2, vector::Splat16>;
        V128Load32Splat vector::load::<4, vector::Splat32>;
        V128Load64Splat vector::load::<8, vector::Splat64>;
        V128Load32Zero vector::load::<4, vector::Zero>;
        V128Load64Zero vector::load::<8, vector::Zero>;
        V128Store vector::v128_store;
        V128Const vector::v128_const;
        V128Load8Lane vector::load_lane::<1>;
        V128Load16Lane vector::load_lane::<2>;
        V128Load32Lane vector::load_lane::<4>;
        V128Load64Lane vector::load_lane::<8>;
        V128Store8Lane vector::store_lane::<1>;
        V128Store16Lane vector::store_lane::<2>;
        V128Store32Lane vector::store_lane::<4>;
        V128Store64Lane vector::store_lane::<8>;
    }
    t
}
