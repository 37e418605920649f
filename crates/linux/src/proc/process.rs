//! What `/proc/PID` tells of a process.

use alloc::format;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use core::ops::Range;

use super::links;
use crate::errno::{Errno, SysResult};
use crate::fs::mount::mount_flags;
use crate::kernel::Context;
use crate::machine::PAGE_SIZE;
use crate::mm::Backing;
use crate::signal::calls::caught;
use crate::task::{Pid, State, Thread};

/// Nanoseconds of a tick, the unit of times in `stat`.
const TICK: u64 = 10_000_000;

/// The thread of a number, or the first of the process of that number.
pub fn some_thread(cx: &Context, id: Pid) -> Option<Rc<Thread>> {
    if let Some(thread) = cx.kernel.threads.get(&id) {
        return Some(thread.clone());
    }
    let process = cx.kernel.processes.get(&id)?;
    let tid = process.threads.borrow().first().copied()?;
    cx.kernel.threads.get(&tid).cloned()
}

fn state(thread: &Thread) -> (char, &'static str) {
    match thread.state.get() {
        _ if thread.process.status.get().is_some() => ('Z', "zombie"),
        _ if thread.tracing().is_some_and(|t| t.stop.get().is_some()) => ('t', "tracing stop"),
        _ if thread.process.stopped.get() => ('T', "stopped"),
        State::Runnable => ('R', "running"),
        State::Parked => ('S', "sleeping"),
        State::Dead => ('Z', "zombie"),
    }
}

fn memory(thread: &Thread, range: impl Fn(&crate::mm::Mm) -> Range<u64>) -> Vec<u8> {
    let mm = thread.mm();
    let mm = mm.borrow();
    let range = range(&mm);
    let len = range.end.saturating_sub(range.start).min(4 << 20);
    let mut bytes = alloc::vec![0; len as usize];
    // What the program took away is not shown.
    match mm.machine.peek(range.start, &mut bytes) {
        Ok(()) => bytes,
        Err(_) => Vec::new(),
    }
}

/// `cmdline`.
pub fn cmdline(_: &mut Context, thread: &Thread) -> SysResult<Vec<u8>> {
    Ok(memory(thread, |mm| mm.arguments.clone()))
}

/// `environ`.
pub fn environ(_: &mut Context, thread: &Thread) -> SysResult<Vec<u8>> {
    Ok(memory(thread, |mm| mm.environment.clone()))
}

/// `auxv`.
pub fn auxv(_: &mut Context, thread: &Thread) -> SysResult<Vec<u8>> {
    Ok(thread.mm().borrow().auxv.clone())
}

/// `comm`.
pub fn comm(_: &mut Context, thread: &Thread) -> SysResult<Vec<u8>> {
    let mut name = thread.name.borrow().clone();
    name.push(b'\n');
    Ok(name)
}

/// Bytes that are mapped, and bytes that take memory.
fn sizes(thread: &Thread) -> (u64, u64) {
    let mm = thread.mm();
    let mm = mm.borrow();
    let mapped = mm.vmas.iter().map(|(start, vma)| vma.end - start).sum();
    (mapped, mm.machine.touched_pages() as u64 * PAGE_SIZE)
}

