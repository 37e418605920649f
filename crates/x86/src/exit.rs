//! Why the processor stopped.

use core::fmt;

/// Why [`Cpu::run`](crate::Cpu::run) came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// A system call; `rip` is the instruction after it. For `syscall`, `rcx` and `r11`
    /// are already clobbered as the instruction does.
    Syscall(SyscallKind),
    /// #PF, or a fetch from a page without [`Prot::EXEC`](crate::Prot::EXEC).
    Fault(Fault),
    /// #GP: privileged instructions, unaligned vector operands, non-canonical addresses,
    /// bad selectors, `int n` of a vector that user mode may not raise.
    GeneralProtection,
    /// #SS: a non-canonical address through the stack segment.
    StackFault,
    /// #NP or #GP of a segment register load; the selector.
    BadSelector(u16),
    /// #UD.
    InvalidOpcode,
    /// #DE.
    DivideError,
    /// #BP: `int3`, or `int 3`; `rip` is the instruction after it.
    Breakpoint,
    /// #OF: `into`; `rip` is the instruction after it.
    Overflow,
    /// #BR: `bound`.
    BoundRange,
    /// #DB after an instruction that began with the trap flag set, or `int1`.
    SingleStep,
    /// #MF: an unmasked x87 exception is pending.
    X87Exception,
    /// #XM: an unmasked SSE exception; the flags are in `mxcsr`.
    SimdException,
    /// #AC, with the alignment-check flag set.
    AlignmentCheck,
    /// An instruction that the decoder knows and we do not execute.
    Unsupported {
        /// Where it is.
        rip: u64,
        /// Its first bytes, zero behind its end.
        bytes: [u8; 15],
    },
    /// The budget is used up.
    Budget,
}

/// How a program asked for a system call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyscallKind {
    /// `int 0x80`, in both modes.
    Int80,
    /// `syscall`, in 64-bit mode.
    Syscall,
    /// `sysenter`, in 32-bit mode; where to return to is the kernel's convention.
    Sysenter,
}

/// A memory access that its page does not allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The first byte that could not be accessed (CR2).
    pub addr: u64,
    /// What was tried. An instruction that reads and writes its operand counts as a write.
    pub access: Access,
    /// Whether something is mapped there.
    pub present: bool,
}

/// What was tried on memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// A load.
    Read,
    /// A store.
    Write,
    /// An instruction fetch.
    Execute,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let access = match self.access {
            Access::Read => "read",
            Access::Write => "write",
            Access::Execute => "fetch",
        };
        let page = if self.present { "the page does not allow it" } else { "nothing is mapped" };
        write!(f, "{access} at {:#x}: {page}", self.addr)
    }
}
