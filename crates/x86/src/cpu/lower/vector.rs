//! MMX and SSE.

use super::Builder;
use super::operand::{Place, general, offset};
use crate::cpu::context::slot;
use crate::cpu::op::{Handler, Op};
use crate::cpu::ops::vector as v;
use crate::vector::table::{Compute, common};
use crate::vector::{Float, Pure, float as f, int, shuffle as s};
use iced_x86::{Instruction, Mnemonic, OpKind, Register};

impl Builder {
    /// Emits a vector instruction; `false` if it is none.
    pub fn vector(&mut self, i: &Instruction) -> bool {
        let before = self.ops.len();
        let mut op = self.op(i);
        let handler = self.vector_handler(i, &mut op);
        match handler {
            Some(handler) => self.emit(op, handler),
            None => self.ops.truncate(before),
        }
        handler.is_some()
    }

    fn vector_handler(&mut self, i: &Instruction, op: &mut Op) -> Option<Handler> {
        use Mnemonic as N;
        let (d, src) = (self.place(i, 0), self.place(i, 1));
        let mm = |n: u32| {
            i.op_count() > n && i.op_kind(n) == OpKind::Register && is_mmx(i.op_register(n))
        };
        let general_at = |n: u32| {
            let register = i.op_kind(n) == OpKind::Register;
            register.then(|| general(i.op_register(n)).map(|(_, width)| width)).flatten()
        };
        let immediate = (0..i.op_count())
            .find(|&n| self.place(i, n) == Place::Imm)
            .map_or(0, |n| i.immediate(n) as u8);
        op.y = immediate;
        let source_size = |size: u8| if src == Place::Mem { size } else { 0 };
        op.x = 0;
        let pure = |op: &mut Op, f: Pure, size: u8, handler: Handler| {
            op.imm = f as usize as u64;
            op.x = source_size(size);
            Some(handler)
        };
        let float = |op: &mut Op, f: Float, size: u8, handler: Handler| {
            op.imm = f as usize as u64;
            op.x = source_size(size);
            Some(handler)
        };
        // By an immediate where a register gives the count otherwise.
        if src == Place::Imm
            && let Some((Compute::Pure(f), _)) = common(i.mnemonic())
        {
            return self.shift_by_immediate(i, op, f, mm(0));
        }
        match i.mnemonic() {
            N::Movaps | N::Movapd | N::Movdqa | N::Movntdqa => {
                moves(op, d, src, 16, v::load, v::store_aligned)
            }
            N::Movups | N::Movupd | N::Movdqu | N::Lddqu => {
                moves(op, d, src, 17, v::load_unaligned, v::store_unaligned)
            }
            N::Movntps | N::Movntpd | N::Movntdq => Some(v::store_aligned),
            N::Movntq => Some(v::store_mmx::<u64>),
            N::Movss => match (d, src) {
                (Place::Reg, Place::Reg) => pure(op, s::movss, 0, v::pure),
                (Place::Reg, _) => Some(v::load32),
                _ => Some(v::store32),
            },
            N::Movsd => match (d, src) {
                (Place::Reg, Place::Reg) => pure(op, s::movsd, 0, v::pure),
                (Place::Reg, _) => Some(v::load64),
                (Place::Mem, Place::Reg) => Some(v::store64),
                _ => None,
            },
            N::Movd | N::Movq => match (mm(0), mm(1), general_at(0), general_at(1)) {
                (true, _, _, Some(4)) => pure(op, int::second, 0, v::pure_mmx_from_general::<u32>),
                (true, _, _, Some(_)) => pure(op, int::second, 0, v::pure_mmx_from_general::<u64>),
                (true, ..) => {
                    let size = if i.mnemonic() == N::Movd { 4 } else { 8 };
                    pure(op, int::second, size, v::pure_mmx)
                }
                (_, true, Some(4), _) => pure(op, int::second, 0, v::pure_mmx_to_general::<u32>),
                (_, true, Some(_), _) => pure(op, int::second, 0, v::pure_mmx_to_general::<u64>),
                (_, true, ..) if i.mnemonic() == N::Movd => Some(v::store_mmx::<u32>),
                (_, true, ..) => Some(v::store_mmx::<u64>),
                (_, _, _, Some(4)) => pure(op, int::second, 0, v::pure_from_general::<u32>),
                (_, _, _, Some(_)) => pure(op, int::second, 0, v::pure_from_general::<u64>),
                (_, _, Some(4), _) => pure(op, int::second, 0, v::pure_to_general::<u32>),
                (_, _, Some(_), _) => pure(op, int::second, 0, v::pure_to_general::<u64>),
                _ => match (d, src, i.mnemonic()) {
                    (Place::Reg, Place::Reg, _) => pure(op, s::movq, 0, v::pure),
                    (Place::Reg, _, N::Movd) => Some(v::load32),
                    (Place::Reg, _, _) => Some(v::load64),
                    (_, _, N::Movd) => Some(v::store32),
                    _ => Some(v::store64),
                },
            },
            N::Movlps | N::Movlpd => Some(if d == Place::Reg { v::load_low } else { v::store64 }),
            N::Movhps | N::Movhpd => {
                Some(if d == Place::Reg { v::load_high } else { v::store_high })
            }
            N::Movlhps => pure(op, s::movlhps, 0, v::pure),
            N::Movhlps => pure(op, s::movhlps, 0, v::pure),
            N::Movq2dq => Some(v::movq2dq),
            N::Movdq2q => Some(v::movdq2q),
            N::Insertps if src == Place::Mem => pure(op, s::insertps_memory, 4, v::pure),
            N::Insertps => pure(op, s::insertps, 0, v::pure),
            N::Pinsrb => self.insert(op, src, s::pinsrb, 1, v::pure_from_general::<u32>),
            N::Pinsrw if mm(0) => match src {
                Place::Mem => pure(op, s::pinsrw, 2, v::pure_mmx),
                _ => pure(op, s::pinsrw, 0, v::pure_mmx_from_general::<u32>),
            },
            N::Pinsrw => self.insert(op, src, s::pinsrw, 2, v::pure_from_general::<u32>),
            N::Pinsrd => self.insert(op, src, s::pinsrd, 4, v::pure_from_general::<u32>),
            N::Pinsrq => self.insert(op, src, s::pinsrq, 8, v::pure_from_general::<u64>),
            N::Pextrb => extract(op, d, s::pextrb, v::pure_to_memory::<u8>),
            N::Pextrw if mm(1) => pure(op, s::pextrw, 0, v::pure_mmx_to_general::<u32>),
            N::Pextrw => extract(op, d, s::pextrw, v::pure_to_memory::<u16>),
            N::Pextrd | N::Extractps => extract(op, d, s::pextrd, v::pure_to_memory::<u32>),
            N::Pextrq => {
                op.imm = s::pextrq as Pure as usize as u64;
                Some(if d == Place::Reg {
                    v::pure_to_general::<u64>
                } else {
                    v::pure_to_memory::<u64>
                })
            }
            N::Pmovmskb if mm(1) => pure(op, s::pmovmskb, 0, v::pure_mmx_to_general::<u32>),
            N::Pmovmskb => pure(op, s::pmovmskb, 0, v::pure_to_general::<u32>),
            N::Movmskps => pure(op, s::movmskps, 0, v::pure_to_general::<u32>),
            N::Movmskpd => pure(op, s::movmskpd, 0, v::pure_to_general::<u32>),
            N::Cvtsi2ss | N::Cvtsi2sd => {
                let single = i.mnemonic() == N::Cvtsi2ss;
                let wide = self.width(i, 1) == 8;
                let function: Float = match (single, wide) {
                    (true, false) => f::cvtsi2ss32,
                    (true, true) => f::cvtsi2ss64,
                    (false, false) => f::cvtsi2sd32,
                    (false, true) => f::cvtsi2sd64,
                };
                match (src, wide) {
                    (Place::Reg, false) => float(op, function, 0, v::float_from_general::<u32>),
                    (Place::Reg, true) => float(op, function, 0, v::float_from_general::<u64>),
                    (_, false) => float(op, function, 4, v::float),
                    (_, true) => float(op, function, 8, v::float),
                }
            }
            N::Cvtss2si | N::Cvttss2si | N::Cvtsd2si | N::Cvttsd2si => {
                let wide = self.width(i, 0) == 8;
                let (narrow_f, wide_f, size): (Float, Float, u8) = match i.mnemonic() {
                    N::Cvtss2si => (f::cvtss2si32, f::cvtss2si64, 4),
                    N::Cvttss2si => (f::cvttss2si32, f::cvttss2si64, 4),
                    N::Cvtsd2si => (f::cvtsd2si32, f::cvtsd2si64, 8),
                    _ => (f::cvttsd2si32, f::cvttsd2si64, 8),
                };
                if wide {
                    float(op, wide_f, size, v::float_to_general::<u64>)
                } else {
                    float(op, narrow_f, size, v::float_to_general::<u32>)
                }
            }
            N::Cvtpi2ps => float(op, f::cvtpi2ps, 8, v::float_from_mmx),
            // From memory it does not touch the MMX state.
            N::Cvtpi2pd if src == Place::Mem => float(op, f::cvtdq2pd, 8, v::float),
            N::Cvtpi2pd => float(op, f::cvtdq2pd, 0, v::float_from_mmx),
            N::Cvtps2pi => float(op, f::cvtps2pi, 8, v::float_to_mmx),
            N::Cvttps2pi => float(op, f::cvttps2pi, 8, v::float_to_mmx),
            N::Cvtpd2pi => float(op, f::cvtpd2dq, 16, v::float_to_mmx),
            N::Cvttpd2pi => float(op, f::cvttpd2dq, 16, v::float_to_mmx),
            N::Comiss => float(op, f::comiss, 4, v::float_to_flags),
            N::Comisd => float(op, f::comisd, 8, v::float_to_flags),
            N::Ucomiss => float(op, f::ucomiss, 4, v::float_to_flags),
            N::Ucomisd => float(op, f::ucomisd, 8, v::float_to_flags),
            N::Ptest => {
                op.x = source_size(16);
                Some(v::ptest)
            }
            N::Pblendvb | N::Blendvps | N::Blendvpd => {
                op.x = source_size(16);
                op.y = match i.mnemonic() {
                    N::Pblendvb => 1,
                    N::Blendvps => 4,
                    _ => 8,
                };
                Some(v::blend)
            }
            N::Pcmpestri
            | N::Pcmpestri64
            | N::Pcmpestrm
            | N::Pcmpestrm64
            | N::Pcmpistri
            | N::Pcmpistrm => {
                op.x = source_size(17);
                op.imm = match i.mnemonic() {
                    N::Pcmpestri => 1,
                    N::Pcmpestri64 => 5,
                    N::Pcmpestrm => 3,
                    N::Pcmpestrm64 => 7,
                    N::Pcmpistri => 0,
                    _ => 2,
                };
                Some(v::compare_strings)
            }
            N::Ldmxcsr => Some(v::ldmxcsr),
            N::Stmxcsr => Some(v::stmxcsr),
            N::Emms => Some(v::emms),
            N::Fxsave | N::Fxsave64 => Some(v::fxsave),
            N::Fxrstor | N::Fxrstor64 => Some(v::fxrstor),
            N::Maskmovdqu | N::Maskmovq => {
                let wide = i.mnemonic() == N::Maskmovdqu;
                op.x = if wide { 16 } else { 8 };
                op.imm = match i.op_kind(0) {
                    OpKind::MemorySegDI => 0xffff,
                    OpKind::MemorySegEDI => 0xffff_ffff,
                    _ => u64::MAX,
                };
                op.y = offset(match i.memory_segment() {
                    Register::FS => slot::FS,
                    Register::GS => slot::GS,
                    _ => slot::ZERO,
                });
                op.a = super::operand::vector(i.op1_register())?;
                op.b = super::operand::vector(i.op2_register())?;
                Some(v::store_masked)
            }
            mnemonic => {
                let (compute, size) = common(mnemonic)?;
                match compute {
                    Compute::Pure(f) if mm(0) => {
                        let low = matches!(mnemonic, N::Punpcklbw | N::Punpcklwd | N::Punpckldq);
                        pure(op, f, if low { 4 } else { 8 }, v::pure_mmx)
                    }
                    Compute::Pure(f) => pure(op, f, size, v::pure),
                    Compute::Float(f) => float(op, f, size, v::float),
                }
            }
        }
    }

