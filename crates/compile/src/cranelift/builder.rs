//! The lowering's interface over Cranelift's function builder.

use super::function::{Target, ir_type, signature};
use crate::builder::{Builder, Place, Reason, Ty};
use cranelift_codegen::ir::{
    self, AbiParam, AliasRegion, AliasRegionData, Block, BlockArg, ExtFuncData, ExternalName,
    FuncRef, GlobalValueData, Inst, InstBuilder, InstructionData, JumpTableData, MemFlagsData,
    SigRef, Signature, SourceLoc, StackSlotData, StackSlotKind, TrapCode, UserExternalName, Value,
    types,
};
use cranelift_frontend::{FunctionBuilder, Variable};
use sampan_engine::native::{Layout, offsets};
use sampan_wasm::{AtomicOperation, FuncType, Imm, Module, Opcode, ValType};
use std::collections::HashMap;

pub(super) struct CraneliftBuilder<'f> {
    pub(super) b: FunctionBuilder<'f>,
    module: &'f Module,
    context: Value,
    entry: Block,
    locals: Vec<Variable>,
    signatures: HashMap<FuncType, SigRef>,
    functions: HashMap<(u32, u32), FuncRef>,
    engine: HashMap<Vec<Ty>, SigRef>,
    target: &'f Target,
    regions: Regions,
}

/// What an access of one kind touches, none of another kind does: so what was loaded of the
/// machine is still known after a store to a linear memory.
#[derive(Clone, Copy)]
struct Regions {
    memories: AliasRegion,
    tables: AliasRegion,
    machine: AliasRegion,
}

impl Regions {
    fn new(b: &mut FunctionBuilder<'_>) -> Regions {
        let mut region = |user_id, description: &'static str| {
            let description = description.into();
            b.func.dfg.alias_regions.insert(AliasRegionData { user_id, description })
        };
        Regions {
            memories: region(0, "memories"),
            tables: region(1, "tables"),
            machine: region(2, "machine"),
        }
    }
}

