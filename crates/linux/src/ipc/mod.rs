//! System V IPC (`sysvipc(7)`): shared memory, semaphores and message queues, which have
//! numbers and keys of their own and outlive the processes that made them; and the message
//! queues of POSIX, in `mq.rs`.
//!
//! What the first three have in common is here: [`Table`] finds by number and by key, [`Owner`] says
//! who may do what, and [`ipc`] is the one call that i386 programs make for all.

pub mod mq;
pub mod msg;
pub mod sem;
pub mod shm;

use alloc::collections::BTreeMap;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};

use crate::errno::{Errno, SysResult};
use crate::kernel::Context;
use crate::syscall::Args;
use crate::task::credentials::cap;

/// Everything of the kernel.
#[derive(Default)]
pub struct Ipc {
    /// Shared memory.
    pub shm: Table<shm::Segment>,
    /// Sets of semaphores.
    pub sem: Table<sem::Set>,
    /// Message queues.
    pub msg: Table<msg::Queue>,
    /// Message queues of POSIX.
    pub mq: mq::Names,
}

/// Commands of `shmctl`, `semctl` and `msgctl`.
mod command {
    pub const RMID: u32 = 0;
    pub const SET: u32 = 1;
    pub const STAT: u32 = 2;
    pub const INFO: u32 = 3;
}

const CREAT: u32 = 0o1000;
const EXCL: u32 = 0o2000;
const NOWAIT: u32 = 0o4000;
/// Says that structures are those with 32-bit ids; `ipc` of i386 programs passes it, and amd64
/// has no others.
const WIDE: u32 = 0x100;
/// Things of a kind, at most.
const COUNT_MAX: usize = 32000;
const READ: u32 = 4;
const WRITE: u32 = 2;

/// Who made a thing, whose it is, and what others may do (`struct ipc_perm`).
pub struct Owner {
    key: Cell<u32>,
    uid: Cell<u32>,
    gid: Cell<u32>,
    cuid: u32,
    cgid: u32,
    mode: Cell<u32>,
    sequence: u16,
}

impl Owner {
    /// The caller, for a thing without a key.
    fn of_caller(cx: &Context, mode: u32) -> Owner {
        let credentials = cx.thread.credentials();
        let (uid, gid) = (credentials.fsuid, credentials.fsgid);
        Owner {
            key: Cell::new(0),
            uid: Cell::new(uid),
            gid: Cell::new(gid),
            cuid: uid,
            cgid: gid,
            mode: Cell::new(mode),
            sequence: 0,
        }
    }

    /// Whether the caller may read (4), write (2), or both; `EACCES` if not.
    fn permits(&self, cx: &Context, want: u32) -> SysResult<()> {
        let credentials = cx.thread.credentials();
        let mode = self.mode.get();
        let is = |id: u32| credentials.euid == id;
        let in_group = |id: u32| credentials.egid == id || credentials.groups.contains(&id);
        let granted = if is(self.uid.get()) || is(self.cuid) {
            mode >> 6
        } else if in_group(self.gid.get()) || in_group(self.cgid) {
            mode >> 3
        } else {
            mode
        };
        if want & !granted == 0 || credentials.has(cap::IPC_OWNER) {
            Ok(())
        } else {
            Err(Errno::EACCES)
        }
    }

    /// Whether the caller may change or remove it; `EPERM` if not.
    fn is_mine(&self, cx: &Context) -> SysResult<()> {
        let credentials = cx.thread.credentials();
        let own = credentials.euid == self.uid.get() || credentials.euid == self.cuid;
        if own || credentials.has(cap::SYS_ADMIN) { Ok(()) } else { Err(Errno::EPERM) }
    }

    /// As programs see it.
    fn encode(&self, cx: &Context) -> Vec<u8> {
        let mut record = Record(Vec::new());
        for word in [self.key.get(), self.uid.get(), self.gid.get(), self.cuid, self.cgid] {
            record.u32(word);
        }
        record.u32(self.mode.get());
        record.u32(u32::from(self.sequence));
        record.0.resize(record.0.len().next_multiple_of(cx.word()), 0);
        record.word(cx, 0);
        record.word(cx, 0);
        record.0
    }

    /// `IPC_SET`: owner and permissions from a structure of the program.
    fn set(&self, cx: &Context, at: u64) -> SysResult<()> {
        self.uid.set(cx.read_u32(at + 4)?);
        self.gid.set(cx.read_u32(at + 8)?);
        self.mode.set(self.mode.get() & !0o777 | cx.read_u32(at + 20)? & 0o777);
        Ok(())
    }
}

/// A structure that is written for a program.
struct Record(Vec<u8>);

impl Record {
    fn u32(&mut self, value: u32) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    /// An `unsigned long`.
    fn word(&mut self, cx: &Context, value: u64) {
        self.0.extend_from_slice(&value.to_le_bytes()[..cx.word()]);
    }

    /// A time: one word of amd64, two of i386.
    fn time(&mut self, value: i64) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }
}

/// Seconds of real time.
fn now(cx: &mut Context) -> i64 {
    cx.kernel.now().seconds
}

/// Things of one kind by number.
pub struct Table<T> {
    list: BTreeMap<i32, Rc<T>>,
    last: i32,
    sequence: u16,
}

impl<T> Default for Table<T> {
    fn default() -> Table<T> {
        Table { list: BTreeMap::new(), last: -1, sequence: 0 }
    }
}

/// What is in a table.
pub trait Thing {
    /// Who may do what with it.
    fn owner(&self) -> &Owner;
    /// Whether it is still there; a removed segment is while someone has it attached.
    fn is_alive(&self) -> bool {
        true
    }
}

