//! The handlers for functions that handle vectors, and for the opcodes on vectors.

use super::{Table, Tables, tables};
use crate::exec::classic::ops::numeric::{AnyNans, CanonicalNans, Nans};
use crate::exec::classic::ops::{trap, vector};
use crate::exec::classic::regs::{Handler, handler, leb};
use sampan_wasm::Opcode;

pub(super) fn base(canonical: bool) -> *const Tables {
    if canonical { &VECTOR_CANONICAL } else { &VECTOR }
}

static VECTOR: Tables = tables::<AnyNans>(true, false);
static VECTOR_CANONICAL: Tables = tables::<CanonicalNans>(true, false);

/// Puts into a table the handlers that know of vectors.
pub(super) const fn replace<const DEPTH: usize>(mut t: Table) -> Table {
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
    t
}

handler! {
    fn prefix_fd<const DEPTH: usize, N: Nans>(r) {
        let (code, len) = leb(r.pc.add(1));
        r.pc = r.pc.add(len);
        r.spill(DEPTH);
        let table = if N::CANONICAL { &VECTORS_CANONICAL } else { &VECTORS };
        r.call(table[code as usize % table.len()])
    }

    /// Puts one operand into registers, for a handler that wants that.
    fn at_depth_1<const DEPTH: usize>(r) {
        #[cfg(sampan_tail_calls)]
        return r.call(super::at_depth_1::<DEPTH>);
        #[cfg(not(sampan_tail_calls))]
        {
            let handler = match Opcode::from_code(u32::from(*r.pc)) {
                Some(Opcode::GlobalGet) => vector::global_get,
                Some(Opcode::GlobalSet) => vector::global_set,
                Some(Opcode::Drop) => vector::drop,
                Some(Opcode::Select) => vector::select,
                _ => vector::select_typed,
            };
            r.sp = r.sp.sub(1);
            r.a = *r.sp;
            r.call(handler)
        }
    }
}

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
