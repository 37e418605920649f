//! The error numbers of WASI, and how errors of the host become them.
//!
//! Source: `typenames.witx`, type `errno`. The numbers are the same in both
//! snapshots.

use std::io;

use crate::sys;

macro_rules! errnos {
    ($($number:literal $name:ident $doc:literal;)*) => {
        /// What a call hands back to the guest: zero, or why it failed.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u16)]
        pub enum Errno {
            $(#[doc = $doc] $name = $number,)*
        }

        impl Errno {
            /// What this number means, in a few words.
            pub fn message(self) -> &'static str {
                match self { $(Errno::$name => $doc,)* }
            }
        }
    };
}

errnos! {
    0 Success "success";
    1 TooBig "argument list too long";
    2 Acces "permission denied";
    3 AddrInUse "address in use";
    4 AddrNotAvail "address not available";
    5 AfNoSupport "address family not supported";
    6 Again "resource unavailable, or operation would block";
    7 Already "connection already in progress";
    8 Badf "bad file descriptor";
    9 BadMsg "bad message";
    10 Busy "device or resource busy";
    11 Canceled "operation canceled";
    12 Child "no child processes";
    13 ConnAborted "connection aborted";
    14 ConnRefused "connection refused";
    15 ConnReset "connection reset";
    16 Deadlk "resource deadlock would occur";
    17 DestAddrReq "destination address required";
    18 Dom "mathematics argument out of domain of function";
    19 Dquot "disk quota exceeded";
    20 Exist "file exists";
    21 Fault "bad address";
    22 Fbig "file too large";
    23 HostUnreach "host is unreachable";
    24 Idrm "identifier removed";
    25 Ilseq "illegal byte sequence";
    26 InProgress "operation in progress";
    27 Intr "interrupted function";
    28 Inval "invalid argument";
    29 Io "input/output error";
    30 IsConn "socket is connected";
    31 IsDir "is a directory";
    32 Loop "too many levels of symbolic links";
    33 Mfile "file descriptor table is full";
    34 Mlink "too many links";
    35 MsgSize "message too large";
    36 MultiHop "multihop attempted";
    37 NameTooLong "filename too long";
    38 NetDown "network is down";
    39 NetReset "connection aborted by network";
    40 NetUnreach "network unreachable";
    41 Nfile "too many files open in system";
    42 NoBufs "no buffer space available";
    43 NoDev "no such device";
    44 NoEnt "no such file or directory";
    45 NoExec "executable file format error";
    46 NoLck "no locks available";
    47 NoLink "link has been severed";
    48 NoMem "not enough space";
    49 NoMsg "no message of the desired type";
    50 NoProtoOpt "protocol not available";
    51 NoSpc "no space left on device";
    52 NoSys "function not supported";
    53 NotConn "the socket is not connected";
    54 NotDir "not a directory or a symbolic link to a directory";
    55 NotEmpty "directory not empty";
    56 NotRecoverable "state not recoverable";
    57 NotSock "not a socket";
    58 NotSup "not supported, or operation not supported on socket";
    59 NoTty "inappropriate I/O control operation";
    60 Nxio "no such device or address";
    61 Overflow "value too large to be stored in data type";
    62 OwnerDead "previous owner died";
    63 Perm "operation not permitted";
    64 Pipe "broken pipe";
    65 Proto "protocol error";
    66 ProtoNoSupport "protocol not supported";
    67 Prototype "protocol wrong type for socket";
    68 Range "result too large";
    69 Rofs "read-only file system";
    70 Spipe "invalid seek";
    71 Srch "no such process";
    72 Stale "stale file handle";
    73 TimedOut "connection timed out";
    74 TxtBsy "text file busy";
    75 Xdev "cross-device link";
    76 NotCapable "capabilities insufficient";
}

impl Errno {
    /// The number as the guest sees it.
    pub fn raw(self) -> u16 {
        self as u16
    }
}

impl std::fmt::Display for Errno {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.message())
    }
}

impl std::error::Error for Errno {}

impl From<io::Error> for Errno {
    fn from(error: io::Error) -> Errno {
        // Errors that cap-std itself raises, such as a path that leads out of
        // its directory, carry no number of the operating system.
        match error.raw_os_error().and_then(sys::errno_from_os) {
            Some(errno) => errno,
            None => from_kind(error.kind()),
        }
    }
}

fn from_kind(kind: io::ErrorKind) -> Errno {
    use io::ErrorKind as Kind;
    match kind {
        Kind::NotFound => Errno::NoEnt,
        Kind::PermissionDenied => Errno::Perm,
        Kind::ConnectionRefused => Errno::ConnRefused,
        Kind::ConnectionReset => Errno::ConnReset,
        Kind::ConnectionAborted => Errno::ConnAborted,
        Kind::NotConnected => Errno::NotConn,
        Kind::AddrInUse => Errno::AddrInUse,
        Kind::AddrNotAvailable => Errno::AddrNotAvail,
        Kind::BrokenPipe => Errno::Pipe,
        Kind::AlreadyExists => Errno::Exist,
        Kind::WouldBlock => Errno::Again,
        Kind::NotADirectory => Errno::NotDir,
        Kind::IsADirectory => Errno::IsDir,
        Kind::DirectoryNotEmpty => Errno::NotEmpty,
        Kind::ReadOnlyFilesystem => Errno::Rofs,
        Kind::StaleNetworkFileHandle => Errno::Stale,
        Kind::InvalidInput | Kind::InvalidData => Errno::Inval,
        Kind::TimedOut => Errno::TimedOut,
        Kind::StorageFull | Kind::WriteZero => Errno::NoSpc,
        Kind::NotSeekable => Errno::Spipe,
        Kind::QuotaExceeded => Errno::Dquot,
        Kind::FileTooLarge => Errno::Fbig,
        Kind::ResourceBusy => Errno::Busy,
        Kind::ExecutableFileBusy => Errno::TxtBsy,
        Kind::Deadlock => Errno::Deadlk,
        Kind::CrossesDevices => Errno::Xdev,
        Kind::TooManyLinks => Errno::Mlink,
        Kind::InvalidFilename => Errno::NameTooLong,
        Kind::ArgumentListTooLong => Errno::TooBig,
        Kind::Interrupted => Errno::Intr,
        Kind::Unsupported => Errno::NotSup,
        Kind::OutOfMemory => Errno::NoMem,
        _ => Errno::Io,
    }
}
