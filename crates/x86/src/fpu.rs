//! x87, MMX and SSE registers, and their memory image.
//!
//! Source: Intel SDM vol. 1, chapters 8 to 10; vol. 2, FXSAVE.

/// An 80-bit extended number: 64 bits of significand with its explicit integer bit, then
/// sign and exponent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct F80 {
    /// Bit 63 is the integer bit.
    pub significand: u64,
    /// Bit 15 is the sign, the rest the biased exponent.
    pub sign_exponent: u16,
}

/// The floating-point state of a thread.
#[derive(Clone, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Fpu {
    /// SSE registers, bit 0 the lowest.
    pub xmm: [u128; 16],
    /// SSE control and status.
    pub mxcsr: u32,
    /// x87 registers by number, not by distance from the top. An MMX register is the
    /// significand of the one with its number.
    pub st: [F80; 8],
    /// x87 control word.
    pub control: u16,
    /// x87 status word; the top of stack is in bits 11 to 13.
    pub status: u16,
    /// A bit for each register that is in use (the complement of "empty").
    pub in_use: u8,
    /// Opcode of the last x87 instruction that is not a control one.
    pub last_opcode: u16,
    /// Its address.
    pub last_ip: u64,
    /// The address of its memory operand.
    pub last_data: u64,
}

/// Bits of `mxcsr` that may be set.
pub(crate) const MXCSR_MASK: u32 = 0xffff;

impl Default for Fpu {
    fn default() -> Self {
        Self::new()
    }
}

impl Fpu {
    /// As at a program's start.
    pub fn new() -> Self {
        Self {
            xmm: [0; 16],
            mxcsr: 0x1f80,
            st: [F80::default(); 8],
            control: 0x37f,
            status: 0,
            in_use: 0,
            last_opcode: 0,
            last_ip: 0,
            last_data: 0,
        }
    }

    /// What `finit` does: x87 only; registers keep their contents and are empty.
    pub fn reset_x87(&mut self) {
        (self.control, self.status, self.in_use) = (0x37f, 0, 0);
        (self.last_opcode, self.last_ip, self.last_data) = (0, 0, 0);
    }

    /// The number of the register at the top of the x87 stack.
    pub fn top(&self) -> usize {
        usize::from(self.status >> 11 & 7)
    }

    /// The 512-byte image that `fxsave64` writes, as signal frames of both systems hold it
    /// (a 32-bit program's addresses fit 32 bits). Bytes from 416 on are zero.
    pub fn fxsave(&self) -> [u8; 512] {
        let mut image = [0; 512];
        image[0..2].copy_from_slice(&self.control.to_le_bytes());
        image[2..4].copy_from_slice(&self.status.to_le_bytes());
        image[4] = self.in_use;
        image[6..8].copy_from_slice(&self.last_opcode.to_le_bytes());
        image[8..16].copy_from_slice(&self.last_ip.to_le_bytes());
        image[16..24].copy_from_slice(&self.last_data.to_le_bytes());
        image[24..28].copy_from_slice(&self.mxcsr.to_le_bytes());
        image[28..32].copy_from_slice(&MXCSR_MASK.to_le_bytes());
        for (i, slot) in image[32..160].chunks_exact_mut(16).enumerate() {
            let register = self.st[(self.top() + i) & 7];
            slot[..8].copy_from_slice(&register.significand.to_le_bytes());
            slot[8..10].copy_from_slice(&register.sign_exponent.to_le_bytes());
        }
        for (register, slot) in self.xmm.iter().zip(image[160..416].chunks_exact_mut(16)) {
            slot.copy_from_slice(&register.to_le_bytes());
        }
        image
    }

    /// Takes the state of an image; `false`, and nothing changed, if it sets reserved bits
    /// of `mxcsr` (then `fxrstor` raises #GP).
    pub fn fxrstor(&mut self, image: &[u8; 512]) -> bool {
        let u16_at = |at: usize| u16::from_le_bytes([image[at], image[at + 1]]);
        let u32_at = |at: usize| u32::from(u16_at(at)) | u32::from(u16_at(at + 2)) << 16;
        let u64_at = |at: usize| u64::from(u32_at(at)) | u64::from(u32_at(at + 4)) << 32;
        let mxcsr = u32_at(24);
        if mxcsr & !MXCSR_MASK != 0 {
            return false;
        }
        self.mxcsr = mxcsr;
        self.control = u16_at(0) & 0x1f7f | 0x40;
        self.status = u16_at(2);
        self.in_use = image[4];
        self.last_opcode = u16_at(6) & 0x7ff;
        self.last_ip = u64_at(8);
        self.last_data = u64_at(16);
        for i in 0..8 {
            let at = 32 + i * 16;
            self.st[(self.top() + i) & 7] =
                F80 { significand: u64_at(at), sign_exponent: u16_at(at + 8) };
        }
        for (i, register) in self.xmm.iter_mut().enumerate() {
            let at = 160 + i * 16;
            *register = u128::from(u64_at(at)) | u128::from(u64_at(at + 8)) << 64;
        }
        true
    }
}
