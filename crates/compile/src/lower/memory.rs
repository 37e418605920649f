//! Linear memories and tables.

use super::Lowering;
use crate::builder::{Builder, Place, Ty, access_bytes, memarg};
use sampan_engine::native::{Layout, TrapCode, offsets};
use sampan_wasm::{AddrType, Imm, ImmKind, MemArg, MemoryType, Opcode};

impl<B: Builder> Lowering<'_, B> {
    /// Loads, stores, and what is done to whole memories; whether it was one of them.
    pub(super) fn access(&mut self, op: Opcode, imm: &Imm<'_>) -> bool {
        let memories = &self.module.memories;
        match (op, imm) {
            (Opcode::MemorySize, &Imm::Index(memory)) => {
                let ty = memories[memory as usize];
                let len = self.memory_len(memory);
                let shift = self.i64(ty.page_log2.into());
                let pages = self.op(Opcode::I64ShrU, &[len, shift]);
                let pages = match ty.addr {
                    AddrType::I32 => self.op(Opcode::I32WrapI64, &[pages]),
                    AddrType::I64 => pages,
                };
                self.stack.push(pages);
            }
            (Opcode::MemoryGrow, &Imm::Index(memory)) => {
                let ty = addr(memories[memory as usize].addr);
                self.by_engine(op, imm, &[ty], Some(ty));
            }
            _ => return self.load_or_store(op, imm),
        }
        true
    }

    fn load_or_store(&mut self, op: Opcode, imm: &Imm<'_>) -> bool {
        let Some((memarg, lane)) = memarg(imm) else { return false };
        let Some(signature) = op.signature() else { return false };
        if matches!(op.immediates(), ImmKind::AtomicMemArg(_)) {
            self.atomic(op, memarg);
            return true;
        }
        let stores = signature.result.is_none();
        let value = (signature.params().len() > 1).then(|| self.pop());
        let address = self.pop();
        let (base, offset) = self.address(address, memarg, access_bytes(op));
        if stores {
            let value = value.expect("a store has a value");
            return self.builder.wasm_store(op, base, offset, value, lane);
        }
        let old = value.map(|value| (value, lane));
        match self.builder.wasm_load(op, base, offset, old) {
            Some(value) => {
                self.stack.push(value);
                true
            }
            None => false,
        }
    }

    /// The host's address of an access, and an offset to it. It faults or has trapped if the
    /// access is beyond the memory's end.
    pub(super) fn address(
        &mut self,
        index: B::Value,
        memarg: &MemArg,
        bytes: u64,
    ) -> (B::Value, i32) {
        let ty = self.module.memories[memarg.memory as usize];
        let index = self.wide(index);
        // A shared memory never moves, but is not in a room of its own: see `memory.rs` of the
        // engine.
        let guarded =
            self.options.guarded && ty.addr == AddrType::I32 && ty.page_log2 == 16 && !ty.shared;
        if guarded {
            let base = if memarg.memory == 0 {
                self.context_word(Layout::MEMORY_BASE)
            } else {
                let at = self.context_word(self.layout.memory(memarg.memory));
                self.builder.load(Ty::I64, at, offsets::MEMORY_BASE, Place::Constant)
            };
            let mut address = self.op(Opcode::I64Add, &[base, index]);
            let offset = i32::try_from(memarg.offset).unwrap_or_else(|_| {
                let offset = self.i64(memarg.offset);
                address = self.op(Opcode::I64Add, &[address, offset]);
                0
            });
            return (address, offset);
        }
        let at = self.context_word(self.layout.memory(memarg.memory));
        let place = if ty.shared { Place::Constant } else { Place::Machine };
        let base = self.builder.load(Ty::I64, at, offsets::MEMORY_BASE, place);
        let len = self.memory_len(memarg.memory);
        let Some(reach) = memarg.offset.checked_add(bytes) else {
            let always = self.i32(1);
            self.builder.trap_if(always, TrapCode::MemoryOutOfBounds.into());
            return (base, 0);
        };
        let out = self.beyond(index, reach, len, &ty);
        self.builder.trap_if(out, TrapCode::MemoryOutOfBounds.into());
        let offset = self.i64(memarg.offset);
        let address = self.op(Opcode::I64Add, &[base, index]);
        let address = self.op(Opcode::I64Add, &[address, offset]);
        let zero = self.i64(0);
        (self.unless(out, address, zero), 0)
    }

    /// An address, an index or a length, of 32 or 64 bits, as an i64.
    pub(super) fn wide(&mut self, value: B::Value) -> B::Value {
        match self.builder.type_of(value) {
            Ty::I32 => self.op(Opcode::I64ExtendI32U, &[value]),
            _ => value,
        }
    }

    /// Whether `reach` bytes from an index on are not all within a memory's length.
    fn beyond(&mut self, index: B::Value, reach: u64, len: B::Value, ty: &MemoryType) -> B::Value {
        let reach_value = self.i64(reach);
        if ty.addr == AddrType::I32 && reach < 1 << 62 {
            let end = self.op(Opcode::I64Add, &[index, reach_value]);
            return self.op(Opcode::I64GtU, &[end, len]);
        }
        // The last index at which it fits, if any: a memory never gets smaller.
        let last = self.op(Opcode::I64Sub, &[len, reach_value]);
        let beyond = self.op(Opcode::I64GtU, &[index, last]);
        if u128::from(reach) <= u128::from(ty.limits.min) << ty.page_log2 {
            return beyond;
        }
        let short = self.op(Opcode::I64LtU, &[len, reach_value]);
        self.op(Opcode::I32Or, &[short, beyond])
    }

    /// An address, which is not used where a check has failed, not even by a wrong prediction.
    fn unless(&mut self, failed: B::Value, address: B::Value, otherwise: B::Value) -> B::Value {
        match self.options.spectre {
            true => self.builder.guarded_select(failed, otherwise, address),
            false => address,
        }
    }

    /// How many bytes a memory has now. Another thread may have made a shared one larger, so
    /// its length is behind a pointer that all machines have.
    fn memory_len(&mut self, memory: u32) -> B::Value {
        let at = self.context_word(self.layout.memory(memory));
        if !self.module.memories[memory as usize].shared {
            return self.builder.load(Ty::I64, at, offsets::MEMORY_LEN, Place::Machine);
        }
        let len = self.builder.load(Ty::I64, at, offsets::MEMORY_SHARED_LEN, Place::Constant);
        self.builder.load(Ty::I64, len, 0, Place::Machine)
    }

    /// Instructions on tables; whether it was one of them.
    pub(super) fn tables(&mut self, op: Opcode, imm: &Imm<'_>) -> bool {
        let tables = &self.module.tables;
        let ty = |index: u32| addr(tables[index as usize].ty.addr);
        match (op, imm) {
            (Opcode::TableGet, &Imm::Index(table)) => {
                let index = self.pop();
                let at = self.element(table, index, TrapCode::TableOutOfBounds);
                let value = self.builder.load(Ty::I64, at, 0, Place::Table);
                self.stack.push(value);
            }
            (Opcode::TableSet, &Imm::Index(table)) => {
                let value = self.pop();
                let index = self.pop();
                let at = self.element(table, index, TrapCode::TableOutOfBounds);
                self.builder.store(value, at, 0, Place::Table);
            }
            (Opcode::TableSize, &Imm::Index(table)) => {
                let at = self.context_word(self.layout.table(table));
                let len = self.builder.load(Ty::I64, at, offsets::TABLE_LEN, Place::Machine);
                let len = match ty(table) {
                    Ty::I32 => self.op(Opcode::I32WrapI64, &[len]),
                    _ => len,
                };
                self.stack.push(len);
            }
            (Opcode::TableGrow, &Imm::Index(table)) => {
                let ty = ty(table);
                self.by_engine(op, imm, &[Ty::I64, ty], Some(ty));
            }
            (Opcode::TableFill, &Imm::Index(table)) => {
                let ty = ty(table);
                self.by_engine(op, imm, &[ty, Ty::I64, ty], None);
            }
            (Opcode::TableCopy, &Imm::Index2(to, from)) => {
                let (to, from) = (ty(to), ty(from));
                let len = if to == Ty::I64 { from } else { to };
                self.by_engine(op, imm, &[to, from, len], None);
            }
            (Opcode::TableInit, &Imm::Index2(_, table)) => {
                let ty = ty(table);
                self.by_engine(op, imm, &[ty, Ty::I32, Ty::I32], None);
            }
            _ => return false,
        }
        true
    }

    /// The address of a table's element, which exists.
    pub(super) fn element(&mut self, table: u32, index: B::Value, out: TrapCode) -> B::Value {
        let index = self.wide(index);
        let at = self.context_word(self.layout.table(table));
        let len = self.builder.load(Ty::I64, at, offsets::TABLE_LEN, Place::Machine);
        let base = self.builder.load(Ty::I64, at, offsets::TABLE_BASE, Place::Machine);
        let beyond = self.op(Opcode::I64GeU, &[index, len]);
        self.builder.trap_if(beyond, out.into());
        let three = self.i64(3);
        let scaled = self.op(Opcode::I64Shl, &[index, three]);
        let address = self.op(Opcode::I64Add, &[base, scaled]);
        self.unless(beyond, address, base)
    }
}

/// The type of an address or an index.
pub(super) fn addr(ty: AddrType) -> Ty {
    match ty {
        AddrType::I32 => Ty::I32,
        AddrType::I64 => Ty::I64,
    }
}
