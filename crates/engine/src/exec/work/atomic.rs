//! Atomic accesses, waiting and waking: the threads proposal.
//!
//! All are sequentially consistent. On a memory that is not shared, which they may be used on,
//! nobody could tell. On a target without 64-bit atomics no memory is shared with anyone (see
//! `shared_absent.rs`), and they are ordinary accesses.
//!
//! Source: threads proposal, "Atomic memory accesses", "Wait and notify operators".

use super::{Shape, Work, works};
use crate::entity::InstanceData;
use crate::wait::{WaitError, WaitResult};
use crate::{Machine, MemoryEntity, TrapKind};
use core::time::Duration;
use sampan_wasm::{AtomicOperation, Opcode};

/// `atomic.fence`
pub(super) const FENCE: Shape = Shape { work: fence, operands: 0, results: 0 };

/// The shape of an atomic access.
pub(super) fn shape(op: Opcode) -> Option<Shape> {
    match op {
        Opcode::MemoryAtomicNotify => return Some(Shape { work: notify, operands: 2, results: 1 }),
        Opcode::MemoryAtomicWait32 => {
            return Some(Shape { work: wait::<u32>, operands: 3, results: 1 });
        }
        Opcode::MemoryAtomicWait64 => {
            return Some(Shape { work: wait::<u64>, operands: 3, results: 1 });
        }
        _ => {}
    }
    let (operation, bytes) = op.atomic()?;
    macro_rules! by_size {
        ($name:ident $operands:literal $results:literal) => {
            Shape {
                work: match bytes {
                    1 => $name::<u8> as Work,
                    2 => $name::<u16>,
                    4 => $name::<u32>,
                    _ => $name::<u64>,
                },
                operands: $operands,
                results: $results,
            }
        };
    }
    Some(match operation {
        AtomicOperation::Load => by_size!(load 1 1),
        AtomicOperation::Store => by_size!(store 2 0),
        AtomicOperation::Add => by_size!(add 2 1),
        AtomicOperation::Sub => by_size!(sub 2 1),
        AtomicOperation::And => by_size!(and 2 1),
        AtomicOperation::Or => by_size!(or 2 1),
        AtomicOperation::Xor => by_size!(xor 2 1),
        AtomicOperation::Exchange => by_size!(exchange 2 1),
        AtomicOperation::CompareExchange => by_size!(compare_exchange 3 1),
    })
}

/// A number in memory, little-endian as all are there.
trait Cell: Copy + PartialEq {
    const SIZE: u64;
    fn of(slot: u64) -> Self;
    fn slot(self) -> u64;
    unsafe fn load(at: *mut u8) -> Self;
    unsafe fn store(at: *mut u8, value: Self);
    unsafe fn exchange(at: *mut u8, value: Self) -> Self;
    /// What was there; `new` is there now if that was `old`.
    unsafe fn compare_exchange(at: *mut u8, old: Self, new: Self) -> Self;
    unsafe fn update(at: *mut u8, new: impl Fn(u64) -> u64) -> Self;
}

