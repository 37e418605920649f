//! Putting together what a guest is given.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use cap_std::ambient_authority;
use cap_std::fs::Dir;

use crate::clocks::{Clocks, HostClocks};
use crate::context::{Random, WasiCtx};
use crate::descriptor::{Descriptor, Directory, Entry, Stdio};
use crate::table::FdTable;
use crate::{Errno, sys};

/// What a guest may do in a preopened directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DirPerms {
    /// Look, open and read.
    ReadOnly,
    /// Everything, including creating, changing and removing.
    ReadWrite,
}

/// Why a context can't be built.
#[derive(Debug)]
pub enum Error {
    /// This argument or environment entry contains a zero byte, which would
    /// end it early in the guest.
    ZeroByte(String),
    /// This name of an environment variable is empty or contains `=`.
    VariableName(String),
    /// This directory of the host can't be opened.
    Directory(PathBuf, io::Error),
    /// The limit of open descriptors is below what is preopened.
    TooManyDescriptors,
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Error::ZeroByte(text) => write!(f, "zero byte in {text:?}"),
            Error::VariableName(name) => write!(f, "bad environment variable name {name:?}"),
            Error::Directory(path, error) => {
                write!(f, "cannot open directory {}: {error}", path.display())
            }
            Error::TooManyDescriptors => f.write_str("more is preopened than the limit allows"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Directory(_, error) => Some(error),
            _ => None,
        }
    }
}

/// Collects what a guest is given. What goes wrong is reported by
/// [`build`](WasiCtxBuilder::build).
pub struct WasiCtxBuilder {
    args: Vec<Vec<u8>>,
    env: Vec<(Vec<u8>, Vec<u8>)>,
    stdio: [Descriptor; 3],
    dirs: Vec<(PathBuf, String, DirPerms)>,
    listeners: Vec<sys::Listener>,
    max_fds: usize,
    clocks: Box<dyn Clocks>,
    random: Random,
}

impl WasiCtxBuilder {
    pub(crate) fn new() -> WasiCtxBuilder {
        WasiCtxBuilder {
            args: Vec::new(),
            env: Vec::new(),
            stdio: [
                Descriptor::Input(Box::new(io::empty())),
                Descriptor::Output(Box::new(io::sink())),
                Descriptor::Output(Box::new(io::sink())),
            ],
            dirs: Vec::new(),
            listeners: Vec::new(),
            max_fds: 1024,
            clocks: Box::new(HostClocks::new()),
            random: Box::new(|bytes| getrandom::fill(bytes).map_err(|_| Errno::Io)),
        }
    }

    /// Appends one argument. The first is the name of the program.
    pub fn arg(&mut self, arg: impl Into<Vec<u8>>) -> &mut Self {
        self.args.push(arg.into());
        self
    }

    /// Appends arguments.
    pub fn args(&mut self, args: impl IntoIterator<Item = impl Into<Vec<u8>>>) -> &mut Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Sets an environment variable, replacing an earlier value.
    pub fn env(&mut self, name: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) -> &mut Self {
        let (name, value) = (name.into(), value.into());
        match self.env.iter_mut().find(|(known, _)| *known == name) {
            Some((_, old)) => *old = value,
            None => self.env.push((name, value)),
        }
        self
    }

    /// Sets environment variables from pairs of name and value.
    pub fn envs<K: Into<Vec<u8>>, V: Into<Vec<u8>>>(
        &mut self,
        pairs: impl IntoIterator<Item = (K, V)>,
    ) -> &mut Self {
        for (name, value) in pairs {
            self.env(name, value);
        }
        self
    }

    /// Gives the guest the standard input, output and error of this process.
    /// One that is closed stays as it was.
    pub fn inherit_stdio(&mut self) -> &mut Self {
        let streams = [Stdio::Stdin, Stdio::Stdout, Stdio::Stderr];
        for (slot, stream) in self.stdio.iter_mut().zip(streams) {
            if let Ok(descriptor) = sys::inherit(stream) {
                *slot = descriptor;
            }
        }
        self
    }

    /// Reads standard input from `reader`, which must not wait for long:
    /// polling takes it to be always ready.
    pub fn stdin(&mut self, reader: impl Read + Send + 'static) -> &mut Self {
        self.stdio[0] = Descriptor::Input(Box::new(reader));
        self
    }

