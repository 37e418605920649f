//! Memory, tables, globals and locals.

use super::{Body, OPS};
use crate::shape::{DATA_SEGMENTS, PASSIVE_ELEMENTS, TABLE_SIZE};
use sampan::wasm::{ImmKind, Opcode};
use wasm_encoder::{Encode, ValType};

impl Body<'_, '_> {
    /// Pushes an address, which is mostly within memory.
    fn push_address(&mut self, depth: u32) {
        match self.u.below(6) {
            0 | 1 => {
                let address = self.u.below(300) as i32;
                self.i32_const(address);
            }
            2 | 3 => {
                self.operands(&[ValType::I32], depth);
                let mask = self.u.pick(&[0xf, 0x7c, 0xff8, 0xfff0]);
                self.i32_const(mask);
                self.op(Opcode::I32And);
                self.pop(1);
            }
            4 => self.i32_const(65_530),
            _ if self.u.one_in(4) => self.value(ValType::I32, depth),
            _ => self.i32_const(64),
        }
    }

    /// A load or a store.
    pub(super) fn access(&mut self, op: Opcode, params: &[ValType], depth: u32) {
        self.push_address(depth);
        if let Some(&value) = params.get(1) {
            self.value(value, depth);
            self.canonical(value);
        }
        self.op(op);
        let (ImmKind::MemArg(align) | ImmKind::MemArgLane(align)) = op.immediates() else {
            unreachable!("it accesses memory")
        };
        u32::from(align).encode(&mut self.code);
        let offset = match self.u.below(12) {
            0..=6 => 0,
            7..=9 => self.u.below(70) as u32,
            10 => 65_530,
            _ => self.u.pick(&[65_536, 0x7fff_ffff, u32::MAX]),
        };
        offset.encode(&mut self.code);
        if let ImmKind::MemArgLane(log2) = op.immediates() {
            self.lane(16 >> log2);
        }
        self.pop(params.len());
        if let Some(result) = op.signature().and_then(|s| s.result) {
            self.stack.push(super::val_type(result));
        }
    }

    pub(super) fn store(&mut self) {
        let stores: Vec<Opcode> = OPS
            .all
            .iter()
            .copied()
            .filter(|op| op.signature().is_some_and(|s| s.result.is_none()))
            .collect();
        let op = self.u.pick(&stores);
        self.instruction(op, 2);
    }

    pub(super) fn any_instruction(&mut self) {
        // Preferably one for what is on the stack.
        for _ in 0..3 {
            let op = self.u.pick(&OPS.all);
            let params = op.signature().expect("only such are listed").params();
            let types: Vec<ValType> = params.iter().map(|&p| super::val_type(p)).collect();
            if self.visible().ends_with(&types) {
                return self.instruction(op, 1);
            }
        }
        let ty = self.u.number_type();
        let op = self.u.pick(&OPS.by_result[super::type_index(ty)]);
        self.instruction(op, 2);
    }

    /// Writes a local, preferably from what is on the stack.
    pub(super) fn set(&mut self, op: Opcode) {
        if self.locals.is_empty() {
            return;
        }
        let top = self.visible().last().copied();
        let local = match top.filter(|_| !self.u.one_in(4)).and_then(|ty| self.local(ty)) {
            Some(local) => local,
            None => self.u.below(self.locals.len()) as u32,
        };
        self.operands(&[self.locals[local as usize]], 2);
        self.op_index(op, local);
        if op == Opcode::LocalSet {
            self.pop(1);
        }
    }

    /// Exchanges two locals, or sets one while its old value waits.
    pub(super) fn swap(&mut self) {
        let ty = self.u.number_type();
        let (Some(a), Some(b)) = (self.local(ty), self.local(ty)) else { return };
        self.local_get(a, ty);
        if self.u.one_in(2) {
            self.value(ty, 1);
            self.local_set(a);
        } else {
            self.local_get(b, ty);
            self.local_set(a);
        }
        if self.u.one_in(2) {
            self.local_set(b);
        }
    }

    pub(super) fn select(&mut self, ty: ValType, depth: u32) {
        self.operands(&[ty, ty], depth);
        self.condition(depth);
        self.pop(3);
        if ty == ValType::FUNCREF || self.u.one_in(3) {
            self.op_index(Opcode::SelectTyped, 1);
            ty.encode(&mut self.code);
        } else {
            self.op(Opcode::Select);
        }
        self.stack.push(ty);
    }

