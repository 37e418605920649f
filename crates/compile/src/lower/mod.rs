//! From a validated function to a back end's builder, in the pass that validates.
//!
//! What is WebAssembly is here: how control flow nests, what a call needs to know of its
//! callee, which accesses are checked, where limits are honoured. What is not known here
//! gives an error, and the function is interpreted.

mod call;
mod control;
mod memory;
mod resume;

use crate::builder::{Builder, Place, Reason, Ty};
use crate::hints::Hints;
use control::Frame;
use resume::Resumed;
use sampan_engine::native::{Calls, Layout, PENDING, TrapCode, offsets};
use sampan_engine::slots_of;
use sampan_wasm::{
    Error, ErrorKind, FuncType, Imm, Instr, Module, Opcode, Result, State, ValType, Visitor,
};

/// What the code of a module must do.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Consume fuel.
    pub fuel: bool,
    /// Look at the interrupt flag.
    pub interruptible: bool,
    /// 32-bit memories are reservations in which any access beyond the end faults.
    pub guarded: bool,
    /// Other bodies may get code of their own later.
    pub tiered: bool,
}

/// Lowers one function.
pub struct Lowering<'m, B: Builder> {
    module: &'m Module,
    hints: &'m Hints,
    builder: B,
    options: Options,
    layout: Layout,
    stack: Vec<B::Value>,
    control: Vec<Frame<B>>,
    reachable: bool,
    locals: u32,
    fuel: Option<(B::Patch, u32)>,
    need_fuel: bool,
    at: u32,
    index: u32,
    /// Code that begins at a loop.
    resumed: Option<Resumed<B>>,
}

