//! Making an instance: imports are checked, everything is allocated and initialised.
//!
//! Source: core specification 3.0, section 4.7.2.

use crate::const_expr::{evaluate, evaluate_next};
use crate::entity::{FuncEntity, FuncKind, InstanceData};
use crate::{
    Extern, InstanceId, InstantiateError, LinkError, Machine, Module, RawRef, Trap, slots_of_all,
    stable::Stable,
};
use alloc::{boxed::Box, format, string::String, string::ToString, vec::Vec};
use core::any::Any;
use sampan_wasm::{
    ExternType, GlobalType, HeapType, Limits, Reader, RefType, SegmentMode, TableType, ValType,
};

impl Machine {
    /// Makes an instance of `module` with `imports` in the module's order, and runs its start
    /// function.
    ///
    /// # Errors
    /// An import that does not fit, a limit, or the trap of a segment or the start function.
    pub fn instantiate(
        &mut self,
        data: &mut dyn Any,
        module: &Module,
        imports: &[Extern],
    ) -> Result<InstanceId, InstantiateError> {
        if !self.engine.same(module.engine()) {
            return Err(InstantiateError::OtherEngine);
        }
        if self.instances.len() as u32 >= self.limits.instances {
            return Err(InstantiateError::Limit("another instance"));
        }
        let types = self.registry.intern_module(&module.decl().types).into_boxed_slice();
        self.check_imports(module, &types, imports)?;
        let id = self.allocate(module, types, imports)?;
        crate::native::bind_instance(self, id.0 as usize);
        self.initialise(id)?;
        if let Some(start) = module.decl().start {
            let start = self.instances[id.0 as usize].funcs[start as usize];
            self.call(data, start, &mut [])?;
        }
        Ok(id)
    }

    fn check_imports(
        &self,
        module: &Module,
        types: &[u32],
        imports: &[Extern],
    ) -> Result<(), InstantiateError> {
        let (expected, found) = (module.decl().imports.len(), imports.len());
        if expected != found {
            return Err(InstantiateError::ImportCount { expected, found });
        }
        match self.misfits(module, types, |index| Some(imports[index])).next() {
            Some(error) => Err(InstantiateError::Link(error)),
            None => Ok(()),
        }
    }

    /// Every import of `module` for which `given` has nothing, or nothing that fits. It is
    /// asked by the import's place in the module's order.
    pub fn link_errors(
        &mut self,
        module: &Module,
        given: impl Fn(usize) -> Option<Extern>,
    ) -> Vec<LinkError> {
        let types = self.registry.intern_module(&module.decl().types);
        self.misfits(module, &types, given).collect()
    }

    fn misfits(
        &self,
        module: &Module,
        types: &[u32],
        given: impl Fn(usize) -> Option<Extern>,
    ) -> impl Iterator<Item = LinkError> {
        module.decl().imports.iter().enumerate().filter_map(move |(index, import)| {
            let found = given(index);
            if found.is_some_and(|found| self.fits(types, &import.ty, found)) {
                return None;
            }
            Some(LinkError {
                module: module.text(&import.module).to_string(),
                name: module.text(&import.name).to_string(),
                expected: self.describe_type(types, &import.ty),
                found: found.map(|found| self.describe(found)),
            })
        })
    }

    /// Whether `given` can be imported where a module with `types` wants `wanted`.
    fn fits(&self, types: &[u32], wanted: &ExternType, given: Extern) -> bool {
        match (wanted, given) {
            (ExternType::Func(ty), Extern::Func(func)) => {
                self.registry.is_subtype(self.func_type_id(func), types[*ty as usize])
            }
            (ExternType::Table(want), Extern::Table(id)) => {
                let have = self.table(id).ty();
                have.element == map_ref(types, want.element)
                    && have.addr == want.addr
                    && limits_fit(have.limits, want.limits)
            }
            (ExternType::Memory(want), Extern::Memory(id)) => {
                let have = self.memory(id).ty();
                have.addr == want.addr
                    && have.shared == want.shared
                    && have.page_log2 == want.page_log2
                    && limits_fit(have.limits, want.limits)
            }
            (ExternType::Global(want), Extern::Global(id)) => {
                let have = self.global_type(id);
                let content = map_val(types, want.content);
                have.mutable == want.mutable
                    && if want.mutable {
                        have.content == content
                    } else {
                        self.registry.val_matches(have.content, content)
                    }
            }
            _ => false,
        }
    }