impl<'f> CraneliftBuilder<'f> {
    /// `checked`: the function sees to it that the stack has room for its frame.
    pub fn new(
        mut b: FunctionBuilder<'f>,
        module: &'f Module,
        target: &'f Target,
        checked: bool,
    ) -> CraneliftBuilder<'f> {
        let entry = b.create_block();
        b.append_block_params_for_function_params(entry);
        b.switch_to_block(entry);
        b.seal_block(entry);
        let context = b.block_params(entry)[0];
        if checked {
            let base = b.create_global_value(GlobalValueData::VMContext);
            let flags = b.func.dfg.mem_flags.insert_unchecked(constant_flags());
            let runtime = b.create_global_value(GlobalValueData::Load {
                base,
                offset: Layout::RUNTIME.into(),
                global_type: types::I64,
                flags,
            });
            let flags = b.func.dfg.mem_flags.insert_unchecked(MemFlagsData::trusted());
            let limit = b.create_global_value(GlobalValueData::Load {
                base: runtime,
                offset: offsets::RUNTIME_STACK_LIMIT.into(),
                global_type: types::I64,
                flags,
            });
            b.func.stack_limit = Some(limit);
        }
        let regions = Regions::new(&mut b);
        let (locals, signatures) = (Vec::new(), HashMap::new());
        let (functions, engine) = (HashMap::new(), HashMap::new());
        CraneliftBuilder {
            b,
            module,
            context,
            entry,
            locals,
            signatures,
            functions,
            engine,
            target,
            regions,
        }
    }

    pub fn parameters(&self) -> Vec<Value> {
        self.b.block_params(self.entry).to_vec()
    }

    /// Parameters, then locals, which are zero.
    pub fn declare_locals(&mut self, types: &[ValType], params: usize) {
        let values = self.parameters();
        for (i, &ty) in types.iter().enumerate() {
            let ty = Ty::from(ty);
            let variable = self.b.declare_var(ir_type(ty));
            let value = match i < params {
                true => values[i + 1],
                false => self.constant(ty, 0),
            };
            self.b.def_var(variable, value);
            self.locals.push(variable);
        }
    }

    pub fn finish(mut self) -> Result<(), String> {
        self.b.seal_all_blocks();
        self.b.finalize(self.target.isa.frontend_config());
        Ok(())
    }

    fn signature(&mut self, ty: &FuncType) -> SigRef {
        if let Some(&known) = self.signatures.get(ty) {
            return known;
        }
        let new = self.b.import_signature(signature(ty));
        self.signatures.insert(ty.clone(), new);
        new
    }

    fn function(&mut self, namespace: u32, index: u32, ty: &FuncType) -> FuncRef {
        if let Some(&known) = self.functions.get(&(namespace, index)) {
            return known;
        }
        let signature = self.signature(ty);
        let name = UserExternalName { namespace, index };
        let name = ExternalName::user(self.b.func.declare_imported_user_function(name));
        let data = ExtFuncData { name, signature, colocated: true, patchable: false };
        let new = self.b.import_function(data);
        self.functions.insert((namespace, index), new);
        new
    }

    fn args(values: &[Value]) -> Vec<BlockArg> {
        values.iter().map(|&value| value.into()).collect()
    }

    fn results(&self, call: Inst) -> Vec<Value> {
        self.b.inst_results(call).to_vec()
    }

    /// How the lowering's own loads and stores are made. Vectors in slots and globals are
    /// aligned to 8 bytes only.
    fn flags(&self, place: Place, ty: ir::Type) -> MemFlagsData {
        let plain = match ty.bytes() {
            16 => MemFlagsData::new().with_notrap(),
            _ => MemFlagsData::trusted(),
        };
        match place {
            Place::Constant => plain.with_readonly().with_can_move(),
            Place::Slots => plain,
            Place::Table => plain.with_alias_region(Some(self.regions.tables)),
            Place::Global | Place::Machine => plain.with_alias_region(Some(self.regions.machine)),
        }
    }

    /// A guest's access: a fault is a trap, bytes are in the order of the specification.
    pub(super) fn access_flags(&self) -> MemFlagsData {
        MemFlagsData::new()
            .with_endianness(ir::Endianness::Little)
            .with_trap_code(Some(TrapCode::HEAP_OUT_OF_BOUNDS))
            .with_alias_region(Some(self.regions.memories))
    }

    /// The value as its type has it where types meet.
    pub(super) fn plain(&mut self, value: Value) -> Value {
        match self.b.func.dfg.value_type(value) {
            ty if ty.is_vector() => self.cast(value, types::I8X16),
            _ => value,
        }
    }

    pub(super) fn cast(&mut self, value: Value, ty: ir::Type) -> Value {
        if self.b.func.dfg.value_type(value) == ty {
            return value;
        }
        let flags = MemFlagsData::new().with_endianness(ir::Endianness::Little);
        self.b.ins().bitcast(ty, flags, value)
    }
}

fn constant_flags() -> MemFlagsData {
    MemFlagsData::trusted().with_readonly().with_can_move()
}

fn trap_code(reason: Reason) -> TrapCode {
    // Zero is not among Cranelift's.
    TrapCode::unwrap_user(reason.0 + 1)
}

