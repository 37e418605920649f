//! What a running call has: the kernel, its thread, and the thread's memory.

use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::RefCell;

use super::Kernel;
use crate::errno::{Errno, SysResult};
use crate::fs::{FdTable, File, OpenFile, flags};
use crate::machine::Access;
use crate::mm::{Mm, demand};
use crate::syscall::{Abi, CallState};
use crate::task::Thread;
use crate::time::timers::Target;
use crate::wait::{Parked, WaitQueue};

/// The context of a call.
pub struct Context<'a> {
    /// The kernel.
    pub kernel: &'a mut Kernel,
    /// Who calls.
    pub thread: Rc<Thread>,
}

impl Context<'_> {
    /// The ABI of the call.
    pub fn abi(&self) -> Abi {
        self.thread.abi.get()
    }

    /// Bytes of a pointer or a `long`.
    pub fn word(&self) -> usize {
        match self.abi() {
            Abi::I386 => 4,
            Abi::Amd64 => 8,
        }
    }

    /// The memory of the caller.
    pub fn mm(&self) -> Rc<RefCell<Mm>> {
        self.thread.mm()
    }

    /// The descriptors of the caller.
    pub fn files(&self) -> Rc<RefCell<FdTable>> {
        self.thread.files()
    }

    /// The file behind a descriptor, `O_PATH` ones too.
    pub fn file(&self, fd: i32) -> SysResult<Rc<OpenFile>> {
        self.files().borrow().get(fd).cloned()
    }

    /// The file behind a descriptor that reading and writing is possible with.
    pub fn io_file(&self, fd: i32) -> SysResult<Rc<OpenFile>> {
        self.file(fd).and_then(|open| if open.is_path() { Err(Errno::EBADF) } else { Ok(open) })
    }

    /// Gives a file the lowest free descriptor; `O_CLOEXEC` in `open_flags` counts.
    pub fn install(&self, open: Rc<OpenFile>, open_flags: u32) -> SysResult<i32> {
        let limit = self.thread.process.limit(crate::task::limits::NOFILE).0;
        let cloexec = open_flags & flags::CLOEXEC != 0;
        self.files().borrow_mut().insert(open, cloexec, 0, limit)
    }

    /// Opens a file that has no name and gives it a descriptor.
    pub fn install_file(&self, file: Rc<dyn File>, open_flags: u32) -> SysResult<i32> {
        self.install(OpenFile::new(file, None, open_flags), open_flags)
    }

    /// Gives two files descriptors, and tells them at `at`; neither if something fails.
    pub fn install_pair(&self, at: u64, pair: [Rc<OpenFile>; 2], open_flags: u32) -> SysResult {
        let [first, second] = pair;
        let one = self.install(first, open_flags)?;
        let told = self.install(second, open_flags).and_then(|other| {
            let both = u64::from(one as u32) | u64::from(other as u32) << 32;
            self.write_u64(at, both).inspect_err(|_| {
                let _ = self.files().borrow_mut().remove(other);
            })
        });
        if let Err(error) = told {
            self.files().borrow_mut().remove(one)?;
            return Err(error);
        }
        Ok(0)
    }

    // Waiting.

    /// Waits on a queue: return what this returns.
    pub fn wait_on(&self, queue: &WaitQueue) -> Errno {
        let parked = self.parked();
        queue.push(&parked);
        Errno::PARK
    }

    /// Lets the wait end at a moment (monotonic nanoseconds), too.
    pub fn wait_until(&mut self, when: u64) -> Errno {
        let parked = self.parked();
        let key = self.kernel.timers.add(when, Target::Wake(parked));
        self.with_call(|call| call.timer = Some(key));
        Errno::PARK
    }

    /// The wait that this call is going into.
    pub fn parked(&self) -> Rc<Parked> {
        let (tid, list) = (self.thread.tid, self.kernel.woken_list());
        self.with_call(|call| {
            if !call.parked.as_ref().is_some_and(|parked| parked.is_active()) {
                call.parked = Some(Parked::new(tid, list));
            }
            call.parked.clone().expect("it was just set")
        })
    }

    /// The state of the call, which stays when it is made again.
    pub fn with_call<R>(&self, work: impl FnOnce(&mut CallState) -> R) -> R {
        let mut call = self.thread.call.borrow_mut();
        work(call.get_or_insert_with(|| CallState::new(u32::MAX, None, Default::default())))
    }

    /// The moment at which this call gives up: set at its first run to `timeout`
    /// nanoseconds from then, the same ever after. None: never.
    pub fn deadline(&mut self, timeout: Option<u64>) -> Option<u64> {
        let now = self.kernel.monotonic_ns();
        self.with_call(|call| {
            if !call.again && call.deadline.is_none() {
                call.deadline = timeout.map(|timeout| now.saturating_add(timeout));
            }
            call.deadline
        })
    }

    /// Whether a moment has come.
    pub fn is_past(&mut self, deadline: Option<u64>) -> bool {
        deadline.is_some_and(|deadline| self.kernel.monotonic_ns() >= deadline)
    }

    /// What the call has done so far, over its waits.
    pub fn progress(&self) -> u64 {
        self.with_call(|call| call.progress)
    }

    /// Notes that so much more is done; the call's result if a signal comes.
    pub fn add_progress(&self, more: u64) {
        self.with_call(|call| call.progress += more);
    }

    /// How a write ends that took `done` of `wanted` bytes: as it is if that is all, or if the
    /// file does not wait; else it waits for room on `queue`, and goes on with the rest.
    pub fn end_write(
        &self,
        open: &OpenFile,
        done: usize,
        wanted: usize,
        queue: &WaitQueue,
    ) -> SysResult<usize> {
        match (done == wanted, open.nonblocking()) {
            (true, _) => Ok(done),
            (false, true) if done > 0 => Ok(done),
            (false, true) => Err(Errno::EAGAIN),
            (false, false) => {
                self.add_progress(done as u64);
                Err(self.wait_on(queue))
            }
        }
    }

    /// What the call ends with if a signal comes while it waits.
    pub fn if_interrupted(&self, errno: Errno) {
        self.with_call(|call| call.interrupted = errno);
    }

    /// Whether a signal waits to be handled by this thread.
    pub fn signal_pending(&self) -> bool {
        crate::signal::is_pending(&self.thread)
    }

    // Memory of the program.

    /// Copies bytes from the program.
    pub fn read_bytes(&self, addr: u64, bytes: &mut [u8]) -> SysResult<()> {
        self.mm().borrow().machine.read(addr, bytes).map_err(|fault| self.fault(fault.addr))
    }

    /// What a call ends with that may not access an address: `ABSENT` if a page may come.
    fn fault(&self, addr: u64) -> Errno {
        if self.mm().borrow().is_absent(addr) {
            self.thread.absent.set(addr);
            return Errno::ABSENT;
        }
        Errno::EFAULT
    }

    /// Copies `len` bytes from the program into a new vector, which is at most what the
    /// program's memory holds.
    pub fn read_vec(&self, addr: u64, len: u64) -> SysResult<Vec<u8>> {
        let readable = self.mm().borrow().machine.accessible(addr, len, Access::Read);
        if readable < len {
            return Err(self.fault(addr.wrapping_add(readable)));
        }
        let mut bytes = alloc::vec![0; len as usize];
        self.read_bytes(addr, &mut bytes)?;
        Ok(bytes)
    }

    /// Copies bytes to the program.
    pub fn write_bytes(&self, addr: u64, bytes: &[u8]) -> SysResult<()> {
        let done = self.mm().borrow_mut().machine.write(addr, bytes);
        done.map_err(|fault| self.fault(fault.addr))
    }

    /// How many of `len` bytes the program may read; they are there then.
    pub fn readable(&mut self, addr: u64, len: u64) -> SysResult<u64> {
        self.accessible(addr, len, Access::Read)
    }

    /// How many of `len` bytes the program may write; they are there then.
    pub fn writable(&mut self, addr: u64, len: u64) -> SysResult<u64> {
        self.accessible(addr, len, Access::Write)
    }

    fn accessible(&mut self, addr: u64, len: u64, access: Access) -> SysResult<u64> {
        let mm = self.mm();
        demand::accessible(self, &mm, addr, len, access)
    }

    /// A number from the program.
    pub fn read_u32(&self, addr: u64) -> SysResult<u32> {
        let mut bytes = [0; 4];
        self.read_bytes(addr, &mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    /// A number from the program.
    pub fn read_u64(&self, addr: u64) -> SysResult<u64> {
        let mut bytes = [0; 8];
        self.read_bytes(addr, &mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    /// A pointer or an `unsigned long` from the program.
    pub fn read_word(&self, addr: u64) -> SysResult<u64> {
        match self.abi() {
            Abi::I386 => self.read_u32(addr).map(u64::from),
            Abi::Amd64 => self.read_u64(addr),
        }
    }

    /// A number to the program.
    pub fn write_u32(&self, addr: u64, value: u32) -> SysResult<()> {
        self.write_bytes(addr, &value.to_le_bytes())
    }

    /// A number to the program.
    pub fn write_u64(&self, addr: u64, value: u64) -> SysResult<()> {
        self.write_bytes(addr, &value.to_le_bytes())
    }

    /// A pointer or a `long` to the program.
    pub fn write_word(&self, addr: u64, value: u64) -> SysResult<()> {
        match self.abi() {
            Abi::I386 => self.write_u32(addr, value as u32),
            Abi::Amd64 => self.write_u64(addr, value),
        }
    }

    /// A string that ends with a zero byte, which is not part of what is
    /// returned; `too_long` if there is none within `max` bytes.
    pub fn read_string(&self, addr: u64, max: usize, too_long: Errno) -> SysResult<Vec<u8>> {
        let mut text = Vec::new();
        let mut at = addr;
        while text.len() < max {
            // Up to the end of a page at once: the next may be absent.
            let len = (64 - at % 64).min((max - text.len()) as u64);
            let mut part = [0; 64];
            let part = &mut part[..len as usize];
            self.read_bytes(at, part)?;
            if let Some(end) = part.iter().position(|&b| b == 0) {
                text.extend_from_slice(&part[..end]);
                return Ok(text);
            }
            text.extend_from_slice(part);
            at = at.wrapping_add(len);
        }
        Err(too_long)
    }

    /// A path; it may be empty.
    pub fn read_path(&self, addr: u64) -> SysResult<Vec<u8>> {
        self.read_string(addr, 4096, Errno::ENAMETOOLONG)
    }
}
