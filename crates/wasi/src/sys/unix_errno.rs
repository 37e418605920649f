//! Error numbers of Unix hosts. The ones that differ between them are left out
//! where WASI programs never look for them.

use rustix::io::Errno as Host;

use crate::Errno;

macro_rules! same_names {
    ($($errno:ident $host:ident;)*) => {
        /// The WASI number for what `io::Error::raw_os_error` gives.
        pub(crate) fn errno_from_os(raw: i32) -> Option<Errno> {
            match Host::from_raw_os_error(raw) {
                $(Host::$host => Some(Errno::$errno),)*
                // One number on Linux, two elsewhere.
                host if host == Host::NOTSUP || host == Host::OPNOTSUPP => Some(Errno::NotSup),
                _ => None,
            }
        }
    };
}

same_names! {
    TooBig TOOBIG;
    Acces ACCESS;
    AddrInUse ADDRINUSE;
    AddrNotAvail ADDRNOTAVAIL;
    AfNoSupport AFNOSUPPORT;
    Again AGAIN;
    Already ALREADY;
    Badf BADF;
    Busy BUSY;
    Canceled CANCELED;
    Child CHILD;
    ConnAborted CONNABORTED;
    ConnRefused CONNREFUSED;
    ConnReset CONNRESET;
    Deadlk DEADLK;
    DestAddrReq DESTADDRREQ;
    Dom DOM;
    Dquot DQUOT;
    Exist EXIST;
    Fault FAULT;
    Fbig FBIG;
    HostUnreach HOSTUNREACH;
    Ilseq ILSEQ;
    InProgress INPROGRESS;
    Intr INTR;
    Inval INVAL;
    Io IO;
    IsConn ISCONN;
    IsDir ISDIR;
    Loop LOOP;
    Mfile MFILE;
    Mlink MLINK;
    MsgSize MSGSIZE;
    NameTooLong NAMETOOLONG;
    NetDown NETDOWN;
    NetReset NETRESET;
    NetUnreach NETUNREACH;
    Nfile NFILE;
    NoBufs NOBUFS;
    NoDev NODEV;
    NoEnt NOENT;
    NoExec NOEXEC;
    NoLck NOLCK;
    NoMem NOMEM;
    NoProtoOpt NOPROTOOPT;
    NoSpc NOSPC;
    NoSys NOSYS;
    NotConn NOTCONN;
    NotDir NOTDIR;
    NotEmpty NOTEMPTY;
    NotSock NOTSOCK;
    NoTty NOTTY;
    Nxio NXIO;
    Overflow OVERFLOW;
    Perm PERM;
    Pipe PIPE;
    ProtoNoSupport PROTONOSUPPORT;
    Prototype PROTOTYPE;
    Range RANGE;
    Rofs ROFS;
    Spipe SPIPE;
    Srch SRCH;
    Stale STALE;
    TimedOut TIMEDOUT;
    TxtBsy TXTBSY;
    Xdev XDEV;
}
