//! Vector instructions on whole registers: moves, bitwise, packed integers, shuffles.
//!
//! MMX is left to the interpreter.

use super::operand::Reg;
use super::{Emitter, local, memarg};
use crate::translate::effects;
pub(super) use crate::translate::effects::xmm;
use crate::vector::table::common;
use iced_x86::{Instruction, Mnemonic, OpKind};
use wasm_encoder::InstructionSink;

/// An instruction that takes two values of 128 bits from the stack.
type Binary = for<'a, 'b> fn(&'a mut InstructionSink<'b>) -> &'a mut InstructionSink<'b>;

impl Emitter<'_> {
    /// A vector instruction; `false` if it is of a form that is not translated.
    #[inline(never)]
    pub(super) fn vector(&mut self, i: &Instruction) -> bool {
        use Mnemonic as N;
        if let Some(op) = binary(i.mnemonic()) {
            let Some(d) = self.both(i) else { return false };
            if swapped(i.mnemonic()) {
                self.s().local_get(local::V + 1).local_get(local::V);
            } else {
                self.s().local_get(local::V).local_get(local::V + 1);
            }
            op(&mut self.s());
            self.set_vector(d);
            return true;
        }
        if let Some(order) = shuffle(i) {
            let Some(d) = self.both(i) else { return false };
            self.s().local_get(local::V).local_get(local::V + 1).i8x16_shuffle(order);
            self.set_vector(d);
            return true;
        }
        match i.mnemonic() {
            N::Movaps | N::Movapd | N::Movdqa | N::Movntps | N::Movntpd | N::Movntdq => {
                self.move_whole(i, true)
            }
            N::Movups | N::Movupd | N::Movdqu | N::Lddqu => self.move_whole(i, false),
            N::Movss => self.move_scalar(i, 4),
            N::Movsd => self.move_scalar(i, 8),
            N::Movd => self.move_general(i, 4),
            N::Movq => self.move_general(i, 8),
            N::Movlps | N::Movlpd => self.move_half(i, 0),
            N::Movhps | N::Movhpd => self.move_half(i, 1),
            N::Psllw
            | N::Pslld
            | N::Psllq
            | N::Psrlw
            | N::Psrld
            | N::Psrlq
            | N::Psraw
            | N::Psrad => self.shift_lanes(i),
            N::Pshufb => {
                let Some(d) = self.both(i) else { return false };
                self.s().local_get(local::V).local_get(local::V + 1);
                self.s().i32_const(0x8f).i8x16_splat().v128_and().i8x16_swizzle();
                self.set_vector(d);
                true
            }
            N::Pmulhw | N::Pmulhuw | N::Pmuludq => self.product_lanes(i),
            N::Pmovmskb | N::Movmskps | N::Movmskpd => self.mask(i),
            N::Pinsrw | N::Pinsrd | N::Pinsrq => self.insert(i),
            N::Pextrw | N::Pextrd | N::Pextrq => self.extract(i),
            _ => self.widen(i),
        }
    }

    pub(super) fn set_vector(&mut self, number: u32) {
        self.s().local_set(local::XMM + number);
        if self.lazy {
            self.loaded.vectors |= 1 << number;
            self.changed.vectors |= 1 << number;
        }
        self.clean[number as usize] = 0;
    }

    /// Computes and checks the address of a vector operand; 16 bytes may have to be aligned.
    pub(super) fn vector_address(&mut self, i: &Instruction, size: u32, write: bool) -> bool {
        if !self.address(i) {
            return false;
        }
        self.segment(i);
        self.check(size, write, self.checks.operand);
        true
    }

    /// Leaves, for the fault, unless the address that was checked is a multiple of 16.
    fn check_aligned(&mut self) {
        self.s().local_get(local::ADDR).i32_const(15).i32_and();
        self.leave_if();
    }

    /// Pushes the second operand as a whole. Of memory as many bytes as the table says are
    /// read, and zeros follow.
    #[inline(never)]
    pub(super) fn source(&mut self, i: &Instruction, n: u32, size: u8) -> bool {
        if i.op_kind(n) == OpKind::Register {
            let Some(number) = xmm(i.op_register(n)) else { return false };
            self.s().local_get(local::XMM + number);
            return true;
        }
        let bytes = u32::from(size.min(16));
        if i.op_kind(n) != OpKind::Memory || !self.vector_address(i, bytes, false) {
            return false;
        }
        if size == 16 {
            self.check_aligned();
        }
        let arg = memarg(self.layout.guest, 0);
        self.s().local_get(local::ADDR);
        match bytes {
            16 => self.s().v128_load(arg),
            8 => self.s().v128_load64_zero(arg),
            4 => self.s().v128_load32_zero(arg),
            _ => return false,
        };
        true
    }

    /// Both operands into temporaries; the number of the destination.
    fn both(&mut self, i: &Instruction) -> Option<u32> {
        let d = xmm(i.op0_register())?;
        let size = common(i.mnemonic()).map_or(16, |(_, size)| size);
        if i.op_kind(1) == OpKind::Immediate8 {
            self.s().i32_const(0).i8x16_splat();
        } else if !self.source(i, 1, size) {
            return None;
        }
        self.s().local_set(local::V + 1).local_get(local::XMM + d).local_set(local::V);
        Some(d)
    }

    fn move_whole(&mut self, i: &Instruction, aligned: bool) -> bool {
        if let Some(d) = xmm(i.op0_register())
            && i.op0_kind() == OpKind::Register
        {
            if !self.source(i, 1, if aligned { 16 } else { 17 }) {
                return false;
            }
            self.set_vector(d);
            return true;
        }
        let Some(from) = xmm(i.op1_register()) else { return false };
        if !self.vector_address(i, 16, true) {
            return false;
        }
        if aligned {
            self.check_aligned();
        }
        let arg = memarg(self.layout.guest, 0);
        self.s().local_get(local::ADDR).local_get(local::XMM + from).v128_store(arg);
        true
    }

    fn move_scalar(&mut self, i: &Instruction, size: u32) -> bool {
        let arg = memarg(self.layout.guest, 0);
        if i.op0_kind() == OpKind::Memory {
            let Some(from) = xmm(i.op1_register()) else { return false };
            if !self.vector_address(i, size, true) {
                return false;
            }
            self.s().local_get(local::ADDR).local_get(local::XMM + from);
            if size == 8 {
                self.s().v128_store64_lane(arg, 0);
            } else {
                self.s().v128_store32_lane(arg, 0);
            }
            return true;
        }
        let Some(d) = xmm(i.op0_register()) else { return false };
        if i.op1_kind() == OpKind::Memory {
            if !self.source(i, 1, size as u8) {
                return false;
            }
            self.set_vector(d);
            return true;
        }
        let Some(from) = xmm(i.op1_register()) else { return false };
        let clean = self.clean[from as usize];
        self.s().local_get(local::XMM + d).local_get(local::XMM + from);
        if size == 8 {
            self.s().f64x2_extract_lane(0).f64x2_replace_lane(0);
        } else {
            self.s().f32x4_extract_lane(0).f32x4_replace_lane(0);
        }
        self.set_vector(d);
        if u32::from(clean) == size {
            self.clean[d as usize] = clean;
        }
        true
    }

    /// `movd` and `movq`.
    fn move_general(&mut self, i: &Instruction, size: u32) -> bool {
        let to = xmm(i.op0_register()).filter(|_| i.op0_kind() == OpKind::Register);
        if let Some(d) = to {
            if i.op1_kind() == OpKind::Memory {
                // A `movd` that takes 64 bits is a `movq` here.
                if !self.source(i, 1, size as u8) {
                    return false;
                }
            } else if let Some(reg) = Reg::of(i.op1_register()) {
                self.s().i32_const(0).i8x16_splat();
                self.get(reg);
                if reg.width == 8 {
                    self.s().i64x2_replace_lane(0);
                } else {
                    self.s().i32x4_replace_lane(0);
                }
            } else if let Some(from) = xmm(i.op1_register()) {
                self.s().i32_const(0).i8x16_splat().local_get(local::XMM + from);
                self.s().i64x2_extract_lane(0).i64x2_replace_lane(0);
            } else {
                return false;
            }
            self.set_vector(d);
            return true;
        }
        let Some(from) = xmm(i.op1_register()) else { return false };
        if i.op0_kind() == OpKind::Memory {
            return self.move_scalar(i, size);
        }
        let Some(reg) = Reg::of(i.op0_register()) else { return false };
        self.s().local_get(local::XMM + from);
        if reg.width == 8 {
            self.s().i64x2_extract_lane(0);
        } else {
            self.s().i32x4_extract_lane(0);
        }
        self.set(reg);
        true
    }

    /// `movlps`, `movhps` and their kin: 64 bits between memory and a half.
    fn move_half(&mut self, i: &Instruction, lane: u8) -> bool {
        let arg = memarg(self.layout.guest, 0);
        let write = i.op0_kind() == OpKind::Memory;
        let register = if write { i.op1_register() } else { i.op0_register() };
        let Some(number) = xmm(register) else { return false };
        if !write && i.op1_kind() != OpKind::Memory || !self.vector_address(i, 8, write) {
            return false;
        }
        self.s().local_get(local::ADDR).local_get(local::XMM + number);
        if write {
            self.s().v128_store64_lane(arg, lane);
        } else {
            self.s().v128_load64_lane(arg, lane);
            self.set_vector(number);
        }
        true
    }

    fn shift_lanes(&mut self, i: &Instruction) -> bool {
        use Mnemonic as N;
        let Some(d) = xmm(i.op0_register()) else { return false };
        if i.op1_kind() != OpKind::Immediate8 {
            return false;
        }
        let bits = match i.mnemonic() {
            N::Psllw | N::Psrlw | N::Psraw => 16,
            N::Pslld | N::Psrld | N::Psrad => 32,
            _ => 64,
        };
        let count = i32::from(i.immediate8());
        let arithmetic = matches!(i.mnemonic(), N::Psraw | N::Psrad);
        if count >= bits && !arithmetic {
            self.s().i32_const(0).i8x16_splat();
        } else {
            self.s().local_get(local::XMM + d).i32_const(count.min(bits - 1));
            match i.mnemonic() {
                N::Psllw => self.s().i16x8_shl(),
                N::Pslld => self.s().i32x4_shl(),
                N::Psllq => self.s().i64x2_shl(),
                N::Psrlw => self.s().i16x8_shr_u(),
                N::Psrld => self.s().i32x4_shr_u(),
                N::Psrlq => self.s().i64x2_shr_u(),
                N::Psraw => self.s().i16x8_shr_s(),
                _ => self.s().i32x4_shr_s(),
            };
        }
        self.set_vector(d);
        true
    }

    /// Products that are longer than their lanes.
    fn product_lanes(&mut self, i: &Instruction) -> bool {
        let Some(d) = self.both(i) else { return false };
        let (a, b) = (local::V, local::V + 1);
        let mut s = self.s();
        match i.mnemonic() {
            Mnemonic::Pmuludq => {
                s.local_get(a).i64_const(0xffff_ffff).i64x2_splat().v128_and();
                s.local_get(b).i64_const(0xffff_ffff).i64x2_splat().v128_and().i64x2_mul();
            }
            signed => {
                s.local_get(a).local_get(b);
                if signed == Mnemonic::Pmulhw {
                    s.i32x4_extmul_low_i16x8_s();
                } else {
                    s.i32x4_extmul_low_i16x8_u();
                }
                s.local_get(a).local_get(b);
                if signed == Mnemonic::Pmulhw {
                    s.i32x4_extmul_high_i16x8_s();
                } else {
                    s.i32x4_extmul_high_i16x8_u();
                }
                // The upper half of each.
                let upper = core::array::from_fn(|at| (at as u8 / 2) * 4 + 2 + at as u8 % 2);
                s.i8x16_shuffle(upper);
            }
        }
        self.set_vector(d);
        true
    }

    fn mask(&mut self, i: &Instruction) -> bool {
        let (Some(reg), Some(from)) = (Reg::of(i.op0_register()), xmm(i.op1_register())) else {
            return false;
        };
        self.s().local_get(local::XMM + from);
        match i.mnemonic() {
            Mnemonic::Pmovmskb => self.s().i8x16_bitmask(),
            Mnemonic::Movmskps => self.s().i32x4_bitmask(),
            _ => self.s().i64x2_bitmask(),
        };
        self.set(Reg::new(reg.number, 4));
        true
    }

    fn insert(&mut self, i: &Instruction) -> bool {
        let (Some(d), Some(reg)) = (xmm(i.op0_register()), Reg::of(i.op1_register())) else {
            return false;
        };
        if i.op1_kind() != OpKind::Register {
            return false;
        }
        let lane = i.immediate8();
        self.s().local_get(local::XMM + d);
        let wide = i.mnemonic() == Mnemonic::Pinsrq;
        self.get(Reg::new(reg.number, if wide { 8 } else { 4 }));
        match i.mnemonic() {
            Mnemonic::Pinsrw => self.s().i16x8_replace_lane(lane & 7),
            Mnemonic::Pinsrd => self.s().i32x4_replace_lane(lane & 3),
            _ => self.s().i64x2_replace_lane(lane & 1),
        };
        self.set_vector(d);
        true
    }

    fn extract(&mut self, i: &Instruction) -> bool {
        let (Some(reg), Some(from)) = (Reg::of(i.op0_register()), xmm(i.op1_register())) else {
            return false;
        };
        if i.op0_kind() != OpKind::Register {
            return false;
        }
        let lane = i.immediate8();
        self.s().local_get(local::XMM + from);
        let width = match i.mnemonic() {
            Mnemonic::Pextrw => {
                self.s().i16x8_extract_lane_u(lane & 7);
                4
            }
            Mnemonic::Pextrd => {
                self.s().i32x4_extract_lane(lane & 3);
                4
            }
            _ => {
                self.s().i64x2_extract_lane(lane & 1);
                8
            }
        };
        self.set(Reg::new(reg.number, width));
        true
    }

    /// `pmovzx`, `pmovsx` by one step.
    fn widen(&mut self, i: &Instruction) -> bool {
        use Mnemonic as N;
        let Some(d) = xmm(i.op0_register()) else { return false };
        if !effects::is_vector(i) || !self.source(i, 1, 8) {
            return false;
        }
        match i.mnemonic() {
            N::Pmovzxbw => self.s().i16x8_extend_low_i8x16_u(),
            N::Pmovzxwd => self.s().i32x4_extend_low_i16x8_u(),
            N::Pmovzxdq => self.s().i64x2_extend_low_i32x4_u(),
            N::Pmovsxbw => self.s().i16x8_extend_low_i8x16_s(),
            N::Pmovsxwd => self.s().i32x4_extend_low_i16x8_s(),
            N::Pmovsxdq => self.s().i64x2_extend_low_i32x4_s(),
            _ => return false,
        };
        self.set_vector(d);
        true
    }
}

