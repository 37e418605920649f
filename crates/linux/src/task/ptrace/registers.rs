//! Registers of a stopped thread in the forms that tracers ask for: `struct user_regs_struct`
//! of both ABIs (`sys/user.h`), and the images of `fxsave` and `fsave`.

use alloc::vec::Vec;

use super::Thread;
use crate::errno::{Errno, SysResult};
use crate::machine::{Mode, Registers, gpr};
use crate::signal::frame::{fsave, set_flags};
use crate::syscall::Abi;

/// A set of registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Set {
    /// General registers, as an ABI has them.
    General(Abi),
    /// The image of `fxsave`.
    Fxsave,
    /// The image of `fsave` of i386, without the kernel's own last word.
    Fsave,
}

/// `user_regs_struct` of amd64 up to `rdi`: encodings, and where `orig_rax` is.
const ORDER64: [usize; 15] = [15, 14, 13, 12, 5, 3, 11, 10, 9, 8, 0, 1, 2, 6, 7];
/// The same of i386, before the segments.
const ORDER32: [usize; 7] = [3, 1, 2, 6, 7, 5, 0];

/// Bytes of a set.
pub fn get(thread: &Thread, set: Set) -> Vec<u8> {
    let r = thread.registers.borrow();
    let mut bytes = Vec::new();
    let original = thread.original.get() as u64;
    match set {
        Set::General(Abi::Amd64) => {
            let mut put = |value: u64| bytes.extend_from_slice(&value.to_le_bytes());
            ORDER64.into_iter().for_each(|index| put(r.gpr[index]));
            [original, r.rip, r.cs.into(), r.rflags, r.gpr[gpr::RSP], r.ss.into()]
                .into_iter()
                .for_each(&mut put);
            [r.fs_base, r.gs_base].into_iter().for_each(&mut put);
            [r.ds, r.es, r.fs, r.gs].into_iter().for_each(|selector| put(selector.into()));
        }
        Set::General(Abi::I386) => {
            let mut put = |value: u64| bytes.extend_from_slice(&(value as u32).to_le_bytes());
            ORDER32.into_iter().for_each(|index| put(r.gpr[index]));
            [r.ds, r.es, r.fs, r.gs].into_iter().for_each(|selector| put(selector.into()));
            [original, r.rip, r.cs.into(), r.rflags, r.gpr[gpr::RSP], r.ss.into()]
                .into_iter()
                .for_each(&mut put);
        }
        Set::Fxsave => bytes.extend_from_slice(&r.fpu.fxsave()),
        Set::Fsave => bytes.extend_from_slice(&fsave(&r.fpu)[..108]),
    }
    bytes
}

/// Changes a set, or its beginning.
///
/// # Errors
/// `EIO` for a state that the processor would not load.
pub fn set(thread: &Thread, set: Set, bytes: &[u8]) -> SysResult<()> {
    let mut whole = get(thread, set);
    let len = whole.len().min(bytes.len());
    whole[..len].copy_from_slice(&bytes[..len]);
    let mut r = thread.registers.borrow_mut();
    match set {
        Set::General(abi) => {
            let width = if abi == Abi::Amd64 { 8 } else { 4 };
            let value = |index: usize| {
                let part = &whole[index * width..(index + 1) * width];
                part.iter().rev().fold(0, |value, &byte| value << 8 | u64::from(byte))
            };
            general(thread, &mut r, abi, value);
            Ok(())
        }
        Set::Fxsave => {
            let image: [u8; 512] = whole.try_into().map_err(|_| Errno::EIO)?;
            if r.fpu.fxrstor(&image) { Ok(()) } else { Err(Errno::EIO) }
        }
        Set::Fsave => {
            let image = fxsave_of(&whole, r.fpu.fxsave());
            if r.fpu.fxrstor(&image) { Ok(()) } else { Err(Errno::EIO) }
        }
    }
}

fn general(thread: &Thread, r: &mut Registers, abi: Abi, value: impl Fn(usize) -> u64) {
    let narrow = r.mode == Mode::I386;
    let cut = |value: u64| if narrow { value & 0xffff_ffff } else { value };
    let original = match abi {
        Abi::Amd64 => {
            for (index, register) in ORDER64.into_iter().enumerate() {
                r.gpr[register] = cut(value(index));
            }
            r.rip = cut(value(16));
            set_flags(r, value(18));
            r.gpr[gpr::RSP] = cut(value(19));
            if !narrow {
                (r.fs_base, r.gs_base) = (value(21), value(22));
            }
            value(15) as i64
        }
        Abi::I386 => {
            for (index, register) in ORDER32.into_iter().enumerate() {
                r.gpr[register] = value(index);
            }
            let (fs, gs) = (value(9) as u16, value(10) as u16);
            // Loading a selector loads its base, so those that stay are left alone.
            if fs != r.fs {
                (r.fs, r.fs_base) = (fs, r.segment_base(fs).unwrap_or(0));
            }
            if gs != r.gs {
                (r.gs, r.gs_base) = (gs, r.segment_base(gs).unwrap_or(0));
            }
            r.rip = value(12);
            set_flags(r, value(14));
            r.gpr[gpr::RSP] = value(15);
            i64::from(value(11) as i32)
        }
    };
    thread.original.set(original);
    if original < 0 {
        // So a debugger says that an interrupted call shall not be made again.
        thread.restart.set(None);
    }
}

/// The image of `fxsave` whose x87 part is that of an image of `fsave`.
fn fxsave_of(fsave: &[u8], mut image: [u8; 512]) -> [u8; 512] {
    let tags = u16::from_le_bytes([fsave[8], fsave[9]]);
    let in_use = (0..8).filter(|index| tags >> (2 * index) & 3 != 3).map(|index| 1 << index);
    image[0..2].copy_from_slice(&fsave[0..2]);
    image[2..4].copy_from_slice(&fsave[4..6]);
    image[4] = in_use.sum();
    for at in [8, 16] {
        image[at..at + 8].fill(0);
    }
    image[8..12].copy_from_slice(&fsave[12..16]);
    image[16..20].copy_from_slice(&fsave[20..24]);
    for index in 0..8 {
        let from = &fsave[28 + index * 10..][..10];
        image[32 + index * 16..][..10].copy_from_slice(from);
    }
    image
}
