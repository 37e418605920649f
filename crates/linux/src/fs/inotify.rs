//! `inotify(7)`: programs hear of what happens to files and to names in directories.
//!
//! An inode knows, weakly, who watches it ([`InodeExtra::watches`]); a watch keeps its inode.
//! What happens is told where it happens: to the watches of the file itself, and to those of
//! the directory that it was found in, with its name. Mapped files are not seen, as on Linux.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::rc::{Rc, Weak};
use alloc::vec::Vec;
use core::any::Any;
use core::cell::{Cell, RefCell};

use super::walk::{self, AT_FDCWD, Follow};
use super::{File, FileType, InodeRef, Location, OpenFile, access, events, flags, permission};
use crate::errno::{Errno, SysResult};
use crate::kernel::Context;
use crate::syscall::Args;
use crate::wait::WaitQueue;

/// What can happen.
#[allow(missing_docs)]
pub mod event {
    pub const ACCESS: u32 = 0x1;
    pub const MODIFY: u32 = 0x2;
    pub const ATTRIB: u32 = 0x4;
    pub const CLOSE_WRITE: u32 = 0x8;
    pub const CLOSE_NOWRITE: u32 = 0x10;
    pub const OPEN: u32 = 0x20;
    pub const MOVED_FROM: u32 = 0x40;
    pub const MOVED_TO: u32 = 0x80;
    pub const CREATE: u32 = 0x100;
    pub const DELETE: u32 = 0x200;
    pub const DELETE_SELF: u32 = 0x400;
    pub const MOVE_SELF: u32 = 0x800;
}
const ALL: u32 = 0xfff;
const Q_OVERFLOW: u32 = 0x4000;
const IGNORED: u32 = 0x8000;
const ISDIR: u32 = 0x4000_0000;

/// Flags of `inotify_add_watch`.
const ONLYDIR: u32 = 0x0100_0000;
const DONT_FOLLOW: u32 = 0x0200_0000;
const EXCL_UNLINK: u32 = 0x0400_0000;
const MASK_CREATE: u32 = 0x1000_0000;
const MASK_ADD: u32 = 0x2000_0000;
const ONESHOT: u32 = 0x8000_0000;

/// Instances and watches that all programs together have, and events that wait in an instance.
const INSTANCES_MAX: u32 = 128;
const WATCHES_MAX: u32 = 65536;
const EVENTS_MAX: usize = 16384;
/// Bytes of a `struct inotify_event` without its name.
const HEADER: usize = 16;

/// How many there are in the whole kernel.
#[derive(Default)]
pub struct Counts {
    instances: Cell<u32>,
    watches: Cell<u32>,
}

/// What an instance wants to hear of an inode.
pub struct Watch {
    number: i32,
    mask: Cell<u32>,
    instance: Weak<Instance>,
    inode: InodeRef,
}

#[derive(PartialEq, Eq)]
struct Event {
    watch: i32,
    mask: u32,
    cookie: u32,
    name: Vec<u8>,
}

impl Event {
    /// Bytes of the name with the zeros behind it, which keep events aligned.
    fn name_len(&self) -> usize {
        if self.name.is_empty() { 0 } else { (self.name.len() + 1).next_multiple_of(HEADER) }
    }
}

struct Instance {
    me: Weak<Instance>,
    counts: Rc<Counts>,
    watches: RefCell<BTreeMap<i32, Rc<Watch>>>,
    last: Cell<i32>,
    events: RefCell<VecDeque<Event>>,
    queue: WaitQueue,
}

impl Instance {
    fn push(&self, watch: i32, mask: u32, cookie: u32, name: &[u8]) {
        let mut events = self.events.borrow_mut();
        let mut event = Event { watch, mask, cookie, name: name.to_vec() };
        // What happens again at once is told once.
        if events.back() == Some(&event) {
            return;
        }
        if events.len() >= EVENTS_MAX {
            event = Event { watch: -1, mask: Q_OVERFLOW, cookie: 0, name: Vec::new() };
            if events.back() == Some(&event) {
                return;
            }
        }
        events.push_back(event);
        drop(events);
        self.queue.wake_all();
    }

    fn remove(&self, number: i32) -> SysResult<()> {
        let watch = self.watches.borrow_mut().remove(&number).ok_or(Errno::EINVAL)?;
        let mut list = watch.inode.extra().watches.borrow_mut();
        list.retain(|other| !core::ptr::eq(other.as_ptr(), Rc::as_ptr(&watch)));
        drop(list);
        self.counts.watches.set(self.counts.watches.get() - 1);
        self.push(number, IGNORED, 0, b"");
        Ok(())
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        let count = self.watches.borrow().len() as u32;
        self.counts.watches.set(self.counts.watches.get() - count);
        self.counts.instances.set(self.counts.instances.get() - 1);
        for watch in self.watches.take().into_values() {
            let mut list = watch.inode.extra().watches.borrow_mut();
            list.retain(|other| !core::ptr::eq(other.as_ptr(), Rc::as_ptr(&watch)));
        }
    }
}