    /// Writes standard output to `writer`, flushed after each write. An
    /// [`OutputPipe`](crate::OutputPipe) keeps it in memory.
    pub fn stdout(&mut self, writer: impl Write + Send + 'static) -> &mut Self {
        self.stdio[1] = Descriptor::Output(Box::new(writer));
        self
    }

    /// Writes standard error to `writer`, flushed after each write.
    pub fn stderr(&mut self, writer: impl Write + Send + 'static) -> &mut Self {
        self.stdio[2] = Descriptor::Output(Box::new(writer));
        self
    }

    /// Gives the guest the directory `host` under the name `guest`. The first
    /// is descriptor 3, further ones follow in order.
    pub fn preopened_dir(
        &mut self,
        host: impl AsRef<Path>,
        guest: impl Into<String>,
        perms: DirPerms,
    ) -> &mut Self {
        let host = host.as_ref().to_owned();
        self.dirs.push((host, guest.into(), perms));
        self
    }

    /// Gives the guest a listening socket, for `sock_accept`. Sockets take
    /// the descriptors after all directories, since a guest's C library looks
    /// for directories from 3 on and stops at the first other descriptor.
    pub fn preopened_socket(&mut self, listener: impl Into<PreopenedSocket>) -> &mut Self {
        self.listeners.push(listener.into().0);
        self
    }

    /// Sets how many descriptors may be open at once, standard streams and
    /// preopened ones included. 1024 unless set.
    pub fn max_fds(&mut self, limit: usize) -> &mut Self {
        self.max_fds = limit;
        self
    }

    /// Replaces the host's clocks.
    pub fn clocks(&mut self, clocks: impl Clocks + 'static) -> &mut Self {
        self.clocks = Box::new(clocks);
        self
    }

    /// Replaces the host's randomness by a function that fills its argument.
    pub fn random(&mut self, mut fill: impl FnMut(&mut [u8]) + Send + 'static) -> &mut Self {
        self.random = Box::new(move |bytes| {
            fill(bytes);
            Ok(())
        });
        self
    }

    /// Opens the directories and makes the context. The builder is empty
    /// again afterwards.
    pub fn build(&mut self) -> Result<WasiCtx, Error> {
        let parts = std::mem::replace(self, WasiCtxBuilder::new());
        let mut table = FdTable::new(parts.max_fds);
        let mut insert =
            |entry| table.insert(entry).map_err(|_| Error::TooManyDescriptors).map(drop);

        for descriptor in parts.stdio {
            insert(Entry::new(descriptor))?;
        }
        for (host, guest, perms) in parts.dirs {
            check_zero(guest.as_bytes())?;
            let dir = Dir::open_ambient_dir(&host, ambient_authority())
                .map_err(|error| Error::Directory(host, error))?;
            let directory = Directory::preopened(dir, perms, guest);
            insert(Entry::new(Descriptor::Directory(directory)))?;
        }
        for listener in parts.listeners {
            insert(Entry::new(Descriptor::Listener(listener)))?;
        }

        parts.args.iter().try_for_each(|arg| check_zero(arg))?;
        Ok(WasiCtx {
            table,
            args: parts.args,
            env: parts.env.into_iter().map(variable).collect::<Result<_, _>>()?,
            clocks: parts.clocks,
            random: parts.random,
            waiting: Default::default(),
        })
    }
}

/// A listening socket of the host: a [`TcpListener`](std::net::TcpListener),
/// or, on Unix, a `UnixListener`.
pub struct PreopenedSocket(pub(crate) sys::Listener);

impl From<std::net::TcpListener> for PreopenedSocket {
    fn from(listener: std::net::TcpListener) -> PreopenedSocket {
        PreopenedSocket(listener.into())
    }
}

fn variable((name, value): (Vec<u8>, Vec<u8>)) -> Result<Vec<u8>, Error> {
    if name.is_empty() || name.contains(&b'=') {
        return Err(Error::VariableName(String::from_utf8_lossy(&name).into()));
    }
    let mut entry = name;
    entry.push(b'=');
    entry.extend(value);
    check_zero(&entry)?;
    Ok(entry)
}

fn check_zero(bytes: &[u8]) -> Result<(), Error> {
    if bytes.contains(&0) {
        return Err(Error::ZeroByte(String::from_utf8_lossy(bytes).into()));
    }
    Ok(())
}
