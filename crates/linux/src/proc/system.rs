//! What `/proc` tells of the system as a whole.

use alloc::format;
use alloc::string::String;

use super::Text;
use crate::kernel::Context;
use crate::task::State;
use crate::time::SECOND;

/// Nanoseconds of a tick.
const TICK: u64 = 10_000_000;

/// Time that all processes together spent on the processor.
fn busy_ns(cx: &Context) -> u64 {
    let processes = cx.kernel.processes.values();
    let used = |process| cx.kernel.process_ns(process);
    processes.map(|process| used(process) + process.children_ns.get()).sum()
}

/// `cpuinfo`: one processor, with what it says of itself.
pub fn cpuinfo(_: &mut Context) -> Text {
    let flags = "fpu tsc cx8 sep cmov clflush mmx fxsr sse sse2 syscall nx rdtscp lm rep_good \
                 nopl pni ssse3 cx16 sse4_1 sse4_2 popcnt hypervisor lahf_lm";
    format!(
        "processor\t: 0\nvendor_id\t: AuthenticAMD\ncpu family\t: 15\nmodel\t\t: 107\n\
         model name\t: sampan x86 interpreter\nstepping\t: 1\ncpu MHz\t\t: 1000.000\n\
         cache size\t: 1024 KB\nphysical id\t: 0\nsiblings\t: 1\ncore id\t\t: 0\n\
         cpu cores\t: 1\nfpu\t\t: yes\nfpu_exception\t: yes\ncpuid level\t: 1\nwp\t\t: yes\n\
         flags\t\t: {flags}\nbugs\t\t:\nbogomips\t: 2000.00\nclflush size\t: 64\n\
         cache_alignment\t: 64\naddress sizes\t: 32 bits physical, 48 bits virtual\n\n"
    )
}

/// `loadavg`: what runs now; no average is kept.
pub fn loadavg(cx: &mut Context) -> Text {
    let threads = cx.kernel.threads.values();
    let running = threads.filter(|thread| thread.state.get() == State::Runnable).count();
    let (all, last) = (cx.kernel.threads.len(), cx.kernel.processes.keys().next_back().copied());
    format!("{running}.00 {running}.00 {running}.00 {running}/{all} {}\n", last.unwrap_or(1))
}

/// `meminfo`.
pub fn meminfo(cx: &mut Context) -> Text {
    let total = cx.kernel.config.memory / 1024;
    let used = cx.kernel.memory_used() / 1024;
    let free = total.saturating_sub(used);
    let mut text = String::new();
    for (name, value) in [
        ("MemTotal", total),
        ("MemFree", free),
        ("MemAvailable", free),
        ("Buffers", 0),
        ("Cached", 0),
        ("SwapCached", 0),
        ("Active", used),
        ("Inactive", 0),
        ("SwapTotal", 0),
        ("SwapFree", 0),
        ("Dirty", 0),
        ("Writeback", 0),
        ("AnonPages", used),
        ("Mapped", 0),
        ("Shmem", 0),
        ("Slab", 0),
        ("SReclaimable", 0),
        ("SUnreclaim", 0),
        ("CommitLimit", total),
        ("Committed_AS", used),
    ] {
        text.push_str(&format!("{:<15} {value:8} kB\n", format!("{name}:")));
    }
    text.push_str("HugePages_Total:       0\nHugepagesize:       2048 kB\n");
    text
}

/// `stat`.
pub fn stat(cx: &mut Context) -> Text {
    let busy = busy_ns(cx) / TICK;
    let up = cx.kernel.monotonic_ns();
    let idle = (up / TICK).saturating_sub(busy);
    let booted = (cx.kernel.realtime_ns().saturating_sub(up)) / SECOND;
    let threads = cx.kernel.threads.values();
    let running = threads.filter(|thread| thread.state.get() == State::Runnable).count();
    let processes = cx.kernel.processes.keys().next_back().copied().unwrap_or(1);
    format!(
        "cpu  {busy} 0 0 {idle} 0 0 0 0 0 0\ncpu0 {busy} 0 0 {idle} 0 0 0 0 0 0\nintr 0\nctxt 0\n\
         btime {booted}\nprocesses {processes}\nprocs_running {running}\nprocs_blocked 0\n"
    )
}

/// `uptime`.
pub fn uptime(cx: &mut Context) -> Text {
    let up = cx.kernel.monotonic_ns();
    let idle = up.saturating_sub(busy_ns(cx));
    let shown = |ns: u64| format!("{}.{:02}", ns / SECOND, ns % SECOND / TICK);
    format!("{} {}\n", shown(up), shown(idle))
}

/// `vmstat`: what is counted.
pub fn vmstat(cx: &mut Context) -> Text {
    let total = cx.kernel.config.memory / 4096;
    let free = total.saturating_sub(cx.kernel.memory_used() / 4096);
    format!("nr_free_pages {free}\npgpgin 0\npgpgout 0\npswpin 0\npswpout 0\n")
}

/// `version`.
pub fn version(_: &mut Context) -> Text {
    format!("Linux version {} (sampan) {}\n", crate::system::RELEASE, crate::system::VERSION)
}

/// `sys/kernel/version`.
pub fn build(_: &mut Context) -> Text {
    format!("{}\n", crate::system::VERSION)
}

/// `sys/kernel/osrelease`.
pub fn osrelease(_: &mut Context) -> Text {
    format!("{}\n", crate::system::RELEASE)
}

/// `sys/kernel/hostname`.
pub fn hostname(cx: &mut Context) -> Text {
    format!("{}\n", String::from_utf8_lossy(&cx.kernel.config.hostname))
}

fn uuid_of(mut bytes: [u8; 16]) -> Text {
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let mut text = String::new();
    for (index, byte) in bytes.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.push_str(&format!("{byte:02x}"));
    }
    text.push('\n');
    text
}

/// `sys/kernel/random/uuid`: another one each time.
pub fn uuid(cx: &mut Context) -> Text {
    let mut bytes = [0; 16];
    cx.kernel.host.random(&mut bytes);
    uuid_of(bytes)
}

/// `sys/kernel/random/boot_id`: the same as long as this kernel runs.
pub fn boot_id(cx: &mut Context) -> Text {
    let id = match cx.kernel.boot_id {
        Some(id) => id,
        None => {
            let mut bytes = [0; 16];
            cx.kernel.host.random(&mut bytes);
            *cx.kernel.boot_id.insert(bytes)
        }
    };
    uuid_of(id)
}
