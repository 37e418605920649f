//! A stand-in for a guest: a memory, a context, and calls by name.
#![allow(dead_code, reason = "each test file uses its part")]

use std::path::Path;

use sampan_wasi::{Abi, DirPerms, Errno, GuestMemory, Halt, WasiCtx, functions, rights};

pub const CREAT: u64 = 1;
pub const DIRECTORY: u64 = 2;
pub const EXCL: u64 = 4;
pub const TRUNC: u64 = 8;

pub const APPEND: u64 = 1;
pub const NONBLOCK: u64 = 4;

pub const READ: u64 = rights::FD_READ;
pub const WRITE: u64 = rights::FD_WRITE;

/// The first preopened directory.
pub const ROOT: u64 = 3;

pub struct Guest {
    pub ctx: WasiCtx,
    pub mem: Vec<u8>,
    pub abi: Abi,
    top: usize,
}

impl Guest {
    pub fn new(ctx: WasiCtx) -> Guest {
        Guest { ctx, mem: vec![0; 1 << 20], abi: Abi::Preview1, top: 4096 }
    }

    /// With one directory, as descriptor 3.
    pub fn with_dir(host: &Path) -> Guest {
        let mut builder = WasiCtx::builder();
        builder.preopened_dir(host, "/", DirPerms::ReadWrite);
        Guest::new(builder.build().unwrap())
    }

    pub fn read_only(host: &Path) -> Guest {
        let mut builder = WasiCtx::builder();
        builder.preopened_dir(host, "/", DirPerms::ReadOnly);
        Guest::new(builder.build().unwrap())
    }

    pub fn try_call(&mut self, name: &str, args: &[u64]) -> Result<Errno, Halt> {
        let function = functions(self.abi)
            .iter()
            .find(|function| function.name == name)
            .unwrap_or_else(|| panic!("no function {name}"));
        assert_eq!(function.params.len(), args.len(), "arguments of {name}");
        (function.call)(&mut self.ctx, &mut GuestMemory::new(&mut self.mem), args)
    }

    pub fn call(&mut self, name: &str, args: &[u64]) -> Errno {
        self.try_call(name, args).unwrap()
    }

    #[track_caller]
    pub fn ok(&mut self, name: &str, args: &[u64]) {
        assert_eq!(self.call(name, args), Errno::Success, "{name}");
    }

    /// Room for `len` bytes, which stays taken.
    pub fn alloc(&mut self, len: usize) -> u64 {
        let ptr = self.top;
        self.top = (self.top + len).next_multiple_of(8);
        if self.mem.len() < self.top + 4096 {
            self.mem.resize(self.top + 4096, 0);
        }
        ptr as u64
    }

    pub fn put(&mut self, bytes: &[u8]) -> u64 {
        let ptr = self.alloc(bytes.len());
        self.mem[ptr as usize..][..bytes.len()].copy_from_slice(bytes);
        ptr
    }

    /// An array of buffers.
    pub fn iovecs(&mut self, buffers: &[(u64, usize)]) -> u64 {
        let bytes: Vec<u8> = buffers
            .iter()
            .flat_map(|&(ptr, len)| [ptr as u32, len as u32])
            .flat_map(u32::to_le_bytes)
            .collect();
        self.put(&bytes)
    }

    pub fn bytes(&self, ptr: u64, len: usize) -> &[u8] {
        &self.mem[ptr as usize..][..len]
    }

    pub fn u16(&self, ptr: u64) -> u16 {
        u16::from_le_bytes(self.bytes(ptr, 2).try_into().unwrap())
    }

    pub fn u32(&self, ptr: u64) -> u32 {
        u32::from_le_bytes(self.bytes(ptr, 4).try_into().unwrap())
    }

    pub fn u64(&self, ptr: u64) -> u64 {
        u64::from_le_bytes(self.bytes(ptr, 8).try_into().unwrap())
    }

    /// A call whose path is two arguments, in the place of `PATH`.
    pub fn on_path(&mut self, name: &str, before: &[u64], path: &str, after: &[u64]) -> Errno {
        let mark = self.top;
        let ptr = self.put(path.as_bytes());
        let args = [before, &[ptr, path.len() as u64], after].concat();
        let errno = self.call(name, &args);
        self.top = mark;
        errno
    }

    pub fn open_with(
        &mut self,
        dir: u64,
        path: &str,
        follow: bool,
        oflags: u64,
        rights: u64,
        fdflags: u64,
    ) -> Result<u64, Errno> {
        let after = [oflags, rights, rights, fdflags, 16];
        match self.on_path("path_open", &[dir, u64::from(follow)], path, &after) {
            Errno::Success => Ok(u64::from(self.u32(16))),
            errno => Err(errno),
        }
    }

    pub fn open(&mut self, path: &str, oflags: u64, rights: u64) -> Result<u64, Errno> {
        self.open_with(ROOT, path, true, oflags, rights, 0)
    }

    pub fn close(&mut self, fd: u64) {
        self.ok("fd_close", &[fd]);
    }

    pub fn write(&mut self, fd: u64, bytes: &[u8]) -> Result<usize, Errno> {
        let mark = self.top;
        let ptr = self.put(bytes);
        let iovs = self.iovecs(&[(ptr, bytes.len())]);
        let errno = self.call("fd_write", &[fd, iovs, 1, 24]);
        self.top = mark;
        match errno {
            Errno::Success => Ok(self.u32(24) as usize),
            errno => Err(errno),
        }
    }

    pub fn read(&mut self, fd: u64, len: usize) -> Result<Vec<u8>, Errno> {
        let mark = self.top;
        let ptr = self.alloc(len);
        let iovs = self.iovecs(&[(ptr, len)]);
        let errno = self.call("fd_read", &[fd, iovs, 1, 24]);
        self.top = mark;
        match errno {
            Errno::Success => Ok(self.bytes(ptr, self.u32(24) as usize).to_vec()),
            errno => Err(errno),
        }
    }

    pub fn seek(&mut self, fd: u64, offset: i64, whence: u64) -> Result<u64, Errno> {
        match self.call("fd_seek", &[fd, offset as u64, whence, 24]) {
            Errno::Success => Ok(self.u64(24)),
            errno => Err(errno),
        }
    }

    /// Type, flags, rights and inherited rights.
    pub fn fdstat(&mut self, fd: u64) -> (u8, u16, u64, u64) {
        self.ok("fd_fdstat_get", &[fd, 32]);
        (self.mem[32], self.u16(34), self.u64(40), self.u64(48))
    }

    /// All entries, as cookie, inode, type and name, read by pieces of `len`
    /// bytes as C libraries do.
    pub fn readdir(&mut self, fd: u64, len: usize) -> Vec<(u64, u64, u8, String)> {
        let mark = self.top;
        let buf = self.alloc(len);
        let mut entries: Vec<(u64, u64, u8, String)> = Vec::new();
        loop {
            let cookie = entries.last().map_or(0, |entry| entry.0);
            self.ok("fd_readdir", &[fd, buf, len as u64, cookie, 24]);
            let used = self.u32(24) as usize;
            assert!(used <= len);
            let mut at = buf;
            let end = buf + used as u64;
            while end - at >= 24 {
                let namlen = u64::from(self.u32(at + 16));
                if end - at - 24 < namlen {
                    break;
                }
                let name = self.bytes(at + 24, namlen as usize).to_vec();
                let name = String::from_utf8(name).unwrap();
                entries.push((self.u64(at), self.u64(at + 8), self.mem[at as usize + 20], name));
                at += 24 + namlen;
            }
            if used < len {
                self.top = mark;
                return entries;
            }
        }
    }
}
