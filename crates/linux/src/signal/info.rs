//! What comes with a signal, and how both ABIs lay it out (`sigaction(2)`, `siginfo_t`).

use crate::errno::SysResult;
use crate::kernel::Context;
use crate::syscall::Abi;
use crate::task::Pid;

/// What comes with a signal (`siginfo_t`).
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
pub struct SigInfo {
    pub signal: i32,
    pub errno: i32,
    /// `SI_USER`, `CLD_EXITED` and so on.
    pub code: i32,
    pub fields: Fields,
}

/// The part of it that depends on the kind.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
pub enum Fields {
    None,
    Sender { pid: Pid, uid: u32 },
    Value { pid: Pid, uid: u32, value: u64 },
    Timer { id: i32, overrun: i32, value: u64 },
    Child { pid: Pid, uid: u32, status: i32, user: u64, system: u64 },
    Address(u64),
    Band { band: i64, fd: i32 },
}

impl SigInfo {
    /// From the kernel itself (`SI_KERNEL`).
    pub fn kernel(signal: i32) -> SigInfo {
        SigInfo { signal, errno: 0, code: 0x80, fields: Fields::None }
    }

    /// From a process (`SI_USER`; `SI_TKILL` for a thread).
    pub fn user(cx: &Context, signal: i32, code: i32) -> SigInfo {
        let (pid, uid) = (cx.thread.process.pid, cx.thread.credentials().uid);
        SigInfo { signal, errno: 0, code, fields: Fields::Sender { pid, uid } }
    }

    /// What a program says comes with a signal that it queues.
    pub fn decode(cx: &Context, at: u64) -> SysResult<SigInfo> {
        let word = |at: u64| cx.read_u32(at).map(|value| value as i32);
        let fields = at + if cx.abi() == Abi::Amd64 { 16 } else { 12 };
        let (pid, uid) = (word(fields)?, cx.read_u32(fields + 4)?);
        let value = cx.read_word(fields + 8)?;
        let fields = Fields::Value { pid, uid, value };
        Ok(SigInfo { signal: word(at)?, errno: word(at + 4)?, code: word(at + 8)?, fields })
    }

    /// As the program sees it.
    pub fn encode(&self, abi: Abi) -> [u8; 128] {
        let mut bytes = [0; 128];
        let mut put = |at: usize, value: i32| {
            bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
        };
        put(0, self.signal);
        put(4, self.errno);
        put(8, self.code);
        let wide = abi == Abi::Amd64;
        let at = if wide { 16 } else { 12 };
        let mut word = |at: usize, value: u64| {
            put(at, value as i32);
            if wide {
                put(at + 4, (value >> 32) as i32);
            }
        };
        match self.fields {
            Fields::None => {}
            Fields::Address(addr) => word(at, addr),
            Fields::Sender { pid, uid } => {
                put(at, pid);
                put(at + 4, uid as i32);
            }
            Fields::Value { pid, uid, value } => {
                word(at + 8, value);
                put(at, pid);
                put(at + 4, uid as i32);
            }
            Fields::Timer { id, overrun, value } => {
                word(at + 8, value);
                put(at, id);
                put(at + 4, overrun);
            }
            Fields::Child { pid, uid, status, user, system } => {
                let (first, size) = if wide { (at + 16, 8) } else { (at + 12, 4) };
                word(first, user);
                word(first + size, system);
                put(at, pid);
                put(at + 4, uid as i32);
                put(at + 8, status);
            }
            Fields::Band { band, fd } => {
                word(at, band as u64);
                put(if wide { at + 8 } else { at + 4 }, fd);
            }
        }
        bytes
    }
}
