//! What of an ELF file is needed to run it (`elf(5)`).

use alloc::vec::Vec;

use crate::errno::{Errno, SysResult};
use crate::fs::{InodeRef, io};
use crate::kernel::Context;
use crate::machine::{Mode, PAGE_SIZE};
use crate::mm::{demand, layout, page_down, page_up};

/// What of an ELF file is needed.
pub struct Elf {
    /// The processor's mode.
    pub mode: Mode,
    /// It lies where it says (`ET_EXEC`).
    pub fixed: bool,
    /// Where it begins, before it is moved.
    pub entry: u64,
    /// Where its program headers are in the file.
    pub headers: u64,
    /// Bytes of one.
    pub header_size: u64,
    /// How many.
    pub header_count: u64,
    /// What is loaded, in the order of addresses.
    pub segments: Vec<Segment>,
    /// Where the loader's name is in the file, and its length.
    pub interpreter: Option<(u64, u64)>,
    /// Code may be on the stack.
    pub stack_executable: bool,
}

/// A program header.
#[derive(Clone, Copy)]
pub struct Segment {
    /// `PT_…`.
    pub kind: u32,
    /// `PROT_…`.
    pub prot: u32,
    /// Where it is in the file.
    pub offset: u64,
    /// Where it goes, before it is moved.
    pub addr: u64,
    /// Bytes of the file.
    pub file_size: u64,
    /// Bytes in memory.
    pub size: u64,
}

impl Elf {
    /// Reads the headers; `ENOEXEC` if they make no sense.
    pub fn read(cx: &mut Context, inode: &InodeRef) -> SysResult<Elf> {
        let mut head = [0; 64];
        let len = io::read_inode(cx, inode, 0, &mut head)?;
        if len < 52 || head[..4] != *b"\x7fELF" || head[5] != 1 {
            return Err(Errno::ENOEXEC);
        }
        let field = |at: usize, size: usize| {
            head[at..at + size].iter().rev().fold(0, |value, &b| value << 8 | u64::from(b))
        };
        let (kind, machine) = (field(16, 2), field(18, 2));
        let (mode, wide) = match (head[4], machine) {
            (1, 3 | 6) => (Mode::I386, false),
            (2, 62) => (Mode::Amd64, true),
            _ => return Err(Errno::ENOEXEC),
        };
        let word = if wide { 8 } else { 4 };
        let (entry, headers) = (field(24, word), field(24 + word, word));
        let (size, count) =
            if wide { (field(54, 2), field(56, 2)) } else { (field(42, 2), field(44, 2)) };
        let header_size = if wide { 56 } else { 32 };
        if !matches!(kind, 2 | 3) || size != header_size || count == 0 || count > 128 {
            return Err(Errno::ENOEXEC);
        }
        let mut table = alloc::vec![0; (size * count) as usize];
        if io::read_inode(cx, inode, headers, &mut table)? < table.len() {
            return Err(Errno::ENOEXEC);
        }
        let mut elf = Elf {
            mode,
            fixed: kind == 2,
            entry,
            headers,
            header_size,
            header_count: count,
            segments: Vec::new(),
            interpreter: None,
            stack_executable: mode == Mode::I386,
        };
        for entry in table.chunks_exact(size as usize) {
            let get = |at: usize, size: usize| {
                entry[at..at + size].iter().rev().fold(0, |value, &b| value << 8 | u64::from(b))
            };
            let flags = if wide { get(4, 4) } else { get(24, 4) } as u32;
            let segment = Segment {
                kind: get(0, 4) as u32,
                prot: flags >> 2 & 1 | flags & 2 | (flags & 1) << 2,
                offset: if wide { get(8, 8) } else { get(4, 4) },
                addr: if wide { get(16, 8) } else { get(8, 4) },
                file_size: if wide { get(32, 8) } else { get(16, 4) },
                size: if wide { get(40, 8) } else { get(20, 4) },
            };
            match segment.kind {
                1 if segment.size > 0 => elf.segments.push(segment),
                3 => elf.interpreter = Some((segment.offset, segment.file_size)),
                0x6474_e551 => elf.stack_executable = flags & 1 != 0,
                _ => {}
            }
        }
        elf.check()?;
        Ok(elf)
    }

    /// Segments in order, below the top, with sizes that make sense.
    fn check(&self) -> SysResult<()> {
        let mut last = 0;
        for segment in &self.segments {
            let end = segment.addr.checked_add(segment.size);
            let in_order = segment.addr >= last && segment.file_size <= segment.size;
            let congruent = segment.addr % PAGE_SIZE == segment.offset % PAGE_SIZE;
            match end {
                Some(end) if end <= layout::TOP && in_order && congruent => last = end,
                _ => return Err(Errno::ENOEXEC),
            }
        }
        if self.segments.is_empty() { Err(Errno::ENOEXEC) } else { Ok(()) }
    }

    /// All that will be mapped can be read: there is no way back from where it is.
    pub fn prepare(&self, cx: &mut Context, inode: &InodeRef) -> SysResult<()> {
        for segment in &self.segments {
            // Mappings are of whole pages.
            let start = page_down(segment.offset);
            let end = page_up(segment.offset.saturating_add(segment.file_size));
            let len = end.saturating_sub(start);
            demand::prepare_file(cx, inode, start, len)?;
            if segment.size > segment.file_size {
                // Zeros are put behind the file's bytes.
                let tail = len.min(demand::WINDOW);
                inode.prepare(cx, end - tail, tail)?;
            }
        }
        Ok(())
    }

    /// Its first page, and the end of its last one.
    pub fn span(&self) -> (u64, u64) {
        let first = self.segments.first().map_or(0, |segment| page_down(segment.addr));
        let last = self.segments.last().map_or(0, |segment| page_up(segment.addr + segment.size));
        (first, last)
    }

    /// Where the program finds its own headers.
    pub fn headers_at(&self, base: u64) -> u64 {
        let holds =
            |s: &&Segment| s.offset <= self.headers && self.headers < s.offset + s.file_size;
        let segment = self.segments.iter().find(holds);
        segment.map_or(0, |s| base.wrapping_add(s.addr + self.headers - s.offset))
    }
}
