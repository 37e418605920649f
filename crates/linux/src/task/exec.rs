//! `execve(2)`: ELF files, scripts, the dynamic loader, and the first stack.

use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::RefCell;

use super::{Thread, limits};
use crate::errno::{Errno, SysResult};
use crate::fs::walk::{self, Follow};
use crate::fs::{FileType, InodeRef, Location, access, io, mount::mount_flags};
use crate::kernel::Context;
use crate::machine::{Mode, PAGE_SIZE, Registers, gpr};
use crate::mm::{Backing, Mm, Vma, calls, layout, page_down, page_up};
use crate::signal::{Actions, IGNORE};
use crate::syscall::{Abi, Args};

/// Bytes of arguments and environment together.
const ARGUMENTS_MAX: usize = 2 << 20;

/// `execve(2)`.
pub fn execve(cx: &mut Context, args: Args) -> SysResult {
    let path = cx.read_path(args.u64(0))?;
    let argv = strings(cx, args.u64(1))?;
    let envp = strings(cx, args.u64(2))?;
    let program = walk::resolve(cx, walk::AT_FDCWD, &path, Follow::Yes)?;
    exec(cx, program, path, argv, envp)
}

/// `execveat(2)`.
pub fn execveat(cx: &mut Context, args: Args) -> SysResult {
    let path = cx.read_path(args.u64(1))?;
    let argv = strings(cx, args.u64(2))?;
    let envp = strings(cx, args.u64(3))?;
    let program = walk::resolve_at(cx, args.int(0), &path, args.u32(4))?;
    let name = match (args.int(0), path.is_empty()) {
        (walk::AT_FDCWD, _) => path,
        (fd, true) => alloc::format!("/dev/fd/{fd}").into_bytes(),
        _ if path[0] == b'/' => path,
        (fd, _) => [alloc::format!("/dev/fd/{fd}/").as_bytes(), &path].concat(),
    };
    exec(cx, program, name, argv, envp)
}

/// A vector of strings of the program that ends with a null pointer.
fn strings(cx: &Context, at: u64) -> SysResult<Vec<Vec<u8>>> {
    let (mut list, mut total) = (Vec::new(), 0);
    if at == 0 {
        return Ok(list);
    }
    loop {
        let entry = cx.read_word(at + (list.len() * cx.word()) as u64)?;
        if entry == 0 {
            return Ok(list);
        }
        let text = cx.read_string(entry, 32 * PAGE_SIZE as usize, Errno::E2BIG)?;
        total += text.len() + 1 + cx.word();
        if total > ARGUMENTS_MAX {
            return Err(Errno::E2BIG);
        }
        list.push(text);
    }
}

/// Replaces the program of the running process.
pub fn exec(
    cx: &mut Context,
    program: Location,
    path: Vec<u8>,
    mut argv: Vec<Vec<u8>>,
    envp: Vec<Vec<u8>>,
) -> SysResult {
    if argv.is_empty() {
        argv.push(Vec::new());
    }
    let mut program = program;
    let mut name = path;
    // A script may name a script; the kernel's own limit is five.
    for _ in 0..6 {
        check(cx, &program)?;
        let inode = program.inode().clone();
        let mut head = [0; 256];
        let len = io::read_inode(cx, &inode, 0, &mut head)?;
        let head = &head[..len];
        if !head.starts_with(b"#!") {
            return load(cx, program, name, argv, envp);
        }
        let (interpreter, argument) = shebang(head)?;
        let mut list = alloc::vec![interpreter.clone()];
        list.extend(argument);
        list.push(name);
        list.extend(argv.into_iter().skip(1));
        argv = list;
        program = walk::resolve(cx, walk::AT_FDCWD, &interpreter, Follow::Yes)?;
        name = interpreter;
    }
    Err(Errno::ELOOP)
}

fn shebang(head: &[u8]) -> SysResult<(Vec<u8>, Option<Vec<u8>>)> {
    let line = head[2..].split(|&b| b == b'\n').next().unwrap_or(b"");
    let line = line.trim_ascii();
    let end = line.iter().position(|b| b" \t\0".contains(b)).unwrap_or(line.len());
    if end == 0 {
        return Err(Errno::ENOEXEC);
    }
    let rest = line[end..].trim_ascii();
    let argument = (!rest.is_empty() && rest[0] != 0).then(|| rest.to_vec());
    Ok((line[..end].to_vec(), argument))
}

