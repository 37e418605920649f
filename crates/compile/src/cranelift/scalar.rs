//! Scalar operations, loads and stores in Cranelift's instructions.

use super::builder::{CraneliftBuilder, access_flags};
use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Value, types};
use sampan_wasm::Opcode;

impl CraneliftBuilder<'_> {
    pub(super) fn scalar(&mut self, op: Opcode, args: &[Value]) -> Option<Value> {
        use Opcode::*;
        use types::{F32, F64, I8, I16, I32, I64};
        let a = *args.first()?;
        let b = args.get(1).copied().unwrap_or(a);
        macro_rules! ins {
            ($name:ident($($arg:expr),*)) => { self.b.ins().$name($($arg),*) };
        }
        macro_rules! compare {
            ($name:ident $cc:expr) => {{
                let bit = self.b.ins().$name($cc, a, b);
                self.b.ins().uextend(I32, bit)
            }};
        }
        macro_rules! sign {
            ($from:expr, $to:expr) => {{
                let low = self.b.ins().ireduce($from, a);
                self.b.ins().sextend($to, low)
            }};
        }
        Some(match op {
            I32Eqz | I64Eqz => {
                let ty = self.b.func.dfg.value_type(a);
                let zero = ins!(iconst(ty, 0));
                let bit = ins!(icmp(IntCC::Equal, a, zero));
                ins!(uextend(I32, bit))
            }
            I32Eq | I64Eq => compare!(icmp IntCC::Equal),
            I32Ne | I64Ne => compare!(icmp IntCC::NotEqual),
            I32LtS | I64LtS => compare!(icmp IntCC::SignedLessThan),
            I32LtU | I64LtU => compare!(icmp IntCC::UnsignedLessThan),
            I32GtS | I64GtS => compare!(icmp IntCC::SignedGreaterThan),
            I32GtU | I64GtU => compare!(icmp IntCC::UnsignedGreaterThan),
            I32LeS | I64LeS => compare!(icmp IntCC::SignedLessThanOrEqual),
            I32LeU | I64LeU => compare!(icmp IntCC::UnsignedLessThanOrEqual),
            I32GeS | I64GeS => compare!(icmp IntCC::SignedGreaterThanOrEqual),
            I32GeU | I64GeU => compare!(icmp IntCC::UnsignedGreaterThanOrEqual),
            F32Eq | F64Eq => compare!(fcmp FloatCC::Equal),
            F32Ne | F64Ne => compare!(fcmp FloatCC::NotEqual),
            F32Lt | F64Lt => compare!(fcmp FloatCC::LessThan),
            F32Gt | F64Gt => compare!(fcmp FloatCC::GreaterThan),
            F32Le | F64Le => compare!(fcmp FloatCC::LessThanOrEqual),
            F32Ge | F64Ge => compare!(fcmp FloatCC::GreaterThanOrEqual),
            I32Clz | I64Clz => ins!(clz(a)),
            I32Ctz | I64Ctz => ins!(ctz(a)),
            I32Popcnt | I64Popcnt => ins!(popcnt(a)),
            I32Add | I64Add => ins!(iadd(a, b)),
            I32Sub | I64Sub => ins!(isub(a, b)),
            I32Mul | I64Mul => ins!(imul(a, b)),
            I32DivS | I64DivS => ins!(sdiv(a, b)),
            I32DivU | I64DivU => ins!(udiv(a, b)),
            I32RemS | I64RemS => ins!(srem(a, b)),
            I32RemU | I64RemU => ins!(urem(a, b)),
            I32And | I64And => ins!(band(a, b)),
            I32Or | I64Or => ins!(bor(a, b)),
            I32Xor | I64Xor => ins!(bxor(a, b)),
            I32Shl | I64Shl => ins!(ishl(a, b)),
            I32ShrS | I64ShrS => ins!(sshr(a, b)),
            I32ShrU | I64ShrU => ins!(ushr(a, b)),
            I32Rotl | I64Rotl => ins!(rotl(a, b)),
            I32Rotr | I64Rotr => ins!(rotr(a, b)),
            F32Abs | F64Abs => ins!(fabs(a)),
            F32Neg | F64Neg => ins!(fneg(a)),
            F32Ceil | F64Ceil => ins!(ceil(a)),
            F32Floor | F64Floor => ins!(floor(a)),
            F32Trunc | F64Trunc => ins!(trunc(a)),
            F32Nearest | F64Nearest => ins!(nearest(a)),
            F32Sqrt | F64Sqrt => ins!(sqrt(a)),
            F32Add | F64Add => ins!(fadd(a, b)),
            F32Sub | F64Sub => ins!(fsub(a, b)),
            F32Mul | F64Mul => ins!(fmul(a, b)),
            F32Div | F64Div => ins!(fdiv(a, b)),
            F32Min | F64Min => ins!(fmin(a, b)),
            F32Max | F64Max => ins!(fmax(a, b)),
            F32Copysign | F64Copysign => ins!(fcopysign(a, b)),
            I32WrapI64 => ins!(ireduce(I32, a)),
            I32TruncF32S | I32TruncF64S => ins!(fcvt_to_sint(I32, a)),
            I32TruncF32U | I32TruncF64U => ins!(fcvt_to_uint(I32, a)),
            I64TruncF32S | I64TruncF64S => ins!(fcvt_to_sint(I64, a)),
            I64TruncF32U | I64TruncF64U => ins!(fcvt_to_uint(I64, a)),
            I32TruncSatF32S | I32TruncSatF64S => ins!(fcvt_to_sint_sat(I32, a)),
            I32TruncSatF32U | I32TruncSatF64U => ins!(fcvt_to_uint_sat(I32, a)),
            I64TruncSatF32S | I64TruncSatF64S => ins!(fcvt_to_sint_sat(I64, a)),
            I64TruncSatF32U | I64TruncSatF64U => ins!(fcvt_to_uint_sat(I64, a)),
            I64ExtendI32S => ins!(sextend(I64, a)),
            I64ExtendI32U => ins!(uextend(I64, a)),
            F32ConvertI32S | F32ConvertI64S => ins!(fcvt_from_sint(F32, a)),
            F32ConvertI32U | F32ConvertI64U => ins!(fcvt_from_uint(F32, a)),
            F64ConvertI32S | F64ConvertI64S => ins!(fcvt_from_sint(F64, a)),
            F64ConvertI32U | F64ConvertI64U => ins!(fcvt_from_uint(F64, a)),
            F32DemoteF64 => ins!(fdemote(F32, a)),
            F64PromoteF32 => ins!(fpromote(F64, a)),
            I32ReinterpretF32 => ins!(bitcast(I32, MemFlagsData::new(), a)),
            I64ReinterpretF64 => ins!(bitcast(I64, MemFlagsData::new(), a)),
            F32ReinterpretI32 => ins!(bitcast(F32, MemFlagsData::new(), a)),
            F64ReinterpretI64 => ins!(bitcast(F64, MemFlagsData::new(), a)),
            I32Extend8S => sign!(I8, I32),
            I32Extend16S => sign!(I16, I32),
            I64Extend8S => sign!(I8, I64),
            I64Extend16S => sign!(I16, I64),
            I64Extend32S => sign!(I32, I64),
            _ => return None,
        })
    }

    pub(super) fn load_instr(
        &mut self,
        op: Opcode,
        at: Value,
        offset: i32,
        old: Option<(Value, u8)>,
    ) -> Option<Value> {
        use Opcode::*;
        use types::*;
        let flags = access_flags();
        macro_rules! ins {
            ($name:ident($($arg:expr),*)) => { self.b.ins().$name($($arg),*) };
        }
        macro_rules! splat {
            ($lane:expr, $vector:expr) => {{
                let lane = self.b.ins().load($lane, flags, at, offset);
                self.b.ins().splat($vector, lane)
            }};
        }
        macro_rules! lane {
            ($lane:expr, $vector:expr) => {{
                let (old, index) = old?;
                let old = self.cast(old, $vector);
                let lane = self.b.ins().load($lane, flags, at, offset);
                self.b.ins().insertlane(old, lane, index)
            }};
        }
        let value = match op {
            I32Load => ins!(load(I32, flags, at, offset)),
            I64Load => ins!(load(I64, flags, at, offset)),
            F32Load => ins!(load(F32, flags, at, offset)),
            F64Load => ins!(load(F64, flags, at, offset)),
            V128Load => ins!(load(I8X16, flags, at, offset)),
            I32Load8S => ins!(sload8(I32, flags, at, offset)),
            I32Load8U => ins!(uload8(I32, flags, at, offset)),
            I32Load16S => ins!(sload16(I32, flags, at, offset)),
            I32Load16U => ins!(uload16(I32, flags, at, offset)),
            I64Load8S => ins!(sload8(I64, flags, at, offset)),
            I64Load8U => ins!(uload8(I64, flags, at, offset)),
            I64Load16S => ins!(sload16(I64, flags, at, offset)),
            I64Load16U => ins!(uload16(I64, flags, at, offset)),
            I64Load32S => ins!(sload32(flags, at, offset)),
            I64Load32U => ins!(uload32(flags, at, offset)),
            V128Load8x8S => ins!(sload8x8(flags, at, offset)),
            V128Load8x8U => ins!(uload8x8(flags, at, offset)),
            V128Load16x4S => ins!(sload16x4(flags, at, offset)),
            V128Load16x4U => ins!(uload16x4(flags, at, offset)),
            V128Load32x2S => ins!(sload32x2(flags, at, offset)),
            V128Load32x2U => ins!(uload32x2(flags, at, offset)),
            V128Load8Splat => splat!(I8, I8X16),
            V128Load16Splat => splat!(I16, I16X8),
            V128Load32Splat => splat!(I32, I32X4),
            V128Load64Splat => splat!(I64, I64X2),
            V128Load32Zero => {
                let lane = ins!(load(I32, flags, at, offset));
                ins!(scalar_to_vector(I32X4, lane))
            }
            V128Load64Zero => {
                let lane = ins!(load(I64, flags, at, offset));
                ins!(scalar_to_vector(I64X2, lane))
            }
            V128Load8Lane => lane!(I8, I8X16),
            V128Load16Lane => lane!(I16, I16X8),
            V128Load32Lane => lane!(I32, I32X4),
            V128Load64Lane => lane!(I64, I64X2),
            _ => return None,
        };
        Some(self.plain(value))
    }

    pub(super) fn store_instr(
        &mut self,
        op: Opcode,
        at: Value,
        offset: i32,
        value: Value,
        lane: u8,
    ) -> bool {
        use Opcode::*;
        use types::*;
        let flags = access_flags();
        macro_rules! lane {
            ($vector:expr) => {{
                let vector = self.cast(value, $vector);
                let lane = self.b.ins().extractlane(vector, lane);
                self.b.ins().store(flags, lane, at, offset)
            }};
        }
        match op {
            I32Store | I64Store | F32Store | F64Store | V128Store => {
                self.b.ins().store(flags, value, at, offset)
            }
            I32Store8 | I64Store8 => self.b.ins().istore8(flags, value, at, offset),
            I32Store16 | I64Store16 => self.b.ins().istore16(flags, value, at, offset),
            I64Store32 => self.b.ins().istore32(flags, value, at, offset),
            V128Store8Lane => lane!(I8X16),
            V128Store16Lane => lane!(I16X8),
            V128Store32Lane => lane!(I32X4),
            V128Store64Lane => lane!(I64X2),
            _ => return false,
        };
        true
    }
}
