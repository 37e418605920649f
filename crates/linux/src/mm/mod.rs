//! A process's memory: which ranges are mapped and from what.
//!
//! The [`Machine`] has the bytes and what may be done with each page; [`Mm`] has
//! the mappings as `/proc/self/maps` shows them. Pages of files are copied in, of large
//! mappings when they are touched; shared mappings of one file are pages that processes share.

pub mod calls;
pub mod demand;
pub mod futex;
pub mod layout;
pub mod map;
pub mod memfd;
pub mod shared;

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::RefCell;
use core::ops::Range;

pub use futex::FutexQueues;
pub use shared::SharedFile;

use crate::errno::{Errno, SysResult};
use crate::fs::{InodeRef, Location};
use crate::kernel::Kernel;
use crate::machine::{Machine, MapError, PAGE_SIZE, Prot};

/// What is behind a mapping.
#[derive(Clone)]
pub enum Backing {
    /// Zeros at first.
    Anonymous,
    /// A copy of a part of a file.
    File {
        /// The file.
        inode: InodeRef,
        /// Its name, for `/proc/self/maps`.
        location: Option<Location>,
        /// Where in it the mapping starts.
        offset: u64,
    },
    /// Pages that processes share.
    Shared {
        /// The pages.
        file: Rc<SharedFile>,
        /// Its name.
        location: Option<Location>,
        /// Where in it the mapping starts.
        offset: u64,
    },
}

/// A mapping.
#[derive(Clone)]
pub struct Vma {
    /// One past its last byte.
    pub end: u64,
    /// `PROT_…` bits.
    pub prot: u32,
    /// What is behind it.
    pub backing: Backing,
    /// What `/proc/self/maps` calls it where it is no file: `[stack]`.
    pub name: &'static str,
}

/// The memory of a process.
pub struct Mm {
    /// The bytes, and what runs in them.
    pub machine: Box<dyn Machine>,
    /// Mappings by address.
    pub vmas: BTreeMap<u64, Vma>,
    /// Where the heap begins and ends.
    pub brk: Range<u64>,
    /// Where mappings go if the program does not say.
    pub mmap_base: u64,
    /// The program.
    pub exe: Option<Location>,
    /// Addresses of arguments and of the environment.
    pub arguments: Range<u64>,
    /// Addresses of the environment.
    pub environment: Range<u64>,
    /// The auxiliary vector as it was given.
    pub auxv: Vec<u8>,
    /// Where signal handlers of i386 return to without a restorer.
    pub trampoline: u64,
    /// Pages that it took when the limit was last looked at.
    pub checked_pages: usize,
    /// Whether some mappings' pages come when they are touched.
    pub on_demand: bool,
}

/// Rounds up to a page.
pub const fn page_up(addr: u64) -> u64 {
    (addr + PAGE_SIZE - 1) & !(PAGE_SIZE - 1)
}

/// Rounds down to a page.
pub const fn page_down(addr: u64) -> u64 {
    addr & !(PAGE_SIZE - 1)
}

/// `PROT_…` bits as the machine has them.
pub fn to_prot(bits: u32) -> Prot {
    let mut prot = Prot::NONE;
    for (bit, one) in [(1, Prot::READ), (2, Prot::WRITE), (4, Prot::EXEC)] {
        if bits & bit != 0 {
            prot = prot | one;
        }
    }
    prot
}

impl From<MapError> for Errno {
    fn from(error: MapError) -> Errno {
        match error {
            MapError::Misaligned => Errno::EINVAL,
            MapError::Unsupported => Errno::ENODEV,
            _ => Errno::ENOMEM,
        }
    }
}

impl Mm {
    /// Empty memory.
    pub fn new(machine: Box<dyn Machine>) -> Mm {
        Mm {
            machine,
            vmas: BTreeMap::new(),
            brk: 0..0,
            mmap_base: layout::LOW,
            exe: None,
            arguments: 0..0,
            environment: 0..0,
            auxv: Vec::new(),
            trampoline: 0,
            checked_pages: 0,
            on_demand: false,
        }
    }

    /// A copy for a child.
    pub fn fork(&self) -> SysResult<Mm> {
        Ok(Mm {
            machine: self.machine.fork()?,
            vmas: self.vmas.clone(),
            brk: self.brk.clone(),
            mmap_base: self.mmap_base,
            exe: self.exe.clone(),
            arguments: self.arguments.clone(),
            environment: self.environment.clone(),
            auxv: self.auxv.clone(),
            trampoline: self.trampoline,
            checked_pages: 0,
            on_demand: self.on_demand,
        })
    }

    /// The mapping that an address is in, with where it starts.
    pub fn find(&self, addr: u64) -> Option<(u64, &Vma)> {
        let (&start, vma) = self.vmas.range(..=addr).next_back()?;
        (addr < vma.end).then_some((start, vma))
    }