fn check(cx: &mut Context, program: &Location) -> SysResult<()> {
    if program.inode().kind() != FileType::Regular {
        return Err(Errno::EACCES);
    }
    crate::fs::permission(cx, program.inode(), access::EXECUTE)?;
    if program.mount.flags.get() & mount_flags::NOEXEC != 0 {
        return Err(Errno::EACCES);
    }
    if program.inode().extra().writers.get() > 0 {
        return Err(Errno::ETXTBSY);
    }
    Ok(())
}

/// What of an ELF file is needed.
struct Elf {
    mode: Mode,
    fixed: bool,
    entry: u64,
    headers: u64,
    header_size: u64,
    header_count: u64,
    segments: Vec<Segment>,
    interpreter: Option<(u64, u64)>,
    stack_executable: bool,
}

#[derive(Clone, Copy)]
struct Segment {
    kind: u32,
    prot: u32,
    offset: u64,
    addr: u64,
    file_size: u64,
    size: u64,
}

impl Elf {
    fn read(cx: &mut Context, inode: &InodeRef) -> SysResult<Elf> {
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
    fn prepare(&self, cx: &mut Context, inode: &InodeRef) -> SysResult<()> {
        for segment in &self.segments {
            // Mappings are of whole pages.
            let start = page_down(segment.offset);
            let end = page_up(segment.offset.saturating_add(segment.file_size));
            inode.prepare(cx, start, end.saturating_sub(start))?;
        }
        Ok(())
    }

    fn span(&self) -> (u64, u64) {
        let first = self.segments.first().map_or(0, |segment| page_down(segment.addr));
        let last = self.segments.last().map_or(0, |segment| page_up(segment.addr + segment.size));
        (first, last)
    }

    /// Where the program finds its own headers.
    fn headers_at(&self, base: u64) -> u64 {
        let holds =
            |s: &&Segment| s.offset <= self.headers && self.headers < s.offset + s.file_size;
        let segment = self.segments.iter().find(holds);
        segment.map_or(0, |s| base.wrapping_add(s.addr + self.headers - s.offset))
    }
}

fn load(
    cx: &mut Context,
    program: Location,
    path: Vec<u8>,
    argv: Vec<Vec<u8>>,
    envp: Vec<Vec<u8>>,
) -> SysResult {
    let inode = program.inode().clone();
    let elf = Elf::read(cx, &inode)?;
    let loader = match elf.interpreter {
        Some((_, len)) if !(2..=4096).contains(&len) => return Err(Errno::ENOEXEC),
        Some((offset, len)) => {
            let mut name = alloc::vec![0; len as usize];
            if io::read_inode(cx, &inode, offset, &mut name)? < name.len() {
                return Err(Errno::ENOEXEC);
            }
            let end = name.iter().position(|&b| b == 0).unwrap_or(name.len());
            let place = walk::resolve(cx, walk::AT_FDCWD, &name[..end], Follow::Yes)?;
            check(cx, &place)?;
            let inode = place.inode().clone();
            let loader = Elf::read(cx, &inode).map_err(|error| match error {
                Errno::ENOEXEC => Errno::EACCES,
                error => error,
            })?;
            if loader.mode != elf.mode {
                return Err(Errno::ENOEXEC);
            }
            Some((place, loader))
        }
        None => None,
    };
    elf.prepare(cx, &inode)?;
    if let Some((place, loader)) = &loader {
        loader.prepare(cx, &place.inode().clone())?;
    }
    let machine = (cx.kernel.config.new_machine)()?;
    // From here on the old program is gone; what fails ends the process.
    let thread = cx.thread.clone();
    become_alone(cx);
    let old = thread.mm();
    release_memory(cx, &old);
    let mm = Rc::new(RefCell::new(Mm::new(machine)));
    thread.set_mm(mm.clone());
    drop(old);
    let result = start(cx, &program, &elf, loader, &path, argv, envp);
    if result.is_err() {
        cx.kernel.end_process(&thread.process, crate::signal::SIGKILL);
        return Ok(0);
    }
    finish(cx, &program, &path)?;
    Ok(0)
}

/// Other threads of the process end.
fn become_alone(cx: &mut Context) {
    let own = cx.thread.tid;
    let others = cx.thread.process.threads.borrow().clone();
    for tid in others.into_iter().filter(|tid| *tid != own) {
        if let Some(thread) = cx.kernel.threads.get(&tid).cloned() {
            cx.kernel.end_thread(&thread, 0);
        }
    }
}

/// What goes with memory that a thread leaves: shared pages are written back if
/// nobody else has them, and the parent of a `vfork` goes on.
pub fn release_memory(cx: &mut Context, mm: &Rc<RefCell<Mm>>) {
    let is_last = Rc::strong_count(mm) <= 2;
    let thread = cx.thread.clone();
    cx.kernel.futexes_of_dead(&thread, is_last);
    if is_last {
        let vmas: Vec<(u64, Vma)> =
            mm.borrow().vmas.iter().map(|(&start, vma)| (start, vma.clone())).collect();
        for (start, vma) in vmas {
            // There is nobody to tell of an error.
            let _ = calls::write_back(cx, start, &vma);
        }
    }
    if let Some(queue) = thread.vfork_done.take() {
        queue.wake_all();
    }
}

fn start(
    cx: &mut Context,
    program: &Location,
    elf: &Elf,
    loader: Option<(Location, Elf)>,
    path: &[u8],
    argv: Vec<Vec<u8>>,
    envp: Vec<Vec<u8>>,
) -> SysResult<()> {
    let (low, high) = elf.span();
    let base = if elf.fixed { 0 } else { layout::PROGRAM.wrapping_sub(low) };
    if base.wrapping_add(low) < layout::LOW {
        return Err(Errno::EPERM);
    }
    map_elf(cx, program, elf, base)?;
    let end = base.wrapping_add(high);
    let mm = cx.mm();
    let limit = cx.thread.process.limit(limits::STACK).0.clamp(1 << 17, 64 << 20);
    let limit = page_down(limit).min(layout::STACK);
    // The stack lies lowest, unless the program is bound to that place.
    let stack_fits = base.wrapping_add(low) >= layout::STACK_TOP;
    let heap_room = layout::HEAP.min((layout::TOP - end) / 4);
    let mut base_of_maps = page_up(end + heap_room);
    let stack_top = if stack_fits {
        layout::STACK_TOP
    } else {
        base_of_maps += PAGE_SIZE + limit;
        base_of_maps
    };
    let stack_prot = if elf.stack_executable { 7 } else { 3 };
    {
        let mut mm = mm.borrow_mut();
        mm.map_anonymous(stack_top - limit..stack_top, stack_prot, "[stack]")?;
        mm.brk = end..end;
        mm.mmap_base = base_of_maps;
        mm.exe = Some(program.clone());
    }
    let mut entry = base.wrapping_add(elf.entry);
    let mut loader_base = 0;
    if let Some((place, loader)) = &loader {
        let (first, last) = loader.span();
        let at = if loader.fixed {
            first
        } else {
            let mm = mm.borrow();
            mm.find_free(last - first, mm.mmap_base)?
        };
        loader_base = at.wrapping_sub(first);
        map_elf(cx, place, loader, loader_base)?;
        entry = loader_base.wrapping_add(loader.entry);
    }
    if elf.mode == Mode::I386 {
        map_trampoline(cx)?;
    }
    let auxv = auxiliary(cx, elf, base, loader_base);
    let sp = first_stack(cx, elf.mode, stack_top, limit, path, &argv, &envp, auxv)?;
    let mut registers = Registers::new(elf.mode);
    registers.rip = entry;
    registers.gpr[gpr::RSP] = sp;
    *cx.thread.registers.borrow_mut() = registers;
    Ok(())
}

fn map_elf(cx: &mut Context, place: &Location, elf: &Elf, base: u64) -> SysResult<()> {
    let (low, high) = elf.span();
    let whole = base.wrapping_add(low)..base.wrapping_add(high);
    if whole.end > layout::TOP || cx.mm().borrow().is_used(&whole) {
        return Err(Errno::ENOMEM);
    }
    for segment in &elf.segments {
        let start = base.wrapping_add(segment.addr);
        let (file_end, end) = (start + segment.file_size, start + segment.size);
        let inode = place.inode().clone();
        let pages = page_down(start)..page_up(file_end);
        let mm = cx.mm();
        if segment.file_size > 0 {
            let offset = page_down(segment.offset);
            let backing = Backing::File { inode, location: Some(place.clone()), offset };
            calls::unmap(cx, &pages)?;
            calls::populate(cx, &pages, segment.prot, &backing)?;
            let vma = Vma { end: pages.end, prot: segment.prot, backing, name: "" };
            mm.borrow_mut().insert(pages.start, vma);
            if segment.size > segment.file_size {
                let zeros = alloc::vec![0; (pages.end.min(page_up(end)) - file_end) as usize];
                mm.borrow_mut().machine.poke(file_end, &zeros).map_err(|_| Errno::ENOEXEC)?;
            }
        }
        let zero = if segment.file_size > 0 { pages.end } else { pages.start };
        if page_up(end) > zero {
            mm.borrow_mut().map_anonymous(zero..page_up(end), segment.prot, "")?;
        }
    }
    Ok(())
}

/// Code that handlers of i386 without a restorer return to: `sigreturn`, and 16
/// bytes behind it `rt_sigreturn`.
fn map_trampoline(cx: &mut Context) -> SysResult<()> {
    const CODE: [u8; 23] = [
        0x58, 0xb8, 0x77, 0, 0, 0, 0xcd, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, //
        0xb8, 0xad, 0, 0, 0, 0xcd, 0x80,
    ];
    let mm = cx.mm();
    let mut mm = mm.borrow_mut();
    let at = mm.find_free(PAGE_SIZE, mm.mmap_base)?;
    mm.map_anonymous(at..at + PAGE_SIZE, 5, "[vdso]")?;
    mm.machine.poke(at, &CODE).map_err(|_| Errno::EFAULT)?;
    mm.trampoline = at;
    Ok(())
}

/// The auxiliary vector (`getauxval(3)`); what points into the stack is added there.
fn auxiliary(cx: &Context, elf: &Elf, base: u64, loader_base: u64) -> Vec<(u64, u64)> {
    let credentials = cx.thread.credentials();
    // CPUID 1, edx: what baseline programs test for.
    const HWCAP: u64 = 0x0780_8b11 | 1 << 8 | 1 << 15;
    alloc::vec![
        (16, HWCAP),
        (6, PAGE_SIZE),
        (17, 100),
        (3, elf.headers_at(base)),
        (4, elf.header_size),
        (5, elf.header_count),
        (7, loader_base),
        (8, 0),
        (9, base.wrapping_add(elf.entry)),
        (11, u64::from(credentials.uid)),
        (12, u64::from(credentials.euid)),
        (13, u64::from(credentials.gid)),
        (14, u64::from(credentials.egid)),
        (23, u64::from(credentials.uid != credentials.euid || credentials.gid != credentials.egid)),
    ]
}

#[allow(clippy::too_many_arguments)]
fn first_stack(
    cx: &mut Context,
    mode: Mode,
    top: u64,
    size: u64,
    path: &[u8],
    argv: &[Vec<u8>],
    envp: &[Vec<u8>],
    mut auxv: Vec<(u64, u64)>,
) -> SysResult<u64> {
    let word = if mode == Mode::Amd64 { 8 } else { 4 };
    let mut random = [0; 16];
    cx.kernel.host.random(&mut random);
    let platform: &[u8] = if mode == Mode::Amd64 { b"x86_64" } else { b"i686" };
    let strings: usize = argv.iter().chain(envp).map(|text| text.len() + 1).sum();
    if (strings + (argv.len() + envp.len()) * word + 4096) as u64 > size / 4 * 3 {
        return Err(Errno::E2BIG);
    }
    let mm = cx.mm();
    let mut mm = mm.borrow_mut();
    let mut at = top - word as u64;
    let mut put = |mm: &mut Mm, text: &[u8], zero: bool| -> SysResult<u64> {
        at -= (text.len() + usize::from(zero)) as u64;
        mm.machine.poke(at, text).map_err(|_| Errno::EFAULT)?;
        Ok(at)
    };
    let file_name = put(&mut mm, path, true)?;
    let mut env_at = Vec::new();
    let env_end = file_name;
    for text in envp.iter().rev() {
        env_at.push(put(&mut mm, text, true)?);
    }
    let env_start = env_at.last().copied().unwrap_or(env_end);
    let mut arg_at = Vec::new();
    for text in argv.iter().rev() {
        arg_at.push(put(&mut mm, text, true)?);
    }
    let arg_start = arg_at.last().copied().unwrap_or(env_start);
    auxv.push((15, put(&mut mm, platform, true)?));
    auxv.push((25, put(&mut mm, &random, false)?));
    auxv.push((31, file_name));
    auxv.push((0, 0));
    let words = 1 + argv.len() + 1 + envp.len() + 1 + auxv.len() * 2;
    let strings_end = put(&mut mm, &[], false)?;
    let sp = (strings_end - (words * word) as u64) & !15;
    let mut image = Vec::new();
    let mut push = |value: u64| image.extend_from_slice(&value.to_le_bytes()[..word]);
    push(argv.len() as u64);
    arg_at.iter().rev().for_each(|&at| push(at));
    push(0);
    env_at.iter().rev().for_each(|&at| push(at));
    push(0);
    auxv.iter().for_each(|&(kind, value)| {
        push(kind);
        push(value);
    });
    mm.machine.poke(sp, &image).map_err(|_| Errno::EFAULT)?;
    mm.auxv = image[image.len() - auxv.len() * 2 * word..].to_vec();
    mm.arguments = arg_start..env_start;
    mm.environment = env_start..env_end;
    Ok(sp)
}

/// What else a new program begins with.
fn finish(cx: &mut Context, program: &Location, path: &[u8]) -> SysResult<()> {
    let thread: Rc<Thread> = cx.thread.clone();
    let process = &thread.process;
    let abi = match thread.registers.borrow().mode {
        Mode::I386 => Abi::I386,
        Mode::Amd64 => Abi::Amd64,
    };
    thread.abi.set(abi);
    let files = Rc::new(RefCell::new(thread.files().borrow().clone()));
    let closed = files.borrow_mut().take_cloexec();
    thread.set_files(files);
    for open in closed {
        open.closed(cx);
    }
    let mut actions = Actions::default();
    let old = process.actions.borrow().clone();
    for (new, old) in actions.0.iter_mut().zip(&old.borrow().0) {
        if old.handler == IGNORE {
            new.handler = IGNORE;
        }
    }
    *process.actions.borrow_mut() = Rc::new(RefCell::new(actions));
    thread.altstack.set((0, 0, 2));
    let base = path.rsplit(|&b| b == b'/').next().unwrap_or(path);
    *thread.name.borrow_mut() = base[..base.len().min(15)].to_vec();
    process.executed.set(true);
    crate::time::posix::executed(process);
    process.dumpable.set(true);
    let stat = program.inode().clone().stat(cx)?;
    let mut credentials = (*thread.credentials()).clone();
    let honoured =
        program.mount.flags.get() & mount_flags::NOSUID == 0 && !process.no_new_privs.get();
    if honoured && stat.mode & access::S_ISUID != 0 {
        credentials.euid = stat.uid;
    }
    if honoured && stat.mode & access::S_ISGID != 0 && stat.mode & 0o010 != 0 {
        credentials.egid = stat.gid;
    }
    (credentials.suid, credentials.fsuid) = (credentials.euid, credentials.euid);
    (credentials.sgid, credentials.fsgid) = (credentials.egid, credentials.egid);
    let before = thread.credentials();
    credentials.executed(before.euid != credentials.euid || before.egid != credentials.egid);
    thread.set_credentials(credentials);
    Ok(())
}
