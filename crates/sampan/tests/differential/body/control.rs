//! Statements, blocks, branches and calls.

use super::{Body, Frame, MAX_LOOPS, OPS};
use crate::shape::TICK;
use sampan::wasm::Opcode;
use wasm_encoder::{Encode, ValType};

impl Body<'_, '_> {
    pub(super) fn statements(&mut self, most: usize) {
        for _ in 0..self.u.within(1, most) {
            if self.room <= 0 || self.u.is_empty() {
                return;
            }
            self.statement();
            // A little of what cannot be reached is validated, too.
            if self.dead && !self.u.one_in(3) {
                return;
            }
        }
    }

    fn statement(&mut self) {
        let calls = u32::from(self.ticks);
        let nested = if self.frames.len() < 6 { 1 } else { 0 };
        let loops = if self.loops < MAX_LOOPS { nested * calls } else { 0 };
        let ends = u32::from(self.frames.len() > 1);
        let weights = [
            12,
            12,
            5,
            4,
            1,
            5,
            8,
            3 * nested,
            3 * loops,
            4 * nested,
            5,
            1,
            ends,
            4 * calls,
            2 * calls,
            ends,
            ends,
            2,
            2,
            1,
        ];
        match self.u.weighted(&weights) {
            0 => {
                let ty = self.u.any_type();
                self.value(ty, 2);
            }
            1 => self.set(Opcode::LocalSet),
            2 => self.set(Opcode::LocalTee),
            3 => self.swap(),
            4 => {
                if !self.visible().is_empty() {
                    self.op(Opcode::Drop);
                    self.pop(1);
                }
            }
            5 => self.store(),
            6 => self.any_instruction(),
            7 => self.any_block(Opcode::Block),
            8 => self.any_block(Opcode::Loop),
            9 => self.any_block(Opcode::If),
            10 => self.br_if(),
            11 => self.br_table(),
            12 => self.br(),
            13 => self.call(),
            14 => self.call_indirect(),
            15 => self.return_(),
            16 if self.ticks => self.return_call(),
            17 => self.global_set(),
            18 => self.bulk(),
            _ => {
                for _ in 0..self.u.below(16) {
                    let ty = self.u.number_type();
                    self.value(ty, 0);
                }
            }
        }
    }

    /// Pushes an i32 to branch on.
    pub(super) fn condition(&mut self, depth: u32) {
        let floor = std::mem::replace(&mut self.floor, self.stack.len());
        self.any_condition(depth);
        self.floor = floor;
    }

    fn any_condition(&mut self, depth: u32) {
        match self.u.below(4) {
            0 => self.value(ValType::I32, depth),
            _ => {
                let compares: Vec<Opcode> = OPS.by_result[0]
                    .iter()
                    .copied()
                    .filter(|op| (0x45..=0x66).contains(&op.code()))
                    .collect();
                let op = self.u.pick(&compares);
                self.instruction(op, depth);
                if self.u.one_in(4) {
                    self.op(Opcode::I32Eqz);
                }
            }
        }
    }

    fn any_block(&mut self, op: Opcode) {
        if op == Opcode::If {
            self.any_condition(2);
            self.pop(1);
        }
        let most = self.visible().len().min(3);
        let params = self.u.within(0, most);
        let params = self.stack[self.stack.len() - params..].to_vec();
        let results = match self.u.below(4) {
            0 => params.clone(),
            1 => vec![],
            _ => self.u.types(3),
        };
        match op {
            Opcode::Block => self.block(&params, &results),
            Opcode::Loop => self.loop_(&params, &results),
            _ => self.if_(&params, &results),
        }
    }

    fn open(&mut self, op: Opcode, params: &[ValType], frame: Frame) {
        self.op(op);
        match (params, &*frame.results) {
            ([], []) => self.code.push(0x40),
            ([], [one]) => one.encode(&mut self.code),
            (params, results) => {
                let ty = self.shape.types.number(params, results);
                i64::from(ty).encode(&mut self.code);
            }
        }
        self.frames.push(frame);
    }

    fn frame(&self, params: &[ValType], results: &[ValType]) -> Frame {
        let base = self.stack.len() - params.len();
        Frame { label: results.to_vec(), results: results.to_vec(), base, counter: None }
    }

