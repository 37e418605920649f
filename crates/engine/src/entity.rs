//! Functions, globals and instances as they exist at run time.

use crate::native::{FuncPart, InstancePart};
use crate::sync::Arc;
use crate::{
    Extern, FuncId, GlobalId, InstanceId, Machine, MemoryEntity, MemoryId, Module, RawRef,
    TableEntity, TableId, TagId, Trap,
};
use alloc::boxed::Box;
use core::any::Any;
use sampan_wasm::{ExternKind, GlobalType};

/// A host function: the machine, the embedder's data, the calling instance, and the slots
/// that hold the arguments and take the results.
pub type HostFn = dyn Fn(&mut Machine, &mut dyn Any, Option<InstanceId>, &mut [u64]) -> Result<(), Trap>
    + Send
    + Sync;

/// A function. Compiled code reads the first fields, and finds it by a shift.
#[repr(C)]
#[cfg_attr(feature = "native", repr(align(64)))]
pub(crate) struct FuncEntity {
    pub(crate) native: FuncPart,
    /// Its type in the registry.
    pub(crate) ty: u32,
    /// Slots for arguments or results, whichever is more.
    pub(crate) slots: u32,
    pub(crate) kind: FuncKind,
}

pub(crate) enum FuncKind {
    /// The body with an index (imports not counted) of an instance's module.
    Wasm {
        instance: *mut InstanceData,
        body: u32,
    },
    Host(Arc<HostFn>),
}

impl FuncEntity {
    pub(crate) fn new(ty: u32, slots: u32, kind: FuncKind) -> FuncEntity {
        FuncEntity { native: FuncPart::default(), ty, slots, kind }
    }

    /// The instance that the function is defined in, and its index there; `None` for a host
    /// function.
    pub(crate) fn place(&self) -> Option<(&InstanceData, u32)> {
        match self.kind {
            FuncKind::Wasm { instance, body } => {
                // SAFETY: the machine that owns self owns the instance.
                let instance = unsafe { &*instance };
                Some((instance, instance.module.decl().imported_funcs + body))
            }
            FuncKind::Host(_) => None,
        }
    }
}

// SAFETY: the pointer leads to an instance of the same machine, which moves with it.
unsafe impl Send for FuncEntity {}

/// A global.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct GlobalEntity {
    /// The low slot first; the second only for vectors.
    pub(crate) value: [u64; 2],
    /// Its content type is in the registry's numbering.
    pub(crate) ty: GlobalType,
    pub(crate) id: u32,
}

/// An exception tag.
pub(crate) struct TagEntity {
    /// Its type in the registry.
    pub(crate) ty: u32,
}

/// An instance of a module.
///
/// The pointers lead to entities that the same machine owns until it is dropped.
pub struct InstanceData {
    pub(crate) module: Module,
    pub(crate) id: InstanceId,
    /// The registry's number of each of the module's types.
    pub(crate) types: Box<[u32]>,
    pub(crate) funcs: Box<[FuncId]>,
    pub(crate) tables: Box<[*mut TableEntity]>,
    pub(crate) memories: Box<[*mut MemoryEntity]>,
    pub(crate) globals: Box<[*mut GlobalEntity]>,
    pub(crate) tags: Box<[TagId]>,
    /// The elements of each passive segment that is not dropped; else empty.
    pub(crate) elements: Box<[Box<[RawRef]>]>,
    /// Whether each data segment can no longer be used.
    pub(crate) dropped_data: Box<[bool]>,
    #[cfg_attr(not(feature = "native"), allow(dead_code))]
    pub(crate) native: InstancePart,
}

// SAFETY: as for FuncEntity.
unsafe impl Send for InstanceData {}

impl InstanceData {
    /// The module that it is an instance of.
    pub fn module(&self) -> &Module {
        &self.module
    }

    /// What is exported under a name.
    pub fn export(&self, name: &str) -> Option<Extern> {
        self.exports().find(|&(export, _)| export == name).map(|(_, value)| value)
    }

    /// All exports in order.
    pub fn exports(&self) -> impl Iterator<Item = (&str, Extern)> {
        self.module.decl().exports.iter().filter_map(|export| {
            Some((self.module.text(&export.name), self.get(export.kind, export.index)?))
        })
    }

    /// The memory with an index of the module.
    pub fn memory(&self, index: u32) -> Option<MemoryId> {
        match self.get(ExternKind::Memory, index)? {
            Extern::Memory(memory) => Some(memory),
            _ => None,
        }
    }

    /// The entity with an index of the module.
    pub(crate) fn get(&self, kind: ExternKind, index: u32) -> Option<Extern> {
        let index = index as usize;
        Some(match kind {
            ExternKind::Func => Extern::Func(*self.funcs.get(index)?),
            ExternKind::Table => {
                // SAFETY: the machine that owns self owns what the pointers lead to.
                Extern::Table(TableId(unsafe { (**self.tables.get(index)?).id }))
            }
            ExternKind::Memory => {
                // SAFETY: as above.
                Extern::Memory(MemoryId(unsafe { (**self.memories.get(index)?).id }))
            }
            ExternKind::Global => {
                // SAFETY: as above.
                Extern::Global(GlobalId(unsafe { (**self.globals.get(index)?).id }))
            }
            ExternKind::Tag => Extern::Tag(*self.tags.get(index)?),
        })
    }

    /// The bytes of a data segment; none once it is dropped.
    pub(crate) fn data_segment(&self, index: u32) -> &[u8] {
        if self.dropped_data[index as usize] {
            return &[];
        }
        let span = &self.module.decl().data[index as usize].bytes;
        &self.module.bytes()[span.start as usize..span.end as usize]
    }
}
