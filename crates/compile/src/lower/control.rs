//! Blocks and branches.

use super::Lowering;
use crate::builder::{Builder, Ty};
use sampan_engine::native::TrapCode;
use sampan_wasm::{
    BlockType, FrameKind, FuncType, Imm, Instr, Opcode, Result, block_params, block_results,
};

/// An open block.
pub(super) struct Frame<B: Builder> {
    kind: FrameKind,
    ty: BlockType,
    /// Where a branch to it goes.
    label: B::Block,
    /// What follows it.
    end: B::Block,
    /// For `if`: where its `else` begins, and the parameters.
    otherwise: Option<(B::Block, Vec<B::Value>)>,
    /// The operand stack's height below the block's parameters.
    height: usize,
    /// Whether its start can be reached.
    reachable: bool,
    /// Whether something jumps to `end`.
    joined: bool,
}

fn types(types: &[sampan_wasm::ValType]) -> Vec<Ty> {
    types.iter().map(|&ty| ty.into()).collect()
}

impl<B: Builder> Lowering<'_, B> {
    pub(super) fn open_function(&mut self, ty: &FuncType) {
        let end = self.builder.block(&types(ty.results()));
        let index = self.module.funcs[self.index as usize];
        self.control.push(Frame {
            kind: FrameKind::Func,
            ty: BlockType::Func(index),
            label: end,
            end,
            otherwise: None,
            height: 0,
            reachable: true,
            joined: false,
        });
    }

    /// Lowers an instruction of control flow, reachable or not; whether it was one.
    pub(super) fn control_instr(&mut self, instr: &Instr<'_>) -> Result<bool> {
        match (instr.op, &instr.imm) {
            (Opcode::Block, &Imm::Block(ty)) => self.open(FrameKind::Block, ty),
            (Opcode::Loop, &Imm::Block(ty)) => self.open(FrameKind::Loop, ty),
            (Opcode::If, &Imm::Block(ty)) => self.open(FrameKind::If, ty),
            (Opcode::Else, _) => self.else_(),
            (Opcode::End, _) => self.end(),
            (Opcode::TryTable | Opcode::Try | Opcode::Catch | Opcode::CatchAll, _) => {
                return Err(self.unsupported(instr.op));
            }
            _ if !self.reachable => return Ok(true),
            (Opcode::Br, &Imm::Label(label)) => {
                self.br(label);
                self.die();
            }
            (Opcode::BrIf, &Imm::Label(label)) => self.br_if(label),
            (Opcode::BrOnNull, &Imm::Label(label)) => self.br_on_null(label),
            (Opcode::BrOnNonNull, &Imm::Label(label)) => self.br_on_non_null(label),
            (Opcode::BrTable, Imm::BrTable(table)) => {
                let labels: Vec<u32> = table.labels().collect();
                self.br_table(&labels, table.default);
            }
            (Opcode::Return, _) => {
                let count = self.module.func_type(self.index).results().len();
                let values = self.stack[self.stack.len() - count..].to_vec();
                self.builder.return_(&values);
                self.die();
            }
            (Opcode::Unreachable, _) => {
                self.builder.trap(TrapCode::Unreachable.into());
                self.die();
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// What follows cannot be reached, up to the next label.
    pub(super) fn die(&mut self) {
        self.reachable = false;
        self.end_fuel();
        self.need_fuel = true;
    }

    fn open(&mut self, kind: FrameKind, ty: BlockType) {
        let module = self.module;
        let params = block_params(module, &ty);
        let end = self.builder.block(&types(block_results(module, &ty)));
        let mut frame = Frame {
            kind,
            ty,
            label: end,
            end,
            otherwise: None,
            height: self.stack.len(),
            reachable: self.reachable,
            joined: false,
        };
        if !self.reachable {
            self.control.push(frame);
            return;
        }
        let condition = (kind == FrameKind::If).then(|| self.pop());
        self.keep_stack();
        if let Some(condition) = condition {
            let then = self.builder.block(&[]);
            let otherwise = self.builder.block(&[]);
            match self.hint() {
                Some(true) => self.builder.cold(otherwise),
                Some(false) => self.builder.cold(then),
                None => {}
            }
            self.builder.branch(condition, (then, &[]), (otherwise, &[]));
            self.builder.seal(then);
            self.builder.seal(otherwise);
            self.builder.enter(then);
            let values = self.stack[self.stack.len() - params.len()..].to_vec();
            frame.otherwise = Some((otherwise, values));
            self.need_fuel = true;
        }
        frame.height = self.stack.len() - params.len();
        if kind == FrameKind::Loop {
            let head = self.builder.block(&types(params));
            let values = self.pop_many(params.len());
            self.builder.jump(head, &values);
            self.resume_at(head, params);
            self.builder.enter(head);
            // Before more parameters are made for what is kept.
            let values = self.builder.params(head);
            self.kept_stack();
            self.stack.extend(values);
            frame.label = head;
            self.need_fuel = true;
            self.check_interrupt();
        }
        self.control.push(frame);
    }

    fn else_(&mut self) {
        let mut frame = self.control.pop().expect("validated: else is in an if");
        self.leave(&mut frame);
        self.stack.truncate(frame.height);
        if let Some((otherwise, values)) = frame.otherwise.take() {
            self.builder.enter(otherwise);
            // What the first part put on the stack for what is below is not known here.
            self.kept_stack();
            self.stack.extend(values);
            self.reachable = true;
        }
        frame.kind = FrameKind::Else;
        self.need_fuel = true;
        self.control.push(frame);
    }

    fn end(&mut self) {
        let mut frame = self.control.pop().expect("validated: end ends a block");
        if frame.kind == FrameKind::Loop && frame.reachable {
            self.builder.seal(frame.label);
        }
        self.leave(&mut frame);
        if let Some((otherwise, values)) = frame.otherwise.take() {
            // An if without else leaves what it takes.
            self.builder.enter(otherwise);
            self.builder.jump(frame.end, &values);
            frame.joined = true;
        }
        self.stack.truncate(frame.height);
        self.reachable = frame.joined;
        if frame.joined {
            self.builder.seal(frame.end);
            self.builder.enter(frame.end);
            let values = self.builder.params(frame.end);
            self.kept_stack();
            if frame.kind == FrameKind::Func {
                self.builder.return_(&values);
                self.reachable = false;
            }
            self.stack.extend(values);
        }
        self.end_fuel();
        self.need_fuel = true;
    }

    /// Falls through to the end of a block.
    fn leave(&mut self, frame: &mut Frame<B>) {
        if self.reachable {
            let count = block_results(self.module, &frame.ty).len();
            let values = self.stack[self.stack.len() - count..].to_vec();
            self.builder.jump(frame.end, &values);
            frame.joined = true;
        }
        self.reachable = false;
    }

    /// The target of a branch and what it passes.
    fn target(&mut self, label: u32) -> (B::Block, Vec<B::Value>) {
        let module = self.module;
        let at = self.control.len() - 1 - label as usize;
        let frame = &mut self.control[at];
        let count = match frame.kind {
            FrameKind::Loop => block_params(module, &frame.ty).len(),
            _ => {
                frame.joined = true;
                block_results(module, &frame.ty).len()
            }
        };
        (frame.label, self.stack[self.stack.len() - count..].to_vec())
    }

    fn br(&mut self, label: u32) {
        let (block, values) = self.target(label);
        self.builder.jump(block, &values);
    }

    fn br_if(&mut self, label: u32) {
        let condition = self.pop();
        let (block, values) = self.target(label);
        let next = self.builder.block(&[]);
        match self.hint() {
            // Others may jump to the target often: what is rare is a step on the way there.
            Some(false) => {
                let rare = self.builder.block(&[]);
                self.builder.cold(rare);
                self.builder.branch(condition, (rare, &[]), (next, &[]));
                self.builder.seal(rare);
                self.builder.enter(rare);
                self.builder.jump(block, &values);
            }
            hint => {
                if hint.is_some() {
                    self.builder.cold(next);
                }
                self.builder.branch(condition, (block, &values), (next, &[]));
            }
        }
        self.builder.seal(next);
        self.builder.enter(next);
        self.need_fuel = true;
    }

    /// Whether this branch is usually taken, if the module says so.
    fn hint(&self) -> Option<bool> {
        let body = self.index - self.module.imported_funcs;
        let start = self.module.bodies[body as usize].start;
        self.hints.taken(self.index, self.at - start)
    }

    /// The label does not get the reference.
    fn br_on_null(&mut self, label: u32) {
        let reference = self.pop();
        let null = self.op(Opcode::I64Eqz, &[reference]);
        self.stack.push(null);
        self.br_if(label);
        self.stack.push(reference);
    }

    /// Only the label gets the reference.
    fn br_on_non_null(&mut self, label: u32) {
        let reference = *self.stack.last().expect("validated: there is an operand");
        let null = self.op(Opcode::I64Eqz, &[reference]);
        let other = self.op(Opcode::I32Eqz, &[null]);
        self.stack.push(other);
        self.br_if(label);
        self.pop();
    }

    fn br_table(&mut self, labels: &[u32], default: u32) {
        let index = self.pop();
        // A block for each distinct label passes the values on.
        let mut distinct: Vec<u32> = labels.to_vec();
        distinct.push(default);
        distinct.sort_unstable();
        distinct.dedup();
        let hops: Vec<B::Block> = distinct.iter().map(|_| self.builder.block(&[])).collect();
        let hop = |label: &u32| hops[distinct.binary_search(label).expect("listed above")];
        let blocks: Vec<B::Block> = labels.iter().map(hop).collect();
        self.builder.switch(index, &blocks, hop(&default));
        for (&label, &block) in distinct.iter().zip(&hops) {
            self.builder.seal(block);
            self.builder.enter(block);
            self.br(label);
        }
        self.die();
    }
}
