//! The table of all functions: each one's name, parameters and implementation
//! stand here once; signatures for engines and the bindings of both snapshots
//! are derived from it.

use crate::calls::{args, clock, fd, file, io, path, poll, process, random, readdir, sock};
use crate::{Errno, GuestMemory, WasiCtx};

/// One of the two published snapshots of the interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Abi {
    /// `wasi_snapshot_preview1`
    Preview1,
    /// `wasi_unstable`, snapshot 0. It differs in the numbers of `whence`,
    /// the layouts of file attributes and of poll subscriptions, and in
    /// lacking `sock_accept`.
    Unstable,
}

/// The type of a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ValType {
    /// 32 bits
    I32,
    /// 64 bits
    I64,
}

/// How a guest ended itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Halt {
    /// `proc_exit` with this exit code.
    Exit(u32),
    /// `proc_raise` with a signal that ends a process (`signal` in
    /// `typenames.witx`; the numbers up to 15 are the usual ones).
    Raise(u8),
    /// It did not: it was stopped while it waited, by whom threads share the
    /// context with. Only [`SharedWasiCtx::call`](crate::SharedWasiCtx::call)
    /// gives this.
    Stopped,
}

/// A host function.
#[derive(Clone, Copy, Debug)]
pub struct Function {
    /// The name by which it is imported.
    pub name: &'static str,
    /// The types of the parameters, in order.
    pub params: &'static [ValType],
    /// Whether it returns an `i32`, which is the [`Errno`]. All do except
    /// `proc_exit`, which never returns.
    pub has_result: bool,
    /// The implementation. It takes as many arguments as there are `params`,
    /// an `i32` in the low half; the upper half is ignored and a missing
    /// argument is zero. It never panics, whatever they are.
    pub call: fn(&mut WasiCtx, &mut GuestMemory<'_>, &[u64]) -> Result<Errno, Halt>,
}

/// All functions of a snapshot.
pub fn functions(abi: Abi) -> &'static [Function] {
    match abi {
        Abi::Preview1 => PREVIEW1,
        Abi::Unstable => UNSTABLE,
    }
}

impl Abi {
    /// Both snapshots.
    pub const ALL: [Abi; 2] = [Abi::Preview1, Abi::Unstable];

    /// The name of the module that guests import from.
    pub fn module_name(self) -> &'static str {
        match self {
            Abi::Preview1 => "wasi_snapshot_preview1",
            Abi::Unstable => "wasi_unstable",
        }
    }

    /// The snapshot of that module name.
    pub fn from_module_name(name: &str) -> Option<Abi> {
        Abi::ALL.into_iter().find(|abi| abi.module_name() == name)
    }
}

macro_rules! functions {
    (
        no_result { $($halts:tt)* }
        both { $($name:ident($($ty:ident),*) = $call:path $(, unstable $unstable:path)?;)* }
        preview1 { $($later:ident($($later_ty:ident),*) = $later_call:path;)* }
    ) => {
        static PREVIEW1: &[Function] = &[
            functions!(@halts $($halts)*),
            $(functions!(@row $name($($ty),*) $call),)*
            $(functions!(@row $later($($later_ty),*) $later_call),)*
        ];
        static UNSTABLE: &[Function] = &[
            functions!(@halts $($halts)*),
            $(functions!(@row $name($($ty),*) functions!(@last $call $(, $unstable)?)),)*
        ];
    };
    (@halts $name:ident($ty:ident) = $call:path;) => {
        Function {
            name: stringify!($name),
            params: &[<$ty as Param>::TYPE],
            has_result: false,
            call: |ctx, _, args| Err($call(ctx, <$ty as Param>::take(&mut args.iter()))),
        }
    };
    (@row $name:ident($($ty:ident),*) $call:expr) => {
        Function {
            name: stringify!($name),
            params: &[$(<$ty as Param>::TYPE),*],
            has_result: true,
            call: |ctx, mem, args| {
                let mut _args = args.iter();
                // Arguments are evaluated from left to right.
                $call(ctx, mem $(, <$ty as Param>::take(&mut _args))*).outcome()
            },
        }
    };
    (@last $call:path) => { $call };
    (@last $call:path, $unstable:path) => { $unstable };
}

