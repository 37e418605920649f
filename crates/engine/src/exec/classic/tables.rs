//! Which handler each opcode has.
//!
//! There is a set of tables for functions with and without vectors, and for each treatment
//! of NaNs; a set has a table for each number of operands in registers. Metering is a set
//! whose handlers count and then go on in the function's own.

/// Sets entries: `Variant handler;`.
macro_rules! set {
    ($t:ident $page:literal: $($variant:ident $handler:expr;)*) => {
        $(
            if Opcode::$variant.is_built_in() {
                $t[(Opcode::$variant.code() as usize - $page) % $t.len()] = $handler;
            }
        )*
    };
}

#[cfg(feature = "simd")]
mod vectors;

#[cfg(sampan_tail_calls)]
use super::ops::fused;
use super::ops::{call, control, exception, memory, misc, numeric, reference, trap, variable};
use super::regs::{Handler, handler, leb};
use crate::Config;
use numeric::{AnyNans, CanonicalNans, Nans};
use sampan_wasm::Opcode;

/// The numbers of operands in registers: 0, 1, 2 where handlers jump to each other, else
/// always 0.
pub(super) const DEPTHS: usize = if cfg!(sampan_tail_calls) { 3 } else { 1 };

/// Handlers by number of operands in registers and opcode byte.
pub(super) type Tables = [Table; DEPTHS];
/// Handlers by opcode byte.
pub(super) type Table = [Handler; BYTES];
/// Small builds have no handlers for the half of the bytes that are scalar operations: those
/// before and behind it are in one half, then, at their remainder.
pub(super) const BYTES: usize = if cfg!(sampan_small) { 128 } else { 256 };

/// Where the outermost function returns to: an opcode of our own.
pub(super) static LEAVE: [u8; 1] = [0xf0];
/// Where a function that was called from another instance returns to.
pub(super) static CROSS: [u8; 1] = [0xf1];

/// The handlers for a function.
pub(super) fn base(vectors: bool, config: &Config) -> *const Tables {
    let canonical = cfg!(feature = "canonical-nans") && config.canonical_nans;
    #[cfg(feature = "simd")]
    if vectors {
        return vectors::base(canonical);
    }
    let _ = vectors;
    match (canonical, config.fuel) {
        (false, false) => &SCALAR,
        // Without handlers for pairs it would be the same table.
        (false, true) if cfg!(sampan_tail_calls) => &SCALAR_SINGLE,
        (false, true) => &SCALAR,
        (true, _) => &SCALAR_CANONICAL,
    }
}

/// Whether an opcode costs no fuel.
#[cfg(sampan_small)]
pub(super) fn is_free(opcode: u8) -> bool {
    matches!(opcode, 0x01..=0x03 | 0x05 | 0x0b) || opcode == LEAVE[0] || opcode == CROSS[0]
}

/// The handlers that count fuel and go on in those of the function. Small builds have no such
/// tables: the loop counts.
#[cfg(not(sampan_small))]
pub(super) fn metered() -> *const Tables {
    &METERED
}

/// The one that pairs of opcodes have handlers of their own in.
static SCALAR: Tables = tables::<AnyNans>(false, true);
static SCALAR_SINGLE: Tables = tables::<AnyNans>(false, false);
static SCALAR_CANONICAL: Tables = tables::<CanonicalNans>(false, false);
#[cfg(not(sampan_small))]
static METERED: Tables = metered_tables();

#[cfg(sampan_tail_calls)]
const fn tables<N: Nans>(vectors: bool, pairs: bool) -> Tables {
    [table::<0, N>(vectors, pairs), table::<1, N>(vectors, pairs), table::<2, N>(vectors, pairs)]
}
#[cfg(not(sampan_tail_calls))]
const fn tables<N: Nans>(vectors: bool, pairs: bool) -> Tables {
    [table::<0, N>(vectors, pairs)]
}