impl<'m, B: Builder> Lowering<'m, B> {
    /// A lowering of a function of `module` into a builder that stands in its first block.
    pub fn new(
        module: &'m Module,
        hints: &'m Hints,
        builder: B,
        options: Options,
    ) -> Lowering<'m, B> {
        Lowering {
            module,
            hints,
            builder,
            options,
            layout: Layout::of(module),
            stack: Vec::new(),
            control: Vec::new(),
            reachable: true,
            locals: 0,
            fuel: None,
            need_fuel: true,
            at: 0,
            index: 0,
            resumed: None,
        }
    }

    /// The builder, once the body was visited.
    pub fn finish(self) -> B {
        self.builder
    }

    /// The builder, before the body is visited.
    pub fn builder_mut(&mut self) -> &mut B {
        &mut self.builder
    }

    fn unsupported(&self, op: Opcode) -> Error {
        let kind = ErrorKind::Other(format!("the instruction {} is not compiled", op.text()));
        Error::new(kind, self.at as usize).in_func(self.index)
    }

    fn pop(&mut self) -> B::Value {
        self.stack.pop().expect("validated: there is an operand")
    }

    fn pop_many(&mut self, count: usize) -> Vec<B::Value> {
        self.stack.split_off(self.stack.len() - count)
    }

    fn i64(&mut self, value: u64) -> B::Value {
        self.builder.constant(Ty::I64, value)
    }

    fn i32(&mut self, value: u32) -> B::Value {
        self.builder.constant(Ty::I32, value.into())
    }

    /// A pure operation that every back end has.
    fn op(&mut self, op: Opcode, args: &[B::Value]) -> B::Value {
        self.builder.operation(op, &Imm::None, args).expect("every back end has integers")
    }

    /// A word of the context that never changes.
    fn context_word(&mut self, offset: i32) -> B::Value {
        let context = self.builder.context();
        self.builder.load(Ty::I64, context, offset, Place::Constant)
    }

    fn runtime(&mut self) -> B::Value {
        self.context_word(Layout::RUNTIME)
    }

    /// Calls the engine's function number `which`, whose first argument is the context.
    fn call_engine(&mut self, which: usize, args: &[(Ty, B::Value)]) -> B::Value {
        let runtime = self.runtime();
        let table = self.builder.load(Ty::I64, runtime, offsets::RUNTIME_CALLS, Place::Constant);
        let address = self.builder.load(Ty::I64, table, which as i32 * 8, Place::Constant);
        let context = self.builder.context();
        let mut all = vec![(Ty::I64, context)];
        all.extend(args);
        self.builder.call_engine(address, &all)
    }

    /// An instruction that the engine executes on operands in slots.
    fn by_engine(&mut self, op: Opcode, imm: &Imm<'_>, params: &[Ty], result: Option<Ty>) {
        let args = self.pop_many(params.len());
        let slots = self.builder.slots(params.len().max(1) as u32);
        for (i, &arg) in args.iter().enumerate() {
            self.builder.store(arg, slots, i as i32 * 8, Place::Slots);
        }
        let (i, j) = match *imm {
            Imm::Index(i) => (i.into(), 0),
            Imm::Index2(i, j) => (i.into(), j.into()),
            Imm::MemArg(memarg) => (memarg.memory.into(), memarg.offset),
            _ => (0, 0),
        };
        let (op, i, j) = (self.i32(op.code().into()), self.i64(i), self.i64(j));
        let all = [(Ty::I32, op), (Ty::I64, slots), (Ty::I64, i), (Ty::I64, j)];
        let status = self.call_engine(Calls::INSTRUCTION, &all);
        self.builder.trap_if(status, Reason(PENDING));
        if let Some(ty) = result {
            let value = self.builder.load(ty, slots, 0, Place::Slots);
            self.stack.push(value);
        }
    }

    /// Books the cost of an instruction, as the interpreters do.
    fn count_fuel(&mut self, op: Opcode) {
        let free =
            matches!(op, Opcode::Block | Opcode::Loop | Opcode::End | Opcode::Else | Opcode::Nop);
        if !self.options.fuel || free || !self.reachable {
            return;
        }
        if self.need_fuel {
            self.end_fuel();
            self.need_fuel = false;
            let (need, patch) = self.builder.open_constant();
            let need = self.op(Opcode::I64ExtendI32U, &[need]);
            let runtime = self.runtime();
            let at = self.builder.load(Ty::I64, runtime, offsets::RUNTIME_FUEL, Place::Machine);
            let fuel = self.builder.load(Ty::I64, at, 0, Place::Machine);
            let out = self.op(Opcode::I64LtU, &[fuel, need]);
            self.builder.trap_if(out, TrapCode::OutOfFuel.into());
            let left = self.op(Opcode::I64Sub, &[fuel, need]);
            self.builder.store(left, at, 0, Place::Machine);
            self.fuel = Some((patch, 0));
        }
        if let Some((_, count)) = &mut self.fuel {
            *count += 1;
        }
    }

    fn end_fuel(&mut self) {
        if let Some((patch, count)) = self.fuel.take() {
            self.builder.patch(patch, count);
        }
    }

    /// At a function's and a loop's start.
    fn check_interrupt(&mut self) {
        if self.options.interruptible {
            let runtime = self.runtime();
            let flag =
                self.builder.load(Ty::I64, runtime, offsets::RUNTIME_INTERRUPT, Place::Constant);
            let stop = self.builder.load_byte(flag);
            self.builder.trap_if(stop, TrapCode::Interrupted.into());
        }
    }

    fn plain(&mut self, instr: &Instr<'_>, state: &State<'_>) -> Result<()> {
        let op = instr.op;
        match (op, &instr.imm) {
            (Opcode::Nop, _) => {}
            (Opcode::LocalGet, &Imm::Index(local)) => {
                let value = self.builder.local_get(local);
                self.stack.push(value);
            }
            (Opcode::LocalSet, &Imm::Index(local)) => {
                let value = self.pop();
                self.builder.local_set(local, value);
            }
            (Opcode::LocalTee, &Imm::Index(local)) => {
                let value = *self.stack.last().expect("validated: there is an operand");
                self.builder.local_set(local, value);
            }
            (_, &Imm::I32(value)) => self.push_constant(Ty::I32, value as u32 as u64),
            (_, &Imm::I64(value)) => self.push_constant(Ty::I64, value as u64),
            (_, &Imm::F32(bits)) => self.push_constant(Ty::F32, bits.into()),
            (_, &Imm::F64(bits)) => self.push_constant(Ty::F64, bits),
            (Opcode::V128Const, &Imm::V128(bytes)) => {
                let value = self.builder.vector(bytes);
                self.stack.push(value);
            }
            (Opcode::Drop, _) => {
                self.pop();
            }
            (Opcode::Select | Opcode::SelectTyped, _) => {
                let condition = self.pop();
                let (b, a) = (self.pop(), self.pop());
                let value = self.builder.select(condition, a, b);
                self.stack.push(value);
            }
            (Opcode::RefNull, _) => self.push_constant(Ty::I64, 0),
            (Opcode::RefIsNull, _) => {
                let value = self.pop();
                let value = self.op(Opcode::I64Eqz, &[value]);
                self.stack.push(value);
            }
            (Opcode::RefAsNonNull, _) => {
                let value = *self.stack.last().expect("validated: there is an operand");
                let null = self.op(Opcode::I64Eqz, &[value]);
                self.builder.trap_if(null, TrapCode::NullReference.into());
            }
            (Opcode::I64Add128 | Opcode::I64Sub128, _) => self.wide_sum(op),
            (Opcode::I64MulWideS | Opcode::I64MulWideU, _) => {
                let (b, a) = (self.pop(), self.pop());
                let low = self.op(Opcode::I64Mul, &[a, b]);
                let high = self.op(op, &[a, b]);
                self.stack.extend([low, high]);
            }
            (Opcode::RefFunc, &Imm::Index(func)) => {
                let number = self.func_number(func);
                let number = self.op(Opcode::I64ExtendI32U, &[number]);
                let one = self.i64(1);
                let value = self.op(Opcode::I64Add, &[number, one]);
                self.stack.push(value);
            }
            (Opcode::GlobalGet, &Imm::Index(global)) => {
                let ty = self.module.globals[global as usize].ty;
                let at = self.context_word(self.layout.global(global));
                let place = if ty.mutable { Place::Global } else { Place::Constant };
                let value = self.builder.load(ty.content.into(), at, 0, place);
                self.stack.push(value);
            }
            (Opcode::GlobalSet, &Imm::Index(global)) => {
                let value = self.pop();
                let at = self.context_word(self.layout.global(global));
                self.builder.store(value, at, 0, Place::Global);
            }
            (
                Opcode::Call
                | Opcode::CallIndirect
                | Opcode::CallRef
                | Opcode::ReturnCall
                | Opcode::ReturnCallIndirect
                | Opcode::ReturnCallRef,
                imm,
            ) => self.call_instr(op, imm),
            (_, imm) => {
                if !self.access(op, imm) && !self.tables(op, imm) && !self.operation(op, imm) {
                    return Err(self.unsupported(op));
                }
            }
        }
        let _ = state;
        Ok(())
    }

    /// The sum or difference of two pairs of halves.
    fn wide_sum(&mut self, op: Opcode) {
        let args = self.pop_many(4);
        let (low, high) = ([args[0], args[2]], [args[1], args[3]]);
        let (low, high, carry) = if op == Opcode::I64Add128 {
            let sum = self.op(Opcode::I64Add, &low);
            let carry = self.op(Opcode::I64LtU, &[sum, low[0]]);
            (sum, self.op(Opcode::I64Add, &high), carry)
        } else {
            let carry = self.op(Opcode::I64LtU, &low);
            (self.op(Opcode::I64Sub, &low), self.op(Opcode::I64Sub, &high), carry)
        };
        let carry = self.op(Opcode::I64ExtendI32U, &[carry]);
        let adjust = if op == Opcode::I64Add128 { Opcode::I64Add } else { Opcode::I64Sub };
        let high = self.op(adjust, &[high, carry]);
        self.stack.extend([low, high]);
    }

    fn push_constant(&mut self, ty: Ty, bits: u64) {
        let value = self.builder.constant(ty, bits);
        self.stack.push(value);
    }

    /// A pure operation with a fixed signature.
    fn operation(&mut self, op: Opcode, imm: &Imm<'_>) -> bool {
        let Some(signature) = op.signature() else { return false };
        if self.stack.len() < signature.params().len() || signature.result.is_none() {
            return false;
        }
        let args = self.pop_many(signature.params().len());
        let Some(value) = self.builder.operation(op, imm, &args) else { return false };
        self.stack.push(value);
        true
    }
}