    fn describe_type(&self, types: &[u32], ty: &ExternType) -> String {
        if !cfg!(feature = "messages") {
            return String::new();
        }
        match ty {
            ExternType::Func(index) => match self.registry.func(types[*index as usize]) {
                Some(ty) => format!("function {ty}"),
                None => "function".to_string(),
            },
            ExternType::Table(ty) => {
                let element = map_ref(types, ty.element);
                format!("table {} {element}", describe_limits(ty.limits))
            }
            ExternType::Memory(ty) => {
                let shared = if ty.shared { " shared" } else { "" };
                format!("memory {}{shared}", describe_limits(ty.limits))
            }
            ExternType::Global(ty) => {
                let content = map_val(types, ty.content);
                format!("global {}{content}", if ty.mutable { "mut " } else { "" })
            }
            ExternType::Tag(_) => "tag".to_string(),
        }
    }

    /// What something is, in words for a message.
    pub fn describe(&self, value: Extern) -> String {
        if !cfg!(feature = "messages") {
            return String::new();
        }
        match value {
            Extern::Func(id) => format!("function {}", self.func_type(id)),
            Extern::Table(id) => self.describe_type(&[], &ExternType::Table(self.table(id).ty())),
            Extern::Memory(id) => {
                self.describe_type(&[], &ExternType::Memory(self.memory(id).ty()))
            }
            Extern::Global(id) => {
                self.describe_type(&[], &ExternType::Global(self.global_type(id)))
            }
        }
    }

    fn allocate(
        &mut self,
        module: &Module,
        types: Box<[u32]>,
        imports: &[Extern],
    ) -> Result<InstanceId, InstantiateError> {
        let decl = module.decl();
        let id = InstanceId(self.instances.len() as u32);
        let instance = Stable::new(InstanceData {
            module: module.clone(),
            id,
            types,
            funcs: Box::default(),
            tables: Box::default(),
            memories: Box::default(),
            globals: Box::default(),
            elements: decl.elements.iter().map(|_| Box::default()).collect(),
            dropped_data: decl.data.iter().map(|_| false).collect(),
            native: Default::default(),
        });
        let pointer = instance.as_ptr();
        self.instances.push(instance);
        let at = id.0 as usize;

        let mut funcs = Vec::with_capacity(decl.funcs.len());
        funcs.extend(
            imports.iter().filter_map(|i| if let Extern::Func(f) = i { Some(*f) } else { None }),
        );
        for (body, &ty) in decl.funcs[decl.imported_funcs as usize..].iter().enumerate() {
            let func = decl.types.func(ty).expect("validated: a function's type is one");
            let slots = slots_of_all(func.params()).max(slots_of_all(func.results()));
            let ty = self.instances[at].types[ty as usize];
            let kind = FuncKind::Wasm { instance: pointer, body: body as u32 };
            funcs.push(self.push_func(FuncEntity::new(ty, slots, kind)));
        }
        self.instances[at].funcs = funcs.into();

        let mut memories = Vec::with_capacity(decl.memories.len());
        for import in imports {
            if let Extern::Memory(id) = import {
                memories.push(self.memories[id.0 as usize].as_ptr());
            }
        }
        for &ty in &decl.memories[decl.imported_memories as usize..] {
            let id = self.new_memory(ty).ok_or(InstantiateError::Limit("a memory"))?;
            memories.push(self.memories[id.0 as usize].as_ptr());
        }
        self.instances[at].memories = memories.into();

        self.allocate_globals(at, module, imports);
        self.allocate_tables(at, module, imports)?;
        Ok(id)
    }

    fn allocate_globals(&mut self, at: usize, module: &Module, imports: &[Extern]) {
        let decl = module.decl();
        let mut globals = Vec::with_capacity(decl.globals.len());
        for import in imports {
            if let Extern::Global(id) = import {
                globals.push(self.globals[id.0 as usize].as_ptr());
            }
        }
        self.instances[at].globals = globals.as_slice().into();
        // A global may use those before it: they are made visible in runs, not one by one.
        for global in &decl.globals[decl.imported_globals as usize..] {
            let Some(init) = &global.init else { continue };
            if self.instances[at].globals.len() < globals.len() && uses_globals(module, init) {
                self.instances[at].globals = globals.as_slice().into();
            }
            let instance = &self.instances[at];
            let value = evaluate(instance, init);
            let content = map_val(&instance.types, global.ty.content);
            let ty = GlobalType { content, mutable: global.ty.mutable };
            let id = self.new_global(ty, value);
            globals.push(self.globals[id.0 as usize].as_ptr());
        }
        self.instances[at].globals = globals.into();
    }

