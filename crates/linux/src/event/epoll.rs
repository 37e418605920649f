//! `epoll(7)`: a set of files that is waited for.
//!
//! A member watches the queues of its file; a wake-up puts it on the list of those that may
//! be ready, and waiting looks only there. A set does not keep files open: a member whose
//! file is gone is dropped when it is met.

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::rc::{Rc, Weak};
use alloc::vec::Vec;
use core::any::Any;
use core::cell::{Cell, RefCell};

use super::select::{restore_mask, take_mask};
use crate::errno::{Errno, SysResult};
use crate::fs::{File, OpenFile, events, flags};
use crate::kernel::Context;
use crate::syscall::Args;
use crate::time::calls::read_timespec;
use crate::wait::{WaitQueue, Watch};

const EDGE: u32 = 1 << 31;
const ONESHOT: u32 = 1 << 30;
const WAKEUP: u32 = 1 << 29;
const EXCLUSIVE: u32 = 1 << 28;
/// Bits that say how, not what.
const HOW: u32 = EDGE | ONESHOT | WAKEUP | EXCLUSIVE;
/// Sets that may be in one another.
const NESTING: u32 = 5;
/// Members of all sets of the system.
const MEMBERS_MAX: u32 = 1 << 17;

/// A set.
#[derive(Default)]
struct Set {
    members: RefCell<BTreeMap<(i32, usize), Rc<Member>>>,
    ready: RefCell<VecDeque<Rc<Member>>>,
    queue: WaitQueue,
}

struct Member {
    me: Weak<Member>,
    set: Weak<Set>,
    open: Weak<OpenFile>,
    events: Cell<u32>,
    data: Cell<u64>,
    listed: Cell<bool>,
    removed: Cell<bool>,
    count: Rc<Cell<u32>>,
}

impl Watch for Member {
    fn notify(&self) {
        let Some(set) = self.set.upgrade() else { return };
        if let Some(member) = self.me.upgrade() {
            set.list(&member);
        }
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.count.set(self.count.get() - 1);
    }
}

impl Set {
    /// Notes that a member may be ready.
    fn list(&self, member: &Rc<Member>) {
        if member.events.get() & !HOW == 0 || member.removed.get() {
            return;
        }
        if !member.listed.replace(true) {
            self.ready.borrow_mut().push_back(member.clone());
        }
        self.queue.wake_all();
    }

    /// Takes what is ready, at most so many; what stays ready goes to the end of the list.
    fn take(&self, cx: &mut Context, max: usize) -> Vec<(u32, u64)> {
        let mut found = Vec::new();
        let waiting = self.ready.borrow().len();
        for _ in 0..waiting {
            if found.len() == max {
                break;
            }
            let Some(member) = self.ready.borrow_mut().pop_front() else { break };
            member.listed.set(false);
            let now = self.state(cx, &member);
            if now == 0 {
                continue;
            }
            found.push((now, member.data.get()));
            let how = member.events.get();
            if how & ONESHOT != 0 {
                member.events.set(how & HOW);
            } else if how & EDGE == 0 && !member.listed.replace(true) {
                self.ready.borrow_mut().push_back(member);
            }
        }
        found
    }

    /// What of a member's events is there.
    fn state(&self, cx: &mut Context, member: &Member) -> u32 {
        if member.removed.get() || member.events.get() & !HOW == 0 {
            return 0;
        }
        let Some(open) = member.open.upgrade() else { return 0 };
        open.file.poll(cx, &open) & (member.events.get() & !HOW)
    }

    /// Members whose file is gone go, too.
    fn sweep(&self) {
        let gone = |member: &Rc<Member>| member.open.strong_count() == 0;
        self.members.borrow_mut().retain(|_, member| !gone(member));
        self.ready.borrow_mut().retain(|member| !gone(member));
    }

    fn nested(&self) -> Vec<Rc<Set>> {
        let set_of = |member: &Rc<Member>| {
            let open = member.open.upgrade()?;
            open.file.as_any().downcast_ref::<Epoll>().map(|epoll| epoll.0.clone())
        };
        self.members.borrow().values().filter_map(set_of).collect()
    }
}

/// The file of a set.
struct Epoll(Rc<Set>);

