//! Bodies of functions that are made to be hard to translate: many locals that are set
//! while their old values lie on the stack, deep stacks, branches from all heights.
//!
//! They terminate: loops count down, and functions that loop or call begin with `tick`.

mod control;
mod data;

use crate::choice::Choice;
use crate::shape::{Nans, Shape, TICK};
use sampan::wasm::{ImmKind, Opcode, Operand};
use sampan::{EXECUTABLE, Feature};
use std::sync::LazyLock;
use wasm_encoder::{ConstExpr, Encode, ValType};

/// An open block.
struct Frame {
    /// What a branch to it takes.
    label: Vec<ValType>,
    results: Vec<ValType>,
    /// The height of the stack below its parameters.
    base: usize,
    /// The local that counts a loop's rounds.
    counter: Option<u32>,
}

struct Body<'a, 'u> {
    u: &'a mut Choice<'u>,
    shape: &'a mut Shape,
    code: Vec<u8>,
    /// The locals that code may use as it likes.
    locals: Vec<ValType>,
    /// The first of the locals that keep a number for making it canonical: f32, f64, v128.
    keep: u32,
    /// The first of the loops' counters, one for each depth.
    counters: u32,
    stack: Vec<ValType>,
    frames: Vec<Frame>,
    /// The values below this height are others' operands.
    floor: usize,
    loops: u32,
    /// It may loop and call.
    ticks: bool,
    /// The end of the block cannot be reached.
    dead: bool,
    /// How many more instructions it may have, roughly.
    room: i32,
}

const MAX_LOOPS: u32 = 3;

/// The body of `tick`: traps if global 0 is zero, else takes one from it.
pub const TICK_BODY: &[u8] =
    &[0, 0x23, 0, 0x45, 0x04, 0x40, 0x00, 0x0b, 0x23, 0, 0x41, 1, 0x6b, 0x24, 0, 0x0b];

/// A body that sets global 0.
pub fn reset(fuel: i32) -> Vec<u8> {
    let mut code = vec![0, 0x41];
    fuel.encode(&mut code);
    code.extend([0x24, 0, 0x0b]);
    code
}

/// A constant that is more likely to make trouble than most.
pub fn constant(u: &mut Choice<'_>, ty: ValType) -> ConstExpr {
    match ty {
        ValType::I32 => ConstExpr::i32_const(integer(u) as i32),
        ValType::I64 => ConstExpr::i64_const(integer(u)),
        ValType::F32 => ConstExpr::f32_const(f32_bits(u).into()),
        ValType::F64 => ConstExpr::f64_const(f64_bits(u).into()),
        _ => ConstExpr::v128_const(vector(u)),
    }
}

/// Any integer, small ones and those at the limits more often.
pub fn integer(u: &mut Choice<'_>) -> i64 {
    let small = u.below(40) as i64 - 8;
    match u.below(6) {
        0..=2 => small,
        3 => (1i64 << u.below(64)).wrapping_add(u.below(3) as i64 - 1),
        4 => [i32::MIN.into(), i32::MAX.into(), i64::MIN, i64::MAX, u32::MAX.into()][u.below(5)],
        _ => u.number() as i64,
    }
}

pub fn f32_bits(u: &mut Choice<'_>) -> f32 {
    let special = [0.0, -0.0, 1.0, -1.5, f32::MAX, f32::INFINITY, f32::NAN, 1e-40, 4294967296.0];
    match u.below(3) {
        0 => u.pick(&special),
        1 => integer(u) as f32,
        _ => Some(f32::from_bits(u.number() as u32)).filter(|x| !x.is_nan()).unwrap_or(f32::NAN),
    }
}

pub fn f64_bits(u: &mut Choice<'_>) -> f64 {
    let special = [0.0, -0.0, 1.0, -1.5, f64::MAX, f64::INFINITY, f64::NAN, 5e-324, 1.8e19];
    match u.below(3) {
        0 => u.pick(&special),
        1 => integer(u) as f64,
        _ => Some(f64::from_bits(u.number())).filter(|x| !x.is_nan()).unwrap_or(f64::NAN),
    }
}