#[cfg(sampan_tail_calls)]
const fn metered_tables() -> Tables {
    [metered_table::<0>(), metered_table::<1>(), metered_table::<2>()]
}
#[cfg(not(any(sampan_tail_calls, sampan_small)))]
const fn metered_tables() -> Tables {
    [metered_table::<0>()]
}

#[cfg(not(sampan_small))]
handler! {
    fn count_fuel<const DEPTH: usize>(r) {
        let fuel = &raw mut (*(*r.ctx).machine).fuel;
        if *fuel == 0 {
            return r.call(trap::out_of_fuel);
        }
        *fuel -= 1;
        r.go_base(DEPTH)
    }
}

handler! {
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
        #[cfg(sampan_tail_calls)]
        return r.go_base(1);
        #[cfg(not(sampan_tail_calls))]
        return r.call(handler_at_depth_1(*r.pc));
    }

    #[cfg(feature = "gc")]
    fn prefix_fb(r) {
        let (code, _) = leb(r.pc.add(1));
        match code {
            0x18 | 0x19 => r.call(reference::br_on_cast),
            _ => r.call(misc::slow),
        }
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
}

#[cfg(not(sampan_small))]
const fn metered_table<const DEPTH: usize>() -> Table {
    let mut t = [count_fuel::<DEPTH> as Handler; BYTES];
    t[Opcode::Nop.code() as usize] = control::nop::<DEPTH>;
    t[Opcode::Block.code() as usize] = control::block::<DEPTH>;
    t[Opcode::Loop.code() as usize] = control::loop_::<DEPTH>;
    t[Opcode::Else.code() as usize] = control::else_::<DEPTH>;
    t[Opcode::End.code() as usize] = control::end::<DEPTH>;
    t[LEAVE[0] as usize] = trap::leave::<DEPTH>;
    t[CROSS[0] as usize] = call::return_cross::<DEPTH>;
    t
}