/// Tells an inode's watches what happened to it, or (with a name) to an entry of it.
pub fn tell(inode: &InodeRef, what: u32, directory: bool, cookie: u32, name: &[u8]) {
    let list = &inode.extra().watches;
    if list.borrow().is_empty() {
        return;
    }
    let told: Vec<Rc<Watch>> = list.borrow().iter().filter_map(Weak::upgrade).collect();
    let bits = if directory { what | ISDIR } else { what };
    for watch in told {
        let mask = watch.mask.get();
        let Some(instance) = watch.instance.upgrade().filter(|_| mask & what != 0) else {
            continue;
        };
        instance.push(watch.number, bits, cookie, name);
        if mask & ONESHOT != 0 {
            let _ = instance.remove(watch.number);
        }
    }
}

/// Tells what happened to a file: the directory that it was found in hears of it first.
pub fn tell_file(place: &Location, what: u32) {
    let dentry = &place.dentry;
    let directory = place.is_directory();
    if let Some(parent) = dentry.parent() {
        let watches = &parent.inode().extra().watches;
        let excluded = |watch: &Weak<Watch>| {
            watch.upgrade().is_none_or(|watch| watch.mask.get() & EXCL_UNLINK != 0)
        };
        let silent = dentry.is_deleted() && watches.borrow().iter().all(excluded);
        if !silent && !watches.borrow().is_empty() {
            tell(parent.inode(), what, directory, 0, &dentry.name());
        }
    }
    tell(place.inode(), what, directory, 0, b"");
}

/// A name was made in a directory.
pub fn created(dir: &Location, name: &[u8], kind: FileType) {
    tell(dir.inode(), event::CREATE, kind == FileType::Directory, 0, name);
}

/// A name was taken away; the file may be gone with it.
pub fn removed(cx: &mut Context, dir: &Location, name: &[u8], victim: &InodeRef) {
    let directory = victim.kind() == FileType::Directory;
    lost_name(cx, victim);
    tell(dir.inode(), event::DELETE, directory, 0, name);
}

/// An inode has a name less.
pub fn lost_name(cx: &mut Context, inode: &InodeRef) {
    let directory = inode.kind() == FileType::Directory;
    if !directory {
        tell(inode, event::ATTRIB, false, 0, b"");
    }
    if directory || inode.stat(cx).is_ok_and(|stat| stat.nlink == 0) {
        inode.extra().nameless.set(true);
        gone_if_unused(inode);
    }
}

/// An inode without names that nobody has open is gone, and so are its watches.
fn gone_if_unused(inode: &InodeRef) {
    let extra = inode.extra();
    if !extra.nameless.get() || extra.opens.get() != 0 || extra.watches.borrow().is_empty() {
        return;
    }
    let list = core::mem::take(&mut *extra.watches.borrow_mut());
    for watch in list.iter().filter_map(Weak::upgrade) {
        let Some(instance) = watch.instance.upgrade() else { continue };
        if watch.mask.get() & event::DELETE_SELF != 0 {
            instance.push(watch.number, event::DELETE_SELF, 0, b"");
        }
        let _ = instance.remove(watch.number);
    }
}

/// A name was moved.
pub fn moved(from: (&Location, &[u8]), to: (&Location, &[u8]), inode: &InodeRef, cookie: u32) {
    let directory = inode.kind() == FileType::Directory;
    tell(from.0.inode(), event::MOVED_FROM, directory, cookie, from.1);
    tell(to.0.inode(), event::MOVED_TO, directory, cookie, to.1);
}

/// A file was opened.
pub fn opened(place: &Location) {
    let opens = &place.inode().extra().opens;
    opens.set(opens.get() + 1);
    tell_file(place, event::OPEN);
}

/// The last descriptor of an opened file is closed.
pub fn closed(place: &Location, writable: bool) {
    tell_file(place, if writable { event::CLOSE_WRITE } else { event::CLOSE_NOWRITE });
    let opens = &place.inode().extra().opens;
    opens.set(opens.get().saturating_sub(1));
    gone_if_unused(place.inode());
}

/// `inotify_init(2)`.
pub fn inotify_init(cx: &mut Context, _: Args) -> SysResult {
    make(cx, 0)
}

/// `inotify_init1(2)`.
pub fn inotify_init1(cx: &mut Context, args: Args) -> SysResult {
    make(cx, args.u32(0))
}

fn make(cx: &mut Context, how: u32) -> SysResult {
    if how & !(flags::CLOEXEC | flags::NONBLOCK) != 0 {
        return Err(Errno::EINVAL);
    }
    let counts = cx.kernel.inotify.clone();
    if counts.instances.get() >= INSTANCES_MAX {
        return Err(Errno::EMFILE);
    }
    counts.instances.set(counts.instances.get() + 1);
    let instance = Rc::new_cyclic(|me| Instance {
        me: me.clone(),
        counts,
        watches: RefCell::default(),
        last: Cell::new(0),
        events: RefCell::default(),
        queue: WaitQueue::new(),
    });
    cx.install_file(instance, how | flags::RDONLY).map(|fd| fd as u64)
}

