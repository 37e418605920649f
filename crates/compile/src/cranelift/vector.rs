//! Vector operations in Cranelift's instructions.
//!
//! A vector is `i8x16` between operations; casts cost nothing. Relaxed operations are the
//! deterministic profile's, as in the interpreters.

use super::builder::CraneliftBuilder;
use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{self, InstBuilder, Value, types::*};
use sampan_wasm::{Imm, Opcode};

impl CraneliftBuilder<'_> {
    pub(super) fn vector_operation(
        &mut self,
        op: Opcode,
        imm: &Imm<'_>,
        args: &[Value],
    ) -> Option<Value> {
        let value = self.vector_value(op, imm, args)?;
        Some(self.plain(value))
    }

    fn vector_value(&mut self, op: Opcode, imm: &Imm<'_>, args: &[Value]) -> Option<Value> {
        use FloatCC::{Equal as FEq, GreaterThan as FGt, GreaterThanOrEqual as FGe};
        use FloatCC::{LessThan as FLt, LessThanOrEqual as FLe, NotEqual as FNe};
        use IntCC::*;
        use Opcode::*;
        let arg = |i: usize| args.get(i).copied();
        let lane = if let Imm::Lane(lane) = *imm { lane } else { 0 };
        /// `operation(operands as vectors of a type)`
        macro_rules! v {
            ($ty:expr, $name:ident 1) => {{
                let a = self.cast(arg(0)?, $ty);
                self.b.ins().$name(a)
            }};
            ($ty:expr, $name:ident 2) => {{
                let (a, b) = (self.cast(arg(0)?, $ty), self.cast(arg(1)?, $ty));
                self.b.ins().$name(a, b)
            }};
            ($ty:expr, cmp $cc:expr) => {{
                let (a, b) = (self.cast(arg(0)?, $ty), self.cast(arg(1)?, $ty));
                self.b.ins().icmp($cc, a, b)
            }};
            ($ty:expr, fcmp $cc:expr) => {{
                let (a, b) = (self.cast(arg(0)?, $ty), self.cast(arg(1)?, $ty));
                self.b.ins().fcmp($cc, a, b)
            }};
            ($ty:expr, shift $name:ident) => {{
                let a = self.cast(arg(0)?, $ty);
                self.b.ins().$name(a, arg(1)?)
            }};
            ($ty:expr, test $name:ident) => {{
                let a = self.cast(arg(0)?, $ty);
                let bit = self.b.ins().$name(a);
                self.b.ins().uextend(I32, bit)
            }};
            ($ty:expr, mask) => {{
                let a = self.cast(arg(0)?, $ty);
                self.b.ins().vhigh_bits(I32, a)
            }};
            ($ty:expr, to $name:ident $to:expr) => {{
                let a = self.cast(arg(0)?, $ty);
                self.b.ins().$name($to, a)
            }};
            ($ty:expr, mul $widen:ident) => {{
                let (a, b) = (self.cast(arg(0)?, $ty), self.cast(arg(1)?, $ty));
                let (a, b) = (self.b.ins().$widen(a), self.b.ins().$widen(b));
                self.b.ins().imul(a, b)
            }};
            ($ty:expr, pairs $low:ident $high:ident) => {{
                let a = self.cast(arg(0)?, $ty);
                let (low, high) = (self.b.ins().$low(a), self.b.ins().$high(a));
                self.b.ins().iadd_pairwise(low, high)
            }};
            // The pseudo-minimum is `b < a ? b : a`, the maximum `a < b ? b : a`.
            ($ty:expr, $int:expr, pick $swap:expr) => {{
                let (a, b) = (self.cast(arg(0)?, $ty), self.cast(arg(1)?, $ty));
                let less = match $swap {
                    true => self.b.ins().fcmp(FLt, b, a),
                    false => self.b.ins().fcmp(FLt, a, b),
                };
                let (less, a, b) = (self.plain(less), self.plain(a), self.plain(b));
                self.b.ins().bitselect(less, b, a)
            }};
            ($ty:expr, muladd $negate:expr) => {{
                let (mut a, b) = (self.cast(arg(0)?, $ty), self.cast(arg(1)?, $ty));
                let c = self.cast(arg(2)?, $ty);
                if $negate {
                    a = self.b.ins().fneg(a);
                }
                let product = self.b.ins().fmul(a, b);
                self.b.ins().fadd(product, c)
            }};
        }
        Some(match op {
            I8x16Shuffle => {
                let Imm::V128(lanes) = *imm else { return None };
                let mask = self.b.func.dfg.immediates.push(lanes.to_vec().into());
                let (a, b) = (self.plain(arg(0)?), self.plain(arg(1)?));
                self.b.ins().shuffle(a, b, mask)
            }
            I8x16Swizzle | I8x16RelaxedSwizzle => v!(I8X16, swizzle 2),
            I8x16Splat => {
                let low = self.b.ins().ireduce(I8, arg(0)?);
                self.b.ins().splat(I8X16, low)
            }
            I16x8Splat => {
                let low = self.b.ins().ireduce(I16, arg(0)?);
                self.b.ins().splat(I16X8, low)
            }
            I32x4Splat => self.b.ins().splat(I32X4, arg(0)?),
            I64x2Splat => self.b.ins().splat(I64X2, arg(0)?),
            F32x4Splat => self.b.ins().splat(F32X4, arg(0)?),
            F64x2Splat => self.b.ins().splat(F64X2, arg(0)?),
            I8x16ExtractLaneS | I8x16ExtractLaneU | I16x8ExtractLaneS | I16x8ExtractLaneU => {
                let bytes = matches!(op, I8x16ExtractLaneS | I8x16ExtractLaneU);
                let vector = self.cast(arg(0)?, if bytes { I8X16 } else { I16X8 });
                let value = self.b.ins().extractlane(vector, lane);
                match op {
                    I8x16ExtractLaneS | I16x8ExtractLaneS => self.b.ins().sextend(I32, value),
                    _ => self.b.ins().uextend(I32, value),
                }
            }
            I32x4ExtractLane | I64x2ExtractLane | F32x4ExtractLane | F64x2ExtractLane => {
                let ty = match op {
                    I32x4ExtractLane => I32X4,
                    I64x2ExtractLane => I64X2,
                    F32x4ExtractLane => F32X4,
                    _ => F64X2,
                };
                let vector = self.cast(arg(0)?, ty);
                self.b.ins().extractlane(vector, lane)
            }
            I8x16ReplaceLane | I16x8ReplaceLane | I32x4ReplaceLane | I64x2ReplaceLane
            | F32x4ReplaceLane | F64x2ReplaceLane => {
                let (ty, narrow) = match op {
                    I8x16ReplaceLane => (I8X16, Some(I8)),
                    I16x8ReplaceLane => (I16X8, Some(I16)),
                    I32x4ReplaceLane => (I32X4, None),
                    I64x2ReplaceLane => (I64X2, None),
                    F32x4ReplaceLane => (F32X4, None),
                    _ => (F64X2, None),
                };
                let vector = self.cast(arg(0)?, ty);
                let value = match narrow {
                    Some(ty) => self.b.ins().ireduce(ty, arg(1)?),
                    None => arg(1)?,
                };
                self.b.ins().insertlane(vector, value, lane)
            }
            I8x16Eq => v!(I8X16, cmp Equal),
            I8x16Ne => v!(I8X16, cmp NotEqual),
            I8x16LtS => v!(I8X16, cmp SignedLessThan),
            I8x16LtU => v!(I8X16, cmp UnsignedLessThan),
            I8x16GtS => v!(I8X16, cmp SignedGreaterThan),
            I8x16GtU => v!(I8X16, cmp UnsignedGreaterThan),
            I8x16LeS => v!(I8X16, cmp SignedLessThanOrEqual),
            I8x16LeU => v!(I8X16, cmp UnsignedLessThanOrEqual),
            I8x16GeS => v!(I8X16, cmp SignedGreaterThanOrEqual),
            I8x16GeU => v!(I8X16, cmp UnsignedGreaterThanOrEqual),
            I16x8Eq => v!(I16X8, cmp Equal),
            I16x8Ne => v!(I16X8, cmp NotEqual),
            I16x8LtS => v!(I16X8, cmp SignedLessThan),
            I16x8LtU => v!(I16X8, cmp UnsignedLessThan),
            I16x8GtS => v!(I16X8, cmp SignedGreaterThan),
            I16x8GtU => v!(I16X8, cmp UnsignedGreaterThan),
            I16x8LeS => v!(I16X8, cmp SignedLessThanOrEqual),
            I16x8LeU => v!(I16X8, cmp UnsignedLessThanOrEqual),
            I16x8GeS => v!(I16X8, cmp SignedGreaterThanOrEqual),
            I16x8GeU => v!(I16X8, cmp UnsignedGreaterThanOrEqual),
            I32x4Eq => v!(I32X4, cmp Equal),
            I32x4Ne => v!(I32X4, cmp NotEqual),
            I32x4LtS => v!(I32X4, cmp SignedLessThan),
            I32x4LtU => v!(I32X4, cmp UnsignedLessThan),
            I32x4GtS => v!(I32X4, cmp SignedGreaterThan),
            I32x4GtU => v!(I32X4, cmp UnsignedGreaterThan),
            I32x4LeS => v!(I32X4, cmp SignedLessThanOrEqual),
            I32x4LeU => v!(I32X4, cmp UnsignedLessThanOrEqual),
            I32x4GeS => v!(I32X4, cmp SignedGreaterThanOrEqual),
            I32x4GeU => v!(I32X4, cmp UnsignedGreaterThanOrEqual),
            I64x2Eq => v!(I64X2, cmp Equal),
            I64x2Ne => v!(I64X2, cmp NotEqual),
            I64x2LtS => v!(I64X2, cmp SignedLessThan),
            I64x2GtS => v!(I64X2, cmp SignedGreaterThan),
            I64x2LeS => v!(I64X2, cmp SignedLessThanOrEqual),
            I64x2GeS => v!(I64X2, cmp SignedGreaterThanOrEqual),
            F32x4Eq => v!(F32X4, fcmp FEq),
            F32x4Ne => v!(F32X4, fcmp FNe),
            F32x4Lt => v!(F32X4, fcmp FLt),
            F32x4Gt => v!(F32X4, fcmp FGt),
            F32x4Le => v!(F32X4, fcmp FLe),
            F32x4Ge => v!(F32X4, fcmp FGe),
            F64x2Eq => v!(F64X2, fcmp FEq),
            F64x2Ne => v!(F64X2, fcmp FNe),
            F64x2Lt => v!(F64X2, fcmp FLt),
            F64x2Gt => v!(F64X2, fcmp FGt),
            F64x2Le => v!(F64X2, fcmp FLe),
            F64x2Ge => v!(F64X2, fcmp FGe),
            V128Not => v!(I8X16, bnot 1),
            V128And => v!(I8X16, band 2),
            V128Andnot => v!(I8X16, band_not 2),
            V128Or => v!(I8X16, bor 2),
            V128Xor => v!(I8X16, bxor 2),
            V128Bitselect
            | I8x16RelaxedLaneselect
            | I16x8RelaxedLaneselect
            | I32x4RelaxedLaneselect
            | I64x2RelaxedLaneselect => {
                let (a, b) = (self.plain(arg(0)?), self.plain(arg(1)?));
                let mask = self.plain(arg(2)?);
                self.b.ins().bitselect(mask, a, b)
            }
            V128AnyTrue => v!(I8X16, test vany_true),
            F32x4DemoteF64x2Zero => v!(F64X2, fvdemote 1),
            F64x2PromoteLowF32x4 => v!(F32X4, fvpromote_low 1),
            I8x16Abs => v!(I8X16, iabs 1),
            I16x8Abs => v!(I16X8, iabs 1),
            I32x4Abs => v!(I32X4, iabs 1),
            I64x2Abs => v!(I64X2, iabs 1),
            I8x16Neg => v!(I8X16, ineg 1),
            I16x8Neg => v!(I16X8, ineg 1),
            I32x4Neg => v!(I32X4, ineg 1),
            I64x2Neg => v!(I64X2, ineg 1),
            I8x16Popcnt => v!(I8X16, popcnt 1),
            I8x16AllTrue => v!(I8X16, test vall_true),
            I16x8AllTrue => v!(I16X8, test vall_true),
            I32x4AllTrue => v!(I32X4, test vall_true),
            I64x2AllTrue => v!(I64X2, test vall_true),
            I8x16Bitmask => v!(I8X16, mask),
            I16x8Bitmask => v!(I16X8, mask),
            I32x4Bitmask => v!(I32X4, mask),
            I64x2Bitmask => v!(I64X2, mask),
            I8x16NarrowI16x8S => v!(I16X8, snarrow 2),
            I8x16NarrowI16x8U => v!(I16X8, unarrow 2),
            I16x8NarrowI32x4S => v!(I32X4, snarrow 2),
            I16x8NarrowI32x4U => v!(I32X4, unarrow 2),
            F32x4Ceil => v!(F32X4, ceil 1),
            F32x4Floor => v!(F32X4, floor 1),
            F32x4Trunc => v!(F32X4, trunc 1),
            F32x4Nearest => v!(F32X4, nearest 1),
            F64x2Ceil => v!(F64X2, ceil 1),
            F64x2Floor => v!(F64X2, floor 1),
            F64x2Trunc => v!(F64X2, trunc 1),
            F64x2Nearest => v!(F64X2, nearest 1),
            I8x16Shl => v!(I8X16, shift ishl),
            I8x16ShrS => v!(I8X16, shift sshr),
            I8x16ShrU => v!(I8X16, shift ushr),
            I16x8Shl => v!(I16X8, shift ishl),
            I16x8ShrS => v!(I16X8, shift sshr),
            I16x8ShrU => v!(I16X8, shift ushr),
            I32x4Shl => v!(I32X4, shift ishl),
            I32x4ShrS => v!(I32X4, shift sshr),
            I32x4ShrU => v!(I32X4, shift ushr),
            I64x2Shl => v!(I64X2, shift ishl),
            I64x2ShrS => v!(I64X2, shift sshr),
            I64x2ShrU => v!(I64X2, shift ushr),
            I8x16Add => v!(I8X16, iadd 2),
            I16x8Add => v!(I16X8, iadd 2),
            I32x4Add => v!(I32X4, iadd 2),
            I64x2Add => v!(I64X2, iadd 2),
            I8x16Sub => v!(I8X16, isub 2),
            I16x8Sub => v!(I16X8, isub 2),
            I32x4Sub => v!(I32X4, isub 2),
            I64x2Sub => v!(I64X2, isub 2),
            I16x8Mul => v!(I16X8, imul 2),
            I32x4Mul => v!(I32X4, imul 2),
            I64x2Mul => v!(I64X2, imul 2),
            I8x16AddSatS => v!(I8X16, sadd_sat 2),
            I8x16AddSatU => v!(I8X16, uadd_sat 2),
            I8x16SubSatS => v!(I8X16, ssub_sat 2),
            I8x16SubSatU => v!(I8X16, usub_sat 2),
            I16x8AddSatS => v!(I16X8, sadd_sat 2),
            I16x8AddSatU => v!(I16X8, uadd_sat 2),
            I16x8SubSatS => v!(I16X8, ssub_sat 2),
            I16x8SubSatU => v!(I16X8, usub_sat 2),
            I8x16MinS => v!(I8X16, smin 2),
            I8x16MinU => v!(I8X16, umin 2),
            I8x16MaxS => v!(I8X16, smax 2),
            I8x16MaxU => v!(I8X16, umax 2),
            I16x8MinS => v!(I16X8, smin 2),
            I16x8MinU => v!(I16X8, umin 2),
            I16x8MaxS => v!(I16X8, smax 2),
            I16x8MaxU => v!(I16X8, umax 2),
            I32x4MinS => v!(I32X4, smin 2),
            I32x4MinU => v!(I32X4, umin 2),
            I32x4MaxS => v!(I32X4, smax 2),
            I32x4MaxU => v!(I32X4, umax 2),
            I8x16AvgrU => v!(I8X16, avg_round 2),
            I16x8AvgrU => v!(I16X8, avg_round 2),
            I16x8ExtaddPairwiseI8x16S => v!(I8X16, pairs swiden_low swiden_high),
            I16x8ExtaddPairwiseI8x16U => v!(I8X16, pairs uwiden_low uwiden_high),
            I32x4ExtaddPairwiseI16x8S => v!(I16X8, pairs swiden_low swiden_high),
            I32x4ExtaddPairwiseI16x8U => v!(I16X8, pairs uwiden_low uwiden_high),
            I16x8Q15mulrSatS | I16x8RelaxedQ15mulrS => v!(I16X8, sqmul_round_sat 2),
            I16x8ExtendLowI8x16S => v!(I8X16, swiden_low 1),
            I16x8ExtendHighI8x16S => v!(I8X16, swiden_high 1),
            I16x8ExtendLowI8x16U => v!(I8X16, uwiden_low 1),
            I16x8ExtendHighI8x16U => v!(I8X16, uwiden_high 1),
            I32x4ExtendLowI16x8S => v!(I16X8, swiden_low 1),
            I32x4ExtendHighI16x8S => v!(I16X8, swiden_high 1),
            I32x4ExtendLowI16x8U => v!(I16X8, uwiden_low 1),
            I32x4ExtendHighI16x8U => v!(I16X8, uwiden_high 1),
            I64x2ExtendLowI32x4S => v!(I32X4, swiden_low 1),
            I64x2ExtendHighI32x4S => v!(I32X4, swiden_high 1),
            I64x2ExtendLowI32x4U => v!(I32X4, uwiden_low 1),
            I64x2ExtendHighI32x4U => v!(I32X4, uwiden_high 1),
            I16x8ExtmulLowI8x16S => v!(I8X16, mul swiden_low),
            I16x8ExtmulHighI8x16S => v!(I8X16, mul swiden_high),
            I16x8ExtmulLowI8x16U => v!(I8X16, mul uwiden_low),
            I16x8ExtmulHighI8x16U => v!(I8X16, mul uwiden_high),
            I32x4ExtmulLowI16x8S => v!(I16X8, mul swiden_low),
            I32x4ExtmulHighI16x8S => v!(I16X8, mul swiden_high),
            I32x4ExtmulLowI16x8U => v!(I16X8, mul uwiden_low),
            I32x4ExtmulHighI16x8U => v!(I16X8, mul uwiden_high),
            I64x2ExtmulLowI32x4S => v!(I32X4, mul swiden_low),
            I64x2ExtmulHighI32x4S => v!(I32X4, mul swiden_high),
            I64x2ExtmulLowI32x4U => v!(I32X4, mul uwiden_low),
            I64x2ExtmulHighI32x4U => v!(I32X4, mul uwiden_high),
            I32x4DotI16x8S => {
                let low = v!(I16X8, mul swiden_low);
                let high = v!(I16X8, mul swiden_high);
                self.b.ins().iadd_pairwise(low, high)
            }
            I16x8RelaxedDotI8x16I7x16S => self.relaxed_dot(arg(0)?, arg(1)?),
            I32x4RelaxedDotI8x16I7x16AddS => {
                let dot = self.relaxed_dot(arg(0)?, arg(1)?);
                let low = self.b.ins().swiden_low(dot);
                let high = self.b.ins().swiden_high(dot);
                let sum = self.b.ins().iadd_pairwise(low, high);
                let c = self.cast(arg(2)?, I32X4);
                self.b.ins().iadd(sum, c)
            }
            F32x4Abs => v!(F32X4, fabs 1),
            F32x4Neg => v!(F32X4, fneg 1),
            F32x4Sqrt => v!(F32X4, sqrt 1),
            F32x4Add => v!(F32X4, fadd 2),
            F32x4Sub => v!(F32X4, fsub 2),
            F32x4Mul => v!(F32X4, fmul 2),
            F32x4Div => v!(F32X4, fdiv 2),
            F32x4Min | F32x4RelaxedMin => v!(F32X4, fmin 2),
            F32x4Max | F32x4RelaxedMax => v!(F32X4, fmax 2),
            F32x4Pmin => v!(F32X4, I32X4, pick true),
            F32x4Pmax => v!(F32X4, I32X4, pick false),
            F64x2Abs => v!(F64X2, fabs 1),
            F64x2Neg => v!(F64X2, fneg 1),
            F64x2Sqrt => v!(F64X2, sqrt 1),
            F64x2Add => v!(F64X2, fadd 2),
            F64x2Sub => v!(F64X2, fsub 2),
            F64x2Mul => v!(F64X2, fmul 2),
            F64x2Div => v!(F64X2, fdiv 2),
            F64x2Min | F64x2RelaxedMin => v!(F64X2, fmin 2),
            F64x2Max | F64x2RelaxedMax => v!(F64X2, fmax 2),
            F64x2Pmin => v!(F64X2, I64X2, pick true),
            F64x2Pmax => v!(F64X2, I64X2, pick false),
            F32x4RelaxedMadd => v!(F32X4, muladd false),
            F32x4RelaxedNmadd => v!(F32X4, muladd true),
            F64x2RelaxedMadd => v!(F64X2, muladd false),
            F64x2RelaxedNmadd => v!(F64X2, muladd true),
            I32x4TruncSatF32x4S | I32x4RelaxedTruncF32x4S => {
                v!(F32X4, to fcvt_to_sint_sat I32X4)
            }
            I32x4TruncSatF32x4U | I32x4RelaxedTruncF32x4U => {
                v!(F32X4, to fcvt_to_uint_sat I32X4)
            }
            F32x4ConvertI32x4S => v!(I32X4, to fcvt_from_sint F32X4),
            F32x4ConvertI32x4U => v!(I32X4, to fcvt_from_uint F32X4),
            I32x4TruncSatF64x2SZero | I32x4RelaxedTruncF64x2SZero => {
                let wide = v!(F64X2, to fcvt_to_sint_sat I64X2);
                let zero = self.zero(I64X2);
                self.b.ins().snarrow(wide, zero)
            }
            I32x4TruncSatF64x2UZero | I32x4RelaxedTruncF64x2UZero => {
                let wide = v!(F64X2, to fcvt_to_uint_sat I64X2);
                let zero = self.zero(I64X2);
                self.b.ins().uunarrow(wide, zero)
            }
            F64x2ConvertLowI32x4S => {
                let wide = v!(I32X4, swiden_low 1);
                self.b.ins().fcvt_from_sint(F64X2, wide)
            }
            F64x2ConvertLowI32x4U => {
                let wide = v!(I32X4, uwiden_low 1);
                self.b.ins().fcvt_from_uint(F64X2, wide)
            }
            _ => return None,
        })
    }

    fn zero(&mut self, ty: ir::Type) -> Value {
        let zero = self.b.func.dfg.constants.insert(vec![0; 16].into());
        self.b.ins().vconst(ty, zero)
    }

    fn relaxed_dot(&mut self, a: Value, b: Value) -> Value {
        let (a, b) = (self.plain(a), self.plain(b));
        let (al, bl) = (self.b.ins().swiden_low(a), self.b.ins().swiden_low(b));
        let (ah, bh) = (self.b.ins().swiden_high(a), self.b.ins().swiden_high(b));
        let (low, high) = (self.b.ins().imul(al, bl), self.b.ins().imul(ah, bh));
        self.b.ins().iadd_pairwise(low, high)
    }
}
