//! The registers that a program sees.

use crate::Fpu;

/// Which instruction set a thread executes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// 32-bit protected mode with flat code and data segments.
    I386,
    /// 64-bit mode.
    Amd64,
}

/// The state of one thread.
#[derive(Clone, Debug, PartialEq)]
pub struct Registers {
    /// Which instruction set it executes.
    pub mode: Mode,
    /// General registers in encoding order: see [`gpr`]. In i386 mode the upper halves are zero.
    pub gpr: [u64; 16],
    /// The next instruction.
    pub rip: u64,
    /// See [`flags`].
    pub rflags: u64,
    /// Base of the segment in `fs`.
    pub fs_base: u64,
    /// Base of the segment in `gs`.
    pub gs_base: u64,
    /// Segment selectors.
    pub cs: u16,
    /// Segment selectors.
    pub ss: u16,
    /// Segment selectors.
    pub ds: u16,
    /// Segment selectors.
    pub es: u16,
    /// Segment selectors.
    pub fs: u16,
    /// Segment selectors.
    pub gs: u16,
    /// Entries 12 to 14 of the descriptor table, which a thread sets for its local storage.
    pub tls: [Descriptor; 3],
    /// x87, MMX and SSE.
    pub fpu: Fpu,
}

/// A data segment of thread-local storage: what `set_thread_area` sets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Descriptor {
    /// Its linear base.
    pub base: u32,
    /// Its limit in bytes or pages; kept, not enforced.
    pub limit: u32,
    /// Whether a selector may name it.
    pub present: bool,
}

impl Registers {
    /// The state at a program's start, as the kernel of that system leaves it: flat segments,
    /// everything else zero, floating point initialised.
    pub fn new(mode: Mode) -> Self {
        let (cs, data) = match mode {
            Mode::I386 => (0x23, 0x2b),
            Mode::Amd64 => (0x33, 0),
        };
        Self {
            mode,
            gpr: [0; 16],
            rip: 0,
            rflags: flags::FIXED | flags::IF,
            fs_base: 0,
            gs_base: 0,
            cs,
            ss: 0x2b,
            ds: data,
            es: data,
            fs: 0,
            gs: 0,
            tls: [Descriptor::default(); 3],
            fpu: Fpu::new(),
        }
    }

    /// The base of the segment that a selector names, if user mode may load it.
    pub fn segment_base(&self, selector: u16) -> Option<u64> {
        match selector >> 3 {
            _ if selector & !3 == 0 => Some(0),
            // Flat user data and code, if asked for at a privilege level that may use them.
            4..=6 if selector & 7 == 3 => Some(0),
            entry @ 12..=14 if selector & 4 == 0 => {
                let descriptor = &self.tls[usize::from(entry) - 12];
                descriptor.present.then_some(u64::from(descriptor.base))
            }
            _ => None,
        }
    }
}

/// Indices of [`Registers::gpr`].
pub mod gpr {
    #![allow(missing_docs)] // They are their own names.
    pub const RAX: usize = 0;
    pub const RCX: usize = 1;
    pub const RDX: usize = 2;
    pub const RBX: usize = 3;
    pub const RSP: usize = 4;
    pub const RBP: usize = 5;
    pub const RSI: usize = 6;
    pub const RDI: usize = 7;
}

/// Bits of [`Registers::rflags`].
pub mod flags {
    #![allow(missing_docs)] // They are their own names.
    pub const CF: u64 = 1;
    /// Always set.
    pub const FIXED: u64 = 1 << 1;
    pub const PF: u64 = 1 << 2;
    pub const AF: u64 = 1 << 4;
    pub const ZF: u64 = 1 << 6;
    pub const SF: u64 = 1 << 7;
    pub const TF: u64 = 1 << 8;
    pub const IF: u64 = 1 << 9;
    pub const DF: u64 = 1 << 10;
    pub const OF: u64 = 1 << 11;
    pub const NT: u64 = 1 << 14;
    pub const RF: u64 = 1 << 16;
    pub const AC: u64 = 1 << 18;
    pub const ID: u64 = 1 << 21;
    /// What arithmetic sets.
    pub const STATUS: u64 = CF | PF | AF | ZF | SF | OF;
    /// What `popf` may change in user mode.
    pub const USER: u64 = STATUS | TF | DF | NT | AC | ID;
}