fn with_instance<R>(open: &OpenFile, work: impl FnOnce(&Instance) -> SysResult<R>) -> SysResult<R> {
    work(open.file.as_any().downcast_ref::<Instance>().ok_or(Errno::EINVAL)?)
}

/// `inotify_add_watch(2)`.
pub fn inotify_add_watch(cx: &mut Context, args: Args) -> SysResult {
    let mask = args.u32(2);
    let flags = ONLYDIR | DONT_FOLLOW | EXCL_UNLINK | MASK_CREATE | MASK_ADD | ISDIR | ONESHOT;
    if mask & (ALL | flags | Q_OVERFLOW | IGNORED | 0x2000) == 0 {
        return Err(Errno::EINVAL);
    }
    let open = cx.io_file(args.int(0))?;
    if mask & MASK_ADD != 0 && mask & MASK_CREATE != 0 {
        return Err(Errno::EINVAL);
    }
    with_instance(&open, |_| Ok(()))?;
    let path = cx.read_path(args.u64(1))?;
    let follow = if mask & DONT_FOLLOW != 0 { Follow::No } else { Follow::Yes };
    let place = walk::resolve(cx, AT_FDCWD, &path, follow)?;
    if mask & ONLYDIR != 0 && !place.is_directory() {
        return Err(Errno::ENOTDIR);
    }
    let inode = place.inode().clone();
    permission(cx, &inode, access::READ)?;
    let kept = mask & (ALL | ONESHOT | EXCL_UNLINK);
    with_instance(&open, |instance| {
        let same = |watch: &&Rc<Watch>| Rc::ptr_eq(&watch.inode, &inode);
        let old = instance.watches.borrow().values().find(same).cloned();
        if let Some(old) = old {
            if mask & MASK_CREATE != 0 {
                return Err(Errno::EEXIST);
            }
            old.mask.set(if mask & MASK_ADD != 0 { old.mask.get() | kept } else { kept });
            return Ok(old.number as u64);
        }
        let count = &instance.counts.watches;
        if count.get() >= WATCHES_MAX || instance.last.get() == i32::MAX {
            return Err(Errno::ENOSPC);
        }
        count.set(count.get() + 1);
        let number = instance.last.get() + 1;
        instance.last.set(number);
        let watch = Rc::new(Watch {
            number,
            mask: Cell::new(kept),
            instance: instance.me.clone(),
            inode: inode.clone(),
        });
        inode.extra().watches.borrow_mut().push(Rc::downgrade(&watch));
        instance.watches.borrow_mut().insert(number, watch);
        Ok(number as u64)
    })
}

/// `inotify_rm_watch(2)`.
pub fn inotify_rm_watch(cx: &mut Context, args: Args) -> SysResult {
    let open = cx.io_file(args.int(0))?;
    with_instance(&open, |instance| instance.remove(args.int(1))).map(|()| 0)
}

impl File for Instance {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn read(
        &self,
        cx: &mut Context,
        open: &OpenFile,
        _: &mut u64,
        buf: &mut [u8],
    ) -> SysResult<usize> {
        let mut events = self.events.borrow_mut();
        let mut done = 0;
        while let Some(event) = events.front() {
            let len = HEADER + event.name_len();
            let Some(room) = buf.get_mut(done..done + len) else { break };
            room.fill(0);
            let words = [event.watch as u32, event.mask, event.cookie, event.name_len() as u32];
            for (at, word) in room.chunks_exact_mut(4).zip(words) {
                at.copy_from_slice(&word.to_le_bytes());
            }
            room[HEADER..HEADER + event.name.len()].copy_from_slice(&event.name);
            done += len;
            events.pop_front();
        }
        match (done, events.is_empty()) {
            (0, true) if open.nonblocking() => Err(Errno::EAGAIN),
            (0, true) => Err(cx.wait_on(&self.queue)),
            // The first one does not fit.
            (0, false) => Err(Errno::EINVAL),
            _ => Ok(done),
        }
    }

    fn poll(&self, _: &mut Context, _: &OpenFile) -> u32 {
        if self.events.borrow().is_empty() { 0 } else { events::IN | events::RDNORM }
    }

    fn queues(&self, tell: &mut dyn FnMut(&WaitQueue)) {
        tell(&self.queue);
    }

    fn ioctl(&self, cx: &mut Context, _: &OpenFile, args: Args) -> SysResult {
        const FIONREAD: u32 = 0x541b;
        if args.u32(1) != FIONREAD {
            return Err(Errno::ENOTTY);
        }
        let bytes: usize = self.events.borrow().iter().map(|e| HEADER + e.name_len()).sum();
        cx.write_u32(args.u64(2), bytes as u32).map(|()| 0)
    }

    fn description(&self) -> alloc::string::String {
        "anon_inode:inotify".into()
    }
}
