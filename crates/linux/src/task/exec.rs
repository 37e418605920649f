//! `execve(2)`: scripts, programs and their dynamic loader.

use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::RefCell;

use super::credentials::cap;
use super::elf::Elf;
use super::first_stack::{auxiliary, first_stack};
use super::{Thread, limits};
use crate::errno::{Errno, SysResult};
use crate::fs::walk::{self, Follow};
use crate::fs::{FileType, Location, access, io, mount::mount_flags};
use crate::kernel::Context;
use crate::machine::{Mode, PAGE_SIZE, Registers, gpr};
use crate::mm::{Backing, Mm, Vma, demand, layout, map, page_down, page_up};
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
            let _ = map::write_back(cx, start, &vma);
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
            map::unmap(cx, &pages)?;
            demand::populate(cx, &pages, segment.prot, &backing)?;
            let vma = Vma { end: pages.end, prot: segment.prot, backing, name: "" };
            mm.borrow_mut().insert(pages.start, vma);
            if segment.size > segment.file_size {
                if mm.borrow().is_absent(file_end) {
                    demand::load(cx, &mm, file_end)?;
                }
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
    // Who traces another's program must not get its rights.
    let watched = thread.tracing().is_some_and(|tracing| {
        let tracer = cx.kernel.threads.get(&tracing.tracer);
        !tracer.is_some_and(|tracer| tracer.credentials().has(cap::SYS_PTRACE))
    });
    let honoured = program.mount.flags.get() & mount_flags::NOSUID == 0
        && !process.no_new_privs.get()
        && !watched;
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
    cx.kernel.traced_exec(&thread);
    Ok(())
}