/// `stat`.
pub fn stat(cx: &mut Context, thread: &Thread) -> SysResult<Vec<u8>> {
    let process = thread.process.clone();
    let name = String::from_utf8_lossy(&thread.name.borrow()).into_owned();
    let session = process.session.borrow().clone();
    let tty = session.tty.borrow().clone().and_then(|tty| tty.downcast::<crate::tty::Tty>().ok());
    let (tty_dev, foreground) = tty.map_or((0, -1), |tty| (tty.dev, tty.pgrp.get()));
    let used = cx.kernel.process_ns(&process) / TICK;
    let children = process.children_ns.get() / TICK;
    let started = process.started_ns / TICK;
    let (mapped, resident) = sizes(thread);
    let nice = process.nice.get();
    let (ignored, handled) = caught(&process);
    let (sp, ip) = {
        // The registers of whoever runs are in the processor.
        let registers = thread.registers.try_borrow();
        registers.map_or((0, 0), |r| (r.gpr[4], r.rip))
    };
    let pending = thread.pending.borrow().set;
    let blocked = thread.mask.get();
    let (pid, ppid, pgrp, sid) =
        (thread.tid, process.parent.get(), process.pgrp.get(), session.sid);
    let (state, threads) = (state(thread).0, process.threads.borrow().len());
    let low = 0x7fff_ffffu64;
    Ok(format!(
        "{pid} ({name}) {state} {ppid} {pgrp} {sid} {tty_dev} {foreground} 4194304 0 0 0 0 \
         {used} 0 {children} 0 {} {nice} {threads} 0 {started} {mapped} {} 18446744073709551615 \
         0 0 0 {sp} {ip} {} {} {} {} 0 0 0 {} 0 0 0 0 0 0 0 0 0 0 0 0 0\n",
        20 + nice,
        resident / PAGE_SIZE,
        pending & low,
        blocked & low,
        ignored & low,
        handled & low,
        process.exit_signal.get(),
    )
    .into_bytes())
}

/// `statm`.
pub fn statm(_: &mut Context, thread: &Thread) -> SysResult<Vec<u8>> {
    let (mapped, resident) = sizes(thread);
    let (mapped, resident) = (mapped / PAGE_SIZE, resident / PAGE_SIZE);
    Ok(format!("{mapped} {resident} 0 0 0 {resident} 0\n").into_bytes())
}

/// `status`.
pub fn status(_: &mut Context, thread: &Thread) -> SysResult<Vec<u8>> {
    let process = thread.process.clone();
    let c = thread.credentials();
    let name = String::from_utf8_lossy(&thread.name.borrow()).into_owned();
    let (letter, word) = state(thread);
    let (mapped, resident) = sizes(thread);
    let (ignored, handled) = caught(&process);
    let groups: Vec<String> = c.groups.iter().map(|group| format!("{group} ")).collect();
    let umask = thread.fs().umask.get();
    let text = format!(
        "Name:\t{name}\nUmask:\t{umask:04o}\nState:\t{letter} ({word})\nTgid:\t{pid}\nNgid:\t0\n\
         Pid:\t{tid}\nPPid:\t{ppid}\nTracerPid:\t{tracer}\nUid:\t{}\t{}\t{}\t{}\nGid:\t{}\t{}\t{}\t{}\n\
         FDSize:\t{fds}\nGroups:\t{groups}\nNStgid:\t{pid}\nNSpid:\t{tid}\nNSpgid:\t{pgrp}\n\
         NSsid:\t{sid}\nVmPeak:\t{mapped:8} kB\nVmSize:\t{mapped:8} kB\nVmLck:\t       0 kB\n\
         VmPin:\t       0 kB\nVmHWM:\t{resident:8} kB\nVmRSS:\t{resident:8} kB\n\
         RssAnon:\t{resident:8} kB\nRssFile:\t       0 kB\nRssShmem:\t       0 kB\n\
         VmData:\t{resident:8} kB\nVmStk:\t     132 kB\nVmExe:\t       0 kB\nVmLib:\t       0 kB\n\
         VmPTE:\t       0 kB\nVmSwap:\t       0 kB\nThreads:\t{threads}\nSigQ:\t0/8192\n\
         SigPnd:\t{:016x}\nShdPnd:\t{:016x}\nSigBlk:\t{:016x}\nSigIgn:\t{ignored:016x}\n\
         SigCgt:\t{handled:016x}\nCapInh:\t{:016x}\nCapPrm:\t{:016x}\nCapEff:\t{:016x}\n\
         CapBnd:\t{:016x}\nCapAmb:\t{:016x}\nNoNewPrivs:\t{}\nSeccomp:\t0\n\
         Cpus_allowed:\t1\nCpus_allowed_list:\t0\nvoluntary_ctxt_switches:\t0\n\
         nonvoluntary_ctxt_switches:\t0\n",
        c.uid,
        c.euid,
        c.suid,
        c.fsuid,
        c.gid,
        c.egid,
        c.sgid,
        c.fsgid,
        thread.pending.borrow().set,
        process.pending.borrow().set,
        thread.mask.get(),
        c.inheritable,
        c.permitted,
        c.effective,
        c.bounding,
        c.ambient,
        u8::from(process.no_new_privs.get()),
        tracer = thread.tracing().map_or(0, |tracing| tracing.process),
        pid = process.pid,
        tid = thread.tid,
        ppid = process.parent.get(),
        pgrp = process.pgrp.get(),
        sid = process.session.borrow().sid,
        fds = thread.files().borrow().len().next_power_of_two().max(64),
        groups = groups.concat(),
        mapped = mapped / 1024,
        resident = resident / 1024,
        threads = process.threads.borrow().len(),
    );
    Ok(text.into_bytes())
}