/// Whether the first operand is the second one of WebAssembly.
fn swapped(mnemonic: Mnemonic) -> bool {
    use Mnemonic as N;
    matches!(mnemonic, N::Pandn | N::Andnps | N::Andnpd)
}

/// Instructions that WebAssembly has as they are.
pub(in crate::translate) fn binary(mnemonic: Mnemonic) -> Option<Binary> {
    macro_rules! table {
        ($($($m:ident)|* => $op:ident,)*) => {
            match mnemonic {
                $($(Mnemonic::$m)|* => Some(|s| s.$op()),)*
                _ => None,
            }
        };
    }
    table! {
        Pand | Andps | Andpd => v128_and,
        Por | Orps | Orpd => v128_or,
        Pxor | Xorps | Xorpd => v128_xor,
        Pandn | Andnps | Andnpd => v128_andnot,
        Paddb => i8x16_add, Paddw => i16x8_add, Paddd => i32x4_add, Paddq => i64x2_add,
        Psubb => i8x16_sub, Psubw => i16x8_sub, Psubd => i32x4_sub, Psubq => i64x2_sub,
        Paddsb => i8x16_add_sat_s, Paddsw => i16x8_add_sat_s,
        Paddusb => i8x16_add_sat_u, Paddusw => i16x8_add_sat_u,
        Psubsb => i8x16_sub_sat_s, Psubsw => i16x8_sub_sat_s,
        Psubusb => i8x16_sub_sat_u, Psubusw => i16x8_sub_sat_u,
        Pavgb => i8x16_avgr_u, Pavgw => i16x8_avgr_u,
        Pminub => i8x16_min_u, Pmaxub => i8x16_max_u, Pminsb => i8x16_min_s, Pmaxsb => i8x16_max_s,
        Pminsw => i16x8_min_s, Pmaxsw => i16x8_max_s, Pminuw => i16x8_min_u, Pmaxuw => i16x8_max_u,
        Pminsd => i32x4_min_s, Pmaxsd => i32x4_max_s, Pminud => i32x4_min_u, Pmaxud => i32x4_max_u,
        Pcmpeqb => i8x16_eq, Pcmpeqw => i16x8_eq, Pcmpeqd => i32x4_eq, Pcmpeqq => i64x2_eq,
        Pcmpgtb => i8x16_gt_s, Pcmpgtw => i16x8_gt_s, Pcmpgtd => i32x4_gt_s, Pcmpgtq => i64x2_gt_s,
        Pmullw => i16x8_mul, Pmulld => i32x4_mul, Pmaddwd => i32x4_dot_i16x8_s,
        Packsswb => i8x16_narrow_i16x8_s, Packuswb => i8x16_narrow_i16x8_u,
        Packssdw => i16x8_narrow_i32x4_s, Packusdw => i16x8_narrow_i32x4_u,
    }
}