functions! {
    no_result {
        proc_exit(u32) = process::proc_exit;
    }
    both {
        args_get(u32, u32) = args::args_get;
        args_sizes_get(u32, u32) = args::args_sizes_get;
        environ_get(u32, u32) = args::environ_get;
        environ_sizes_get(u32, u32) = args::environ_sizes_get;
        clock_res_get(u32, u32) = clock::clock_res_get;
        clock_time_get(u32, u64, u32) = clock::clock_time_get;
        fd_advise(u32, u64, u64, u32) = file::fd_advise;
        fd_allocate(u32, u64, u64) = file::fd_allocate;
        fd_close(u32) = fd::fd_close;
        fd_datasync(u32) = file::fd_datasync;
        fd_fdstat_get(u32, u32) = fd::fd_fdstat_get;
        fd_fdstat_set_flags(u32, u32) = fd::fd_fdstat_set_flags;
        fd_fdstat_set_rights(u32, u64, u64) = fd::fd_fdstat_set_rights;
        fd_filestat_get(u32, u32) = file::fd_filestat_get, unstable file::unstable_fd_filestat_get;
        fd_filestat_set_size(u32, u64) = file::fd_filestat_set_size;
        fd_filestat_set_times(u32, u64, u64, u32) = file::fd_filestat_set_times;
        fd_pread(u32, u32, u32, u64, u32) = io::fd_pread;
        fd_prestat_get(u32, u32) = fd::fd_prestat_get;
        fd_prestat_dir_name(u32, u32, u32) = fd::fd_prestat_dir_name;
        fd_pwrite(u32, u32, u32, u64, u32) = io::fd_pwrite;
        fd_read(u32, u32, u32, u32) = io::fd_read;
        fd_readdir(u32, u32, u32, u64, u32) = readdir::fd_readdir;
        fd_renumber(u32, u32) = fd::fd_renumber;
        fd_seek(u32, i64, u32, u32) = file::fd_seek, unstable file::unstable_fd_seek;
        fd_sync(u32) = file::fd_sync;
        fd_tell(u32, u32) = file::fd_tell;
        fd_write(u32, u32, u32, u32) = io::fd_write;
        path_create_directory(u32, u32, u32) = path::path_create_directory;
        path_filestat_get(u32, u32, u32, u32, u32) = path::path_filestat_get,
            unstable path::unstable_path_filestat_get;
        path_filestat_set_times(u32, u32, u32, u32, u64, u64, u32) = path::path_filestat_set_times;
        path_link(u32, u32, u32, u32, u32, u32, u32) = path::path_link;
        path_open(u32, u32, u32, u32, u32, u64, u64, u32, u32) = crate::calls::open::path_open;
        path_readlink(u32, u32, u32, u32, u32, u32) = path::path_readlink;
        path_remove_directory(u32, u32, u32) = path::path_remove_directory;
        path_rename(u32, u32, u32, u32, u32, u32) = path::path_rename;
        path_symlink(u32, u32, u32, u32, u32) = path::path_symlink;
        path_unlink_file(u32, u32, u32) = path::path_unlink_file;
        poll_oneoff(u32, u32, u32, u32) = poll::poll_oneoff, unstable poll::unstable_poll_oneoff;
        proc_raise(u32) = process::proc_raise;
        sched_yield() = process::sched_yield;
        random_get(u32, u32) = random::random_get;
        sock_recv(u32, u32, u32, u32, u32, u32) = sock::sock_recv;
        sock_send(u32, u32, u32, u32, u32) = sock::sock_send;
        sock_shutdown(u32, u32) = sock::sock_shutdown;
    }
    preview1 {
        sock_accept(u32, u32, u32) = sock::sock_accept;
    }
}

/// A Rust type that a parameter is taken as.
trait Param {
    const TYPE: ValType;

    fn take(args: &mut std::slice::Iter<'_, u64>) -> Self;
}

impl Param for u32 {
    const TYPE: ValType = ValType::I32;

    fn take(args: &mut std::slice::Iter<'_, u64>) -> u32 {
        // The upper half of an `i32` argument means nothing.
        u64::take(args) as u32
    }
}

impl Param for u64 {
    const TYPE: ValType = ValType::I64;

    fn take(args: &mut std::slice::Iter<'_, u64>) -> u64 {
        args.next().copied().unwrap_or(0)
    }
}

impl Param for i64 {
    const TYPE: ValType = ValType::I64;

    fn take(args: &mut std::slice::Iter<'_, u64>) -> i64 {
        u64::take(args).cast_signed()
    }
}

/// What an implementation returns, as an engine wants it.
trait Outcome {
    fn outcome(self) -> Result<Errno, Halt>;
}

impl Outcome for Result<(), Errno> {
    fn outcome(self) -> Result<Errno, Halt> {
        Ok(self.err().unwrap_or(Errno::Success))
    }
}

impl Outcome for Result<Errno, Halt> {
    fn outcome(self) -> Result<Errno, Halt> {
        self
    }
}
