//! What the lowering asks of a back end.
//!
//! Pure operations keep their WebAssembly opcode: a back end has a table from them to its
//! own instructions. What is WebAssembly's and not arithmetic (bounds, calls, tables, limits)
//! the lowering spells out with the rest of this interface.

use sampan_engine::native::TrapCode;
use sampan_wasm::{AtomicOperation, FuncType, Imm, MemArg, Opcode, ValType};

/// The type of a value in machine code. References are 64-bit integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // The names are the specification's.
pub enum Ty {
    I32,
    I64,
    F32,
    F64,
    V128,
}

impl From<ValType> for Ty {
    fn from(ty: ValType) -> Ty {
        match ty {
            ValType::I32 => Ty::I32,
            ValType::I64 | ValType::Ref(_) => Ty::I64,
            ValType::F32 => Ty::F32,
            ValType::F64 => Ty::F64,
            ValType::V128 => Ty::V128,
        }
    }
}

/// What a load or store of the lowering's own touches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Never written while the function runs.
    Constant,
    /// A global's value.
    Global,
    /// A table's elements.
    Table,
    /// All else of the machine: lengths, fuel, functions.
    Machine,
    /// Slots on the stack.
    Slots,
}

/// A conditional trap's reason, or that a callee left one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reason(pub u8);

impl From<TrapCode> for Reason {
    fn from(code: TrapCode) -> Reason {
        Reason(code as u8)
    }
}

/// Builds one function. Blocks are sealed once all branches to them are made.
#[allow(missing_docs)] // Types whose meaning is their name.
pub trait Builder {
    type Value: Copy;
    type Block: Copy;
    /// A constant that is changed later.
    type Patch: Copy;

    /// The function's first parameter.
    fn context(&mut self) -> Self::Value;
    /// A parameter; the context is number 0.
    fn parameter(&mut self, index: usize) -> Self::Value;
    /// Where in the module the following instructions come from.
    fn set_offset(&mut self, offset: u32);

    fn local_get(&mut self, index: u32) -> Self::Value;
    fn local_set(&mut self, index: u32, value: Self::Value);
    /// One more local, beyond the function's own: its index.
    fn new_local(&mut self, ty: Ty) -> u32;
    fn type_of(&self, value: Self::Value) -> Ty;

    /// The integer that a value is, if the builder sees that.
    fn known(&self, value: Self::Value) -> Option<u64>;
    /// An integer, or the bits of a float.
    fn constant(&mut self, ty: Ty, bits: u64) -> Self::Value;
    fn vector(&mut self, bytes: [u8; 16]) -> Self::Value;
    /// An i32 whose value is given later.
    fn open_constant(&mut self) -> (Self::Value, Self::Patch);
    fn patch(&mut self, patch: Self::Patch, value: u32);

    fn block(&mut self, params: &[Ty]) -> Self::Block;
    fn params(&mut self, block: Self::Block) -> Vec<Self::Value>;
    fn enter(&mut self, block: Self::Block);
    fn seal(&mut self, block: Self::Block);
    /// Code that is rarely executed.
    fn cold(&mut self, block: Self::Block);
    fn jump(&mut self, to: Self::Block, args: &[Self::Value]);
    fn branch(
        &mut self,
        condition: Self::Value,
        then: (Self::Block, &[Self::Value]),
        otherwise: (Self::Block, &[Self::Value]),
    );
    fn switch(&mut self, index: Self::Value, blocks: &[Self::Block], default: Self::Block);
    fn return_(&mut self, values: &[Self::Value]);

    fn load(&mut self, ty: Ty, base: Self::Value, offset: i32, place: Place) -> Self::Value;
    fn store(&mut self, value: Self::Value, base: Self::Value, offset: i32, place: Place);
    /// An atomic 8-bit load, zero-extended to an i32: what another thread may change.
    fn load_byte(&mut self, base: Self::Value) -> Self::Value;
    /// A load instruction at an address of the host. A fault there is a trap.
    fn wasm_load(
        &mut self,
        op: Opcode,
        address: Self::Value,
        offset: i32,
        old: Option<(Self::Value, u8)>,
    ) -> Option<Self::Value>;
    /// A store instruction. A fault is a trap.
    fn wasm_store(
        &mut self,
        op: Opcode,
        address: Self::Value,
        offset: i32,
        value: Self::Value,
        lane: u8,
    ) -> bool;

    /// An atomic access to so many aligned bytes at an address of the host, with operands of a
    /// type and, unless it stores, such a result. A fault is a trap.
    fn atomic(
        &mut self,
        operation: AtomicOperation,
        bytes: u8,
        ty: Ty,
        address: Self::Value,
        operands: &[Self::Value],
    ) -> Option<Self::Value>;

    /// An operation without side effects but traps; `None` if the back end has none. Of wide
    /// products it gives the high half.
    fn operation(&mut self, op: Opcode, imm: &Imm<'_>, args: &[Self::Value])
    -> Option<Self::Value>;
    fn select(&mut self, condition: Self::Value, a: Self::Value, b: Self::Value) -> Self::Value;
    /// `a` if the condition holds, else `b`; not by a prediction that can be wrong.
    fn guarded_select(
        &mut self,
        condition: Self::Value,
        a: Self::Value,
        b: Self::Value,
    ) -> Self::Value;

    fn trap(&mut self, reason: Reason);
    fn trap_if(&mut self, condition: Self::Value, reason: Reason);
    fn trap_unless(&mut self, condition: Self::Value, reason: Reason);

    /// Room for some 64-bit slots: its address.
    fn slots(&mut self, count: u32) -> Self::Value;
    /// A body of this module, which gets the context as its first argument.
    fn call(&mut self, body: u32, ty: &FuncType, args: &[Self::Value]) -> Vec<Self::Value>;
    fn call_address(
        &mut self,
        address: Self::Value,
        ty: &FuncType,
        args: &[Self::Value],
    ) -> Vec<Self::Value>;
    fn tail_call(&mut self, body: u32, ty: &FuncType, args: &[Self::Value]);
    fn tail_call_address(&mut self, address: Self::Value, ty: &FuncType, args: &[Self::Value]);
    /// The address of the code that calls, by its header, a function without code.
    fn interpreted_caller(&mut self, ty: u32) -> Self::Value;
    /// Calls a function of the engine with integers; it returns an i32.
    fn call_engine(&mut self, address: Self::Value, args: &[(Ty, Self::Value)]) -> Self::Value;
}

/// The bytes that a load or store accesses.
pub fn access_bytes(op: Opcode) -> u64 {
    use sampan_wasm::ImmKind::{MemArg, MemArgLane};
    match op.immediates() {
        MemArg(align) | MemArgLane(align) => 1 << align,
        _ => 16,
    }
}

/// The offset and memory of an access.
pub fn memarg<'i>(imm: &'i Imm<'_>) -> Option<(&'i MemArg, u8)> {
    match imm {
        Imm::MemArg(memarg) => Some((memarg, 0)),
        Imm::MemArgLane(memarg, lane) => Some((memarg, *lane)),
        _ => None,
    }
}
