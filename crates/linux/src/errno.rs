//! Error numbers, as `errno(3)` names them and as a system call returns them.
//!
//! A few numbers never leave the kernel. `PARK` says that the call waits: its
//! thread was put on wait queues, and the call is made again when one wakes it.
//! `NOT_READY` says the same about a block of the disk, `ABSENT` about a page of the program
//! that is to come from a file ([`crate::mm::demand`]). The `ERESTART…` numbers
//! are Linux's own: they say what becomes of a call that a signal interrupts
//! (Linux, include/linux/errno.h).

use core::fmt;

/// An error number.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Errno(pub u16);

/// What a call and what it is made of return.
pub type SysResult<T = u64> = Result<T, Errno>;

macro_rules! numbers {
    ($($name:ident $number:literal)*) => {
        #[allow(missing_docs)]
        impl Errno {
            $(pub const $name: Errno = Errno($number);)*

            /// The name, such as `ENOENT`.
            pub fn name(self) -> &'static str {
                match self.0 {
                    $($number => stringify!($name),)*
                    _ => "EUNKNOWN",
                }
            }
        }
    };
}

numbers! {
    EPERM 1 ENOENT 2 ESRCH 3 EINTR 4 EIO 5 ENXIO 6 E2BIG 7 ENOEXEC 8 EBADF 9 ECHILD 10
    EAGAIN 11 ENOMEM 12 EACCES 13 EFAULT 14 ENOTBLK 15 EBUSY 16 EEXIST 17 EXDEV 18
    ENODEV 19 ENOTDIR 20 EISDIR 21 EINVAL 22 ENFILE 23 EMFILE 24 ENOTTY 25 ETXTBSY 26
    EFBIG 27 ENOSPC 28 ESPIPE 29 EROFS 30 EMLINK 31 EPIPE 32 EDOM 33 ERANGE 34
    EDEADLK 35 ENAMETOOLONG 36 ENOLCK 37 ENOSYS 38 ENOTEMPTY 39 ELOOP 40 ENOMSG 42
    EIDRM 43 ENODATA 61 ETIME 62 ENOLINK 67 EPROTO 71 EBADMSG 74 EOVERFLOW 75
    EUSERS 87 ENOTSOCK 88 EDESTADDRREQ 89 EMSGSIZE 90 EPROTOTYPE 91 ENOPROTOOPT 92
    EPROTONOSUPPORT 93 ESOCKTNOSUPPORT 94 EOPNOTSUPP 95 EPFNOSUPPORT 96
    EAFNOSUPPORT 97 EADDRINUSE 98 EADDRNOTAVAIL 99 ENETDOWN 100 ENETUNREACH 101
    ECONNABORTED 103 ECONNRESET 104 ENOBUFS 105 EISCONN 106 ENOTCONN 107 ESHUTDOWN 108
    ETIMEDOUT 110 ECONNREFUSED 111 EHOSTDOWN 112 EHOSTUNREACH 113 EALREADY 114
    EINPROGRESS 115 ESTALE 116 EDQUOT 122 ECANCELED 125 EOWNERDEAD 130
    ENOTRECOVERABLE 131
    ERESTARTSYS 512 ERESTARTNOINTR 513 ERESTARTNOHAND 514 ERESTART_RESTARTBLOCK 516
    PARK 600 NOT_READY 601 ABSENT 602
}

impl Errno {
    /// Another name of [`Errno::EAGAIN`].
    pub const EWOULDBLOCK: Errno = Errno::EAGAIN;
    /// Another name of [`Errno::EOPNOTSUPP`].
    pub const ENOTSUP: Errno = Errno::EOPNOTSUPP;

    /// Whether the number may be shown to a program.
    pub fn is_public(self) -> bool {
        self.0 < 512
    }

    /// What the call leaves in the register for results.
    pub fn as_result(self) -> u64 {
        -i64::from(self.0) as u64
    }
}

impl fmt::Debug for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
