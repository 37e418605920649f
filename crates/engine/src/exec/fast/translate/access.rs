//! Loads and stores, with the arithmetic on their addresses.

use super::fuse::summed_address;
use super::numeric::result_class;
use super::stack::Kind;
use super::{Last, Translator, emit};
use crate::exec::fast::ops::Loc;
use crate::exec::fast::ops::memory::{self, Address};
use sampan_wasm::{MemArg, Opcode};

/// A popped address: its kind, the slot in field 1, the static offset, and the word that
/// an address of two parts has behind the other operands.
#[derive(Clone, Copy)]
pub(super) struct Operand {
    pub kind: Address,
    pub slot: u16,
    pub offset: u32,
    pub extra: Option<u64>,
}

impl Translator<'_> {
    /// Translates a load or a store.
    pub(super) fn access(&mut self, op: Opcode, memarg: &MemArg) -> bool {
        let Ok(offset) = u32::try_from(memarg.offset) else { return false };
        if op == Opcode::V128Load {
            let (address, offset) = self.plain_address(offset);
            self.note_offset();
            let operands = emit::fields_imm(0, address.field(), offset as i32);
            self.produce_vector(memory::v128_load(address), operands, &[]);
        } else if op == Opcode::V128Store {
            let value = self.pop();
            let value = self.slot_of(&value);
            let (address, offset) = self.plain_address(offset);
            self.note_offset();
            let operands = emit::fields_imm(value, address.field(), offset as i32);
            self.emit(memory::v128_store(address), operands);
        } else if let Some(pair) = memory::load_shape(op) {
            let address = self.address(offset);
            // What the accumulator holds for others is put away first, to note the place.
            self.spill(result_class(op));
            self.note_offset();
            let operands = emit::fields_imm(0, address.slot, address.offset as i32);
            let extra = address.extra;
            let (class, pair) = (result_class(op), pair(address.kind));
            if op == Opcode::F64Load {
                let last = Last::Load(address, self.at);
                self.produce_pending(class, pair, operands, extra.as_slice(), last);
            } else {
                let word = self.words.len();
                self.produce(class, pair, operands, extra.as_slice());
                self.note_load(word, op, &address);
            }
        } else if let Some(handler) = memory::store_shape(op) {
            self.store(handler, offset);
        } else {
            return self.vector_access(op, offset, 0);
        }
        true
    }

    fn store(
        &mut self,
        handler: fn(Address, Loc) -> crate::exec::fast::regs::Handler,
        offset: u32,
    ) {
        let value = self.pop();
        // The address may have been computed last, if the value needs no instruction.
        let simple = matches!(value.kind, Kind::Local(_) | Kind::Temp);
        let (value, address) = if simple {
            let value = self.operand(&value, false);
            // Taking the sum back does not change an accumulator that the value is in.
            (value, self.address_unless(offset, value == Loc::Acc))
        } else {
            let value = self.operand(&value, true);
            let plain = matches!(value, Loc::Acc | Loc::Slot(_));
            (value, self.address_unless(offset, plain))
        };
        self.note_offset();
        let operands = emit::fields_imm(value.field(), address.slot, address.offset as i32);
        self.emit(handler(address.kind, value), operands);
        if let Loc::Imm(imm) = value {
            self.words.push(imm as u32 as u64);
        }
        self.words.extend(address.extra);
    }

    fn address_unless(&mut self, offset: u32, plain: bool) -> Operand {
        if plain {
            let (address, offset) = self.plain_address(offset);
            return one_part(address, offset);
        }
        self.address(offset)
    }

    /// Pops an address, and takes back the sum that it is, if it was computed last.
    fn address(&mut self, offset: u32) -> Operand {
        let sum = self.take_pending(|last| summed_address(last).is_some());
        match sum.as_ref().and_then(summed_address) {
            Some((kind, slot, extra)) => Operand { kind, slot, offset, extra: Some(extra) },
            None => {
                let (address, offset) = self.plain_address(offset);
                one_part(address, offset)
            }
        }
    }

    /// Pops an address. A constant one becomes part of the offset.
    fn plain_address(&mut self, offset: u32) -> (Loc, u32) {
        let entry = self.pop();
        if !cfg!(sampan_small)
            && let Kind::Const(base) = entry.kind
            && let Some(sum) = (base as u32).checked_add(offset)
        {
            return (Loc::Imm(0), sum);
        }
        (self.operand(&entry, false), offset)
    }
}

fn one_part(address: Loc, offset: u32) -> Operand {
    let kind = match address {
        Loc::Slot(_) => Address::Slot,
        Loc::Acc => Address::Acc,
        Loc::Imm(_) => Address::Imm,
    };
    Operand { kind, slot: address.field(), offset, extra: None }
}
