//! System calls, traps, segment registers, and what user mode may not do.

use super::operand::{Place, by_wide_width, segment};
use super::{Builder, Lowered};
use crate::Mode;
use crate::cpu::loc::{M, Ra, Rb};
use crate::cpu::op::Handler;
use crate::cpu::ops::{data, system as s};
use iced_x86::{Code, Instruction, Mnemonic, Register};

impl Builder {
    /// Emits an instruction of this family; `None` if it is none.
    pub fn system(&mut self, i: &Instruction) -> Option<Lowered> {
        use Mnemonic as N;
        let amd64 = self.mode == Mode::Amd64;
        let end = |builder: &mut Self, handler: Handler| {
            builder.simple(i.ip(), i.len() as u8, handler);
            Some(Lowered::End)
        };
        let next = |builder: &mut Self, handler: Handler| {
            builder.simple(i.ip(), i.len() as u8, handler);
            Some(Lowered::Next)
        };
        match i.mnemonic() {
            N::Int => match i.immediate8() {
                0x80 => end(self, s::int80),
                3 => end(self, s::int3),
                4 => end(self, s::int4),
                _ => end(self, s::privileged),
            },
            N::Int3 => end(self, s::int3),
            N::Int1 => end(self, s::int1),
            N::Into => next(self, s::into),
            N::Syscall if amd64 => end(self, s::syscall),
            N::Sysenter if !amd64 => end(self, s::sysenter),
            N::Syscall | N::Sysenter | N::Ud0 | N::Ud1 | N::Ud2 => end(self, s::invalid),
            N::Bound => {
                let op = self.op(i);
                let handler = by_wide_width!(self.width(i, 0), T => s::bound::<T>)?;
                self.emit(op, handler);
                Some(Lowered::Next)
            }
            N::Cpuid => next(self, s::cpuid),
            N::Rdtsc => next(self, s::rdtsc),
            N::Rdtscp => next(self, s::rdtscp),
            N::Hlt
            | N::Cli
            | N::Sti
            | N::In
            | N::Out
            | N::Insb
            | N::Insw
            | N::Insd
            | N::Outsb
            | N::Outsw
            | N::Outsd
            | N::Lgdt
            | N::Lidt
            | N::Lldt
            | N::Ltr
            | N::Lmsw
            | N::Clts
            | N::Invd
            | N::Wbinvd
            | N::Wbnoinvd
            | N::Invlpg
            | N::Rdmsr
            | N::Wrmsr
            | N::Rdpmc
            | N::Swapgs
            | N::Sysret
            | N::Sysretq
            | N::Sysexit
            | N::Sysexitq
            | N::Sgdt
            | N::Sidt
            | N::Sldt
            | N::Str
            | N::Smsw => end(self, s::privileged),
            // Extensions that are not advertised.
            N::Rdfsbase
            | N::Wrfsbase
            | N::Rdgsbase
            | N::Wrgsbase
            | N::Rdrand
            | N::Rdseed
            | N::Rdpid
            | N::Movbe
            | N::Adcx
            | N::Adox
            | N::Aesenc
            | N::Aesdec
            | N::Aesenclast
            | N::Aesdeclast
            | N::Aesimc
            | N::Aeskeygenassist
            | N::Pclmulqdq
            | N::Sha1msg1
            | N::Sha1msg2
            | N::Sha1nexte
            | N::Sha1rnds4
            | N::Sha256msg1
            | N::Sha256msg2
            | N::Sha256rnds2
            | N::Gf2p8affineinvqb
            | N::Gf2p8affineqb
            | N::Gf2p8mulb
            | N::Xgetbv
            | N::Xsetbv
            | N::Xsave
            | N::Xsave64
            | N::Xsavec
            | N::Xsavec64
            | N::Xsaveopt
            | N::Xsaveopt64
            | N::Xsaves
            | N::Xsaves64
            | N::Xrstor
            | N::Xrstor64
            | N::Xrstors
            | N::Xrstors64
            | N::Xbegin
            | N::Xend
            | N::Xabort
            | N::Xtest
            | N::Clflushopt
            | N::Clwb
            | N::Extrq
            | N::Insertq
            | N::Movntss
            | N::Movntsd
            | N::Monitor
            | N::Monitorx
            | N::Mwait
            | N::Mwaitx
            | N::Clzero
            | N::Rdpkru
            | N::Wrpkru
            | N::Rdpru
            | N::Enclu
            | N::Encls
            | N::Vmcall
            | N::Vmmcall
            | N::Rsm => end(self, s::invalid),
            N::Clflush => {
                // Faults as a load would.
                let op = self.op(i);
                self.emit(op, data::touch);
                Some(Lowered::Next)
            }
            N::Mov => {
                let (d, s) = (i.op0_register(), i.op1_register());
                let control = |r: Register| {
                    (Register::CR0 as u32..=Register::DR15 as u32).contains(&(r as u32))
                };
                if control(d) || control(s) {
                    return end(self, s::privileged);
                }
                self.segment_move(i)
            }
            N::Push | N::Pop => self.segment_stack(i),
            N::Lds | N::Les | N::Lfs | N::Lgs | N::Lss => {
                let mut op = self.op(i);
                op.x = match i.mnemonic() {
                    N::Les => 0,
                    N::Lss => 2,
                    N::Lds => 3,
                    N::Lfs => 4,
                    _ => 5,
                };
                let handler = by_wide_width!(self.width(i, 0), T => s::load_far::<T>)?;
                self.emit(op, handler);
                Some(Lowered::Next)
            }
            N::Verr | N::Verw => {
                let mut op = self.op(i);
                op.x = u8::from(i.mnemonic() == N::Verw);
                let handler = match self.place(i, 0) {
                    Place::Reg => s::verify::<Ra> as Handler,
                    _ => s::verify::<M>,
                };
                self.emit(op, handler);
                Some(Lowered::Next)
            }
            _ => None,
        }
    }

