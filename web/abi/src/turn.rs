//! The block that travels with a thread: its registers on the way in, these and the reason
//! for coming back on the way out.

use sampan_x86::{Descriptor, Exit, Fpu, Mode, Registers, SyscallKind};

/// One turn of a thread. All fields take any bits.
#[derive(Clone, Debug)]
#[repr(C)]
#[allow(missing_docs)] // As in Registers.
pub struct Turn {
    pub fpu: Fpu,
    pub gpr: [u64; 16],
    pub rip: u64,
    pub rflags: u64,
    pub fs_base: u64,
    pub gs_base: u64,
    /// What it may execute, in instructions.
    pub budget: u64,
    /// Kind of the exit and its two operands.
    pub exit: [u64; 3],
    /// `Exit::Unsupported`'s bytes.
    pub bytes: [u8; 16],
    /// cs, ss, ds, es, fs, gs.
    pub segments: [u16; 6],
    /// Base, limit, present.
    pub tls: [[u32; 3]; 3],
    /// 0 for i386, else x86-64.
    pub mode: u32,
}

impl Turn {
    /// Before it: a thread's registers and what it may use.
    pub fn new(registers: &Registers, budget: u64) -> Turn {
        let r = registers;
        Turn {
            fpu: r.fpu.clone(),
            gpr: r.gpr,
            rip: r.rip,
            rflags: r.rflags,
            fs_base: r.fs_base,
            gs_base: r.gs_base,
            budget,
            exit: [0; 3],
            bytes: [0; 16],
            segments: [r.cs, r.ss, r.ds, r.es, r.fs, r.gs],
            tls: r.tls.map(|entry| [entry.base, entry.limit, entry.present as u32]),
            mode: (r.mode == Mode::Amd64) as u32,
        }
    }

    /// The registers.
    pub fn registers(&self) -> Registers {
        let mode = if self.mode == 0 { Mode::I386 } else { Mode::Amd64 };
        let [cs, ss, ds, es, fs, gs] = self.segments;
        let descriptor = |entry: [u32; 3]| Descriptor {
            base: entry[0],
            limit: entry[1],
            present: entry[2] != 0,
        };
        Registers {
            mode,
            gpr: self.gpr,
            rip: self.rip,
            rflags: self.rflags,
            fs_base: self.fs_base,
            gs_base: self.gs_base,
            cs,
            ss,
            ds,
            es,
            fs,
            gs,
            tls: self.tls.map(descriptor),
            fpu: self.fpu.clone(),
        }
    }

    /// Notes why it ended.
    pub fn set_exit(&mut self, exit: Exit) {
        self.exit = match exit {
            Exit::Budget => [0, 0, 0],
            Exit::Syscall(SyscallKind::Int80) => [1, 0, 0],
            Exit::Syscall(SyscallKind::Syscall) => [1, 1, 0],
            Exit::Syscall(SyscallKind::Sysenter) => [1, 2, 0],
            Exit::Fault(fault) => [2, fault.addr, crate::from_fault(&fault)],
            Exit::GeneralProtection => [3, 0, 0],
            Exit::StackFault => [4, 0, 0],
            Exit::BadSelector(selector) => [5, u64::from(selector), 0],
            Exit::InvalidOpcode => [6, 0, 0],
            Exit::DivideError => [7, 0, 0],
            Exit::Breakpoint => [8, 0, 0],
            Exit::Overflow => [9, 0, 0],
            Exit::BoundRange => [10, 0, 0],
            Exit::SingleStep => [11, 0, 0],
            Exit::X87Exception => [12, 0, 0],
            Exit::SimdException => [13, 0, 0],
            Exit::AlignmentCheck => [14, 0, 0],
            Exit::Unsupported { rip, bytes } => {
                self.bytes[..15].copy_from_slice(&bytes);
                [15, rip, 0]
            }
        };
    }

    /// Why it ended. What no processor of ours says is an invalid instruction.
    pub fn exit(&self) -> Exit {
        let [kind, a, b] = self.exit;
        match kind {
            0 => Exit::Budget,
            1 => Exit::Syscall(match a {
                0 => SyscallKind::Int80,
                1 => SyscallKind::Syscall,
                _ => SyscallKind::Sysenter,
            }),
            2 => Exit::Fault(crate::to_fault(b, a)),
            3 => Exit::GeneralProtection,
            4 => Exit::StackFault,
            5 => Exit::BadSelector(a as u16),
            7 => Exit::DivideError,
            8 => Exit::Breakpoint,
            9 => Exit::Overflow,
            10 => Exit::BoundRange,
            11 => Exit::SingleStep,
            12 => Exit::X87Exception,
            13 => Exit::SimdException,
            14 => Exit::AlignmentCheck,
            15 => {
                let mut bytes = [0; 15];
                bytes.copy_from_slice(&self.bytes[..15]);
                Exit::Unsupported { rip: a, bytes }
            }
            _ => Exit::InvalidOpcode,
        }
    }
}