/// Whether `set` may get `inner` as a member: no loop, and not too deep.
fn check_nesting(set: &Rc<Set>, inner: &Rc<Set>) -> SysResult<()> {
    let mut level = alloc::vec![inner.clone()];
    for _ in 0..NESTING {
        if level.iter().any(|other| Rc::ptr_eq(other, set)) {
            return Err(Errno::ELOOP);
        }
        let mut seen = BTreeSet::new();
        let next: Vec<Rc<Set>> = level.iter().flat_map(|set| set.nested()).collect();
        level = next.into_iter().filter(|set| seen.insert(Rc::as_ptr(set))).collect();
        if level.is_empty() {
            return Ok(());
        }
    }
    Err(Errno::ELOOP)
}

/// `epoll_create(2)`.
pub fn epoll_create(cx: &mut Context, args: Args) -> SysResult {
    if args.int(0) <= 0 { Err(Errno::EINVAL) } else { make(cx, 0) }
}

/// `epoll_create1(2)`.
pub fn epoll_create1(cx: &mut Context, args: Args) -> SysResult {
    if args.u32(0) & !flags::CLOEXEC != 0 { Err(Errno::EINVAL) } else { make(cx, args.u32(0)) }
}

fn make(cx: &mut Context, how: u32) -> SysResult {
    let file = Rc::new(Epoll(Rc::default()));
    cx.install_file(file, how | flags::RDWR).map(|fd| fd as u64)
}

fn set_of(open: &OpenFile) -> SysResult<Rc<Set>> {
    let epoll = open.file.as_any().downcast_ref::<Epoll>().ok_or(Errno::EINVAL)?;
    Ok(epoll.0.clone())
}

/// `epoll_ctl(2)`.
pub fn epoll_ctl(cx: &mut Context, args: Args) -> SysResult {
    const ADD: i32 = 1;
    const DELETE: i32 = 2;
    const MODIFY: i32 = 3;
    let (operation, fd) = (args.int(1), args.int(2));
    let (mut wanted, mut data) = (0, 0);
    if operation != DELETE {
        wanted = cx.read_u32(args.u64(3))?;
        data = cx.read_u64(args.u64(3) + 4)?;
    }
    let own = cx.io_file(args.int(0))?;
    let open = cx.io_file(fd)?;
    if open.file.seekable() {
        return Err(Errno::EPERM);
    }
    let set = set_of(&own)?;
    if Rc::ptr_eq(&own, &open) {
        return Err(Errno::EINVAL);
    }
    let inner = set_of(&open).ok();
    if wanted & EXCLUSIVE != 0 {
        let allowed = events::IN | events::OUT | events::ERR | events::HUP | EDGE | WAKEUP;
        if operation == MODIFY || inner.is_some() || wanted & !(allowed | EXCLUSIVE) != 0 {
            return Err(Errno::EINVAL);
        }
    }
    set.sweep();
    let key = (fd, Rc::as_ptr(&open) as usize);
    let member = set.members.borrow().get(&key).cloned();
    let wanted = wanted | events::ERR | events::HUP;
    match (operation, member) {
        (ADD, Some(_)) => return Err(Errno::EEXIST),
        (ADD, None) => {
            if let Some(inner) = &inner {
                check_nesting(&set, inner)?;
            }
            let count = cx.kernel.epoll_members.clone();
            if count.get() >= MEMBERS_MAX {
                return Err(Errno::ENOSPC);
            }
            count.set(count.get() + 1);
            let member = Rc::new_cyclic(|me| Member {
                me: me.clone(),
                set: Rc::downgrade(&set),
                open: Rc::downgrade(&open),
                events: Cell::new(wanted),
                data: Cell::new(data),
                listed: Cell::new(false),
                removed: Cell::new(false),
                count,
            });
            set.members.borrow_mut().insert(key, member.clone());
            let watch: Rc<dyn Watch> = member.clone();
            open.file.queues(&mut |queue| queue.watch(&watch));
            relist(cx, &set, &member);
        }
        (DELETE, Some(member)) => {
            member.removed.set(true);
            set.members.borrow_mut().remove(&key);
            set.ready.borrow_mut().retain(|other| !Rc::ptr_eq(other, &member));
            let watch: Rc<dyn Watch> = member;
            open.file.queues(&mut |queue| queue.unwatch(&watch));
        }
        (MODIFY, Some(member)) if member.events.get() & EXCLUSIVE == 0 => {
            member.events.set(wanted);
            member.data.set(data);
            relist(cx, &set, &member);
        }
        (MODIFY, Some(_)) => return Err(Errno::EINVAL),
        (DELETE | MODIFY, None) => return Err(Errno::ENOENT),
        _ => return Err(Errno::EINVAL),
    }
    Ok(0)
}