/// The slots that values take, and where each begins.
fn slot_offsets(types: &[ValType]) -> impl Iterator<Item = (ValType, i32)> {
    let mut at = 0;
    types.iter().map(move |&ty| {
        let here = at;
        at += slots_of(ty) as i32 * 8;
        (ty, here)
    })
}

/// The body of a function that passes a call on to the engine: its parameters go to slots.
pub fn interpreted_caller<B: Builder>(builder: &mut B, ty: &FuncType, params: &[B::Value]) {
    let context = builder.context();
    by_header(builder, context, ty, params);
}

/// The body of a function of the module that has no code of its own, for direct calls.
pub fn forwarder<B: Builder>(
    builder: &mut B,
    module: &Module,
    body: u32,
    params: &[B::Value],
    tiered: bool,
) {
    let func = module.imported_funcs + body;
    let ty = module.func_type(func);
    let context = builder.context();
    if tiered {
        let bodies = builder.load(Ty::I64, context, Layout::BODIES, Place::Constant);
        let at = body as i32 * offsets::BODY_SIZE;
        let code = builder.load(Ty::I64, bodies, at, Place::Machine);
        let (made, without) = (builder.block(&[]), builder.block(&[]));
        builder.branch(code, (made, &[]), (without, &[]));
        builder.seal(made);
        builder.seal(without);
        builder.enter(made);
        let args = [&[context], params].concat();
        builder.tail_call_address(code, ty, &args);
        builder.cold(without);
        builder.enter(without);
    }
    let runtime = builder.load(Ty::I64, context, Layout::RUNTIME, Place::Constant);
    builder.store(context, runtime, offsets::RUNTIME_CALLER, Place::Machine);
    let numbers = builder.load(Ty::I64, context, Layout::FUNCS, Place::Constant);
    let number = builder.load(Ty::I32, numbers, func as i32 * 4, Place::Constant);
    let number = builder
        .operation(Opcode::I64ExtendI32U, &Imm::None, &[number])
        .expect("every back end has integers");
    let entity = entity(builder, runtime, number);
    let header = builder.load(Ty::I64, entity, offsets::FUNC_CONTEXT, Place::Machine);
    by_header(builder, header, ty, params);
}