pub fn vector(u: &mut Choice<'_>) -> i128 {
    match u.below(3) {
        0 => i128::from(integer(u)),
        1 => (u128::from(f32_bits(u).to_bits()) << 64 | u128::from(f64_bits(u).to_bits())) as i128,
        _ => (u128::from(u.number()) << 64 | u128::from(u.number())) as i128,
    }
}

/// The body of the function with an index.
pub fn body(u: &mut Choice<'_>, shape: &mut Shape, func: u32) -> Vec<u8> {
    let (params, results) = shape.funcs[func as usize].clone();
    let mut locals = params.clone();
    let declared = if u.one_in(20) { 60 } else { 8 };
    locals.extend((0..u.within(0, declared)).map(|_| u.any_type()));
    let keep = locals.len() as u32;
    let ticks = !u.one_in(5);
    let room = u.pick(&[20, 60, 60, 150, 400]);
    let frame = Frame { label: results.clone(), results, base: 0, counter: None };
    let mut body = Body {
        u,
        shape,
        code: Vec::new(),
        locals,
        keep,
        counters: keep + 3,
        stack: Vec::new(),
        frames: vec![frame],
        floor: 0,
        loops: 0,
        ticks,
        dead: false,
        room,
    };
    if ticks {
        body.call_op(0x10, TICK);
    }
    body.statements(60);
    if !body.dead && body.u.one_in(2) {
        body.store_locals(func);
    }
    body.finish();
    body.encode(params.len())
}

impl Body<'_, '_> {
    fn encode(self, params: usize) -> Vec<u8> {
        use ValType::{F32, F64, I32, V128};
        let mut bytes = Vec::new();
        let declared = self.locals[params..].iter().copied().chain([F32, F64, V128]);
        let declared: Vec<ValType> = declared.chain([I32; MAX_LOOPS as usize]).collect();
        (declared.len() as u32).encode(&mut bytes);
        for ty in declared {
            1u32.encode(&mut bytes);
            ty.encode(&mut bytes);
        }
        bytes.extend(self.code);
        bytes
    }

    /// An opcode in the numbering of sampan's table.
    fn op(&mut self, op: Opcode) {
        let code = u32::from(op.code());
        self.room -= 1;
        match code {
            0..=0xff => self.code.push(code as u8),
            0x200..=0x2ff => {
                self.code.push(0xfc);
                (code - 0x200).encode(&mut self.code);
            }
            _ => {
                self.code.push(0xfd);
                (code - 0x300).encode(&mut self.code);
            }
        }
    }

    fn op_index(&mut self, op: Opcode, index: u32) {
        self.op(op);
        index.encode(&mut self.code);
    }

    fn call_op(&mut self, code: u8, func: u32) {
        self.code.push(code);
        func.encode(&mut self.code);
    }

    fn pop(&mut self, count: usize) {
        self.stack.truncate(self.stack.len() - count);
    }

    /// The values that the next instruction may take.
    fn visible(&self) -> &[ValType] {
        &self.stack[self.frames.last().expect("a frame is open").base.max(self.floor)..]
    }

    fn i32_const(&mut self, value: i32) {
        self.op(Opcode::I32Const);
        value.encode(&mut self.code);
        self.stack.push(ValType::I32);
    }

    fn local_get(&mut self, local: u32, ty: ValType) {
        self.op_index(Opcode::LocalGet, local);
        self.stack.push(ty);
    }

    fn local_set(&mut self, local: u32) {
        self.op_index(Opcode::LocalSet, local);
        self.pop(1);
    }

    /// A local of a type.
    fn local(&mut self, ty: ValType) -> Option<u32> {
        let fitting: Vec<u32> =
            (0..self.locals.len() as u32).filter(|&i| self.locals[i as usize] == ty).collect();
        (!fitting.is_empty()).then(|| self.u.pick(&fitting))
    }

    /// Makes sure that the topmost values have these types, by taking what is there or
    /// pushing more.
    fn operands(&mut self, types: &[ValType], depth: u32) {
        let mut have = 0;
        if !self.u.one_in(4) {
            let visible = self.visible();
            have = (0..=types.len().min(visible.len()))
                .rev()
                .find(|&n| visible.ends_with(&types[..n]))
                .unwrap_or(0);
        }
        for &ty in &types[have..] {
            self.value(ty, depth);
        }
    }