    fn segment_move(&mut self, i: &Instruction) -> Option<Lowered> {
        if self.place(i, 1) == Place::Reg
            && let Some(number) = segment(i.op1_register())
        {
            let mut op = self.op(i);
            (op.x, op.y) = (number, 0);
            let handler = match self.place(i, 0) {
                Place::Reg => {
                    op.y = self.width(i, 0) as u8;
                    s::mov_from_segment::<Ra> as Handler
                }
                _ => s::mov_from_segment::<M>,
            };
            self.emit(op, handler);
            return Some(Lowered::Next);
        }
        let number = (self.place(i, 0) == Place::Reg).then(|| segment(i.op0_register()))??;
        if number == 1 {
            self.simple(i.ip(), i.len() as u8, s::invalid);
            return Some(Lowered::End);
        }
        let mut op = self.op(i);
        op.x = number;
        let handler = match self.place(i, 1) {
            Place::Reg => s::mov_to_segment::<Rb> as Handler,
            _ => s::mov_to_segment::<M>,
        };
        self.emit(op, handler);
        Some(Lowered::Next)
    }

    fn segment_stack(&mut self, i: &Instruction) -> Option<Lowered> {
        let number = (self.place(i, 0) == Place::Reg).then(|| segment(i.op0_register()))??;
        let mut op = self.bare(i);
        op.x = number;
        let narrow = matches!(
            i.code(),
            Code::Pushw_ES
                | Code::Pushw_CS
                | Code::Pushw_SS
                | Code::Pushw_DS
                | Code::Pushw_FS
                | Code::Pushw_GS
                | Code::Popw_ES
                | Code::Popw_SS
                | Code::Popw_DS
                | Code::Popw_FS
                | Code::Popw_GS
        );
        let width = match (narrow, self.mode) {
            (true, _) => 2,
            (_, Mode::Amd64) => 8,
            _ => 4,
        };
        let handler = if i.mnemonic() == Mnemonic::Push {
            by_wide_width!(width, T => s::push_segment::<T>)?
        } else {
            by_wide_width!(width, T => s::pop_segment::<T>)?
        };
        self.emit(op, handler);
        Some(Lowered::Next)
    }
}