macro_rules! cells {
    ($($t:ident $atomic:ident;)*) => {$(
        impl Cell for $t {
            const SIZE: u64 = size_of::<$t>() as u64;

            #[inline(always)]
            fn of(slot: u64) -> $t {
                slot as $t
            }

            #[inline(always)]
            fn slot(self) -> u64 {
                self.into()
            }

            cells! { @methods $t $atomic }
        }
    )*};
    (@methods $t:ident $atomic:ident) => {
        #[cfg(target_has_atomic = "64")]
        #[inline(always)]
        unsafe fn load(at: *mut u8) -> $t {
            // SAFETY: the caller located the number, which is aligned; so below.
            let cell = unsafe { core::sync::atomic::$atomic::from_ptr(at.cast()) };
            <$t>::from_le(cell.load(core::sync::atomic::Ordering::SeqCst))
        }

        #[cfg(target_has_atomic = "64")]
        #[inline(always)]
        unsafe fn store(at: *mut u8, value: $t) {
            // SAFETY: as above.
            let cell = unsafe { core::sync::atomic::$atomic::from_ptr(at.cast()) };
            cell.store(value.to_le(), core::sync::atomic::Ordering::SeqCst);
        }

        #[cfg(target_has_atomic = "64")]
        #[inline(always)]
        unsafe fn exchange(at: *mut u8, value: $t) -> $t {
            // SAFETY: as above.
            let cell = unsafe { core::sync::atomic::$atomic::from_ptr(at.cast()) };
            <$t>::from_le(cell.swap(value.to_le(), core::sync::atomic::Ordering::SeqCst))
        }

        #[cfg(target_has_atomic = "64")]
        #[inline(always)]
        unsafe fn compare_exchange(at: *mut u8, old: $t, new: $t) -> $t {
            use core::sync::atomic::Ordering::SeqCst;
            // SAFETY: as above.
            let cell = unsafe { core::sync::atomic::$atomic::from_ptr(at.cast()) };
            match cell.compare_exchange(old.to_le(), new.to_le(), SeqCst, SeqCst) {
                Ok(found) | Err(found) => <$t>::from_le(found),
            }
        }

        #[cfg(target_has_atomic = "64")]
        #[inline(always)]
        unsafe fn update(at: *mut u8, new: impl Fn(u64) -> u64) -> $t {
            // SAFETY: the caller's promise.
            unsafe {
                let mut old = <$t>::load(at);
                loop {
                    let found = <$t>::compare_exchange(at, old, new(old.into()) as $t);
                    if found == old {
                        return old;
                    }
                    old = found;
                }
            }
        }

        #[cfg(not(target_has_atomic = "64"))]
        unsafe fn load(at: *mut u8) -> $t {
            // SAFETY: the caller located the number; so below.
            <$t>::from_le(unsafe { at.cast::<$t>().read_unaligned() })
        }

        #[cfg(not(target_has_atomic = "64"))]
        unsafe fn store(at: *mut u8, value: $t) {
            // SAFETY: as above.
            unsafe { at.cast::<$t>().write_unaligned(value.to_le()) };
        }

        #[cfg(not(target_has_atomic = "64"))]
        unsafe fn exchange(at: *mut u8, value: $t) -> $t {
            // SAFETY: the caller's promise.
            unsafe { <$t>::update(at, |_| value.into()) }
        }

        #[cfg(not(target_has_atomic = "64"))]
        unsafe fn compare_exchange(at: *mut u8, old: $t, new: $t) -> $t {
            // SAFETY: the caller's promise.
            unsafe { <$t>::update(at, |now| if now == old.into() { new.into() } else { now }) }
        }

        #[cfg(not(target_has_atomic = "64"))]
        unsafe fn update(at: *mut u8, new: impl Fn(u64) -> u64) -> $t {
            // SAFETY: the caller's promise.
            unsafe {
                let old = <$t>::load(at);
                <$t>::store(at, new(old.into()) as $t);
                old
            }
        }
    };
}
cells! {
    u8 AtomicU8;
    u16 AtomicU16;
    u32 AtomicU32;
    u64 AtomicU64;
}

/// The memory with index `i`, and the address of a number in it.
unsafe fn locate(
    instance: *mut InstanceData,
    base: u64,
    i: u64,
    offset: u64,
    size: u64,
) -> Result<(*mut MemoryEntity, *mut u8), TrapKind> {
    // SAFETY: validation: the memory exists, and outlives execution.
    let memory = unsafe { (&(*instance).memories)[i as u32 as usize] };
    // SAFETY: as above.
    let entity = unsafe { &*memory };
    let base = entity.operand(base);
    // The memory begins at a multiple of 16, so that the address in it says it all.
    if base.wrapping_add(offset) % size != 0 {
        return Err(TrapKind::UnalignedAtomic);
    }
    let at = entity.locate(base, offset, size).ok_or(TrapKind::MemoryOutOfBounds)?;
    Ok((memory, at))
}