/// `limits`.
pub fn limits(_: &mut Context, thread: &Thread) -> SysResult<Vec<u8>> {
    const NAMES: [(&str, &str); crate::task::limits::COUNT] = [
        ("Max cpu time", "seconds"),
        ("Max file size", "bytes"),
        ("Max data size", "bytes"),
        ("Max stack size", "bytes"),
        ("Max core file size", "bytes"),
        ("Max resident set", "bytes"),
        ("Max processes", "processes"),
        ("Max open files", "files"),
        ("Max locked memory", "bytes"),
        ("Max address space", "bytes"),
        ("Max file locks", "locks"),
        ("Max pending signals", "signals"),
        ("Max msgqueue size", "bytes"),
        ("Max nice priority", ""),
        ("Max realtime priority", ""),
        ("Max realtime timeout", "us"),
    ];
    let mut text =
        format!("{:<25} {:<20} {:<20} {:<10}\n", "Limit", "Soft Limit", "Hard Limit", "Units");
    let shown = |value: u64| match value {
        crate::task::limits::INFINITY => String::from("unlimited"),
        value => format!("{value}"),
    };
    for (which, (name, unit)) in NAMES.into_iter().enumerate() {
        let (soft, hard) = thread.process.limit(which);
        let (soft, hard) = (shown(soft), shown(hard));
        text.push_str(&format!("{name:<25} {soft:<20} {hard:<20} {unit:<10}\n"));
    }
    Ok(text.into_bytes())
}

/// A mapping as `maps` shows it.
struct Mapping {
    line: String,
    size: u64,
}

fn mappings(cx: &mut Context, thread: &Thread) -> SysResult<Vec<Mapping>> {
    let mm = thread.mm();
    let (vmas, brk) = {
        let mm = mm.borrow();
        let vmas: Vec<_> = mm.vmas.iter().map(|(start, vma)| (*start, vma.clone())).collect();
        (vmas, mm.brk.clone())
    };
    let mut list = Vec::new();
    for (start, vma) in vmas {
        let bit = |mask: u32, letter: char| if vma.prot & mask != 0 { letter } else { '-' };
        let (shared, inode, location, offset) = match &vma.backing {
            Backing::Anonymous => ('p', None, None, 0),
            Backing::File { inode, location, offset } => {
                ('p', Some(inode.clone()), location.clone(), *offset)
            }
            Backing::Shared { file, location, offset } => {
                ('s', file.inode.clone(), location.clone(), *offset)
            }
        };
        let (mut device, mut ino) = ((0, 0), 0);
        if let Some(inode) = inode {
            let stat = inode.stat(cx)?;
            (device, ino) = (crate::fs::split_dev(stat.dev), stat.ino);
        }
        let name = match location {
            Some(place) => String::from_utf8_lossy(&links::shown(cx, &place)).into_owned(),
            None if vma.name.is_empty() && start < brk.end && vma.end > brk.start => {
                "[heap]".into()
            }
            None => vma.name.into(),
        };
        let end = vma.end;
        let (r, w, x) = (bit(1, 'r'), bit(2, 'w'), bit(4, 'x'));
        let head = format!(
            "{start:08x}-{end:08x} {r}{w}{x}{shared} {offset:08x} {:02x}:{:02x} {ino}",
            device.0, device.1
        );
        let line = if name.is_empty() { format!("{head} ") } else { format!("{head:<72} {name}") };
        list.push(Mapping { line, size: end - start });
    }
    Ok(list)
}