    /// Pushes a value.
    fn value(&mut self, ty: ValType, depth: u32) {
        let floor = std::mem::replace(&mut self.floor, self.stack.len());
        self.any_value(ty, depth);
        self.floor = floor;
    }

    fn any_value(&mut self, ty: ValType, depth: u32) {
        let deeper = if depth > 0 && self.room > 0 { 1 } else { 0 };
        let local = self.local(ty);
        let weights =
            [if local.is_some() { 6 } else { 0 }, 3, 6 * deeper, deeper, deeper, deeper, deeper];
        match self.u.weighted(&weights) {
            0 => self.local_get(local.expect("it has a weight"), ty),
            2 if ty != ValType::FUNCREF => {
                let op = self.u.pick(&OPS.by_result[type_index(ty)]);
                self.instruction(op, depth - 1);
            }
            3 => self.select(ty, depth - 1),
            4 => self.global_get(ty),
            5 => {
                self.value(ty, depth - 1);
                if let Some(local) = self.local(ty) {
                    self.op_index(Opcode::LocalTee, local);
                }
            }
            6 => self.block(&[], &[ty]),
            _ => self.const_value(ty),
        }
    }

    fn const_value(&mut self, ty: ValType) {
        if ty == ValType::FUNCREF {
            match self.u.below(2) {
                0 => self.code.extend([0xd0, 0x70]),
                _ => {
                    let func = self.u.below(self.shape.funcs.len()) as u32;
                    self.op_index(Opcode::RefFunc, func);
                }
            }
        } else {
            // A constant expression is the instruction.
            constant(self.u, ty).encode(&mut self.code);
            assert_eq!(self.code.pop(), Some(0x0b), "it ends in `end`");
        }
        self.stack.push(ty);
    }

    /// An instruction of the table, with its operands.
    fn instruction(&mut self, op: Opcode, depth: u32) {
        let signature = op.signature().expect("only such are listed");
        let params: Vec<ValType> = signature.params().iter().map(|&p| val_type(p)).collect();
        if let ImmKind::MemArg(_) | ImmKind::MemArgLane(_) = op.immediates() {
            return self.access(op, &params, depth);
        }
        self.operands(&params, depth);
        if signature.result.is_some_and(|r| sees_bits(op, r)) {
            self.canonical(self.stack[self.stack.len() - 1]);
        }
        if self.u.one_in(2) {
            self.avoid_trap(op);
        }
        self.op(op);
        match op.immediates() {
            ImmKind::Lane(lanes) => self.lane(lanes),
            ImmKind::Shuffle => (0..16).for_each(|_| self.lane(32)),
            _ => {}
        }
        self.pop(params.len());
        if let Some(result) = signature.result {
            self.stack.push(val_type(result));
            if let Some(equal) = nan_lanes(op) {
                self.canonical_lanes(ValType::V128, self.keep + 2, equal);
            }
        }
    }

    fn lane(&mut self, lanes: u8) {
        let lane = self.u.below(lanes.into()) as u8;
        self.code.push(lane);
    }

    /// Makes the topmost value, if it is a NaN, the canonical one. Vectors' lanes always are.
    fn canonical(&mut self, ty: ValType) {
        match ty {
            ValType::F32 => self.canonical_lanes(ty, self.keep, Opcode::F32Eq),
            ValType::F64 => self.canonical_lanes(ty, self.keep + 1, Opcode::F64Eq),
            _ => {}
        }
    }

