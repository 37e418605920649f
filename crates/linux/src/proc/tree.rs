//! Which files there are, and who writes them.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::links::Link;
use super::{Text, net, process, system};
use crate::errno::{Errno, SysResult};
use crate::kernel::Context;
use crate::task::{Pid, Thread};

/// Writes a file about a thread and its process.
pub type OfThread = fn(&mut Context, &Thread) -> SysResult<Vec<u8>>;
/// Writes a file about the system.
pub type OfSystem = fn(&mut Context) -> Text;

/// Who writes a file.
#[derive(Clone, Copy)]
pub enum Source {
    /// It is about a thread.
    Thread(OfThread),
    /// It is about the system.
    System(OfSystem),
    /// It is always the same.
    Fixed(&'static str),
}

/// What a node is.
#[derive(Clone, Copy)]
pub enum What {
    /// `/proc`.
    Root,
    /// The directory of a process, or (true) of a thread.
    Process(bool),
    /// `task`.
    Tasks,
    /// `fd`.
    Fds,
    /// `fdinfo`.
    FdInfos,
    /// A directory that is always the same.
    Static(&'static [(&'static str, What)]),
    /// A file with its permissions.
    File(Source, u32),
    /// A file of `fdinfo`.
    FdInfo(i32),
    /// The memory of a process.
    Memory,
    /// A link to where a process is.
    Link(Link),
    /// A link of `fd`.
    Fd(i32),
    /// A link that is its text; `self` and `thread-self` are whoever looks.
    Text(&'static str),
}

impl PartialEq for What {
    fn eq(&self, other: &What) -> bool {
        matches!((self, other), (What::Text(one), What::Text(two)) if one == two)
    }
}

impl What {
    /// A number for `stat`; the same for the same file, as good as surely another for others.
    pub fn ino(&self, id: Pid) -> u64 {
        let kind: u64 = match self {
            What::Root => return 1,
            What::Process(thread) => 2 + u64::from(*thread),
            What::Tasks => 4,
            What::Fds => 5,
            What::FdInfos => 6,
            What::Static(list) => 64 + (list.as_ptr() as u64 & 0xfffff),
            What::File(Source::Thread(write), _) => 64 + (*write as usize as u64 & 0xfffff),
            What::File(Source::System(write), _) => 64 + (*write as usize as u64 & 0xfffff),
            What::File(Source::Fixed(text), _) => 64 + (text.as_ptr() as u64 & 0xfffff),
            What::FdInfo(fd) => 0x20_0000 + *fd as u64,
            What::Memory => 7,
            What::Link(which) => 8 + *which as u64,
            What::Fd(fd) => 0x30_0000 + *fd as u64,
            What::Text(text) => 64 + (text.as_ptr() as u64 & 0xfffff),
        };
        kind | (id as u64 + 1) << 24
    }
}

/// An entry of a directory.
pub struct Entry {
    /// Its name.
    pub name: String,
    /// What it is.
    pub what: What,
    /// Whom it is about.
    pub id: Pid,
}

const fn of_thread(write: OfThread) -> What {
    What::File(Source::Thread(write), 0o444)
}

const fn of_system(write: OfSystem) -> What {
    What::File(Source::System(write), 0o444)
}

const fn fixed(text: &'static str) -> What {
    What::File(Source::Fixed(text), 0o444)
}

/// Files of `/proc` that are about the system.
const ROOT: &[(&str, What)] = &[
    ("self", What::Text("self")),
    ("thread-self", What::Text("thread-self")),
    ("mounts", What::Text("self/mounts")),
    ("net", What::Static(NET)),
    ("sys", What::Static(SYSCTL)),
    ("cmdline", fixed("console=console\n")),
    ("cpuinfo", of_system(system::cpuinfo)),
    (
        "devices",
        fixed(
            "Character devices:\n  1 mem\n  5 /dev/tty\n  5 /dev/console\n  5 /dev/ptmx\n136 pts\n\nBlock devices:\n",
        ),
    ),
    (
        "filesystems",
        fixed("nodev\tsysfs\nnodev\ttmpfs\nnodev\tproc\nnodev\tdevtmpfs\nnodev\tdevpts\n\text2\n"),
    ),
    ("loadavg", of_system(system::loadavg)),
    ("meminfo", of_system(system::meminfo)),
    ("stat", of_system(system::stat)),
    ("swaps", fixed("Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n")),
    ("uptime", of_system(system::uptime)),
    ("version", of_system(system::version)),
    ("vmstat", of_system(system::vmstat)),
];

