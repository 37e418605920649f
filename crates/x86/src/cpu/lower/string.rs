//! String instructions.

use super::Builder;
use super::operand::offset;
use crate::cpu::context::slot;
use crate::cpu::op::Handler;
use crate::cpu::ops::string as s;
use iced_x86::{Instruction, Mnemonic, OpKind, Register};

impl Builder {
    /// Emits a string instruction; `false` if it is none.
    pub fn string(&mut self, i: &Instruction) -> bool {
        use Mnemonic as N;
        let kind = (0..i.op_count())
            .map(|n| i.op_kind(n))
            .find(|kind| !matches!(kind, OpKind::Register | OpKind::Memory));
        let mask = match kind {
            Some(OpKind::MemorySegSI | OpKind::MemorySegDI | OpKind::MemoryESDI) => 0xffff,
            Some(OpKind::MemorySegESI | OpKind::MemorySegEDI | OpKind::MemoryESEDI) => 0xffff_ffff,
            Some(OpKind::MemorySegRSI | OpKind::MemorySegRDI | OpKind::MemoryESRDI) => u64::MAX,
            _ => return false,
        };
        let handler: Handler = match i.mnemonic() {
            N::Movsb => s::movs::<u8>,
            N::Movsw => s::movs::<u16>,
            N::Movsd => s::movs::<u32>,
            N::Movsq => s::movs::<u64>,
            N::Stosb => s::stos::<u8>,
            N::Stosw => s::stos::<u16>,
            N::Stosd => s::stos::<u32>,
            N::Stosq => s::stos::<u64>,
            N::Lodsb => s::lods::<u8>,
            N::Lodsw => s::lods::<u16>,
            N::Lodsd => s::lods::<u32>,
            N::Lodsq => s::lods::<u64>,
            N::Scasb => s::scas::<u8>,
            N::Scasw => s::scas::<u16>,
            N::Scasd => s::scas::<u32>,
            N::Scasq => s::scas::<u64>,
            N::Cmpsb => s::cmps::<u8>,
            N::Cmpsw => s::cmps::<u16>,
            N::Cmpsd => s::cmps::<u32>,
            N::Cmpsq => s::cmps::<u64>,
            _ => return false,
        };
        let mut op = self.bare(i);
        op.imm = mask;
        op.b = offset(match i.memory_segment() {
            Register::FS => slot::FS,
            Register::GS => slot::GS,
            _ => slot::ZERO,
        });
        op.x = if i.has_repne_prefix() {
            s::REPNE
        } else if i.has_rep_prefix() {
            s::REPE
        } else {
            s::ONCE
        };
        self.emit(op, handler);
        true
    }
}
