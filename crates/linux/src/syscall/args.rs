//! Arguments of a call, brought into one form for both ABIs.
//!
//! A row of the table gives each argument's kind. Before a handler sees them,
//! arguments are widened as their kind says (an `int` of i386 fills 32 bits of a
//! register of 64), and offsets that i386 passes in two registers are joined. So
//! `pread64` has four arguments for its handler, whoever calls.

use super::Abi;

/// What an argument is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arg {
    /// `int`.
    Int,
    /// `unsigned int`.
    Uint,
    /// `long`.
    Long,
    /// `unsigned long`, `size_t`.
    Size,
    /// Flags or a request, shown in hexadecimal.
    Hex,
    /// Permissions, shown in octal.
    Mode,
    /// A descriptor.
    Fd,
    /// A descriptor of a directory, or `AT_FDCWD`.
    Dir,
    /// An address of something.
    Ptr,
    /// An address of a path.
    Path,
    /// An address of another string.
    Str,
    /// An address of bytes that the program gives; the next argument is their count.
    In,
    /// An address for bytes that the program gets; the result is their count.
    Out,
    /// A 64-bit offset: two registers on i386.
    Off,
    /// A 64-bit offset in two registers, of which amd64 leaves the second alone.
    OffPair,
    /// A process, a thread or a group.
    Pid,
    /// A signal.
    Sig,
    /// Flags of `open`.
    Open,
    /// A clock.
    Clock,
}

/// The arguments of a call in the form that handlers see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Args(pub [u64; 6]);

/// An address of a program with which one may calculate: those of the upper half, where
/// nothing is mapped, become others where nothing is mapped, so that sums do not overflow.
pub fn address(value: u64) -> u64 {
    const NOWHERE: u64 = 1 << 62;
    if value >= NOWHERE { NOWHERE | value & 0xffff_ffff } else { value }
}

impl Args {
    /// Brings registers into that form.
    pub fn new(raw: [u64; 6], kinds: &[Arg], abi: Abi) -> Args {
        let mut args = [0; 6];
        let mut next = 0;
        let mut take = || {
            let value = raw.get(next).copied().unwrap_or(0);
            next += 1;
            value
        };
        for (arg, kind) in args.iter_mut().zip(kinds) {
            let value = take();
            *arg = match (kind, abi) {
                (Arg::Int | Arg::Fd | Arg::Dir | Arg::Pid | Arg::Sig | Arg::Clock, _) => {
                    i64::from(value as i32) as u64
                }
                (Arg::Uint | Arg::Mode | Arg::Open, _) => u64::from(value as u32),
                (Arg::Long, Abi::I386) => i64::from(value as i32) as u64,
                (Arg::Off | Arg::OffPair, Abi::I386) => u64::from(value as u32) | take() << 32,
                (Arg::OffPair, Abi::Amd64) => {
                    take();
                    value
                }
                (_, Abi::I386) => u64::from(value as u32),
                (Arg::Ptr | Arg::Path | Arg::Str | Arg::In | Arg::Out, _) => address(value),
                (_, Abi::Amd64) => value,
            };
        }
        Args(args)
    }

    /// As `int`.
    pub fn int(&self, index: usize) -> i32 {
        self.0[index] as i32
    }

    /// As `unsigned int`.
    pub fn u32(&self, index: usize) -> u32 {
        self.0[index] as u32
    }

    /// As `unsigned long`, `size_t`, or an address.
    pub fn u64(&self, index: usize) -> u64 {
        self.0[index]
    }

    /// As `long`.
    pub fn i64(&self, index: usize) -> i64 {
        self.0[index] as i64
    }
}
