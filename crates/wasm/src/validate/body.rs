//! The loop over the instructions of a body.

use super::frame::{Frame, FrameKind};
use super::locals::Locals;
use super::stack::Slot;
use super::{State, Visitor};
use crate::{
    BlockType, Error, Features, Imm, Instr, List, Module, Opcode, Operand, Reader, Result, ValType,
    limits,
};

/// Memory that is used again from one body to the next.
#[derive(Debug, Default)]
pub struct Scratch {
    operands: List<Slot>,
    frames: List<Frame>,
    locals: Locals,
}

/// Validates the body of function `index` of `module`, which was decoded from `bytes`.
///
/// The sections before the code section must be valid.
///
/// # Errors
/// What is wrong, with its offset and the function's index.
pub fn validate_body<V: Visitor>(
    bytes: &[u8],
    features: Features,
    module: &Module,
    index: u32,
    scratch: &mut Scratch,
    visitor: &mut V,
) -> Result<()> {
    let mut validator = Validator {
        module,
        at: 0,
        base: 0,
        polymorphic: false,
        operand: None,
        ended: None,
        operands: core::mem::take(&mut scratch.operands),
        frames: core::mem::take(&mut scratch.frames),
        locals: core::mem::take(&mut scratch.locals),
    };
    let result = validator.body(bytes, features, index, visitor);
    scratch.operands = validator.operands;
    scratch.frames = validator.frames;
    scratch.locals = validator.locals;
    result.map_err(|error| error.in_func(index))
}

/// The state of validation. The rules are methods of it, in the files beside this one.
pub(super) struct Validator<'m> {
    pub(super) module: &'m Module,
    /// Where the current instruction begins.
    pub(super) at: usize,
    /// The innermost frame's height.
    pub(super) base: usize,
    /// Whether the innermost frame is polymorphic.
    pub(super) polymorphic: bool,
    pub(super) operands: List<Slot>,
    pub(super) frames: List<Frame>,
    pub(super) locals: Locals,
    /// What the visitor is told: see [`State`].
    pub(super) operand: Option<ValType>,
    pub(super) ended: Option<Frame>,
}

impl<'m> Validator<'m> {
    fn body<V: Visitor>(
        &mut self,
        bytes: &[u8],
        features: Features,
        index: u32,
        visitor: &mut V,
    ) -> Result<()> {
        let module = self.module;
        let (Some(span), Some(&ty)) = (module.body(index), module.funcs.get(index as usize)) else {
            return Err(Error::unknown("function body", index, 0));
        };
        let Some(func_type) = module.types.func(ty) else {
            return Err(Error::unknown("type", ty, span.start as usize));
        };
        let mut reader = Reader::new(bytes, span.start as usize..span.end as usize, features);
        self.at = reader.pos();
        if reader.rest().len() > limits::MAX_BODY as usize {
            let kind = crate::ErrorKind::Limit { what: "bytes of a body", limit: limits::MAX_BODY };
            return Err(Error::new(kind, self.at));
        }
        self.locals.read(&mut reader, &module.types, func_type)?;
        self.operands.clear();
        self.frames.clear();
        self.push_frame(FrameKind::Func, BlockType::Func(ty), true)?;
        visitor.begin(module, index, &self.locals.types)?;

        let mut instr = Instr::NOP;
        while let Some(frame) = self.frames.last() {
            let reachable = frame.reachable && !self.polymorphic;
            self.at = reader.pos();
            self.operand = None;
            self.ended = None;
            self.step(&mut reader, &mut instr)?;
            visitor.instr(self.at, reader.pos(), &instr, &self.state(reachable))?;
        }
        if !reader.is_empty() {
            return Err(Error::malformed("section size mismatch", reader.pos()));
        }
        Ok(())
    }

    #[inline]
    fn state(&self, reachable: bool) -> State<'_> {
        State {
            height: self.operands.len() as u32,
            reachable,
            depth: self.frames.len() as u32,
            operand: self.operand,
            ended: self.ended.as_ref(),
            module: self.module,
            frames: &self.frames,
            operands: &self.operands,
        }
    }

    /// Decodes and checks the next instruction. The frequent ones are decoded here, so that
    /// a single jump leads to each.
    #[inline]
    pub(super) fn step<'a>(
        &mut self,
        reader: &mut Reader<'a>,
        instr: &mut Instr<'a>,
    ) -> Result<()> {
        let op = reader.enabled_opcode()?;
        instr.op = op;
        #[cfg(sampan_small)]
        {
            reader.immediates(op, &mut instr.imm)?;
            match op.signature() {
                Some(signature) => self.signature(op, &instr.imm, signature),
                None => self.special(instr),
            }
        }
        #[cfg(not(sampan_small))]
        match op {
            Opcode::LocalGet => {
                let index = reader.u32()?;
                instr.imm = Imm::Index(index);
                self.local_get(index)
            }
            Opcode::LocalSet => {
                let index = reader.u32()?;
                instr.imm = Imm::Index(index);
                self.local_set(index)
            }
            Opcode::LocalTee => {
                let index = reader.u32()?;
                instr.imm = Imm::Index(index);
                self.local_tee(index)
            }
            Opcode::I32Const => {
                instr.imm = Imm::I32(reader.i32()?);
                self.push(ValType::I32)
            }
            Opcode::End => {
                instr.imm = Imm::None;
                self.end()
            }
            Opcode::Br => {
                let label = reader.u32()?;
                instr.imm = Imm::Label(label);
                self.br(label)
            }
            Opcode::BrIf => {
                let label = reader.u32()?;
                instr.imm = Imm::Label(label);
                self.br_if(label)
            }
            Opcode::Call => {
                let index = reader.u32()?;
                instr.imm = Imm::Index(index);
                self.call(index)
            }
            op => {
                reader.immediates(op, &mut instr.imm)?;
                match op.signature() {
                    Some(signature) => self.signature(op, &instr.imm, signature),
                    None => self.special(instr),
                }
            }
        }
    }

    /// An instruction whose signature does not depend on context.
    #[inline]
    fn signature(&mut self, op: Opcode, imm: &Imm<'_>, signature: &crate::Signature) -> Result<()> {
        let addr = match imm {
            Imm::MemArg(arg) | Imm::MemArgLane(arg, _) => self.mem_arg(op, arg)?,
            _ => ValType::I32,
        };
        let val = |operand| match operand {
            Operand::I32 => ValType::I32,
            Operand::I64 => ValType::I64,
            Operand::F32 => ValType::F32,
            Operand::F64 => ValType::F64,
            Operand::V128 => ValType::V128,
            Operand::Addr => addr,
        };
        match *signature.params() {
            [] => {}
            [only] => self.pop(val(only))?,
            [first, second] => {
                self.pop(val(second))?;
                self.pop(val(first))?;
            }
            _ => {
                for &operand in signature.params().iter().rev() {
                    self.pop(val(operand))?;
                }
            }
        }
        match signature.result {
            Some(result) => self.push(val(result)),
            None => Ok(()),
        }
    }

    #[cold]
    pub(super) fn invalid(&self, what: &'static str) -> Error {
        Error::invalid(what, self.at)
    }

    #[cold]
    pub(super) fn unknown(&self, what: &'static str, index: u32) -> Error {
        Error::unknown(what, index, self.at)
    }
}
