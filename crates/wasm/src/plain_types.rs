//! The type section and the registry where no type can refer to another: builds without typed
//! function references. Every type is a function type, and equal ones are the same.
//!
//! Source: core specification 3.0, section 5.3.

use crate::{
    CompositeType, Error, Feature, Features, FuncType, Reader, Result, SubType, TypeRegistry,
    Types, limits, types_section::func_type,
};
use alloc::vec::Vec;

impl Types {
    /// Reads and checks the content of a type section.
    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Types> {
        let mut types = Types::default();
        for _ in 0..reader.count("types", limits::MAX_TYPES)? {
            let at = reader.pos();
            match reader.u8()? {
                0x60 => types.subs.push(plain(func_type(reader)?)),
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
    pub fn intern_module(&mut self, types: &Types) -> Vec<u32> {
        types.subs.iter().map(|sub| self.intern(sub.clone())).collect()
    }

    /// Adds a function type and gives its number.
    pub fn intern_func(&mut self, ty: FuncType) -> u32 {
        self.intern(plain(ty))
    }

    #[inline(never)]
    fn intern(&mut self, sub: SubType) -> u32 {
        match self.order.binary_search_by(|&id| self.subs[id as usize].cmp(&sub)) {
            Ok(place) => self.order[place],
            Err(place) => {
                let id = self.len();
                self.order.insert(place, id);
                self.subs.push(sub);
                id
            }
        }
    }
}

fn plain(ty: FuncType) -> SubType {
    SubType { is_final: true, supertype: None, composite: CompositeType::Func(ty) }
}