    fn insert(
        &self,
        op: &mut Op,
        src: Place,
        f: Pure,
        size: u8,
        handler: Handler,
    ) -> Option<Handler> {
        op.imm = f as usize as u64;
        if src == Place::Mem {
            op.x = size;
            return Some(v::pure);
        }
        Some(handler)
    }

    /// Shifts by an immediate read it as their second operand.
    fn shift_by_immediate(
        &mut self,
        i: &Instruction,
        op: &mut Op,
        f: Pure,
        mmx: bool,
    ) -> Option<Handler> {
        op.imm = f as usize as u64;
        op.y = i.immediate8();
        Some(if mmx { v::shift_mmx } else { v::shift })
    }
}

fn moves(
    op: &mut Op,
    d: Place,
    src: Place,
    size: u8,
    load: Handler,
    store: Handler,
) -> Option<Handler> {
    match (d, src) {
        (Place::Reg, Place::Reg) => Some(v::move_whole),
        (Place::Reg, _) => {
            op.x = size;
            Some(load)
        }
        _ => Some(store),
    }
}

fn extract(op: &mut Op, d: Place, f: Pure, store: Handler) -> Option<Handler> {
    op.imm = f as usize as u64;
    Some(if d == Place::Reg { v::pure_to_general::<u32> } else { store })
}

fn is_mmx(register: Register) -> bool {
    (Register::MM0 as u32..=Register::MM7 as u32).contains(&(register as u32))
}