    pub(super) fn global_get(&mut self, ty: ValType) {
        let globals = &self.shape.globals;
        let fitting: Vec<usize> = (1..globals.len()).filter(|&i| globals[i].0 == ty).collect();
        if fitting.is_empty() {
            return self.const_value(ty);
        }
        let global = self.u.pick(&fitting) as u32;
        self.op_index(Opcode::GlobalGet, global);
        self.stack.push(ty);
    }

    pub(super) fn global_set(&mut self) {
        let global = self.u.below(self.shape.globals.len());
        let (ty, mutable) = self.shape.globals[global];
        if !mutable || global == 0 {
            return;
        }
        self.operands(&[ty], 2);
        self.op_index(Opcode::GlobalSet, global as u32);
        self.pop(1);
    }

    /// Operations on whole ranges, sizes, elements.
    pub(super) fn bulk(&mut self) {
        use Opcode::*;
        let elements = TABLE_SIZE as usize + 1;
        match self.u.below(15) {
            0 => self.sized(MemorySize, 0, 0),
            1 => self.sized(MemoryGrow, 1, 0),
            2 => self.ranges(MemoryCopy, &[300, 300, 100], &[0, 0]),
            3 => self.ranges(MemoryFill, &[300, 300, 100], &[0]),
            4 => self.ranges(MemoryInit, &[300, 30, 31], &[1, 0]),
            5 if self.u.one_in(4) => {
                let segment = self.u.below(DATA_SEGMENTS as usize) as u32;
                self.op_index(DataDrop, segment);
            }
            6 if self.u.one_in(4) => self.op_index(ElemDrop, PASSIVE_ELEMENTS),
            7 => {
                let table = self.u.below(2) as u32;
                self.sized(TableSize, 0, table);
            }
            8 => {
                self.operands(&[ValType::FUNCREF], 1);
                let table = self.u.below(2) as u32;
                self.sized(TableGrow, 1, table);
                self.pop(2);
                self.stack.push(ValType::I32);
            }
            9 => {
                let table = self.u.below(2) as u32;
                let index = self.u.below(elements) as i32;
                self.i32_const(index);
                self.op_index(TableGet, table);
                self.pop(1);
                self.stack.push(ValType::FUNCREF);
            }
            10 => {
                let table = self.u.below(2) as u32;
                let index = self.u.below(elements) as i32;
                self.i32_const(index);
                self.value(ValType::FUNCREF, 1);
                self.op_index(TableSet, table);
                self.pop(2);
            }
            11 => {
                let (to, from) = (self.u.below(2) as u8, self.u.below(2) as u8);
                self.ranges(TableCopy, &[elements, elements, 4], &[to, from]);
            }
            12 => self.ranges(TableInit, &[elements, 8, 4], &[PASSIVE_ELEMENTS as u8, 1]),
            13 => {
                let index = self.u.below(elements) as i32;
                self.i32_const(index);
                self.value(ValType::FUNCREF, 1);
                let len = self.u.below(3) as i32;
                self.i32_const(len);
                self.op_index(TableFill, 1);
                self.pop(3);
            }
            _ => {
                self.operands(&[ValType::FUNCREF], 1);
                self.op(RefIsNull);
                self.pop(1);
                self.stack.push(ValType::I32);
            }
        }
    }

    fn sized(&mut self, op: Opcode, delta: usize, index: u32) {
        if delta > 0 {
            let delta = self.u.below(3) as i32;
            self.i32_const(delta);
        }
        self.op_index(op, index);
        if delta == 0 {
            self.stack.push(ValType::I32);
        }
    }

    /// An instruction with three numbers, which are mostly below those given.
    fn ranges(&mut self, op: Opcode, below: &[usize], immediates: &[u8]) {
        for &end in below {
            if self.u.one_in(3) && !self.visible().is_empty() {
                self.value(ValType::I32, 1);
                self.i32_const(15);
                self.op(Opcode::I32And);
                self.pop(1);
            } else {
                let value = self.u.below(end) as i32;
                self.i32_const(value);
            }
        }
        self.op(op);
        self.code.extend(immediates);
        self.pop(3);
    }

    /// Shows all locals in memory.
    pub(super) fn store_locals(&mut self, func: u32) {
        for local in 0..self.locals.len() as u32 {
            let ty = self.locals[local as usize];
            let op = match ty {
                ValType::I32 => Opcode::I32Store,
                ValType::I64 => Opcode::I64Store,
                ValType::F32 => Opcode::F32Store,
                ValType::F64 => Opcode::F64Store,
                ValType::V128 => Opcode::V128Store,
                _ => continue,
            };
            self.i32_const((1024 * func + 16 * local) as i32);
            self.local_get(local, ty);
            self.canonical(ty);
            self.op(op);
            self.code.extend([0, 0]);
            self.pop(2);
        }
    }
}
