//! Making an instance: imports are checked, everything is allocated and initialised.
//!
//! Source: core specification 3.0, section 4.7.2.

use crate::const_expr::{evaluate, evaluate_next};
use crate::entity::{FuncEntity, FuncKind, InstanceData};
use crate::{
    Extern, InstanceId, InstantiateError, LinkError, Machine, Module, RawRef, Trap, slots_of_all,
    stable::Stable,
};
use alloc::{boxed::Box, string::String};
use core::any::Any;
use core::fmt;
use sampan_wasm::room::{OutOfMemory, collected, owned, text};
use sampan_wasm::{
    ExternType, GlobalType, HeapType, Limits, List, Reader, RefType, SegmentMode, TableType,
    ValType,
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
        let types = self.registry.intern_module(&module.decl().types)?;
        self.describe_types()?;
        self.check_imports(module, &types, imports)?;
        self.pause_collections();
        let made = self.make(module, types, imports);
        self.resume_collections();
        let id = made?;
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
        for (index, &import) in imports.iter().enumerate() {
            if let Some(error) = self.misfit(module, types, index, Some(import))? {
                return Err(InstantiateError::Link(error));
            }
        }
        Ok(())
    }

    /// Every import of `module` for which `given` has nothing, or nothing that fits. It is
    /// asked by the import's place in the module's order.
    ///
    /// # Errors
    /// There is no memory left.
    pub fn link_errors(
        &mut self,
        module: &Module,
        given: &dyn Fn(usize) -> Option<Extern>,
    ) -> Result<List<LinkError>, OutOfMemory> {
        let types = self.registry.intern_module(&module.decl().types)?;
        self.describe_types()?;
        let mut errors = List::new();
        for index in 0..module.decl().imports.len() {
            if let Some(error) = self.misfit(module, &types, index, given(index))? {
                errors.put(error)?;
            }
        }
        Ok(errors)
    }

    /// What is wrong with `found` as the import with an index, if anything is.
    fn misfit(
        &self,
        module: &Module,
        types: &[u32],
        index: usize,
        found: Option<Extern>,
    ) -> Result<Option<LinkError>, OutOfMemory> {
        let import = &module.decl().imports[index];
        if found.is_some_and(|found| self.fits(types, &import.ty, found)) {
            return Ok(None);
        }
        Ok(Some(LinkError {
            module: owned(module.text(&import.module))?,
            name: owned(module.text(&import.name))?,
            expected: self.describe_type(types, &import.ty)?,
            found: found.map(|found| self.describe(found)).transpose()?,
        }))
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
            (ExternType::Tag(ty), Extern::Tag(id)) => {
                self.tags[id.0 as usize].ty == types[*ty as usize]
            }
            _ => false,
        }
    }

    fn describe_type(&self, types: &[u32], ty: &ExternType) -> Result<String, OutOfMemory> {
        if !cfg!(feature = "messages") {
            return Ok(String::new());
        }
        match ty {
            ExternType::Func(index) => match self.registry.func(types[*index as usize]) {
                Some(ty) => text(format_args!("function {ty}")),
                None => owned("function"),
            },
            ExternType::Table(ty) => {
                let (limits, element) = (Bounds(ty.limits), map_ref(types, ty.element));
                text(format_args!("table {limits} {element}"))
            }
            ExternType::Memory(ty) => {
                let (limits, shared) = (Bounds(ty.limits), if ty.shared { " shared" } else { "" });
                text(format_args!("memory {limits}{shared}"))
            }
            ExternType::Global(ty) => {
                let content = map_val(types, ty.content);
                text(format_args!("global {}{content}", if ty.mutable { "mut " } else { "" }))
            }
            ExternType::Tag(index) => match self.registry.func(types[*index as usize]) {
                Some(ty) => text(format_args!("tag {ty}")),
                None => owned("tag"),
            },
        }
    }

    /// What something is, in words for a message.
    ///
    /// # Errors
    /// There is no memory left.
    pub fn describe(&self, value: Extern) -> Result<String, OutOfMemory> {
        if !cfg!(feature = "messages") {
            return Ok(String::new());
        }
        match value {
            Extern::Func(id) => text(format_args!("function {}", self.func_type(id))),
            Extern::Tag(id) => text(format_args!("tag {}", self.tag_type(id))),
            Extern::Table(id) => self.describe_type(&[], &ExternType::Table(self.table(id).ty())),
            Extern::Memory(id) => {
                self.describe_type(&[], &ExternType::Memory(self.memory(id).ty()))
            }
            Extern::Global(id) => {
                self.describe_type(&[], &ExternType::Global(self.global_type(id)))
            }
        }
    }

    /// Allocates and initialises. Objects that constant expressions make are not yet where a
    /// collection finds them.
    fn make(
        &mut self,
        module: &Module,
        types: Box<[u32]>,
        imports: &[Extern],
    ) -> Result<InstanceId, InstantiateError> {
        let id = self.set_up(module, types, imports)?;
        crate::native::bind_instance(self, id.0 as usize);
        self.initialise(id)?;
        Ok(id)
    }

    fn set_up(
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
            tags: Box::default(),
            elements: collected(decl.elements.iter().map(|_| Box::default()))?,
            dropped_data: collected(decl.data.iter().map(|_| false))?,
            native: Default::default(),
        })?;
        let pointer = instance.as_ptr();
        self.instances.put(instance)?;
        let at = id.0 as usize;

        let mut funcs = List::with_room(decl.funcs.len())?;
        for import in imports {
            if let Extern::Func(id) = import {
                funcs.put(*id)?;
            }
        }
        // A module may have a hundred thousand functions of a thousand types.
        let slots = |ty| {
            let func = decl.types.func(ty)?;
            Some(slots_of_all(func.params()).max(slots_of_all(func.results())))
        };
        let slots: Box<[Option<u32>]> = collected((0..decl.types.len()).map(slots))?;
        self.funcs.make_room(decl.bodies.len())?;
        for (body, &ty) in decl.funcs[decl.imported_funcs as usize..].iter().enumerate() {
            let slots = slots[ty as usize].expect("validated: a function's type is one");
            let ty = self.instances[at].types[ty as usize];
            let kind = FuncKind::Wasm { instance: pointer, body: body as u32 };
            let func = self.push_func(FuncEntity::new(ty, slots, kind))?;
            funcs.put(func)?;
        }
        self.instances[at].funcs = funcs.into_boxed_slice()?;

        let mut memories = List::with_room(decl.memories.len())?;
        for import in imports {
            if let Extern::Memory(id) = import {
                memories.put(self.memories[id.0 as usize].as_ptr())?;
            }
        }
        for &ty in &decl.memories[decl.imported_memories as usize..] {
            #[cfg(feature = "shrunk-memories")]
            let ty = crate::shrink::shrunk(self, module, ty).unwrap_or(ty);
            let id = self.new_memory(ty).ok_or(InstantiateError::Limit("a memory"))?;
            memories.put(self.memories[id.0 as usize].as_ptr())?;
        }
        self.instances[at].memories = memories.into_boxed_slice()?;

        let mut tags = List::with_room(decl.tags.len())?;
        for import in imports {
            if let Extern::Tag(id) = import {
                tags.put(*id)?;
            }
        }
        for &ty in &decl.tags[decl.imported_tags as usize..] {
            let ty = self.instances[at].types[ty as usize];
            tags.put(self.push_tag(ty)?)?;
        }
        self.instances[at].tags = tags.into_boxed_slice()?;

        self.allocate_globals(at, module, imports)?;
        self.allocate_tables(at, module, imports)?;
        Ok(id)
    }

    fn allocate_globals(
        &mut self,
        at: usize,
        module: &Module,
        imports: &[Extern],
    ) -> Result<(), Trap> {
        let decl = module.decl();
        let mut globals = List::with_room(decl.globals.len())?;
        for import in imports {
            if let Extern::Global(id) = import {
                globals.put(self.globals[id.0 as usize].as_ptr())?;
            }
        }
        self.instances[at].globals = collected(globals.iter().copied())?;
        // A global may use those before it: they are made visible in runs, not one by one.
        for global in &decl.globals[decl.imported_globals as usize..] {
            let Some(init) = &global.init else { continue };
            if self.instances[at].globals.len() < globals.len() && uses_globals(module, init) {
                self.instances[at].globals = collected(globals.iter().copied())?;
            }
            let value = evaluate(self, at, init).map_err(Trap::new)?;
            let content = map_val(&self.instances[at].types, global.ty.content);
            let ty = GlobalType { content, mutable: global.ty.mutable };
            let id = self.new_global(ty, value)?;
            globals.put(self.globals[id.0 as usize].as_ptr())?;
        }
        self.instances[at].globals = globals.into_boxed_slice()?;
        Ok(())
    }

    fn allocate_tables(
        &mut self,
        at: usize,
        module: &Module,
        imports: &[Extern],
    ) -> Result<(), InstantiateError> {
        let decl = module.decl();
        let mut tables = List::with_room(decl.tables.len())?;
        for import in imports {
            if let Extern::Table(id) = import {
                tables.put(self.tables[id.0 as usize].as_ptr())?;
            }
        }
        for table in &decl.tables[decl.imported_tables as usize..] {
            let init = match &table.init {
                Some(init) => evaluate(self, at, init).map_err(Trap::new)?[0],
                None => 0,
            };
            let element = map_ref(&self.instances[at].types, table.ty.element);
            let ty = TableType { element, ..table.ty };
            let id = self.new_table(ty, RawRef(init)).ok_or(InstantiateError::Limit("a table"))?;
            tables.put(self.tables[id.0 as usize].as_ptr())?;
        }
        self.instances[at].tables = tables.into_boxed_slice()?;
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
                    self.instances[at].elements[index] = self.evaluate_elements(at, index)?;
                }
                SegmentMode::Active { index: table, offset } => {
                    let items = self.evaluate_elements(at, index)?;
                    let to = evaluate(self, at, offset).map_err(Trap::new)?[0];
                    let Some(Extern::Table(table)) =
                        self.instances[at].get(sampan_wasm::ExternKind::Table, *table)
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
            let to = evaluate(self, at, offset).map_err(Trap::new)?[0];
            let instance = &mut self.instances[at];
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

    fn evaluate_elements(&mut self, at: usize, index: usize) -> Result<Box<[RawRef]>, Trap> {
        let module = self.instances[at].module.clone();
        let items = &module.decl().elements[index].items;
        let range = items.span.start as usize..items.span.end as usize;
        let mut reader = Reader::new(module.bytes(), range, module.engine().config().features);
        let mut elements = List::with_room(items.count as usize)?;
        for _ in 0..items.count {
            elements.put(if items.exprs {
                RawRef(evaluate_next(self, at, &mut reader).map_err(Trap::new)?[0])
            } else {
                let func = reader.u32().expect("validated: a vector of function indices");
                RawRef::func(self.instances[at].funcs[func as usize])
            })?;
        }
        Ok(elements.into_boxed_slice()?)
    }
}

/// Whether an expression may hold `global.get` (0x23); constants that contain the byte
/// are taken for it, which costs nothing but time.
fn uses_globals(module: &Module, expr: &sampan_wasm::ConstExpr) -> bool {
    let bytes = &module.bytes()[expr.0.start as usize..expr.0.end as usize];
    // `contains` has a way for long slices, which takes code.
    #[allow(clippy::manual_contains)]
    bytes.iter().any(|&byte| byte == 0x23)
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

/// Limits in words.
struct Bounds(Limits);

impl fmt::Display for Bounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..", self.0.min)?;
        self.0.max.map_or(Ok(()), |max| write!(f, "{max}"))
    }
}
