//! The type section and the registry where no type can refer to another: builds without typed
//! function references. Every type is a function type, and equal ones are the same.
//!
//! Source: core specification 3.0, section 5.3.

use crate::{
    CompositeType, Error, Feature, Features, FuncType, List, Reader, Result, SubType, TypeRegistry,
    Types, limits, room::OutOfMemory, types_section::func_type,
};
use alloc::boxed::Box;

impl Types {
    /// Reads and checks the content of a type section.
    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Types> {
        let mut types = Types::default();
        for _ in 0..reader.count("types", limits::MAX_TYPES)? {
            let at = reader.pos();
            match reader.u8()? {
                0x60 => types.subs.put(plain(func_type(reader)?))?,
                0x4e..=0x50 | 0x5e | 0x5f => {
                    return Err(Error::new(Features::refusal(Feature::Gc), at));
                }
                _ => return Err(Error::malformed("malformed type: unknown form", at)),
            }
        }
        Ok(types)
    }
}

impl TypeRegistry {
    /// Adds a module's types. The result maps the module's type indices to registry
    /// numbers.
    ///
    /// # Errors
    /// There is no memory left.
    pub fn intern_module(&mut self, types: &Types) -> Result<Box<[u32]>, OutOfMemory> {
        let mut ids = List::with_room(types.subs.len())?;
        for SubType { composite: CompositeType::Func(ty), .. } in &types.subs {
            ids.put(self.intern(ty)?)?;
        }
        ids.into_boxed_slice()
    }

    /// Adds a function type and gives its number.
    ///
    /// # Errors
    /// There is no memory left.
    pub fn intern_func(&mut self, ty: &FuncType) -> Result<u32, OutOfMemory> {
        self.intern(ty)
    }

    #[inline(never)]
    fn intern(&mut self, ty: &FuncType) -> Result<u32, OutOfMemory> {
        let place = self.order.binary_search_by(|&id| self.func(id).cmp(&Some(ty)));
        let place = match place {
            Ok(place) => return Ok(self.order[place]),
            Err(place) => place,
        };
        let id = self.len();
        self.subs.put(plain(ty.try_clone()?))?;
        let added = self.order.put_at(place, id);
        if added.is_err() {
            self.subs.pop();
        }
        added.map(|()| id)
    }
}

fn plain(ty: FuncType) -> SubType {
    SubType { is_final: true, supertype: None, composite: CompositeType::Func(ty) }
}