    pub(super) fn block(&mut self, params: &[ValType], results: &[ValType]) {
        let frame = self.frame(params, results);
        self.open(Opcode::Block, params, frame);
        self.statements(10);
        self.finish();
    }

    fn loop_(&mut self, params: &[ValType], results: &[ValType]) {
        let counter = self.counters + self.loops;
        let rounds = self.u.within(1, 4) as i32;
        self.i32_const(rounds);
        self.local_set(counter);
        let mut frame = self.frame(params, results);
        (frame.label, frame.counter) = (params.to_vec(), Some(counter));
        self.open(Opcode::Loop, params, frame);
        self.loops += 1;
        if self.u.one_in(3) {
            self.call_op(0x10, TICK);
        }
        self.statements(12);
        if !self.dead {
            self.branch_if_to(self.frames.len() - 1);
        }
        self.finish();
        self.loops -= 1;
    }

    fn if_(&mut self, params: &[ValType], results: &[ValType]) {
        let frame = self.frame(params, results);
        let base = frame.base;
        self.open(Opcode::If, params, frame);
        self.statements(8);
        if params == results && self.u.one_in(2) {
            return self.finish();
        }
        self.results();
        self.op(Opcode::Else);
        self.stack.truncate(base);
        self.stack.extend(params);
        self.dead = false;
        self.statements(8);
        self.finish();
    }

    /// Ends the innermost block.
    pub(super) fn finish(&mut self) {
        self.results();
        self.op(Opcode::End);
        self.dead = false;
        let frame = self.frames.pop().expect("it is open");
        self.stack.truncate(frame.base);
        self.stack.extend(frame.results);
    }

    /// Leaves the innermost block's results, and nothing else, on the stack.
    fn results(&mut self) {
        let frame = self.frames.last().expect("it is open");
        let (base, results, is_loop) = (frame.base, frame.results.clone(), frame.counter.is_some());
        let here = &self.stack[base..];
        if here == results {
            return;
        }
        if here.starts_with(&results) || self.u.one_in(3) {
            while self.stack.len() > base && self.stack[base..] != *results {
                self.op(Opcode::Drop);
                self.pop(1);
            }
        } else if !is_loop && self.u.one_in(2) {
            self.operands(&results, 1);
            if self.stack.len() > base + results.len() {
                // A branch leaves behind what lies below.
                let depth = if self.frames.len() == 1 { 0x0f } else { 0x0c };
                self.code.push(depth);
                if depth == 0x0c {
                    self.code.push(0);
                }
                self.stack.truncate(base);
                self.dead = true;
                return;
            }
        }
        if self.stack[base..] == *results {
            return;
        }
        while self.stack.len() > base {
            self.op(Opcode::Drop);
            self.pop(1);
        }
        for &ty in &results {
            self.value(ty, 1);
        }
    }

    /// Pushes whether a loop may go round again, and counts.
    fn count(&mut self, counter: u32) {
        self.local_get(counter, ValType::I32);
        self.i32_const(-1);
        self.op(Opcode::I32Add);
        self.pop(1);
        self.op_index(Opcode::LocalTee, counter);
        self.i32_const(0);
        self.op(Opcode::I32GtS);
        self.pop(1);
    }

    fn branch_if_to(&mut self, target: usize) {
        let label = self.frames[target].label.clone();
        self.operands(&label, 1);
        match self.frames[target].counter {
            Some(counter) => {
                self.count(counter);
                if self.u.one_in(3) {
                    self.condition(1);
                    self.op(Opcode::I32And);
                    self.pop(1);
                }
            }
            None => self.condition(2),
        }
        self.pop(1);
        self.op_index(Opcode::BrIf, (self.frames.len() - 1 - target) as u32);
    }

    fn br_if(&mut self) {
        let target = self.u.below(self.frames.len());
        self.branch_if_to(target);
    }

    fn br(&mut self) {
        let target = self.u.below(self.frames.len());
        if self.frames[target].counter.is_some() {
            return self.branch_if_to(target);
        }
        let label = self.frames[target].label.clone();
        self.operands(&label, 1);
        self.op_index(Opcode::Br, (self.frames.len() - 1 - target) as u32);
        self.die();
    }

