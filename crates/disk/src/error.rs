//! The error of devices and file systems.

use core::fmt;

/// What a call ends with if it does not succeed.
pub type Result<T> = core::result::Result<T, Error>;

macro_rules! errors {
    ($($(#[$doc:meta])* $variant:ident $name:literal $number:literal $text:literal)*) => {
        /// Why a call failed. Most are named as in errno(3); numbers are those of x86.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Error {
            /// Data is still on the way: nothing was changed, make the same call again
            /// later. Not an errno; it must not reach a program.
            NotReady,
            /// The image contradicts itself: what, and at which inode or block.
            Corrupt {
                /// What is wrong.
                what: &'static str,
                /// The number of the inode or block, as `what` says.
                at: u64,
            },
            /// The image uses something that is not supported; names it.
            Unsupported(&'static str),
            $($(#[$doc])* $variant,)*
        }

        impl Error {
            /// The name in errno(3); for `NotReady`, that of the error that it would be.
            pub fn name(self) -> &'static str {
                match self {
                    Error::NotReady => "EAGAIN",
                    Error::Corrupt { .. } => "EUCLEAN",
                    Error::Unsupported(_) => "EOPNOTSUPP",
                    $(Error::$variant => $name,)*
                }
            }

            /// The number that x86 has for [`Error::name`].
            pub fn errno(self) -> i32 {
                match self {
                    Error::NotReady => 11,
                    Error::Corrupt { .. } => 117,
                    Error::Unsupported(_) => 95,
                    $(Error::$variant => $number,)*
                }
            }
        }

        impl fmt::Display for Error {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    Error::NotReady => f.write_str("data is not here yet"),
                    Error::Corrupt { what, at } => write!(f, "file system is damaged: {what} {at}"),
                    Error::Unsupported(what) => write!(f, "not supported: {what}"),
                    $(Error::$variant => f.write_str($text),)*
                }
            }
        }
    };
}

errors! {
    /// Another user of the thing must let go first.
    Busy "EBUSY" 16 "device or resource busy"
    /// A name is there already.
    Exists "EEXIST" 17 "file exists"
    /// An offset or size is beyond what a file can have.
    FileTooLarge "EFBIG" 27 "file too large"
    /// An argument makes no sense.
    Invalid "EINVAL" 22 "invalid argument"
    /// The device could not read or write.
    Io "EIO" 5 "input/output error"
    /// A directory where something else is needed.
    IsDirectory "EISDIR" 21 "is a directory"
    /// More than 255 bytes in a name.
    NameTooLong "ENAMETOOLONG" 36 "file name too long"
    /// No extended attribute of that name.
    NoAttribute "ENODATA" 61 "no such attribute"
    /// No room for more blocks, inodes or attributes.
    NoSpace "ENOSPC" 28 "no space left on device"
    /// Something else where a directory is needed.
    NotDirectory "ENOTDIR" 20 "not a directory"
    /// A directory still has entries.
    NotEmpty "ENOTEMPTY" 39 "directory not empty"
    /// No such name, or the directory was removed.
    NotFound "ENOENT" 2 "no such file or directory"
    /// The operation is not for this kind of file.
    NotPermitted "EPERM" 1 "operation not permitted"
    /// The name space or form of an attribute is unknown.
    NotSupported "EOPNOTSUPP" 95 "operation not supported"
    /// Mounted without writing, or the device does not write.
    ReadOnly "EROFS" 30 "read-only file system"
    /// An attribute's value is longer than the room for it.
    TooBig "E2BIG" 7 "value too long"
    /// An inode has as many names as it can.
    TooManyLinks "EMLINK" 31 "too many links"
    /// The inode number belongs to no file.
    Stale "ESTALE" 116 "no such inode"
}

impl core::error::Error for Error {}