/// Lists a member that was added or changed, if it is ready.
fn relist(cx: &mut Context, set: &Rc<Set>, member: &Rc<Member>) {
    if set.state(cx, member) != 0 {
        set.list(member);
    }
}

/// `epoll_wait(2)`.
pub fn epoll_wait(cx: &mut Context, args: Args) -> SysResult {
    let timeout = u64::try_from(args.int(3)).ok().map(|ms| ms * 1_000_000);
    wait(cx, args, timeout)
}

/// `epoll_pwait(2)`.
pub fn epoll_pwait(cx: &mut Context, args: Args) -> SysResult {
    let timeout = u64::try_from(args.int(3)).ok().map(|ms| ms * 1_000_000);
    take_mask(cx, args.u64(4), args.u64(5))?;
    let result = wait(cx, args, timeout);
    restore_mask(cx, &result);
    result
}

/// `epoll_pwait2(2)`.
pub fn epoll_pwait2(cx: &mut Context, args: Args) -> SysResult {
    let timeout = match args.u64(3) {
        0 => None,
        at => Some(read_timespec(cx, at, true)?.as_ns()),
    };
    take_mask(cx, args.u64(4), args.u64(5))?;
    let result = wait(cx, args, timeout);
    restore_mask(cx, &result);
    result
}

fn wait(cx: &mut Context, args: Args, timeout: Option<u64>) -> SysResult {
    const RECORD: u64 = 12;
    let max = args.int(2);
    if max <= 0 || max > i32::MAX / RECORD as i32 {
        return Err(Errno::EINVAL);
    }
    let open = cx.io_file(args.int(0))?;
    let set = set_of(&open)?;
    // As many as there is room for in mapped memory.
    let room = cx.writable(args.u64(1), max as u64 * RECORD)? / RECORD;
    if room == 0 {
        return Err(Errno::EFAULT);
    }
    let found = set.take(cx, room as usize);
    let deadline = cx.deadline(timeout);
    if found.is_empty() && !cx.is_past(deadline) {
        cx.if_interrupted(Errno::EINTR);
        cx.wait_on(&set.queue);
        if let Some(deadline) = deadline {
            cx.wait_until(deadline);
        }
        return Err(Errno::PARK);
    }
    let mut bytes = Vec::new();
    for (now, data) in &found {
        bytes.extend_from_slice(&now.to_le_bytes());
        bytes.extend_from_slice(&data.to_le_bytes());
    }
    cx.write_bytes(args.u64(1), &bytes)?;
    Ok(found.len() as u64)
}

impl File for Epoll {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn poll(&self, cx: &mut Context, _: &OpenFile) -> u32 {
        let waiting = self.0.ready.borrow().len();
        for _ in 0..waiting {
            let Some(member) = self.0.ready.borrow_mut().pop_front() else { break };
            if self.0.state(cx, &member) != 0 {
                self.0.ready.borrow_mut().push_front(member);
                return events::IN | events::RDNORM;
            }
            member.listed.set(false);
        }
        0
    }

    fn queues(&self, tell: &mut dyn FnMut(&WaitQueue)) {
        tell(&self.0.queue);
    }

    fn description(&self) -> alloc::string::String {
        "anon_inode:[eventpoll]".into()
    }

    fn fdinfo(&self) -> alloc::string::String {
        let mut text = alloc::string::String::new();
        for ((fd, _), member) in self.0.members.borrow().iter() {
            let (events, data) = (member.events.get(), member.data.get());
            text.push_str(&alloc::format!("tfd: {fd:8} events: {events:8x} data: {data:16x}\n"));
        }
        text
    }
}