/// The type of code that begins at a loop of a function: it takes the frame's address.
pub fn resumed_type(ty: &FuncType) -> FuncType {
    FuncType::new([ValType::I64], ty.results().iter().copied())
}

/// The address of the function with a number, an i64, in the machine's list.
fn entity<B: Builder>(builder: &mut B, runtime: B::Value, number: B::Value) -> B::Value {
    let op = |builder: &mut B, op, args: &[B::Value]| {
        builder.operation(op, &Imm::None, args).expect("every back end has integers")
    };
    let list = builder.load(Ty::I64, runtime, offsets::RUNTIME_FUNCS, Place::Machine);
    let shift = builder.constant(Ty::I64, offsets::FUNC_SIZE.trailing_zeros().into());
    let at = op(builder, Opcode::I64Shl, &[number, shift]);
    op(builder, Opcode::I64Add, &[list, at])
}

/// Calls a function by its header and returns its results.
fn by_header<B: Builder>(builder: &mut B, context: B::Value, ty: &FuncType, params: &[B::Value]) {
    let count = sampan_engine::slots_of_all(ty.params());
    let count = count.max(sampan_engine::slots_of_all(ty.results()));
    let slots = builder.slots(count.max(1));
    for (&value, (_, at)) in params.iter().zip(slot_offsets(ty.params())) {
        builder.store(value, slots, at, Place::Slots);
    }
    let runtime = builder.load(Ty::I64, context, Layout::RUNTIME, Place::Constant);
    let table = builder.load(Ty::I64, runtime, offsets::RUNTIME_CALLS, Place::Constant);
    let at = Calls::FUNCTION as i32 * 8;
    let address = builder.load(Ty::I64, table, at, Place::Constant);
    let status = builder.call_engine(address, &[(Ty::I64, context), (Ty::I64, slots)]);
    builder.trap_if(status, Reason(PENDING));
    let results: Vec<_> = slot_offsets(ty.results())
        .map(|(ty, at)| builder.load(ty.into(), slots, at, Place::Slots))
        .collect();
    builder.return_(&results);
}

/// The body of a function `(context, slots, code)` that calls code with what is in slots, or
/// code that begins at a loop with their address.
pub fn entry<B: Builder>(builder: &mut B, ty: &FuncType, params: &[B::Value], at_loop: bool) {
    let [context, slots, code] = *params else { unreachable!("an entry has three parameters") };
    let mut args = vec![context];
    let results = if at_loop {
        args.push(slots);
        builder.call_address(code, &resumed_type(ty), &args)
    } else {
        for (ty, at) in slot_offsets(ty.params()) {
            args.push(builder.load(ty.into(), slots, at, Place::Slots));
        }
        builder.call_address(code, ty, &args)
    };
    for (&value, (_, at)) in results.iter().zip(slot_offsets(ty.results())) {
        builder.store(value, slots, at, Place::Slots);
    }
    builder.return_(&[]);
}

impl<B: Builder> Visitor for Lowering<'_, B> {
    fn begin(&mut self, module: &Module, index: u32, locals: &[ValType]) -> Result<()> {
        self.index = index;
        self.locals = locals.len() as u32;
        self.begin_resumed(locals);
        self.open_function(module.func_type(index));
        self.check_interrupt();
        Ok(())
    }

    fn instr(&mut self, at: usize, _: usize, instr: &Instr<'_>, state: &State<'_>) -> Result<()> {
        self.at = at as u32;
        self.builder.set_offset(self.at);
        self.count_fuel(instr.op);
        if !self.control_instr(instr)? && self.reachable {
            self.plain(instr, state)?;
        }
        Ok(())
    }
}
