//! The types of many modules under common numbers.
//!
//! Two modules number the same type differently. Where they meet, at linking and in
//! `call_indirect`, types are compared by the numbers that the registry gives them: equal
//! numbers, equal types.

use crate::{
    CompositeType, FuncType, HeapType, List, RefType, SubType, ValType,
    subtyping::{self, Defs},
};
#[cfg(feature = "function-references")]
use crate::{
    Types,
    canon::RELATIVE,
    room::{OutOfMemory, collected},
};
#[cfg(feature = "function-references")]
use alloc::boxed::Box;

/// Types by registry number, which is the same for equal types of all modules.
///
/// Types are never removed; the registry grows with the distinct types that it has seen.
#[derive(Clone, Debug, Default)]
pub struct TypeRegistry {
    /// With references to registry numbers.
    pub(crate) subs: List<SubType>,
    #[cfg(feature = "function-references")]
    groups: crate::canon::Groups,
    /// The numbers in the order of their types.
    #[cfg(not(feature = "function-references"))]
    pub(crate) order: List<u32>,
}

impl TypeRegistry {
    /// A registry without types.
    pub fn new() -> TypeRegistry {
        TypeRegistry::default()
    }

    /// The number of distinct types.
    pub fn len(&self) -> u32 {
        self.subs.len() as u32
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.subs.is_empty()
    }

    /// The type with a number; its references are to registry numbers.
    pub fn get(&self, id: u32) -> Option<&SubType> {
        self.subs.get(id as usize)
    }

    /// The function type with a number; its references are to registry numbers.
    pub fn func(&self, id: u32) -> Option<&FuncType> {
        match self.get(id) {
            Some(SubType { composite: CompositeType::Func(ty), .. }) => Some(ty),
            _ => None,
        }
    }

    /// Whether type `sup` is `sub` or one of its declared supertypes.
    #[inline]
    pub fn is_subtype(&self, sub: u32, sup: u32) -> bool {
        sub == sup || cfg!(feature = "gc") && subtyping::defined(self, sub, sup)
    }

    /// Whether a value of type `sub` can stand where `sup` is expected; both refer to
    /// registry numbers.
    #[inline]
    pub fn val_matches(&self, sub: ValType, sup: ValType) -> bool {
        sub == sup || cfg!(feature = "reference-types") && subtyping::val(self, sub, sup)
    }

    /// [`TypeRegistry::val_matches`] for references.
    #[inline]
    pub fn ref_matches(&self, sub: RefType, sup: RefType) -> bool {
        sub == sup || cfg!(feature = "reference-types") && subtyping::reference(self, sub, sup)
    }

    /// [`TypeRegistry::val_matches`] for what references refer to.
    #[inline]
    pub fn heap_matches(&self, sub: HeapType, sup: HeapType) -> bool {
        sub == sup || cfg!(feature = "reference-types") && subtyping::heap(self, sub, sup)
    }
}

/// Without typed function references [`crate::plain_types`] has these.
#[cfg(feature = "function-references")]
impl TypeRegistry {
    /// Adds a module's types. The result maps the module's type indices to registry
    /// numbers; see [`ValType::map_index`].
    ///
    /// # Errors
    /// There is no memory left.
    pub fn intern_module(&mut self, types: &Types) -> Result<Box<[u32]>, OutOfMemory> {
        let mut ids: List<u32> = List::with_room(types.len() as usize)?;
        // A group may be empty, and the last one then begins behind all types.
        for group in types.groups().filter(|group| !group.is_empty()) {
            let first = types.canonical(group.start);
            if first < group.start {
                for place in first as usize..(first + group.end - group.start) as usize {
                    ids.put(ids[place])?;
                }
                continue;
            }
            let key =
                crate::canon::key(types.slice(group.clone()), group.start, |id| ids[id as usize])?;
            let start = self.intern_key(key)?;
            (start..start + (group.end - group.start)).try_for_each(|id| ids.put(id))?;
        }
        ids.into_boxed_slice()
    }

    /// Adds a final function type without supertype, whose references are to abstract heap
    /// types or to registry numbers, and gives its number.
    ///
    /// # Errors
    /// There is no memory left.
    pub fn intern_func(&mut self, ty: &FuncType) -> Result<u32, OutOfMemory> {
        self.intern_type(CompositeType::Func(ty.try_clone()?))
    }

    /// [`TypeRegistry::intern_func`] for any type.
    ///
    /// # Errors
    /// There is no memory left.
    pub fn intern_type(&mut self, composite: CompositeType) -> Result<u32, OutOfMemory> {
        let key = collected([SubType { is_final: true, supertype: None, composite }])?;
        self.intern_key(key)
    }

    fn intern_key(&mut self, key: Box<[SubType]>) -> Result<u32, OutOfMemory> {
        if let Some(start) = self.groups.get(&key) {
            return Ok(start);
        }
        let next = self.len();
        assert!(next as usize + key.len() < RELATIVE as usize, "too many distinct types");
        let absolute = |id: u32| if id < RELATIVE { id } else { next + (id & !RELATIVE) };
        for sub in &key {
            let added = crate::canon::map_refs(sub, absolute).and_then(|sub| self.subs.put(sub));
            if added.is_err() {
                self.subs.truncate(next as usize);
                return Err(OutOfMemory);
            }
        }
        let number = self.groups.intern(key, next);
        if number.is_err() {
            self.subs.truncate(next as usize);
        }
        number
    }
}

impl Defs for TypeRegistry {
    fn def(&self, id: u32) -> Option<&SubType> {
        self.get(id)
    }

    fn canon(&self, id: u32) -> u32 {
        id
    }
}
