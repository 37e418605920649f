//! Control and status: the environment in memory, and what masks and flags mean together.

use super::PENDING;
use crate::{F80, Fpu};

/// Sets the control word; exceptions that it unmasks become pending.
#[inline(never)]
pub(crate) fn set_control(fpu: &mut Fpu, value: u16) {
    fpu.control = value & 0x1f7f | 0x40;
    update_pending(fpu);
}

#[inline(never)]
pub(crate) fn update_pending(fpu: &mut Fpu) {
    let unmasked = fpu.status & !fpu.control & 0x3f != 0;
    fpu.status = fpu.status & !PENDING | if unmasked { PENDING } else { 0 };
}

/// `fnclex`.
#[inline(never)]
pub(crate) fn clear_exceptions(fpu: &mut Fpu) {
    fpu.status &= !(PENDING | 0x7f);
}

/// `ffree`.
#[inline(never)]
pub(crate) fn free(fpu: &mut Fpu, i: u8, pop: bool) {
    let index = fpu.index(i);
    fpu.in_use &= !(1 << index);
    fpu.status &= !super::C1;
    if pop {
        fpu.pop();
    }
}

/// `fincstp`, `fdecstp`.
#[inline(never)]
pub(crate) fn turn(fpu: &mut Fpu, by: usize) {
    fpu.set_top(fpu.top() + by);
    fpu.status &= !super::C1;
}

/// The tag word: two bits a register.
fn tags(fpu: &Fpu) -> u16 {
    use crate::float::{Class, unpack80};
    (0..8).fold(0, |word, i| {
        let tag = if fpu.in_use >> i & 1 == 0 {
            3
        } else {
            let x = unpack80(fpu.st[i]);
            match x.class {
                Class::Zero => 1,
                Class::Finite if !x.denormal => 0,
                _ => 2,
            }
        };
        word | tag << (2 * i)
    })
}

/// The environment as `fnstenv` stores it: 28 bytes, or 14 with 16-bit operands.
#[inline(never)]
pub(crate) fn environment(fpu: &Fpu, wide: bool) -> [u8; 28] {
    let mut image = [0; 28];
    let words = [fpu.control, fpu.status, tags(fpu), fpu.last_ip as u16];
    if wide {
        for (i, word) in words[..3].iter().enumerate() {
            image[4 * i..4 * i + 2].copy_from_slice(&word.to_le_bytes());
            image[4 * i + 2..4 * i + 4].fill(0xff);
        }
        image[12..16].copy_from_slice(&(fpu.last_ip as u32).to_le_bytes());
        image[18..20].copy_from_slice(&fpu.last_opcode.to_le_bytes());
        image[20..24].copy_from_slice(&(fpu.last_data as u32).to_le_bytes());
        image[26..28].fill(0xff);
    } else {
        for (i, word) in words.iter().enumerate() {
            image[2 * i..2 * i + 2].copy_from_slice(&word.to_le_bytes());
        }
        image[10..12].copy_from_slice(&(fpu.last_data as u16).to_le_bytes());
    }
    image
}

/// `fldenv`.
#[inline(never)]
pub(crate) fn set_environment(fpu: &mut Fpu, image: &[u8], wide: bool) {
    let word = |at: usize| u16::from_le_bytes([image[at], image[at + 1]]);
    let step = if wide { 4 } else { 2 };
    fpu.control = word(0) & 0x1f7f | 0x40;
    fpu.status = word(step);
    let tags = word(2 * step);
    fpu.in_use = (0..8).fold(0, |bits, i| bits | u8::from(tags >> (2 * i) & 3 != 3) << i);
    if wide {
        fpu.last_ip = u64::from(word(12)) | u64::from(word(14)) << 16;
        fpu.last_opcode = word(18) & 0x7ff;
        fpu.last_data = u64::from(word(20)) | u64::from(word(22)) << 16;
    }
    update_pending(fpu);
}

/// The registers behind the environment, as `fnsave` stores them.
#[inline(never)]
pub(crate) fn stack_image(fpu: &Fpu) -> [u8; 80] {
    let mut image = [0; 80];
    for (i, slot) in image.chunks_exact_mut(10).enumerate() {
        let register = fpu.st[(fpu.top() + i) & 7];
        slot[..8].copy_from_slice(&register.significand.to_le_bytes());
        slot[8..].copy_from_slice(&register.sign_exponent.to_le_bytes());
    }
    image
}

/// `frstor`'s part behind the environment.
#[inline(never)]
pub(crate) fn set_stack_image(fpu: &mut Fpu, image: &[u8]) {
    for (i, slot) in image.chunks_exact(10).take(8).enumerate() {
        let mut bytes = [0; 16];
        bytes[..10].copy_from_slice(slot);
        let bits = u128::from_le_bytes(bytes);
        let index = (fpu.top() + i) & 7;
        fpu.st[index] = F80 { significand: bits as u64, sign_exponent: (bits >> 64) as u16 };
    }
}