impl Builder for CraneliftBuilder<'_> {
    type Value = Value;
    type Block = Block;
    type Patch = Inst;

    fn context(&mut self) -> Value {
        self.context
    }

    fn set_offset(&mut self, offset: u32) {
        self.b.set_srcloc(SourceLoc::new(offset));
    }

    fn parameter(&mut self, index: usize) -> Value {
        self.b.block_params(self.entry)[index]
    }

    fn new_local(&mut self, ty: Ty) -> u32 {
        self.locals.push(self.b.declare_var(ir_type(ty)));
        self.locals.len() as u32 - 1
    }

    fn type_of(&self, value: Value) -> Ty {
        match self.b.func.dfg.value_type(value) {
            types::I32 => Ty::I32,
            types::I64 => Ty::I64,
            types::F32 => Ty::F32,
            types::F64 => Ty::F64,
            _ => Ty::V128,
        }
    }

    fn local_get(&mut self, index: u32) -> Value {
        self.b.use_var(self.locals[index as usize])
    }

    fn local_set(&mut self, index: u32, value: Value) {
        let value = self.plain(value);
        self.b.def_var(self.locals[index as usize], value);
    }

    fn known(&self, value: Value) -> Option<u64> {
        let inst = self.b.func.dfg.value_def(value).inst()?;
        match self.b.func.dfg.insts[inst] {
            InstructionData::UnaryImm { opcode: ir::Opcode::Iconst, imm } => {
                let bits = self.b.func.dfg.value_type(value).bits();
                Some(imm.bits() as u64 & (u64::MAX >> (64 - bits)))
            }
            _ => None,
        }
    }

    fn constant(&mut self, ty: Ty, bits: u64) -> Value {
        match ty {
            Ty::I32 => self.b.ins().iconst(types::I32, i64::from(bits as u32)),
            Ty::I64 => self.b.ins().iconst(types::I64, bits as i64),
            Ty::F32 => self.b.ins().f32const(ir::immediates::Ieee32::with_bits(bits as u32)),
            Ty::F64 => self.b.ins().f64const(ir::immediates::Ieee64::with_bits(bits)),
            Ty::V128 => self.vector((bits as u128).to_le_bytes()),
        }
    }

    fn vector(&mut self, bytes: [u8; 16]) -> Value {
        let constant = self.b.func.dfg.constants.insert(bytes.to_vec().into());
        self.b.ins().vconst(types::I8X16, constant)
    }

    fn open_constant(&mut self) -> (Value, Inst) {
        let value = self.b.ins().iconst(types::I32, 0);
        let inst = self.b.func.dfg.value_def(value).unwrap_inst();
        (value, inst)
    }

    fn patch(&mut self, patch: Inst, value: u32) {
        if let InstructionData::UnaryImm { imm, .. } = &mut self.b.func.dfg.insts[patch] {
            *imm = i64::from(value).into();
        }
    }

    fn block(&mut self, params: &[Ty]) -> Block {
        let block = self.b.create_block();
        for &ty in params {
            self.b.append_block_param(block, ir_type(ty));
        }
        block
    }

    fn params(&mut self, block: Block) -> Vec<Value> {
        self.b.block_params(block).to_vec()
    }

    fn enter(&mut self, block: Block) {
        self.b.switch_to_block(block);
    }

    fn seal(&mut self, block: Block) {
        self.b.seal_block(block);
    }

    fn cold(&mut self, block: Block) {
        self.b.set_cold_block(block);
    }

    fn jump(&mut self, to: Block, args: &[Value]) {
        let args: Vec<Value> = args.iter().map(|&value| self.plain(value)).collect();
        let args = Self::args(&args);
        self.b.ins().jump(to, &args);
    }

    fn branch(
        &mut self,
        condition: Value,
        (then, then_args): (Block, &[Value]),
        (otherwise, other_args): (Block, &[Value]),
    ) {
        let then_args: Vec<Value> = then_args.iter().map(|&v| self.plain(v)).collect();
        let other_args: Vec<Value> = other_args.iter().map(|&v| self.plain(v)).collect();
        let (then_args, other_args) = (Self::args(&then_args), Self::args(&other_args));
        self.b.ins().brif(condition, then, &then_args, otherwise, &other_args);
    }

    fn switch(&mut self, index: Value, blocks: &[Block], default: Block) {
        let pool = &mut self.b.func.dfg.value_lists;
        let calls: Vec<_> =
            blocks.iter().map(|&block| ir::BlockCall::new(block, [], pool)).collect();
        let default = ir::BlockCall::new(default, [], pool);
        let table = self.b.create_jump_table(JumpTableData::new(default, &calls));
        self.b.ins().br_table(index, table);
    }

    fn return_(&mut self, values: &[Value]) {
        let values: Vec<Value> = values.iter().map(|&value| self.plain(value)).collect();
        self.b.ins().return_(&values);
    }

    fn load(&mut self, ty: Ty, base: Value, offset: i32, place: Place) -> Value {
        let ty = ir_type(ty);
        let flags = self.flags(place, ty);
        self.b.ins().load(ty, flags, base, offset)
    }

    fn store(&mut self, value: Value, base: Value, offset: i32, place: Place) {
        let value = self.plain(value);
        let flags = self.flags(place, self.b.func.dfg.value_type(value));
        self.b.ins().store(flags, value, base, offset);
    }

    fn load_byte(&mut self, base: Value) -> Value {
        // Atomic, or the compiler would take what an earlier look at the byte found.
        let byte = self.b.ins().atomic_load(types::I8, MemFlagsData::trusted(), base);
        self.b.ins().uextend(types::I32, byte)
    }

    fn wasm_load(
        &mut self,
        op: Opcode,
        address: Value,
        offset: i32,
        old: Option<(Value, u8)>,
    ) -> Option<Value> {
        self.load_instr(op, address, offset, old)
    }

    fn wasm_store(
        &mut self,
        op: Opcode,
        address: Value,
        offset: i32,
        value: Value,
        lane: u8,
    ) -> bool {
        self.store_instr(op, address, offset, value, lane)
    }

    fn atomic(
        &mut self,
        operation: AtomicOperation,
        bytes: u8,
        ty: Ty,
        address: Value,
        operands: &[Value],
    ) -> Option<Value> {
        self.atomic_access(operation, bytes, ir_type(ty), address, operands)
    }

    fn operation(&mut self, op: Opcode, imm: &Imm<'_>, args: &[Value]) -> Option<Value> {
        self.scalar(op, args).or_else(|| self.vector_operation(op, imm, args))
    }

    fn select(&mut self, condition: Value, a: Value, b: Value) -> Value {
        let (a, b) = (self.plain(a), self.plain(b));
        self.b.ins().select(condition, a, b)
    }

    fn guarded_select(&mut self, condition: Value, a: Value, b: Value) -> Value {
        self.b.ins().select_spectre_guard(condition, a, b)
    }

    fn trap(&mut self, reason: Reason) {
        self.b.ins().trap(trap_code(reason));
    }

    fn trap_if(&mut self, condition: Value, reason: Reason) {
        self.b.ins().trapnz(condition, trap_code(reason));
    }

    fn trap_unless(&mut self, condition: Value, reason: Reason) {
        self.b.ins().trapz(condition, trap_code(reason));
    }

    fn slots(&mut self, count: u32) -> Value {
        let data = StackSlotData::new(StackSlotKind::ExplicitSlot, count * 8, 4);
        let slot = self.b.create_sized_stack_slot(data);
        self.b.ins().stack_addr(types::I64, slot, 0)
    }

    fn call(&mut self, body: u32, ty: &FuncType, args: &[Value]) -> Vec<Value> {
        let args: Vec<Value> = args.iter().map(|&value| self.plain(value)).collect();
        let function = self.function(0, body, ty);
        let call = self.b.ins().call(function, &args);
        self.results(call)
    }

    fn call_address(&mut self, address: Value, ty: &FuncType, args: &[Value]) -> Vec<Value> {
        let args: Vec<Value> = args.iter().map(|&value| self.plain(value)).collect();
        let signature = self.signature(ty);
        let call = self.b.ins().call_indirect(signature, address, &args);
        self.results(call)
    }

    fn tail_call(&mut self, body: u32, ty: &FuncType, args: &[Value]) {
        let args: Vec<Value> = args.iter().map(|&value| self.plain(value)).collect();
        let function = self.function(0, body, ty);
        self.b.ins().return_call(function, &args);
    }

    fn tail_call_address(&mut self, address: Value, ty: &FuncType, args: &[Value]) {
        let args: Vec<Value> = args.iter().map(|&value| self.plain(value)).collect();
        let signature = self.signature(ty);
        self.b.ins().return_call_indirect(signature, address, &args);
    }

    fn interpreted_caller(&mut self, ty: u32) -> Value {
        let func_type = self.module.types.func(ty).expect("validated: it is a function's");
        let function = self.function(1, ty, func_type);
        self.b.ins().func_addr(types::I64, function)
    }

    fn call_engine(&mut self, address: Value, args: &[(Ty, Value)]) -> Value {
        let key: Vec<Ty> = args.iter().map(|&(ty, _)| ty).collect();
        let signature = match self.engine.get(&key) {
            Some(&known) => known,
            None => {
                let mut signature = Signature::new(self.target.isa.default_call_conv());
                signature.params = key.iter().map(|&ty| AbiParam::new(ir_type(ty))).collect();
                signature.returns.push(AbiParam::new(types::I32));
                let new = self.b.import_signature(signature);
                self.engine.insert(key, new);
                new
            }
        };
        let args: Vec<Value> = args.iter().map(|&(_, value)| value).collect();
        let call = self.b.ins().call_indirect(signature, address, &args);
        self.results(call)[0]
    }
}