/// `maps`.
pub fn maps(cx: &mut Context, thread: &Thread) -> SysResult<Vec<u8>> {
    let list = mappings(cx, thread)?;
    Ok(list.iter().map(|mapping| format!("{}\n", mapping.line)).collect::<String>().into_bytes())
}

/// `smaps`: sizes alone; what of a mapping takes memory is not told apart.
pub fn smaps(cx: &mut Context, thread: &Thread) -> SysResult<Vec<u8>> {
    let line = |mapping: &Mapping| {
        let size = mapping.size / 1024;
        format!(
            "{}\nSize:           {size:8} kB\nKernelPageSize:        4 kB\nMMUPageSize:           4 kB\n",
            mapping.line
        )
    };
    Ok(mappings(cx, thread)?.iter().map(line).collect::<String>().into_bytes())
}

fn options(flags: u32) -> String {
    let mut text = String::from(if flags & mount_flags::RDONLY != 0 { "ro" } else { "rw" });
    for (flag, name) in [
        (mount_flags::NOSUID, ",nosuid"),
        (mount_flags::NODEV, ",nodev"),
        (mount_flags::NOEXEC, ",noexec"),
        (mount_flags::NOATIME, ",noatime"),
    ] {
        if flags & flag != 0 {
            text.push_str(name);
        }
    }
    text
}

/// Mounts that the thread sees, with where, first the root.
fn visible(cx: &Context, thread: &Thread) -> Vec<(Rc<crate::fs::Mount>, String)> {
    let root = thread.fs().root.borrow().clone();
    let mut list = Vec::new();
    for mount in cx.kernel.mounts.iter() {
        // What another mount covers as a whole, as the first root, is not seen.
        let location = mount.location();
        if !Rc::ptr_eq(&cx.kernel.mounts.enter(location.clone()).mount, mount) {
            continue;
        }
        let (path, reached) = location.path_from(&root);
        if reached {
            list.push((mount.clone(), String::from_utf8_lossy(&path).replace(' ', "\\040")));
        }
    }
    list
}

/// `mounts`.
pub fn mounts(cx: &mut Context, thread: &Thread) -> SysResult<Vec<u8>> {
    let line = |(mount, path): (Rc<crate::fs::Mount>, String)| {
        let source = String::from_utf8_lossy(&mount.source).into_owned();
        let (kind, options) = (mount.fs.name(), options(mount.flags.get()));
        format!("{source} {path} {kind} {options},relatime 0 0\n")
    };
    Ok(visible(cx, thread).into_iter().map(line).collect::<String>().into_bytes())
}

/// `mountinfo`.
pub fn mountinfo(cx: &mut Context, thread: &Thread) -> SysResult<Vec<u8>> {
    let line = |(mount, path): (Rc<crate::fs::Mount>, String)| {
        let source = String::from_utf8_lossy(&mount.source).into_owned();
        let parent = mount.point().map_or(mount.id, |point| point.mount.id);
        let (major, minor) = crate::fs::split_dev(mount.fs.dev());
        let (kind, options) = (mount.fs.name(), options(mount.flags.get()));
        let id = mount.id;
        format!("{id} {parent} {major}:{minor} / {path} {options},relatime - {kind} {source} rw\n")
    };
    Ok(visible(cx, thread).into_iter().map(line).collect::<String>().into_bytes())
}

/// A file of `fdinfo`.
pub fn fdinfo(cx: &mut Context, id: Pid, fd: i32) -> SysResult<Vec<u8>> {
    let thread = some_thread(cx, id).ok_or(Errno::ENOENT)?;
    let open = thread.files().borrow().get(fd).cloned().map_err(|_| Errno::ENOENT)?;
    let mount = open.location.as_ref().map_or(0, |place| place.mount.id);
    let (pos, flags, more) = (open.pos.get(), open.flags.get(), open.file.fdinfo());
    Ok(format!("pos:\t{pos}\nflags:\t0{flags:o}\nmnt_id:\t{mount}\nino:\t0\n{more}").into_bytes())
}