    /// What follows up to the end of the block cannot be reached.
    fn die(&mut self) {
        let base = self.frames.last().expect("it is open").base;
        self.stack.truncate(base);
        self.dead = true;
    }

    fn br_table(&mut self) {
        let ends: Vec<usize> =
            (0..self.frames.len()).filter(|&i| self.frames[i].counter.is_none()).collect();
        let default = self.u.pick(&ends);
        let label = self.frames[default].label.clone();
        let fitting: Vec<usize> =
            (0..self.frames.len()).filter(|&i| self.frames[i].label == label).collect();
        let count = self.u.below(6);
        let targets: Vec<usize> = (0..count).map(|_| self.u.pick(&fitting)).collect();
        self.operands(&label, 1);
        self.value(ValType::I32, 1);
        if self.u.one_in(2) {
            self.i32_const(7);
            self.op(Opcode::I32And);
            self.pop(1);
        }
        // With a loop among the targets the index counts only while there are rounds left.
        let counters: Vec<u32> =
            targets.iter().filter_map(|&target| self.frames[target].counter).collect();
        for counter in counters {
            self.i32_const(1000);
            self.count(counter);
            self.op(Opcode::Select);
            self.pop(2);
        }
        self.pop(1);
        self.op_index(Opcode::BrTable, targets.len() as u32);
        for target in targets.into_iter().chain([default]) {
            ((self.frames.len() - 1 - target) as u32).encode(&mut self.code);
        }
        self.die();
    }

    fn call(&mut self) {
        let func = self.u.below(self.shape.funcs.len());
        let (params, results) = self.shape.funcs[func].clone();
        self.operands(&params, 1);
        self.call_op(0x10, func as u32);
        self.pop(params.len());
        self.stack.extend(results);
    }

    /// An element's index and the type of the function there, mostly.
    fn element(&mut self) -> (i32, usize) {
        let element = self.u.below(self.shape.table.len());
        let func = self.shape.table[element].unwrap_or(TICK) as usize;
        (element as i32, func)
    }

    fn push_element(&mut self, element: i32) {
        self.i32_const(element);
        if self.u.one_in(4) {
            self.value(ValType::I32, 1);
            self.i32_const(0);
            self.op(Opcode::I32And);
            self.op(Opcode::I32Or);
            self.pop(2);
        } else if let Some(local) = self.local(ValType::I32).filter(|_| self.u.one_in(2)) {
            self.op_index(Opcode::LocalTee, local);
        }
    }

    fn call_indirect(&mut self) {
        let (element, func) = self.element();
        let (params, results) = self.shape.funcs[func].clone();
        self.operands(&params, 1);
        self.push_element(element);
        let ty = self.shape.types.number(&params, &results);
        self.op_index(Opcode::CallIndirect, ty);
        self.code.push(0);
        self.pop(params.len() + 1);
        self.stack.extend(results);
    }

    fn return_(&mut self) {
        let results = self.frames[0].results.clone();
        self.operands(&results, 2);
        self.op(Opcode::Return);
        self.die();
    }

    fn return_call(&mut self) {
        let results = &self.frames[0].results;
        let funcs = &self.shape.funcs;
        let fitting: Vec<usize> = (0..funcs.len()).filter(|&i| funcs[i].1 == *results).collect();
        let elements: Vec<usize> = (0..self.shape.table.len())
            .filter(|&i| self.shape.table[i].is_some_and(|f| fitting.contains(&(f as usize))))
            .collect();
        if !elements.is_empty() && self.u.one_in(2) {
            let element = self.u.pick(&elements);
            let func = self.shape.table[element].expect("filtered") as usize;
            let (params, results) = self.shape.funcs[func].clone();
            self.operands(&params, 1);
            self.push_element(element as i32);
            let ty = self.shape.types.number(&params, &results);
            self.op_index(Opcode::ReturnCallIndirect, ty);
            self.code.push(0);
        } else if !fitting.is_empty() {
            let func = self.u.pick(&fitting);
            let params = self.shape.funcs[func].0.clone();
            self.operands(&params, 1);
            self.call_op(0x12, func as u32);
        } else {
            return;
        }
        self.die();
    }
}
