//! Walking frames for a collection: see [`crate::exec::maps`].

use super::ops::call::{CROSS, LEAVE};
use super::run::Ctx;
use super::translate::record;
use crate::RawRef;
use crate::entity::InstanceData;
use crate::exec::maps::{FrameMap, Maps};
use crate::module::CodeSlots;
use core::ptr::with_exposed_provenance;

/// Shows the references in the frames of a run, whose [`Ctx`] is given.
///
/// # Safety
/// The context is there, and nobody writes it meanwhile.
pub(super) unsafe fn walk(context: *const (), maps: &mut Maps, mark: &mut dyn FnMut(RawRef)) {
    // SAFETY: the caller's promise; frames, code and instances are as they were at the call.
    unsafe {
        let ctx = &*context.cast::<Ctx>();
        let mut cross = ctx.cross.iter().rev();
        let (mut ip, mut sp, mut instance) = (ctx.at_ip, ctx.at_sp.cast_const(), ctx.instance);
        loop {
            if !ip.is_null()
                && let Some((start, map)) = find(maps, instance, ip)
            {
                map.show(((ip as usize - start) / 8) as u32, sp, mark);
            }
            let mut back: *const u64 = with_exposed_provenance(*sp.sub(1) as usize);
            if back == LEAVE.ip() || back.is_null() {
                return;
            }
            if back == CROSS.ip() {
                let Some(&(outer, caller)) = cross.next() else { return };
                (back, instance) = (outer, caller);
            }
            sp = sp.sub(*back.sub(1) as usize);
            ip = back;
        }
    }
}

/// Where the code begins that `ip` lies behind an instruction of, and its map. `None` if there is
/// no memory for it.
unsafe fn find(
    maps: &mut Maps,
    instance: *mut InstanceData,
    ip: *const u64,
) -> Option<(usize, &FrameMap)> {
    let at = ip as usize;
    let start = match maps.before(at) {
        Some((start, map)) if at <= map.end => start,
        _ => {
            // SAFETY: the caller's promise: it is the instance that runs there.
            let module = unsafe { (*instance).module.data() };
            let CodeSlots::Fast(slots) = &module.code else { unreachable!("it is translated") };
            let range = |body: usize| {
                let words = slots[body].get()?.words.as_ptr_range();
                Some((words.start as usize, words.end as usize))
            };
            let (body, (start, end)) = (0..slots.len())
                .filter_map(|body| Some((body, range(body)?)))
                .find(|&(_, (start, end))| start < at && at <= end)
                .expect("frames are of prepared functions");
            return Some((start, maps.find(start, || record(module, body as u32, end))?));
        }
    };
    Some((start, maps.find(start, || unreachable!("it is known"))?))
}