/// Sets the entries of the scalar operations that are in a page.
macro_rules! numeric_rows {
    ([$t:ident $page:literal $depth:ident $n:ident]
     $($shape:ident $variant:ident $f:ident $($more:ident)*;)*) => {$(
        if Opcode::$variant.is_built_in()
            && Opcode::$variant.code() as usize / 256 == $page
            && ($page > 0 || !cfg!(sampan_small))
        {
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
    (unary $t:ident $depth:ident $variant:ident $f:ident) => {
        if (Opcode::$variant.code() as usize) < 256 {
            $t[Opcode::$variant.code() as usize] = fused::$f::<$depth>;
        }
    };
    (binary $t:ident $depth:ident $variant:ident $f:ident) => {
        $t[Opcode::$variant.code() as usize] = fused::$f::<$depth>;
    };
    ($($other:tt)*) => {};
}

/// The handlers of rare opcodes, which all begin at depth 1.
macro_rules! rare_rows {
    ($callback:ident [$($context:tt)*]) => {
        $callback! { $($context)*
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
            RefEq misc::slow;
            Throw misc::slow;
            ThrowRef misc::slow;
            Rethrow exception::rethrow;
            TryTable exception::try_table;
        }
    };
}

/// The handler of an opcode that has one for depth 1 only. The loop has no table of them.
#[cfg(not(sampan_tail_calls))]
fn handler_at_depth_1(opcode: u8) -> Handler {
    macro_rules! find {
        ($($variant:ident $handler:path;)*) => {$(
            if Opcode::$variant.is_built_in() && u16::from(opcode) == Opcode::$variant.code() {
                return $handler;
            }
        )*};
    }
    rare_rows! { find [] }
    match opcode {
        0xfc => prefix_fc::<1, AnyNans>,
        #[cfg(feature = "gc")]
        0xfb => prefix_fb,
        #[cfg(feature = "threads")]
        0xfe => misc::slow,
        _ => trap::invalid,
    }
}

/// Sets the entries of loads and stores to those of a module.
#[cfg(not(sampan_small))]
macro_rules! accesses {
    ($t:ident $depth:ident $ops:ident) => {
        set! { $t 0:
            I32Load $ops::load::<$depth, memory::I32>;
            I64Load $ops::load::<$depth, memory::I64>;
            F32Load $ops::load::<$depth, memory::I32>;
            F64Load $ops::load::<$depth, memory::I64>;
            I32Load8S $ops::load::<$depth, memory::I32As8S>;
            I32Load8U $ops::load::<$depth, memory::I32As8>;
            I32Load16S $ops::load::<$depth, memory::I32As16S>;
            I32Load16U $ops::load::<$depth, memory::I32As16>;
            I64Load8S $ops::load::<$depth, memory::I64As8S>;
            I64Load8U $ops::load::<$depth, memory::I64As8>;
            I64Load16S $ops::load::<$depth, memory::I64As16S>;
            I64Load16U $ops::load::<$depth, memory::I64As16>;
            I64Load32S $ops::load::<$depth, memory::I64As32S>;
            I64Load32U $ops::load::<$depth, memory::I64As32>;
            I32Store $ops::store::<$depth, memory::I32>;
            I64Store $ops::store::<$depth, memory::I64>;
            F32Store $ops::store::<$depth, memory::I32>;
            F64Store $ops::store::<$depth, memory::I64>;
            I32Store8 $ops::store::<$depth, memory::I32As8>;
            I32Store16 $ops::store::<$depth, memory::I32As16>;
            I64Store8 $ops::store::<$depth, memory::I64As8>;
            I64Store16 $ops::store::<$depth, memory::I64As16>;
            I64Store32 $ops::store::<$depth, memory::I64As32>;
        }
    };
}

const fn table<const DEPTH: usize, N: Nans>(vectors: bool, pairs: bool) -> Table {
    let mut t = [if DEPTH == 1 { trap::invalid as Handler } else { at_depth_1::<DEPTH> }; BYTES];
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
        Try control::block::<DEPTH>;
        Catch control::else_::<DEPTH>;
        CatchAll control::else_::<DEPTH>;
        Delegate control::skip_number::<DEPTH>;
        RefNull numeric::ref_null::<DEPTH>;
        RefIsNull numeric::ref_is_null::<DEPTH>;
    }
    crate::exec::num::with_numeric_ops!(numeric_rows [t 0 DEPTH N]);
    #[cfg(not(sampan_small))]
    accesses! { t DEPTH memory }
    #[cfg(sampan_small)]
    {
        let mut opcode = Opcode::I32Load.code() as usize;
        while opcode <= Opcode::I64Store32.code() as usize {
            t[opcode % BYTES] = memory::access;
            opcode += 1;
        }
    }
    #[cfg(feature = "simd")]
    {
        t[0xfd % BYTES] = vectors::prefix_fd::<DEPTH, N>;
    }
    t[LEAVE[0] as usize % BYTES] = trap::leave::<DEPTH>;
    t[CROSS[0] as usize % BYTES] = call::return_cross::<DEPTH>;
    if DEPTH == 1 {
        rare_rows! { set [t 0:] }
        t[0xfc % BYTES] = prefix_fc::<DEPTH, N>;
        #[cfg(feature = "gc")]
        {
            t[0xfb % BYTES] = prefix_fb;
        }
        #[cfg(feature = "threads")]
        {
            t[0xfe % BYTES] = misc::slow;
        }
    }
    #[cfg(feature = "simd")]
    if vectors {
        t = vectors::replace::<DEPTH>(t);
    }
    #[cfg(not(feature = "simd"))]
    let _ = vectors;
    #[cfg(not(sampan_tail_calls))]
    let _ = pairs; // There are no handlers for pairs.
    #[cfg(sampan_tail_calls)]
    if pairs {
        set! { t 0:
            LocalGet fused::local_get::<DEPTH>;
            LocalSet fused::local_set::<DEPTH>;
            LocalTee fused::local_tee::<DEPTH>;
            I32Const fused::i32_const::<DEPTH>;
        }
        accesses! { t DEPTH fused }
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