impl<T: Thing> Table<T> {
    /// The thing of a number; `EINVAL` if there is none.
    fn get(&mut self, id: i32) -> SysResult<Rc<T>> {
        let found = self.list.get(&id).cloned().ok_or(Errno::EINVAL)?;
        if found.is_alive() {
            return Ok(found);
        }
        self.list.remove(&id);
        Err(Errno::EINVAL)
    }

    fn remove(&mut self, id: i32) {
        self.list.remove(&id);
    }

    fn of_key(&self, key: u32) -> Option<(i32, Rc<T>)> {
        let same = |thing: &Rc<T>| thing.owner().key.get() == key && thing.is_alive();
        let (&id, thing) = self.list.iter().find(|(_, thing)| same(thing))?;
        Some((id, thing.clone()))
    }

    /// The numbers that are free come in turn, as on Linux; their upper half says how often.
    fn add(&mut self, make: impl FnOnce(u16) -> T) -> SysResult<i32> {
        const INDICES: i32 = 32768;
        self.list.retain(|_, thing| thing.is_alive());
        if self.list.len() >= COUNT_MAX {
            return Err(Errno::ENOSPC);
        }
        loop {
            self.last += 1;
            if self.last == INDICES {
                self.last = 0;
                self.sequence = (self.sequence + 1) & 0x7fff;
            }
            let index = self.last;
            if !self.list.keys().any(|id| id % INDICES == index) {
                let id = i32::from(self.sequence) * INDICES + index;
                self.list.insert(id, Rc::new(make(self.sequence)));
                return Ok(id);
            }
        }
    }
}

/// `shmget`, `semget` and `msgget`: finds what a key stands for, or has it made. `fits` checks
/// what is there.
fn find_or_make<T: Thing>(
    cx: &mut Context,
    table: impl Fn(&mut Ipc) -> &mut Table<T>,
    key: u32,
    how: u32,
    fits: impl FnOnce(&T) -> SysResult<()>,
    make: impl FnOnce(&mut Context, Owner) -> SysResult<T>,
) -> SysResult {
    const PRIVATE: u32 = 0;
    if key != PRIVATE {
        match table(&mut cx.kernel.ipc).of_key(key) {
            Some(_) if how & CREAT != 0 && how & EXCL != 0 => return Err(Errno::EEXIST),
            Some((id, thing)) => {
                fits(&thing)?;
                thing.owner().permits(cx, (how | how >> 3 | how >> 6) & 6)?;
                return Ok(id as u64);
            }
            None if how & CREAT == 0 => return Err(Errno::ENOENT),
            None => {}
        }
    }
    let credentials = cx.thread.credentials();
    let owner = Owner {
        key: Cell::new(key),
        uid: Cell::new(credentials.euid),
        gid: Cell::new(credentials.egid),
        cuid: credentials.euid,
        cgid: credentials.egid,
        mode: Cell::new(how & 0o777),
        sequence: table(&mut cx.kernel.ipc).sequence,
    };
    let thing = make(cx, owner)?;
    table(&mut cx.kernel.ipc).add(|_| thing).map(|id| id as u64)
}

/// A word that says who waits for what, to be counted.
type Waiters = RefCell<BTreeMap<crate::task::Tid, (u16, bool)>>;

/// `ipc(2)`: all of the others in one call of i386.
pub fn ipc(cx: &mut Context, args: Args) -> SysResult {
    let [call, first, second, third, at, fifth] = args.0;
    let (version, call) = (call as u32 >> 16, call as u32 & 0xffff);
    let pass = |list: [u64; 6]| Args(list);
    match call {
        1 => sem::semop(cx, pass([first, at, u64::from(second as u32), 0, 0, 0])),
        2 => sem::semget(cx, pass([first, second, third, 0, 0, 0])),
        3 => {
            let value = u64::from(cx.read_u32(at)?);
            sem::semctl(cx, pass([first, second, third, value, 0, 0]))
        }
        4 => {
            let timeout = u64::from(fifth as u32);
            sem::semtimedop32(cx, pass([first, at, u64::from(second as u32), timeout, 0, 0]))
        }
        11 => msg::msgsnd(cx, pass([first, at, u64::from(second as u32), third, 0, 0])),
        12 => {
            // The oldest form has the message's address and type in memory.
            let (at, kind) = match version {
                0 if at == 0 => return Err(Errno::EINVAL),
                0 => (u64::from(cx.read_u32(at)?), u64::from(cx.read_u32(at + 4)?)),
                _ => (at, fifth),
            };
            let kind = i64::from(kind as i32) as u64;
            msg::msgrcv(cx, pass([first, at, u64::from(second as u32), kind, third, 0]))
        }
        13 => msg::msgget(cx, pass([first, second, 0, 0, 0, 0])),
        14 => msg::msgctl(cx, pass([first, second, at, 0, 0, 0])),
        21 if version == 1 => Err(Errno::EINVAL),
        21 => {
            let place = shm::shmat(cx, pass([first, at, second, 0, 0, 0]))?;
            cx.write_u32(u64::from(third as u32), place as u32).map(|()| 0)
        }
        22 => shm::shmdt(cx, pass([at, 0, 0, 0, 0, 0])),
        23 => shm::shmget(cx, pass([first, u64::from(second as u32), third, 0, 0, 0])),
        24 => shm::shmctl(cx, pass([first, second, at, 0, 0, 0])),
        _ => Err(Errno::ENOSYS),
    }
}