/// Instructions that only move bytes: which of the 32 of both operands are the result's. Of an
/// immediate in the second operand's place all bytes are zero.
pub(in crate::translate) fn shuffle(i: &Instruction) -> Option<[u8; 16]> {
    use Mnemonic as N;
    let order = i.op_count().checked_sub(1).map(|n| i.op_kind(n)) == Some(OpKind::Immediate8);
    let order = if order { i.immediate8() } else { 0 };
    let pick = |n: u32| order >> (2 * n) & 3;
    // Lanes of a width from their numbers.
    let lanes = |width: u8, lane: &dyn Fn(u8) -> u8| {
        core::array::from_fn(|at| lane(at as u8 / width) * width + at as u8 % width)
    };
    // Alternately from both, from a lane on.
    let unpack = |width: u8, high: bool| {
        let first = if high { 8 / width } else { 0 };
        lanes(width, &|n| first + n / 2 + if n % 2 == 1 { 16 / width } else { 0 })
    };
    Some(match i.mnemonic() {
        N::Punpcklbw => unpack(1, false),
        N::Punpcklwd => unpack(2, false),
        N::Punpckldq | N::Unpcklps => unpack(4, false),
        N::Punpcklqdq | N::Unpcklpd | N::Movlhps => unpack(8, false),
        N::Punpckhbw => unpack(1, true),
        N::Punpckhwd => unpack(2, true),
        N::Punpckhdq | N::Unpckhps => unpack(4, true),
        N::Punpckhqdq | N::Unpckhpd => unpack(8, true),
        N::Movhlps => lanes(8, &|n| if n == 0 { 3 } else { 1 }),
        N::Movddup => lanes(8, &|_| 2),
        N::Pshufd => lanes(4, &|n| 4 + pick(n.into())),
        N::Pshuflw => lanes(2, &|n| 8 + if n < 4 { pick(n.into()) } else { n }),
        N::Pshufhw => lanes(2, &|n| 8 + if n < 4 { n } else { 4 + pick(u32::from(n) - 4) }),
        N::Shufps => lanes(4, &|n| pick(n.into()) + if n < 2 { 0 } else { 4 }),
        N::Shufpd => lanes(8, &|n| if n == 0 { order & 1 } else { 2 + (order >> 1 & 1) }),
        N::Pslldq => core::array::from_fn(|at| (at as u8).checked_sub(order).unwrap_or(16)),
        N::Psrldq => core::array::from_fn(|at| (at as u8).saturating_add(order).min(16)),
        // The second operand is the lower half of both together. Beyond both there are zeros.
        N::Palignr if order <= 16 => core::array::from_fn(|at| (at as u8 + order + 16) % 32),
        _ => return None,
    })
}