    /// Whether something is mapped in a range.
    pub fn is_used(&self, range: &Range<u64>) -> bool {
        let before = self.vmas.range(..range.end).next_back();
        before.is_some_and(|(_, vma)| vma.end > range.start)
    }

    /// The lowest free range of this length from `from` on.
    pub fn find_free(&self, len: u64, from: u64) -> SysResult<u64> {
        let mut at = from;
        if let Some((_, vma)) = self.find(at) {
            at = vma.end;
        }
        for (&start, vma) in self.vmas.range(at..) {
            if start - at >= len {
                break;
            }
            at = vma.end;
        }
        match at.checked_add(len) {
            Some(end) if end <= layout::TOP => Ok(at),
            _ => Err(Errno::ENOMEM),
        }
    }

    /// Splits the mapping that `at` is inside of.
    pub fn split(&mut self, at: u64) {
        let Some((start, vma)) = self.find(at) else { return };
        if start == at {
            return;
        }
        let mut upper = vma.clone();
        match &mut upper.backing {
            Backing::Anonymous => {}
            Backing::File { offset, .. } | Backing::Shared { offset, .. } => *offset += at - start,
        }
        if let Some(lower) = self.vmas.get_mut(&start) {
            lower.end = at;
        }
        self.vmas.insert(at, upper);
    }

    /// Adds a mapping whose pages are set up, joined to its neighbour below if
    /// both are one.
    pub fn insert(&mut self, start: u64, vma: Vma) {
        if matches!(vma.backing, Backing::Anonymous)
            && let Some((_, below)) = self.vmas.range_mut(..start).next_back()
            && below.end == start
            && below.prot == vma.prot
            && below.name == vma.name
            && matches!(below.backing, Backing::Anonymous)
        {
            below.end = vma.end;
            return;
        }
        self.vmas.insert(start, vma);
    }

    /// Maps zeros in a range, replacing what was there.
    pub fn map_anonymous(
        &mut self,
        range: Range<u64>,
        prot: u32,
        name: &'static str,
    ) -> SysResult<()> {
        self.remove(&range);
        self.machine.map_zero(range.clone(), to_prot(prot))?;
        self.insert(range.start, Vma { end: range.end, prot, backing: Backing::Anonymous, name });
        Ok(())
    }

    /// Takes mappings out of the list; their pages stay. Returns what they were.
    pub fn remove(&mut self, range: &Range<u64>) -> Vec<(u64, Vma)> {
        self.split(range.start);
        self.split(range.end);
        let starts: Vec<u64> = self.vmas.range(range.clone()).map(|(&start, _)| start).collect();
        let take = |start: u64| self.vmas.remove(&start).map(|vma| (start, vma));
        starts.into_iter().filter_map(take).collect()
    }

    /// The mappings in a range, cut at its ends.
    pub fn in_range(&mut self, range: &Range<u64>) -> Vec<(u64, Vma)> {
        self.split(range.start);
        self.split(range.end);
        self.vmas.range(range.clone()).map(|(&start, vma)| (start, vma.clone())).collect()
    }
}

impl Kernel {
    /// Bytes that all processes together take.
    pub fn memory_used(&self) -> u64 {
        let mut seen: Vec<*const RefCell<Mm>> = Vec::new();
        let mut pages = 0;
        for thread in self.threads.values() {
            let mm = thread.mm();
            if !seen.contains(&Rc::as_ptr(&mm)) {
                seen.push(Rc::as_ptr(&mm));
                pages += mm.borrow().machine.touched_pages() as u64;
            }
        }
        pages * PAGE_SIZE
    }

    /// Ends a process if all together take more memory than there is.
    pub fn check_memory(&mut self, running: &Rc<crate::task::Thread>) {
        let mut seen: Vec<*const RefCell<Mm>> = Vec::new();
        let mut total = 0;
        let mut largest = (0, running.clone());
        for thread in self.threads.values() {
            let mm = thread.mm();
            if seen.contains(&Rc::as_ptr(&mm)) {
                continue;
            }
            seen.push(Rc::as_ptr(&mm));
            let pages = mm.borrow().machine.touched_pages() as u64;
            total += pages;
            if pages > largest.0 && thread.process.pid != 1 {
                largest = (pages, thread.clone());
            }
        }
        if total * PAGE_SIZE > self.config.memory {
            let (pages, victim) = largest;
            let name = alloc::string::String::from_utf8_lossy(&victim.name.borrow()).into_owned();
            self.host.log(alloc::format!(
                "out of memory: killed process {} ({name}), {} KiB",
                victim.process.pid,
                pages * 4
            ));
            let info = crate::signal::SigInfo::kernel(crate::signal::SIGKILL);
            self.signal_process(&victim.process, info);
        }
    }
}
