//! What the memories of a module's instances begin with, made once for all of them where the
//! host can have the same pages in many places.
//!
//! It is made for the second instance: most modules have one, and to copy is then less work.

use super::{Image, parts::ModulePart};
use crate::memory::{has_reservation, size_in_bytes};
use crate::{Module, once::Once};
use alloc::{boxed::Box, vec::Vec};
use core::sync::atomic::{AtomicBool, Ordering};
use sampan_wasm::{Imm, Opcode, Reader, SegmentMode};

/// Of a module: the images, once they are made.
#[derive(Default)]
pub(super) struct Images {
    /// There is an instance, or was one.
    used: AtomicBool,
    made: Once<Option<Box<[Image]>>>,
}

/// What the module's own memories begin with, in their order, if each has an image with all that
/// active segments put there.
pub(crate) fn images(module: &Module) -> Option<&[Image]> {
    let ModulePart { images, .. } = &module.data().native;
    if !images.used.swap(true, Ordering::Relaxed) {
        return None;
    }
    let made = match images.made.get() {
        Some(made) => made,
        None => images.made.set(make(module)).ok()?,
    };
    made.as_deref()
}

fn make(module: &Module) -> Option<Box<[Image]>> {
    let rooms = module.engine().native().rooms()?;
    let decl = module.decl();
    let own = &decl.memories[decl.imported_memories as usize..];
    if own.is_empty() || !own.iter().all(has_reservation) {
        return None;
    }
    let mut parts: Vec<Vec<(usize, &[u8])>> = own.iter().map(|_| Vec::new()).collect();
    for segment in &decl.data {
        let SegmentMode::Active { index, offset } = &segment.mode else { continue };
        let memory = index.checked_sub(decl.imported_memories)? as usize;
        let at = constant(module, offset.0.start as usize..offset.0.end as usize)? as usize;
        let bytes = &module.bytes()[segment.bytes.start as usize..segment.bytes.end as usize];
        let len = size_in_bytes(&own[memory], own[memory].limits.min)?;
        // One that does not fit is a trap, in each instance anew.
        if at.checked_add(bytes.len()).is_none_or(|end| end > len) {
            return None;
        }
        parts[memory].push((at, bytes));
    }
    if parts.iter().all(Vec::is_empty) {
        return None;
    }
    let image = |(ty, parts): (&sampan_wasm::MemoryType, &Vec<(usize, &[u8])>)| {
        rooms.image(size_in_bytes(ty, ty.limits.min)?, parts)
    };
    own.iter().zip(&parts).map(image).collect()
}

/// The value of an expression that is one `i32.const`.
fn constant(module: &Module, range: core::ops::Range<usize>) -> Option<u32> {
    let mut reader = Reader::new(module.bytes(), range, module.engine().config().features);
    let (value, end) = (reader.instr().ok()?, reader.instr().ok()?);
    match value.imm {
        Imm::I32(value) if end.op == Opcode::End => Some(value as u32),
        _ => None,
    }
}