    /// Makes those lanes canonical that do not compare equal to themselves.
    fn canonical_lanes(&mut self, ty: ValType, keep: u32, equal: Opcode) {
        if self.shape.nans != Nans::Hidden {
            return;
        }
        let (nan, choose) = match equal {
            Opcode::F32Eq => (ConstExpr::f32_const(f32::NAN.into()), Opcode::Select),
            Opcode::F64Eq => (ConstExpr::f64_const(f64::NAN.into()), Opcode::Select),
            Opcode::F32x4Eq => (
                ConstExpr::v128_const(0x7fc00000_7fc00000_7fc00000_7fc00000),
                Opcode::V128Bitselect,
            ),
            _ => (
                ConstExpr::v128_const(0x7ff80000_00000000_7ff80000_00000000),
                Opcode::V128Bitselect,
            ),
        };
        self.local_set(keep);
        self.local_get(keep, ty);
        nan.encode(&mut self.code);
        self.code.pop();
        self.local_get(keep, ty);
        self.local_get(keep, ty);
        self.op(equal);
        self.op(choose);
        self.pop(2);
    }

    /// Makes a division's divisor odd.
    fn avoid_trap(&mut self, op: Opcode) {
        use Opcode::*;
        match op {
            I32DivS | I32DivU | I32RemS | I32RemU => {
                self.code.extend([0x41, 1]);
                self.op(I32Or);
            }
            I64DivS | I64DivU | I64RemS | I64RemU => {
                self.code.extend([0x42, 1]);
                self.op(I64Or);
            }
            _ => {}
        }
    }
}

/// The instructions with fixed signatures that both interpreters execute.
struct Ops {
    all: Vec<Opcode>,
    by_result: [Vec<Opcode>; 5],
}

static OPS: LazyLock<Ops> = LazyLock::new(|| {
    // Where relaxed operations have a choice, the peer may choose otherwise.
    let compared = EXECUTABLE.without(Feature::RelaxedSimd);
    let all: Vec<Opcode> = Opcode::ALL
        .iter()
        .copied()
        .filter(|op| {
            let plain = matches!(
                op.immediates(),
                ImmKind::None
                    | ImmKind::MemArg(_)
                    | ImmKind::MemArgLane(_)
                    | ImmKind::Lane(_)
                    | ImmKind::Shuffle
            );
            plain && compared.has(op.feature()) && op.signature().is_some_and(is_useful)
        })
        .collect();
    let mut by_result: [Vec<Opcode>; 5] = Default::default();
    for &op in &all {
        let signature = op.signature().expect("filtered");
        if let Some(result) = signature.result {
            by_result[type_index(val_type(result))].push(op);
        }
    }
    // Most are vectors'; those of integers are what is fused.
    for op in all.iter().filter(|op| op.code() < 0xff) {
        let result = op.signature().and_then(|s| s.result).map(|r| type_index(val_type(r)));
        if let Some(index @ 0..=1) = result {
            by_result[index].extend([*op; 2]);
        }
    }
    Ops { all, by_result }
});

fn is_useful(signature: &sampan::wasm::Signature) -> bool {
    !signature.params().is_empty()
}

fn val_type(operand: Operand) -> ValType {
    match operand {
        Operand::I32 | Operand::Addr => ValType::I32,
        Operand::I64 => ValType::I64,
        Operand::F32 => ValType::F32,
        Operand::F64 => ValType::F64,
        Operand::V128 => ValType::V128,
    }
}

fn type_index(ty: ValType) -> usize {
    match ty {
        ValType::I32 => 0,
        ValType::I64 => 1,
        ValType::F32 => 2,
        ValType::F64 => 3,
        _ => 4,
    }
}

/// Whether the bits of a float on top of the stack become visible.
fn sees_bits(op: Opcode, result: Operand) -> bool {
    let text = op.text();
    text.contains("reinterpret")
        || text.ends_with("copysign")
        || (result == Operand::V128 && (text.ends_with("splat") || text.ends_with("replace_lane")))
}

/// The comparison for the lanes of a result that may be NaNs that were computed.
fn nan_lanes(op: Opcode) -> Option<Opcode> {
    let (lanes, name) = op.text().split_once('.')?;
    let arithmetic =
        ["add", "sub", "mul", "div", "sqrt", "ceil", "floor", "trunc", "nearest", "min", "max"];
    let computed =
        arithmetic.contains(&name) || name.starts_with("demote") || name.starts_with("promote");
    match lanes {
        "f32x4" if computed => Some(Opcode::F32x4Eq),
        "f64x2" if computed => Some(Opcode::F64x2Eq),
        _ => None,
    }
}