const NET: &[(&str, What)] = &[
    ("dev", of_system(net::dev)),
    ("if_inet6", of_system(net::if_inet6)),
    ("route", of_system(net::route)),
];

const SYSCTL: &[(&str, What)] = &[
    (
        "fs",
        What::Static(&[
            ("file-max", fixed("1048576\n")),
            ("nr_open", fixed("1048576\n")),
            ("pipe-max-size", fixed("1048576\n")),
        ]),
    ),
    (
        "kernel",
        What::Static(&[
            ("cap_last_cap", fixed("40\n")),
            ("core_pattern", fixed("core\n")),
            ("hostname", of_system(system::hostname)),
            ("ngroups_max", fixed("65536\n")),
            ("osrelease", of_system(system::osrelease)),
            ("ostype", fixed("Linux\n")),
            ("pid_max", fixed("32768\n")),
            (
                "random",
                What::Static(&[
                    ("boot_id", of_system(system::boot_id)),
                    ("entropy_avail", fixed("256\n")),
                    ("poolsize", fixed("256\n")),
                    ("uuid", of_system(system::uuid)),
                ]),
            ),
            ("randomize_va_space", fixed("0\n")),
            ("threads-max", fixed("16384\n")),
            ("version", of_system(system::build)),
        ]),
    ),
    (
        "vm",
        What::Static(&[
            ("max_map_count", fixed("65530\n")),
            ("mmap_min_addr", fixed("65536\n")),
            ("overcommit_memory", fixed("0\n")),
        ]),
    ),
];

/// Files of a process, and of a thread.
const PROCESS: &[(&str, What)] = &[
    ("auxv", of_thread(process::auxv)),
    ("cgroup", fixed("0::/\n")),
    ("cmdline", of_thread(process::cmdline)),
    ("comm", What::File(Source::Thread(process::comm), 0o644)),
    ("cwd", What::Link(Link::Cwd)),
    ("environ", What::File(Source::Thread(process::environ), 0o400)),
    ("exe", What::Link(Link::Exe)),
    ("fd", What::Fds),
    ("fdinfo", What::FdInfos),
    (
        "io",
        fixed(
            "rchar: 0\nwchar: 0\nsyscr: 0\nsyscw: 0\nread_bytes: 0\nwrite_bytes: 0\ncancelled_write_bytes: 0\n",
        ),
    ),
    ("limits", of_thread(process::limits)),
    ("loginuid", fixed("4294967295")),
    ("maps", of_thread(process::maps)),
    ("mem", What::Memory),
    ("mountinfo", of_thread(process::mountinfo)),
    ("mounts", of_thread(process::mounts)),
    ("oom_adj", What::File(Source::Fixed("0\n"), 0o644)),
    ("oom_score", fixed("0\n")),
    ("oom_score_adj", What::File(Source::Fixed("0\n"), 0o644)),
    ("root", What::Link(Link::Root)),
    ("sessionid", fixed("4294967295")),
    ("smaps", of_thread(process::smaps)),
    ("stat", of_thread(process::stat)),
    ("statm", of_thread(process::statm)),
    ("status", of_thread(process::status)),
    ("wchan", fixed("0")),
];

