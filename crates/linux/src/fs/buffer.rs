//! Bytes that wait in pipes and sockets. Each buffer is bounded, and all together count
//! against one budget, so that a guest with many descriptors cannot fill the host's memory.

use alloc::collections::VecDeque;
use alloc::rc::Rc;
use core::cell::{Cell, RefCell};

use crate::errno::{Errno, SysResult};

/// What all buffers may take together, in bytes.
pub struct Budget {
    used: Cell<usize>,
    max: usize,
}

impl Budget {
    /// Nothing is used yet.
    pub fn new(max: usize) -> Rc<Budget> {
        Rc::new(Budget { used: Cell::new(0), max })
    }

    /// Takes so many bytes; `ENOBUFS` if there are not as many left.
    pub fn take(&self, count: usize) -> SysResult<()> {
        if count > self.left() {
            return Err(Errno::ENOBUFS);
        }
        self.used.set(self.used.get() + count);
        Ok(())
    }

    /// Gives them back.
    pub fn give(&self, count: usize) {
        self.used.set(self.used.get() - count);
    }

    /// Bytes that are left.
    pub fn left(&self) -> usize {
        self.max - self.used.get()
    }
}

/// A queue of bytes.
pub struct Buffer {
    bytes: RefCell<VecDeque<u8>>,
    capacity: Cell<usize>,
    budget: Rc<Budget>,
}

impl Buffer {
    /// An empty one of this capacity.
    pub fn new(capacity: usize, budget: Rc<Budget>) -> Buffer {
        Buffer { bytes: RefCell::default(), capacity: Cell::new(capacity), budget }
    }

    /// Bytes in it.
    pub fn len(&self) -> usize {
        self.bytes.borrow().len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes that fit.
    pub fn room(&self) -> usize {
        self.capacity.get().saturating_sub(self.len())
    }

    /// Bytes that it holds at most.
    pub fn capacity(&self) -> usize {
        self.capacity.get()
    }

    /// Makes it larger or smaller; what is in it stays.
    pub fn set_capacity(&self, capacity: usize) {
        self.capacity.set(capacity);
    }

    /// Adds as many bytes as fit; `ENOBUFS` if the system has no memory for any.
    pub fn push(&self, bytes: &[u8]) -> SysResult<usize> {
        let fits = bytes.len().min(self.room());
        let count = fits.min(self.budget.left());
        if count == 0 && fits > 0 {
            return Err(Errno::ENOBUFS);
        }
        self.budget.take(count)?;
        self.bytes.borrow_mut().extend(&bytes[..count]);
        Ok(count)
    }

    /// Copies bytes from the front, and takes them out if `consume`.
    pub fn pull(&self, buf: &mut [u8], consume: bool) -> usize {
        let mut bytes = self.bytes.borrow_mut();
        let count = bytes.len().min(buf.len());
        let (front, back) = bytes.as_slices();
        let first = front.len().min(count);
        buf[..first].copy_from_slice(&front[..first]);
        buf[first..count].copy_from_slice(&back[..count - first]);
        if consume {
            bytes.drain(..count);
            self.budget.give(count);
            if bytes.is_empty() {
                bytes.shrink_to(4096);
            }
        }
        count
    }

    /// Drops what is in it.
    pub fn clear(&self) {
        self.budget.give(self.len());
        self.bytes.borrow_mut().clear();
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        self.clear();
    }
}
