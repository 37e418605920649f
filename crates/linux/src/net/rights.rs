//! Files on their way through UNIX sockets (`SCM_RIGHTS`).
//!
//! A socket that is sent through itself, or two that are sent through each other, keep each
//! other alive when nobody has a descriptor of them any more. Their number is bounded; when
//! the bound is met, those that only such packets hold are found and emptied, as the real
//! system does.

use alloc::collections::BTreeMap;
use alloc::rc::{Rc, Weak};
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};

use super::Socket;
use crate::errno::{Errno, SysResult};
use crate::fs::OpenFile;

/// Files of one packet.
pub const PACKET_MAX: usize = 253;
/// Files that are on their way in the whole system.
const TOTAL_MAX: usize = 4096;

/// Sockets in whose inboxes files may be.
#[derive(Default)]
pub struct InFlight {
    files: RefCell<Vec<Weak<OpenFile>>>,
    total: Cell<usize>,
    /// Files whose packet is gone; dropped one after the other, since each may be a socket
    /// with packets of its own, and so on.
    dropped: RefCell<Vec<Rc<OpenFile>>>,
    dropping: Cell<bool>,
}

/// The files of a packet.
pub struct Rights {
    files: Vec<Rc<OpenFile>>,
    all: Rc<InFlight>,
}

impl Rights {
    /// Puts files on their way; too many of them are `ETOOMANYREFS`.
    pub fn new(files: Vec<Rc<OpenFile>>, all: &Rc<InFlight>) -> SysResult<Rights> {
        const ETOOMANYREFS: Errno = Errno(109);
        if all.total.get() + files.len() > TOTAL_MAX {
            all.collect();
        }
        if all.total.get() + files.len() > TOTAL_MAX {
            return Err(ETOOMANYREFS);
        }
        all.total.set(all.total.get() + files.len());
        all.files.borrow_mut().extend(files.iter().map(Rc::downgrade));
        Ok(Rights { files, all: all.clone() })
    }

    /// The files.
    pub fn files(&self) -> &[Rc<OpenFile>] {
        &self.files
    }
}

impl Drop for Rights {
    fn drop(&mut self) {
        self.all.total.set(self.all.total.get() - self.files.len());
        let mut list = self.all.files.borrow_mut();
        for file in &self.files {
            if let Some(index) = list.iter().position(|other| other.as_ptr() == Rc::as_ptr(file)) {
                list.swap_remove(index);
            }
        }
        drop(list);
        self.all.dropped.borrow_mut().append(&mut self.files);
        if self.all.dropping.replace(true) {
            return;
        }
        loop {
            let next = self.all.dropped.borrow_mut().pop();
            match next {
                Some(file) => drop(file),
                None => break,
            }
        }
        self.all.dropping.set(false);
    }
}

fn socket_of(open: &OpenFile) -> Option<Rc<Socket>> {
    Socket::of(open).ok()
}

impl InFlight {
    /// Empties sockets that only packets hold, packets in inboxes of such sockets.
    fn collect(&self) {
        // How often each file is in a packet: who is held more often has a descriptor.
        let mut held: BTreeMap<*const OpenFile, (usize, Rc<OpenFile>)> = BTreeMap::new();
        for weak in self.files.borrow().iter() {
            if let Some(open) = weak.upgrade() {
                held.entry(Rc::as_ptr(&open)).or_insert((0, open)).0 += 1;
            }
        }
        let outside = |(count, open): &(usize, Rc<OpenFile>)| Rc::strong_count(open) > count + 1;
        let mut live: Vec<*const OpenFile> = Vec::new();
        let mut todo: Vec<Rc<OpenFile>> =
            held.values().filter(|entry| outside(entry)).map(|entry| entry.1.clone()).collect();
        // Inboxes of sockets that are not themselves on their way are alive, too.
        let mut inside: BTreeMap<*const OpenFile, usize> = BTreeMap::new();
        for (_, open) in held.values() {
            let Some(socket) = socket_of(open) else { continue };
            socket.each_right(&mut |file| *inside.entry(Rc::as_ptr(file)).or_default() += 1);
        }
        for (key, (count, open)) in &held {
            if inside.get(key).copied().unwrap_or(0) < *count {
                todo.push(open.clone());
            }
        }
        while let Some(open) = todo.pop() {
            if live.contains(&Rc::as_ptr(&open)) {
                continue;
            }
            live.push(Rc::as_ptr(&open));
            if let Some(socket) = socket_of(&open) {
                socket.each_right(&mut |file| todo.push(file.clone()));
            }
        }
        for (key, (_, open)) in held {
            if !live.contains(&key)
                && let Some(socket) = socket_of(&open)
            {
                socket.inbox.clear();
            }
        }
    }
}