/// Files of `/sys`: one processor, and what lscpu and C libraries look for.
pub const SYS: &[(&str, What)] = &[
    ("class", What::Static(&[("net", What::Static(&[])), ("tty", What::Static(&[]))])),
    (
        "devices",
        What::Static(&[(
            "system",
            What::Static(&[(
                "cpu",
                What::Static(&[
                    (
                        "cpu0",
                        What::Static(&[(
                            "topology",
                            What::Static(&[
                                ("core_id", fixed("0\n")),
                                ("core_siblings", fixed("1\n")),
                                ("physical_package_id", fixed("0\n")),
                                ("thread_siblings", fixed("1\n")),
                            ]),
                        )]),
                    ),
                    ("kernel_max", fixed("0\n")),
                    ("online", fixed("0\n")),
                    ("possible", fixed("0\n")),
                    ("present", fixed("0\n")),
                ]),
            )]),
        )]),
    ),
    ("fs", What::Static(&[("cgroup", What::Static(&[]))])),
    (
        "kernel",
        What::Static(&[(
            "mm",
            What::Static(&[(
                "transparent_hugepage",
                What::Static(&[("enabled", fixed("always madvise [never]\n"))]),
            )]),
        )]),
    ),
];

fn listed(list: &[(&str, What)], id: Pid) -> Vec<Entry> {
    let entry = |(name, what): &(&str, What)| Entry { name: (*name).into(), what: *what, id };
    list.iter().map(entry).collect()
}

/// The entries of a directory.
pub fn entries(cx: &mut Context, what: &What, id: Pid) -> SysResult<Vec<Entry>> {
    let numbered = |numbers: Vec<i32>, what: fn(i32) -> (What, Pid)| {
        let entry = |number: i32| {
            let (what, id) = what(number);
            Entry { name: number.to_string(), what, id }
        };
        numbers.into_iter().map(entry).collect::<Vec<_>>()
    };
    match what {
        What::Root => {
            let mut list = listed(ROOT, 0);
            let pids = cx.kernel.processes.keys().copied().collect();
            list.extend(numbered(pids, |pid| (What::Process(false), pid)));
            Ok(list)
        }
        What::Process(thread) => {
            process::some_thread(cx, id).ok_or(Errno::ESRCH)?;
            let mut list = listed(PROCESS, id);
            if !thread {
                list.push(Entry { name: "task".into(), what: What::Tasks, id });
            }
            Ok(list)
        }
        What::Tasks => {
            let process = cx.kernel.processes.get(&id).ok_or(Errno::ESRCH)?;
            let tids = process.threads.borrow().clone();
            Ok(numbered(tids, |tid| (What::Process(true), tid)))
        }
        What::Fds | What::FdInfos => {
            let thread = process::some_thread(cx, id).ok_or(Errno::ESRCH)?;
            let fds: Vec<i32> = thread.files().borrow().iter().map(|(fd, _)| fd).collect();
            let what: fn(i32) -> (What, Pid) = match what {
                What::Fds => |fd| (What::Fd(fd), 0),
                _ => |fd| (What::FdInfo(fd), 0),
            };
            let mut list = numbered(fds, what);
            list.iter_mut().for_each(|entry| entry.id = id);
            Ok(list)
        }
        What::Static(list) => Ok(listed(list, id)),
        _ => Err(Errno::ENOTDIR),
    }
}

/// What a file holds now.
pub fn content(cx: &mut Context, what: &What, id: Pid) -> SysResult<Vec<u8>> {
    match what {
        What::File(Source::Fixed(text), _) => Ok(text.as_bytes().to_vec()),
        What::File(Source::System(write), _) => Ok(write(cx).into_bytes()),
        What::File(Source::Thread(write), _) => {
            let thread = process::some_thread(cx, id).ok_or(Errno::ESRCH)?;
            write(cx, &thread)
        }
        What::FdInfo(fd) => process::fdinfo(cx, id, *fd),
        _ => Err(Errno::EINVAL),
    }
}

/// Changes what can be changed: the name of a thread. What is only for show is taken.
pub fn write(cx: &mut Context, what: &What, id: Pid, bytes: &[u8]) -> SysResult<()> {
    match what {
        What::File(Source::Thread(_), 0o644) => {
            let thread = process::some_thread(cx, id).ok_or(Errno::ESRCH)?;
            let name = bytes.strip_suffix(b"\n").unwrap_or(bytes);
            *thread.name.borrow_mut() = name[..name.len().min(15)].to_vec();
            Ok(())
        }
        What::File(_, mode) if mode & 0o200 != 0 => Ok(()),
        _ => Err(Errno::EACCES),
    }
}