unsafe fn fence(
    _: *mut Machine,
    _: *mut InstanceData,
    _: *mut u64,
    _: u64,
    _: u64,
) -> crate::trap::Outcome {
    core::sync::atomic::fence(core::sync::atomic::Ordering::SeqCst);
    crate::trap::DONE
}

works! {
    fn notify(machine, instance, s, i, j) {
        let (memory, at) = locate(instance, *s, i, j, 4)?;
        let waiters = (*memory).shared().map(|shared| shared.waiters());
        *s = waiters.map_or(0, |waiters| waiters.notify(at as usize, *s.add(1) as u32)).into();
        Ok(())
    }
}

/// Declares a [`Work`] for each size of number.
macro_rules! sized {
    ($($name:ident($at:ident, $s:ident) $body:expr;)*) => {$(
        unsafe fn $name<C: Cell>(
            _: *mut Machine,
            instance: *mut InstanceData,
            $s: *mut u64,
            i: u64,
            j: u64,
        ) -> crate::trap::Outcome {
            // SAFETY: validation gives each instruction its operands and indices in range;
            // entities outlive execution.
            unsafe {
                match locate(instance, *$s, i, j, C::SIZE) {
                    Ok((_, $at)) => {
                        $body;
                        crate::trap::DONE
                    }
                    Err(kind) => kind.code(),
                }
            }
        }
    )*};
}
sized! {
    load(at, s) *s = C::load(at).slot();
    store(at, s) C::store(at, C::of(*s.add(1)));
    add(at, s) { let n = *s.add(1); *s = C::update(at, |now| now.wrapping_add(n)).slot() };
    sub(at, s) { let n = *s.add(1); *s = C::update(at, |now| now.wrapping_sub(n)).slot() };
    and(at, s) { let n = *s.add(1); *s = C::update(at, |now| now & n).slot() };
    or(at, s) { let n = *s.add(1); *s = C::update(at, |now| now | n).slot() };
    xor(at, s) { let n = *s.add(1); *s = C::update(at, |now| now ^ n).slot() };
    exchange(at, s) *s = C::exchange(at, C::of(*s.add(1))).slot();
    compare_exchange(at, s) {
        let (old, new) = (C::of(*s.add(1)), C::of(*s.add(2)));
        *s = C::compare_exchange(at, old, new).slot()
    };
}

/// Waits at an address while the expected value is there: `Ok`'s number is the result.
unsafe fn wait<C: Cell>(
    machine: *mut Machine,
    instance: *mut InstanceData,
    s: *mut u64,
    i: u64,
    j: u64,
) -> crate::trap::Outcome {
    // SAFETY: as for the accesses; the machine is executing, on this thread.
    unsafe {
        let (memory, at) = match locate(instance, *s, i, j, C::SIZE) {
            Ok(place) => place,
            Err(kind) => return kind.code(),
        };
        if !(*memory).ty().shared {
            return TrapKind::ExpectedSharedMemory.code();
        }
        let expected = C::of(*s.add(1));
        // A negative time is none at all: for ever.
        let timeout = u64::try_from(*s.add(2) as i64).ok().map(Duration::from_nanos);
        let interruptible = (*machine).engine.config().interruptible;
        let interrupt = interruptible.then(|| &*(*machine).interrupt);
        let found = || C::load(at) == expected;
        let absent = crate::wait::Waiters::default();
        let waiters = (*memory).shared().map_or(&absent, |shared| shared.waiters());
        match waiters.wait(at as usize, found, timeout, interrupt) {
            Ok(result) => {
                *s = match result {
                    WaitResult::Ok => 0,
                    WaitResult::Mismatch => 1,
                    WaitResult::TimedOut => 2,
                };
                crate::trap::DONE
            }
            Err(WaitError::Interrupted) => TrapKind::Interrupted.code(),
            Err(WaitError::CannotWait) => TrapKind::CannotWait.code(),
        }
    }
}