    fn allocate_tables(
        &mut self,
        at: usize,
        module: &Module,
        imports: &[Extern],
    ) -> Result<(), InstantiateError> {
        let decl = module.decl();
        let mut tables = Vec::with_capacity(decl.tables.len());
        for import in imports {
            if let Extern::Table(id) = import {
                tables.push(self.tables[id.0 as usize].as_ptr());
            }
        }
        for table in &decl.tables[decl.imported_tables as usize..] {
            let instance = &self.instances[at];
            let init = table.init.as_ref().map_or(0, |init| evaluate(instance, init)[0]);
            let element = map_ref(&instance.types, table.ty.element);
            let ty = TableType { element, ..table.ty };
            let id = self.new_table(ty, RawRef(init)).ok_or(InstantiateError::Limit("a table"))?;
            tables.push(self.tables[id.0 as usize].as_ptr());
        }
        self.instances[at].tables = tables.into();
        Ok(())
    }

    /// Copies active segments and evaluates passive ones.
    fn initialise(&mut self, id: InstanceId) -> Result<(), Trap> {
        let at = id.0 as usize;
        let module = self.instances[at].module.clone();
        for (index, segment) in module.decl().elements.iter().enumerate() {
            match &segment.mode {
                SegmentMode::Declared => {}
                SegmentMode::Passive => {
                    self.instances[at].elements[index] = self.evaluate_elements(at, index);
                }
                SegmentMode::Active { index: table, offset } => {
                    let items = self.evaluate_elements(at, index);
                    let instance = &self.instances[at];
                    let to = evaluate(instance, offset)[0];
                    let Some(Extern::Table(table)) =
                        instance.get(sampan_wasm::ExternKind::Table, *table)
                    else {
                        continue;
                    };
                    let table = self.table_mut(table);
                    let to = table.operand(to);
                    table.init(to, &items, 0, items.len() as u64)?;
                }
            }
        }
        for (index, segment) in module.decl().data.iter().enumerate() {
            let SegmentMode::Active { index: memory, offset } = &segment.mode else { continue };
            let instance = &mut self.instances[at];
            let to = evaluate(instance, offset)[0];
            let Some(Extern::Memory(memory)) =
                instance.get(sampan_wasm::ExternKind::Memory, *memory)
            else {
                continue;
            };
            instance.dropped_data[index] = true;
            let bytes = &module.bytes()[segment.bytes.start as usize..segment.bytes.end as usize];
            let memory = self.memory_mut(memory);
            let to = memory.operand(to);
            memory.init(to, bytes, 0, bytes.len() as u64)?;
        }
        Ok(())
    }

    fn evaluate_elements(&self, at: usize, index: usize) -> Box<[RawRef]> {
        let instance = &self.instances[at];
        let module = &instance.module;
        let items = &module.decl().elements[index].items;
        let range = items.span.start as usize..items.span.end as usize;
        let mut reader = Reader::new(module.bytes(), range, module.engine().config().features);
        let item = |_| {
            if items.exprs {
                return RawRef(evaluate_next(instance, &mut reader)[0]);
            }
            let func = reader.u32().expect("validated: a vector of function indices");
            RawRef::func(instance.funcs[func as usize])
        };
        (0..items.count).map(item).collect()
    }
}

/// Whether an expression may hold `global.get` (0x23); constants that contain the byte
/// are taken for it, which costs nothing but time.
fn uses_globals(module: &Module, expr: &sampan_wasm::ConstExpr) -> bool {
    module.bytes()[expr.0.start as usize..expr.0.end as usize].contains(&0x23)
}

/// A module's type in the registry's numbering.
fn map_val(types: &[u32], ty: ValType) -> ValType {
    match ty {
        ValType::Ref(r) => ValType::Ref(map_ref(types, r)),
        other => other,
    }
}

fn map_ref(types: &[u32], ty: RefType) -> RefType {
    match ty.heap() {
        HeapType::Concrete(index) => match types.get(index as usize) {
            Some(&id) => RefType::new(ty.is_nullable(), HeapType::Concrete(id)),
            None => ty,
        },
        _ => ty,
    }
}

fn limits_fit(have: Limits, want: Limits) -> bool {
    have.min >= want.min
        && match (have.max, want.max) {
            (_, None) => true,
            (Some(have), Some(want)) => have <= want,
            (None, Some(_)) => false,
        }
}

fn describe_limits(limits: Limits) -> String {
    match limits.max {
        Some(max) => format!("{}..{max}", limits.min),
        None => format!("{}..", limits.min),
    }
}
