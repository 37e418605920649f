//! All system calls of both ABIs: the one place that knows their numbers.
//!
//! Columns: i386 number, amd64 number (`_`: not there), name with the kinds of its
//! arguments, support level, handler. A call that exists twice on i386, once with
//! 16-bit ids or 32-bit times, has two rows; the one that both ABIs share comes
//! first, the other has `16` or `32` in its name.
//!
//! Source: Linux, arch/x86/entry/syscalls/syscall_{32,64}.tbl.

use super::Level::*;
use super::{Arg, Row};

macro_rules! calls {
    ($($i386:tt $amd64:tt $name:ident($($kind:ident)*) $level:ident $(($missing:literal))?
        $($handler:path)?;)*) => {
        /// Every call.
        pub static ROWS: &[Row] = TABLE;

        /// The same, where the compiler computes; each use would be a copy in the program.
        const TABLE: &[Row] = &[$(Row {
            name: stringify!($name),
            i386: calls!(@number $i386),
            amd64: calls!(@number $amd64),
            args: &[$(Arg::$kind),*],
            level: $level $(($missing))?,
            handler: calls!(@handler $($handler)?),
        }),*];
    };
    (@number _) => { None };
    (@number $number:tt) => { Some($number) };
    (@handler) => { None };
    (@handler $handler:path) => { Some($handler) };
}

calls! {
    // Files: opening and descriptors.
    5   2   open(Path Open Mode)                     Full crate::fs::open::open;
    295 257 openat(Dir Path Open Mode)               Full crate::fs::open::openat;
    437 437 openat2(Dir Path Ptr Size) Part("RESOLVE_CACHED is always EAGAIN") crate::fs::open::openat2;
    8   85  creat(Path Mode)                         Full crate::fs::open::creat;
    6   3   close(Fd)                                Full crate::fs::open::close;
    436 436 close_range(Uint Uint Hex)               Full crate::fs::open::close_range;
    41  32  dup(Fd)                                  Full crate::fs::open::dup;
    63  33  dup2(Fd Fd)                              Full crate::fs::open::dup2;
    330 292 dup3(Fd Fd Open)                         Full crate::fs::open::dup3;
    221 72  fcntl(Fd Int Hex)                        Part("leases") crate::fs::open::fcntl;
    55  _   fcntl32(Fd Int Hex)                      Part("leases") crate::fs::open::fcntl;
    54  16  ioctl(Fd Hex Hex)                        Part("depends on the file") crate::fs::io::ioctl;
    143 73  flock(Fd Int)                            Full crate::fs::lock::flock;

    // Files: reading and writing.
    3   0   read(Fd Out Size)                        Full crate::fs::io::read;
    4   1   write(Fd In Size)                        Full crate::fs::io::write;
    145 19  readv(Fd Ptr Size)                       Full crate::fs::io::readv;
    146 20  writev(Fd Ptr Size)                      Full crate::fs::io::writev;
    180 17  pread64(Fd Out Size Off)                 Full crate::fs::io::pread64;
    181 18  pwrite64(Fd In Size Off)                 Full crate::fs::io::pwrite64;
    333 295 preadv(Fd Ptr Size OffPair)              Full crate::fs::io::preadv;
    334 296 pwritev(Fd Ptr Size OffPair)             Full crate::fs::io::pwritev;
    378 327 preadv2(Fd Ptr Size OffPair Hex)         Full crate::fs::space::preadv2;
    379 328 pwritev2(Fd Ptr Size OffPair Hex)        Full crate::fs::space::pwritev2;
    19  8   lseek(Fd Long Int)                       Part("holes are data") crate::fs::io::lseek;
    140 _   _llseek(Fd Size Size Ptr Int)            Full crate::fs::io::llseek;
    239 40  sendfile(Fd Fd Ptr Size)                 Full crate::fs::copy::sendfile;
    187 _   sendfile32(Fd Fd Ptr Size)               Full crate::fs::copy::sendfile32;
    313 275 splice(Fd Ptr Fd Ptr Size Hex)           Full crate::fs::copy::splice;
    315 276 tee(Fd Fd Size Hex)                      Full crate::fs::copy::tee;
    316 278 vmsplice(Fd Ptr Size Hex)                Part("copies") crate::fs::copy::vmsplice;
    377 326 copy_file_range(Fd Ptr Fd Ptr Size Hex)  Full crate::fs::copy::copy_file_range;
    92  76  truncate(Path Long)                      Full crate::fs::io::truncate;
    193 _   truncate64(Path Off)                     Full crate::fs::io::truncate;
    93  77  ftruncate(Fd Long)                       Full crate::fs::io::ftruncate;
    194 _   ftruncate64(Fd Off)                      Full crate::fs::io::ftruncate;
    324 285 fallocate(Fd Hex Off Off)                Part("no ranges that are taken out or put in") crate::fs::space::fallocate;
    250 221 fadvise64(Fd Off Size Int)               Full crate::fs::space::fadvise64;
    272 _   fadvise64_64(Fd Off Off Int)             Full crate::fs::space::fadvise64;
    225 187 readahead(Fd Off Size)                   Full crate::fs::space::readahead;
    118 74  fsync(Fd)                                Full crate::fs::io::fsync;
    148 75  fdatasync(Fd)                            Full crate::fs::io::fsync;
    36  162 sync()                                   Full crate::fs::io::sync;
    344 306 syncfs(Fd)                               Full crate::fs::statfs::syncfs;
    314 277 sync_file_range(Fd Off Off Hex)          Full crate::fs::space::sync_file_range;

    // Files: names.
    39  83  mkdir(Path Mode)                         Full crate::fs::names::mkdir;
    296 258 mkdirat(Dir Path Mode)                   Full crate::fs::names::mkdirat;
    14  133 mknod(Path Mode Uint)                    Full crate::fs::links::mknod;
    297 259 mknodat(Dir Path Mode Uint)              Full crate::fs::links::mknodat;
    40  84  rmdir(Path)                              Full crate::fs::names::rmdir;
    10  87  unlink(Path)                             Full crate::fs::names::unlink;
    301 263 unlinkat(Dir Path Hex)                   Full crate::fs::names::unlinkat;
    9   86  link(Path Path)                          Full crate::fs::links::link;
    303 265 linkat(Dir Path Dir Path Hex)            Full crate::fs::links::linkat;
    83  88  symlink(Path Path)                       Full crate::fs::links::symlink;
    304 266 symlinkat(Path Dir Path)                 Full crate::fs::links::symlinkat;
    38  82  rename(Path Path)                        Full crate::fs::names::rename;
    302 264 renameat(Dir Path Dir Path)              Full crate::fs::names::renameat;
    353 316 renameat2(Dir Path Dir Path Hex)         Full crate::fs::names::renameat2;
    85  89  readlink(Path Out Size)                  Full crate::fs::attributes::readlink;
    305 267 readlinkat(Dir Path Out Size)            Full crate::fs::attributes::readlinkat;
    141 78  getdents(Fd Ptr Uint)                    Full crate::fs::names::getdents;
    220 217 getdents64(Fd Ptr Uint)                  Full crate::fs::names::getdents64;
    89  _   readdir(Fd Ptr Uint)                             No;
    183 79  getcwd(Ptr Size)                         Full crate::fs::cwd::getcwd;
    12  80  chdir(Path)                              Full crate::fs::cwd::chdir;
    133 81  fchdir(Fd)                               Full crate::fs::cwd::fchdir;
    61  161 chroot(Path)                             Full crate::fs::cwd::chroot;
    60  95  umask(Mode)                              Full crate::fs::open::umask;

    // Files: attributes.
    _   4   stat(Path Ptr)                           Full crate::fs::attributes::stat;
    106 _   stat32(Path Ptr)                         Full crate::fs::attributes::stat32;
    _   6   lstat(Path Ptr)                          Full crate::fs::attributes::lstat;
    107 _   lstat32(Path Ptr)                        Full crate::fs::attributes::lstat32;
    _   5   fstat(Fd Ptr)                            Full crate::fs::attributes::fstat;
    108 _   fstat32(Fd Ptr)                          Full crate::fs::attributes::fstat32;
    195 _   stat64(Path Ptr)                         Full crate::fs::attributes::stat;
    196 _   lstat64(Path Ptr)                        Full crate::fs::attributes::lstat;
    197 _   fstat64(Fd Ptr)                          Full crate::fs::attributes::fstat;
    300 _   fstatat64(Dir Path Ptr Hex)              Full crate::fs::attributes::fstatat;
    _   262 newfstatat(Dir Path Ptr Hex)             Full crate::fs::attributes::fstatat;
    383 332 statx(Dir Path Hex Hex Ptr)              Full crate::fs::attributes::statx;
    18  _   oldstat(Path Ptr)                                No;
    84  _   oldlstat(Path Ptr)                               No;
    28  _   oldfstat(Fd Ptr)                                 No;
    33  21  access(Path Mode)                        Full crate::fs::attributes::access_call;
    307 269 faccessat(Dir Path Mode)                 Full crate::fs::attributes::faccessat;
    439 439 faccessat2(Dir Path Mode Hex)            Full crate::fs::attributes::faccessat2;
    15  90  chmod(Path Mode)                         Full crate::fs::change::chmod;
    94  91  fchmod(Fd Mode)                          Full crate::fs::change::fchmod;
    306 268 fchmodat(Dir Path Mode)                  Full crate::fs::change::fchmodat;
    452 452 fchmodat2(Dir Path Mode Hex)             Full crate::fs::change::fchmodat2;
    212 92  chown(Path Int Int)                      Full crate::fs::change::chown;
    198 94  lchown(Path Int Int)                     Full crate::fs::change::lchown;
    207 93  fchown(Fd Int Int)                       Full crate::fs::change::fchown;
    182 _   chown16(Path Int Int)                    Full crate::fs::change::chown16;
    16  _   lchown16(Path Int Int)                   Full crate::fs::change::lchown16;
    95  _   fchown16(Fd Int Int)                     Full crate::fs::change::fchown16;
    298 260 fchownat(Dir Path Int Int Hex)           Full crate::fs::change::fchownat;
    30  132 utime(Path Ptr)                          Full crate::fs::change::utime;
    271 235 utimes(Path Ptr)                         Full crate::fs::change::utimes;
    299 261 futimesat(Dir Path Ptr)                  Full crate::fs::change::futimesat;
    412 280 utimensat(Dir Path Ptr Hex)              Full crate::fs::change::utimensat;
    320 _   utimensat32(Dir Path Ptr Hex)            Full crate::fs::change::utimensat32;
    226 188 setxattr(Path Str Ptr Size Hex)          Full crate::fs::xattr::setxattr;
    227 189 lsetxattr(Path Str Ptr Size Hex)         Full crate::fs::xattr::lsetxattr;
    228 190 fsetxattr(Fd Str Ptr Size Hex)           Full crate::fs::xattr::fsetxattr;
    229 191 getxattr(Path Str Ptr Size)              Full crate::fs::xattr::getxattr;
    230 192 lgetxattr(Path Str Ptr Size)             Full crate::fs::xattr::lgetxattr;
    231 193 fgetxattr(Fd Str Ptr Size)               Full crate::fs::xattr::fgetxattr;
    232 194 listxattr(Path Ptr Size)                 Full crate::fs::xattr::listxattr;
    233 195 llistxattr(Path Ptr Size)                Full crate::fs::xattr::llistxattr;
    234 196 flistxattr(Fd Ptr Size)                  Full crate::fs::xattr::flistxattr;
    235 197 removexattr(Path Str)                    Full crate::fs::xattr::removexattr;
    236 198 lremovexattr(Path Str)                   Full crate::fs::xattr::lremovexattr;
    237 199 fremovexattr(Fd Str)                     Full crate::fs::xattr::fremovexattr;
    341 303 name_to_handle_at(Dir Path Ptr Ptr Hex)          No;
    342 304 open_by_handle_at(Fd Ptr Open)                   No;

    // File systems.
    21  165 mount(Path Path Str Hex Ptr)                     No;
    22  _   umount(Path)                                     No;
    52  166 umount2(Path Hex)                                No;
    99  137 statfs(Path Ptr)                         Full crate::fs::statfs::statfs;
    100 138 fstatfs(Fd Ptr)                          Full crate::fs::statfs::fstatfs;
    268 _   statfs64(Path Size Ptr)                  Full crate::fs::statfs::statfs64;
    269 _   fstatfs64(Fd Size Ptr)                   Full crate::fs::statfs::fstatfs64;
    62  136 ustat(Uint Ptr)                                  No;
    217 155 pivot_root(Path Path)                            No;
    131 179 quotactl(Hex Path Int Ptr)                       No;
    443 443 quotactl_fd(Uint Hex Int Ptr)                    No;
    135 139 sysfs(Int Size Size)                             No;
    430 430 fsopen(Str Hex)                                  No;
    431 431 fsconfig(Fd Hex Str Ptr Int)                     No;
    432 432 fsmount(Fd Hex Hex)                              No;
    433 433 fspick(Dir Path Hex)                             No;
    429 429 move_mount(Dir Path Dir Path Hex)                No;
    428 428 open_tree(Dir Path Hex)                          No;
    442 442 mount_setattr(Dir Path Hex Ptr Size)             No;
    87  167 swapon(Path Hex)                                 No;
    115 168 swapoff(Path)                                    No;

    // Pipes, events, waiting for files.
    42  22  pipe(Ptr)                                Full crate::fs::pipe::pipe;
    331 293 pipe2(Ptr Open)                          Full crate::fs::pipe::pipe2;
    323 284 eventfd(Uint)                            Full crate::event::eventfd::eventfd;
    328 290 eventfd2(Uint Open)                      Full crate::event::eventfd::eventfd2;
    321 282 signalfd(Fd Ptr Size)                    Full crate::event::signalfd::signalfd;
    327 289 signalfd4(Fd Ptr Size Open)              Full crate::event::signalfd::signalfd4;
    322 283 timerfd_create(Clock Open)               Full crate::event::timerfd::timerfd_create;
    411 286 timerfd_settime(Fd Hex Ptr Ptr)          Part("TFD_TIMER_CANCEL_ON_SET") crate::event::timerfd::timerfd_settime;
    410 287 timerfd_gettime(Fd Ptr)                  Full crate::event::timerfd::timerfd_gettime;
    325 _   timerfd_settime32(Fd Hex Ptr Ptr)        Part("TFD_TIMER_CANCEL_ON_SET") crate::event::timerfd::timerfd_settime32;
    326 _   timerfd_gettime32(Fd Ptr)                Full crate::event::timerfd::timerfd_gettime32;
    254 213 epoll_create(Int)                        Full crate::event::epoll::epoll_create;
    329 291 epoll_create1(Open)                      Full crate::event::epoll::epoll_create1;
    255 233 epoll_ctl(Fd Int Fd Ptr)                 Full crate::event::epoll::epoll_ctl;
    256 232 epoll_wait(Fd Ptr Int Int)               Full crate::event::epoll::epoll_wait;
    319 281 epoll_pwait(Fd Ptr Int Int Ptr Size)     Full crate::event::epoll::epoll_pwait;
    441 441 epoll_pwait2(Fd Ptr Int Ptr Ptr Size)    Full crate::event::epoll::epoll_pwait2;
    142 23  select(Int Ptr Ptr Ptr Ptr)              Full crate::event::select::select;
    82  _   old_select(Ptr)                          Full crate::event::select::old_select;
    413 270 pselect6(Int Ptr Ptr Ptr Ptr Ptr)        Full crate::event::select::pselect6;
    308 _   pselect6_32(Int Ptr Ptr Ptr Ptr Ptr)     Full crate::event::select::pselect6_32;
    168 7   poll(Ptr Uint Int)                       Full crate::fs::poll::poll;
    414 271 ppoll(Ptr Uint Ptr Ptr Size)             Full crate::fs::poll::ppoll;
    309 _   ppoll32(Ptr Uint Ptr Ptr Size)           Full crate::fs::poll::ppoll32;
    291 253 inotify_init()                           Full crate::fs::inotify::inotify_init;
    332 294 inotify_init1(Open)                      Full crate::fs::inotify::inotify_init1;
    292 254 inotify_add_watch(Fd Path Hex)           Full crate::fs::inotify::inotify_add_watch;
    293 255 inotify_rm_watch(Fd Int)                 Full crate::fs::inotify::inotify_rm_watch;
    338 300 fanotify_init(Hex Open)                          No;
    339 301 fanotify_mark(Fd Hex Off Dir Path)               No;
    356 319 memfd_create(Str Hex)                    Full crate::mm::memfd::memfd_create;
    447 447 memfd_secret(Hex)                                No;
    374 323 userfaultfd(Open)                                No;
    245 206 io_setup(Uint Ptr)                               No;
    246 207 io_destroy(Size)                                 No;
    247 208 io_getevents(Size Long Long Ptr Ptr)             No;
    248 209 io_submit(Size Long Ptr)                         No;
    249 210 io_cancel(Size Ptr Ptr)                          No;
    416 333 io_pgetevents(Size Long Long Ptr Ptr Ptr)        No;
    385 _   io_pgetevents32(Size Long Long Ptr Ptr Ptr)      No;
    425 425 io_uring_setup(Uint Ptr)                         No;
    426 426 io_uring_enter(Fd Uint Uint Hex Ptr Size)        No;
    427 427 io_uring_register(Fd Uint Ptr Uint)              No;

    // Sockets.
    359 41  socket(Int Int Int)                      Part("UNIX, TCP, UDP, NETLINK_ROUTE") crate::net::calls::socket;
    360 53  socketpair(Int Int Int Ptr)              Full crate::net::calls::socketpair;
    361 49  bind(Fd Ptr Int)                         Full crate::net::calls::bind;
    363 50  listen(Fd Int)                           Full crate::net::calls::listen;
    _   43  accept(Fd Ptr Ptr)                       Full crate::net::calls::accept;
    364 288 accept4(Fd Ptr Ptr Open)                 Full crate::net::calls::accept4;
    362 42  connect(Fd Ptr Int)                      Part("inside the VM") crate::net::calls::connect;
    373 48  shutdown(Fd Int)                         Full crate::net::calls::shutdown;
    367 51  getsockname(Fd Ptr Ptr)                  Full crate::net::calls::getsockname;
    368 52  getpeername(Fd Ptr Ptr)                  Full crate::net::calls::getpeername;
    366 54  setsockopt(Fd Int Int Ptr Int)           Part("the common options") crate::net::options::setsockopt;
    365 55  getsockopt(Fd Int Int Ptr Ptr)           Part("the common options") crate::net::options::getsockopt;
    369 44  sendto(Fd In Size Hex Ptr Int)           Part("MSG_OOB") crate::net::calls::sendto;
    371 45  recvfrom(Fd Out Size Hex Ptr Ptr)        Part("MSG_OOB, MSG_ERRQUEUE") crate::net::calls::recvfrom;
    370 46  sendmsg(Fd Ptr Hex)                      Part("MSG_OOB") crate::net::calls::sendmsg;
    372 47  recvmsg(Fd Ptr Hex)                      Part("MSG_OOB, MSG_ERRQUEUE") crate::net::calls::recvmsg;
    345 307 sendmmsg(Fd Ptr Uint Hex)                Part("MSG_OOB") crate::net::calls::sendmmsg;
    417 299 recvmmsg(Fd Ptr Uint Hex Ptr)            Part("MSG_OOB, MSG_ERRQUEUE") crate::net::calls::recvmmsg;
    337 _   recvmmsg32(Fd Ptr Uint Hex Ptr)          Part("MSG_OOB, MSG_ERRQUEUE") crate::net::calls::recvmmsg32;
    102 _   socketcall(Int Ptr)                      Part("as its calls") crate::net::calls::socketcall;

    // Memory.
    _   9   mmap(Ptr Size Hex Hex Fd Size)           Full crate::mm::map::mmap;
    192 _   mmap2(Ptr Size Hex Hex Fd Size)          Full crate::mm::map::mmap2;
    90  _   old_mmap(Ptr)                            Full crate::mm::map::old_mmap;
    91  11  munmap(Ptr Size)                         Full crate::mm::calls::munmap;
    125 10  mprotect(Ptr Size Hex)                   Full crate::mm::calls::mprotect;
    163 25  mremap(Ptr Size Size Hex Ptr)            Full crate::mm::calls::mremap;
    144 26  msync(Ptr Size Hex)                      Full crate::mm::calls::msync;
    219 28  madvise(Ptr Size Int)                    Full crate::mm::calls::madvise;
    440 440 process_madvise(Fd Ptr Size Int Hex)             No;
    218 27  mincore(Ptr Size Ptr)                    Full crate::mm::calls::mincore;
    150 149 mlock(Ptr Size)                          Full crate::mm::calls::mlock;
    376 325 mlock2(Ptr Size Hex)                     Full crate::mm::calls::mlock;
    151 150 munlock(Ptr Size)                        Full crate::mm::calls::mlock;
    152 151 mlockall(Hex)                            Full crate::mm::calls::mlockall;
    153 152 munlockall()                             Full crate::mm::calls::mlockall;
    45  12  brk(Ptr)                                 Full crate::mm::calls::brk;
    257 216 remap_file_pages(Ptr Size Hex Size Hex)          No;
    380 329 pkey_mprotect(Ptr Size Hex Int)                  No;
    381 330 pkey_alloc(Hex Hex)                              No;
    382 331 pkey_free(Int)                                   No;
    274 237 mbind(Ptr Size Int Ptr Size Hex)                 No;
    275 239 get_mempolicy(Ptr Ptr Size Ptr Hex)              No;
    276 238 set_mempolicy(Int Ptr Size)                      No;
    450 450 set_mempolicy_home_node(Ptr Size Size Hex)       No;
    294 256 migrate_pages(Pid Size Ptr Ptr)                  No;
    317 279 move_pages(Pid Size Ptr Ptr Ptr Hex)             No;
    347 310 process_vm_readv(Pid Ptr Size Ptr Size Size) Full crate::task::memory::process_vm_readv;
    348 311 process_vm_writev(Pid Ptr Size Ptr Size Size) Full crate::task::memory::process_vm_writev;
    448 448 process_mrelease(Fd Hex)                         No;
    375 324 membarrier(Int Hex Int)                  Full crate::mm::calls::membarrier;

    // Processes and threads.
    2   57  fork()                                   Full crate::task::clone::fork;
    190 58  vfork()                                  Full crate::task::clone::vfork;
    120 _   clone(Hex Ptr Ptr Size Ptr)              Part("name spaces") crate::task::clone::clone;
    _   56  clone(Hex Ptr Ptr Ptr Size)              Part("name spaces") crate::task::clone::clone;
    435 435 clone3(Ptr Size)                         Part("name spaces, set_tid") crate::task::clone::clone3;
    11  59  execve(Path Ptr Ptr)                     Full crate::task::exec::execve;
    358 322 execveat(Dir Path Ptr Ptr Hex)           Full crate::task::exec::execveat;
    1   60  exit(Int)                                Full crate::task::exit::exit;
    252 231 exit_group(Int)                          Full crate::task::exit::exit_group;
    114 61  wait4(Pid Ptr Hex Ptr)                   Full crate::task::wait::wait4;
    7   _   waitpid(Pid Ptr Hex)                     Full crate::task::wait::waitpid;
    284 247 waitid(Int Pid Ptr Hex Ptr)              Full crate::task::wait::waitid;
    20  39  getpid()                                 Full crate::task::ids::getpid;
    64  110 getppid()                                Full crate::task::ids::getppid;
    224 186 gettid()                                 Full crate::task::ids::gettid;
    132 121 getpgid(Pid)                             Full crate::task::ids::getpgid;
    57  109 setpgid(Pid Pid)                         Full crate::task::ids::setpgid;
    65  111 getpgrp()                                Full crate::task::ids::getpgrp;
    147 124 getsid(Pid)                              Full crate::task::ids::getsid;
    66  112 setsid()                                 Full crate::task::ids::setsid;
    258 218 set_tid_address(Ptr)                     Full crate::task::ids::set_tid_address;
    311 273 set_robust_list(Ptr Size)                Full crate::task::ids::set_robust_list;
    312 274 get_robust_list(Pid Ptr Ptr) Full crate::task::ids::get_robust_list;
    172 157 prctl(Int Size Size Size Size)           Part("seccomp, PR_SET_MM, speculation") crate::task::prctl::prctl;
    384 158 arch_prctl(Int Ptr)                      Full crate::task::prctl::arch_prctl;
    136 135 personality(Hex)                         Part("kept, without effect") crate::task::prctl::personality;
    243 205 set_thread_area(Ptr)                     Full crate::task::ids::set_thread_area;
    244 211 get_thread_area(Ptr)                             No;
    123 154 modify_ldt(Int Ptr Size)                         No;
    386 334 rseq(Ptr Uint Hex Hex)                           No;
    310 272 unshare(Hex)                                     No;
    346 308 setns(Fd Hex)                                    No;
    349 312 kcmp(Pid Pid Int Size Size)                      No;
    26  101 ptrace(Long Pid Size Size)           Part("PTRACE_SYSEMU, PTRACE_SECCOMP_*, watching for reads") crate::task::ptrace::calls::ptrace;
    354 317 seccomp(Int Hex Ptr)                             No;
    434 434 pidfd_open(Pid Hex)                      Full crate::task::pidfd::pidfd_open;
    424 424 pidfd_send_signal(Fd Sig Ptr Hex)        Full crate::task::pidfd::pidfd_send_signal;
    438 438 pidfd_getfd(Fd Fd Hex)                   Full crate::task::pidfd::pidfd_getfd;
    113 _   vm86old(Ptr)                                     No;
    166 _   vm86(Int Ptr)                                    No;
    110 172 iopl(Int)                                        No;
    101 173 ioperm(Size Size Int)                            No;
    86  134 uselib(Path)                                     No;

    // Scheduling.
    158 24  sched_yield()                            Full crate::task::sched::sched_yield;
    242 204 sched_getaffinity(Pid Uint Ptr)          Full crate::task::sched::sched_getaffinity;
    241 203 sched_setaffinity(Pid Uint Ptr)          Full crate::task::sched::sched_setaffinity;
    155 143 sched_getparam(Pid Ptr)                  Full crate::task::sched::sched_getparam;
    154 142 sched_setparam(Pid Ptr)                  Part("kept, without effect") crate::task::sched::sched_setparam;
    157 145 sched_getscheduler(Pid)                  Full crate::task::sched::sched_getscheduler;
    156 144 sched_setscheduler(Pid Int Ptr)          Part("kept, without effect; no deadlines") crate::task::sched::sched_setscheduler;
    352 315 sched_getattr(Pid Ptr Uint Hex)          Full crate::task::sched::sched_getattr;
    351 314 sched_setattr(Pid Ptr Hex)               Part("kept, without effect; no deadlines") crate::task::sched::sched_setattr;
    159 146 sched_get_priority_max(Int)              Full crate::task::sched::sched_get_priority_max;
    160 147 sched_get_priority_min(Int)              Full crate::task::sched::sched_get_priority_min;
    423 148 sched_rr_get_interval(Pid Ptr)           Full crate::task::sched::sched_rr_get_interval;
    161 _   sched_rr_get_interval32(Pid Ptr)         Full crate::task::sched::sched_rr_get_interval32;
    96  140 getpriority(Int Pid)                     Full crate::task::sched::getpriority;
    97  141 setpriority(Int Pid Int)                 Part("kept, without effect") crate::task::sched::setpriority;
    34  _   nice(Int)                                Part("kept, without effect") crate::task::sched::nice;
    290 252 ioprio_get(Int Pid)                      Full crate::task::sched::ioprio_get;
    289 251 ioprio_set(Int Pid Int)                  Part("kept, without effect") crate::task::sched::ioprio_set;
    318 309 getcpu(Ptr Ptr Ptr)                      Full crate::task::sched::getcpu;

    // Users and limits.
    199 102 getuid()                                 Full crate::task::users::getuid;
    201 107 geteuid()                                Full crate::task::users::geteuid;
    200 104 getgid()                                 Full crate::task::users::getgid;
    202 108 getegid()                                Full crate::task::users::getegid;
    209 118 getresuid(Ptr Ptr Ptr)                   Full crate::task::users::user::getresuid;
    211 120 getresgid(Ptr Ptr Ptr)                   Full crate::task::users::group::getresgid;
    213 105 setuid(Int)                              Full crate::task::users::user::setuid;
    214 106 setgid(Int)                              Full crate::task::users::group::setgid;
    203 113 setreuid(Int Int)                        Full crate::task::users::user::setreuid;
    204 114 setregid(Int Int)                        Full crate::task::users::group::setregid;
    208 117 setresuid(Int Int Int)                   Full crate::task::users::user::setresuid;
    210 119 setresgid(Int Int Int)                   Full crate::task::users::group::setresgid;
    215 122 setfsuid(Int)                            Full crate::task::users::user::setfsuid;
    216 123 setfsgid(Int)                            Full crate::task::users::group::setfsgid;
    205 115 getgroups(Int Ptr)                       Full crate::task::users::getgroups;
    206 116 setgroups(Int Ptr)                       Full crate::task::users::setgroups;
    24  _   getuid16()                               Full crate::task::users::getuid16;
    49  _   geteuid16()                              Full crate::task::users::geteuid16;
    47  _   getgid16()                               Full crate::task::users::getgid16;
    50  _   getegid16()                              Full crate::task::users::getegid16;
    165 _   getresuid16(Ptr Ptr Ptr)                 Full crate::task::users::user::getresuid16;
    171 _   getresgid16(Ptr Ptr Ptr)                 Full crate::task::users::group::getresgid16;
    23  _   setuid16(Int)                            Full crate::task::users::user::setuid16;
    46  _   setgid16(Int)                            Full crate::task::users::group::setgid16;
    70  _   setreuid16(Int Int)                      Full crate::task::users::user::setreuid16;
    71  _   setregid16(Int Int)                      Full crate::task::users::group::setregid16;
    164 _   setresuid16(Int Int Int)                 Full crate::task::users::user::setresuid16;
    170 _   setresgid16(Int Int Int)                 Full crate::task::users::group::setresgid16;
    138 _   setfsuid16(Int)                          Full crate::task::users::user::setfsuid16;
    139 _   setfsgid16(Int)                          Full crate::task::users::group::setfsgid16;
    80  _   getgroups16(Int Ptr)                     Full crate::task::users::getgroups16;
    81  _   setgroups16(Int Ptr)                     Full crate::task::users::setgroups16;
    184 125 capget(Ptr Ptr)                          Full crate::task::users::capget;
    185 126 capset(Ptr Ptr)                          Full crate::task::users::capset;
    191 97  getrlimit(Int Ptr)                       Full crate::task::limits::getrlimit;
    76  _   old_getrlimit(Int Ptr)                   Full crate::task::limits::old_getrlimit;
    75  160 setrlimit(Int Ptr)                       Full crate::task::limits::setrlimit;
    340 302 prlimit64(Pid Int Ptr Ptr)               Full crate::task::limits::prlimit64;
    77  98  getrusage(Int Ptr)                       Part("only times and memory") crate::time::usage::getrusage;
    43  100 times(Ptr)                               Full crate::time::usage::times;
    51  163 acct(Path)                                       No;
    444 444 landlock_create_ruleset(Ptr Size Hex)            No;
    445 445 landlock_add_rule(Fd Int Ptr Hex)                No;
    446 446 landlock_restrict_self(Fd Hex)                   No;
    286 248 add_key(Str Str Ptr Size Int)                    No;
    287 249 request_key(Str Str Str Int)                     No;
    288 250 keyctl(Int Size Size Size Size)                  No;

    // Signals.
    174 13  rt_sigaction(Sig Ptr Ptr Size)           Full crate::signal::calls::rt_sigaction;
    175 14  rt_sigprocmask(Int Ptr Ptr Size)         Full crate::signal::calls::rt_sigprocmask;
    176 127 rt_sigpending(Ptr Size)                  Full crate::signal::calls::rt_sigpending;
    179 130 rt_sigsuspend(Ptr Size)                  Full crate::signal::calls::rt_sigsuspend;
    421 128 rt_sigtimedwait(Ptr Ptr Ptr Size)        Full crate::signal::calls::rt_sigtimedwait;
    177 _   rt_sigtimedwait32(Ptr Ptr Ptr Size)      Full crate::signal::calls::rt_sigtimedwait32;
    178 129 rt_sigqueueinfo(Pid Sig Ptr)             Full crate::signal::calls::rt_sigqueueinfo;
    335 297 rt_tgsigqueueinfo(Pid Pid Sig Ptr)       Full crate::signal::calls::rt_tgsigqueueinfo;
    173 15  rt_sigreturn()                           Full crate::signal::frame::rt_sigreturn;
    186 131 sigaltstack(Ptr Ptr)                     Full crate::signal::calls::sigaltstack;
    67  _   sigaction(Sig Ptr Ptr)                   Full crate::signal::calls::sigaction;
    126 _   sigprocmask(Int Ptr Ptr)                 Full crate::signal::calls::sigprocmask;
    73  _   sigpending(Ptr)                          Full crate::signal::calls::sigpending;
    72  _   sigsuspend(Int Int Hex)                  Full crate::signal::calls::sigsuspend;
    119 _   sigreturn()                              Full crate::signal::frame::sigreturn;
    48  _   signal(Sig Ptr)                          Full crate::signal::calls::signal;
    68  _   sgetmask()                               Full crate::signal::calls::sgetmask;
    69  _   ssetmask(Hex)                            Full crate::signal::calls::ssetmask;
    37  62  kill(Pid Sig)                            Full crate::signal::calls::kill;
    238 200 tkill(Pid Sig)                           Full crate::signal::calls::tkill;
    270 234 tgkill(Pid Pid Sig)                      Full crate::signal::calls::tgkill;
    29  34  pause()                                  Full crate::signal::calls::pause;
    0   219 restart_syscall()                        Full crate::kernel::restart_syscall;

    // Futexes.
    422 202 futex(Ptr Int Uint Ptr Ptr Uint)         Part("WAIT_REQUEUE_PI") crate::mm::futex::futex;
    240 _   futex32(Ptr Int Uint Ptr Ptr Uint)       Part("WAIT_REQUEUE_PI") crate::mm::futex::futex32;
    449 449 futex_waitv(Ptr Uint Hex Ptr Clock)              No;

    // Time.
    13  201 time(Ptr)                                Full crate::time::calls::time;
    25  _   stime(Ptr)                               Full crate::time::posix::stime;
    78  96  gettimeofday(Ptr Ptr)                    Full crate::time::calls::gettimeofday;
    79  164 settimeofday(Ptr Ptr)                    Part("no time zone") crate::time::posix::settimeofday;
    403 228 clock_gettime(Clock Ptr)                 Full crate::time::calls::clock_gettime;
    404 227 clock_settime(Clock Ptr)                 Full crate::time::posix::clock_settime;
    406 229 clock_getres(Clock Ptr)                  Full crate::time::calls::clock_getres;
    407 230 clock_nanosleep(Clock Hex Ptr Ptr)       Full crate::time::calls::clock_nanosleep;
    405 305 clock_adjtime(Clock Ptr)                         No;
    265 _   clock_gettime32(Clock Ptr)               Full crate::time::calls::clock_gettime32;
    264 _   clock_settime32(Clock Ptr)               Full crate::time::posix::clock_settime32;
    266 _   clock_getres32(Clock Ptr)                Full crate::time::calls::clock_getres32;
    267 _   clock_nanosleep32(Clock Hex Ptr Ptr)     Full crate::time::calls::clock_nanosleep32;
    343 _   clock_adjtime32(Clock Ptr)                       No;
    162 35  nanosleep(Ptr Ptr)                       Full crate::time::calls::nanosleep;
    27  37  alarm(Uint)                              Full crate::time::posix::alarm;
    105 36  getitimer(Int Ptr)                       Full crate::time::posix::getitimer;
    104 38  setitimer(Int Ptr Ptr)                   Full crate::time::posix::setitimer;
    259 222 timer_create(Clock Ptr Ptr)              Full crate::time::posix::timer_create;
    409 223 timer_settime(Int Hex Ptr Ptr)           Full crate::time::posix::timer_settime;
    408 224 timer_gettime(Int Ptr)                   Full crate::time::posix::timer_gettime;
    260 _   timer_settime32(Int Hex Ptr Ptr)         Full crate::time::posix::timer_settime32;
    261 _   timer_gettime32(Int Ptr)                 Full crate::time::posix::timer_gettime32;
    262 225 timer_getoverrun(Int)                    Full crate::time::posix::timer_getoverrun;
    263 226 timer_delete(Int)                        Full crate::time::posix::timer_delete;
    124 159 adjtimex(Ptr)                                    No;

    // System V and POSIX messages.
    117 _   ipc(Uint Int Int Int Ptr Long)           Full crate::ipc::ipc;
    395 29  shmget(Hex Size Hex)                     Full crate::ipc::shm::shmget;
    397 30  shmat(Int Ptr Hex)                       Full crate::ipc::shm::shmat;
    398 67  shmdt(Ptr)                               Full crate::ipc::shm::shmdt;
    396 31  shmctl(Int Int Ptr)                      Full crate::ipc::shm::shmctl;
    393 64  semget(Hex Int Hex)                      Full crate::ipc::sem::semget;
    _   65  semop(Int Ptr Size)                      Full crate::ipc::sem::semop;
    420 220 semtimedop(Int Ptr Size Ptr)             Full crate::ipc::sem::semtimedop;
    394 66  semctl(Int Int Int Hex)                  Full crate::ipc::sem::semctl;
    399 68  msgget(Hex Hex)                          Full crate::ipc::msg::msgget;
    400 69  msgsnd(Int Ptr Size Hex)                 Full crate::ipc::msg::msgsnd;
    401 70  msgrcv(Int Ptr Size Long Hex)            Part("MSG_COPY") crate::ipc::msg::msgrcv;
    402 71  msgctl(Int Int Ptr)                      Full crate::ipc::msg::msgctl;
    277 240 mq_open(Str Open Mode Ptr) Full crate::ipc::mq::mq_open;
    278 241 mq_unlink(Str) Full crate::ipc::mq::mq_unlink;
    418 242 mq_timedsend(Fd Ptr Size Uint Ptr) Full crate::ipc::mq::mq_timedsend;
    419 243 mq_timedreceive(Fd Ptr Size Ptr Ptr) Full crate::ipc::mq::mq_timedreceive;
    279 _   mq_timedsend32(Fd Ptr Size Uint Ptr) Full crate::ipc::mq::mq_timedsend32;
    280 _   mq_timedreceive32(Fd Ptr Size Ptr Ptr) Full crate::ipc::mq::mq_timedreceive32;
    281 244 mq_notify(Fd Ptr) Part("not by a thread") crate::ipc::mq::mq_notify;
    282 245 mq_getsetattr(Fd Ptr Ptr) Full crate::ipc::mq::mq_getsetattr;

    // The system.
    122 63  uname(Ptr)                               Full crate::system::uname;
    109 _   olduname(Ptr)                                    No;
    59  _   oldolduname(Ptr)                                 No;
    74  170 sethostname(Ptr Size) Full crate::system::sethostname;
    121 171 setdomainname(Ptr Size) Full crate::system::setdomainname;
    116 99  sysinfo(Ptr)                             Part("no load") crate::system::sysinfo;
    103 103 syslog(Int Ptr Int)                              No;
    355 318 getrandom(Ptr Size Hex)                  Full crate::system::getrandom;
    88  169 reboot(Int Int Hex Ptr)                          No;
    111 153 vhangup()                                        No;
    128 175 init_module(Ptr Size Str)                        No;
    350 313 finit_module(Fd Str Hex)                         No;
    129 176 delete_module(Str Hex)                           No;
    283 246 kexec_load(Size Size Ptr Hex)                    No;
    _   320 kexec_file_load(Fd Fd Size Str Hex)              No;
    357 321 bpf(Int Ptr Uint)                                No;
    336 298 perf_event_open(Ptr Pid Int Fd Hex)              No;
    253 212 lookup_dcookie(Off Ptr Size)                     No;
    169 180 nfsservctl(Int Ptr Ptr)                          No;
    149 156 _sysctl(Ptr)                                     No;
}

/// One more than the highest number.
const NUMBERS: usize = 480;

/// Rows by number of i386; numbers that mean nothing lead behind the table.
pub static I386: [u16; NUMBERS] = by_number(false);
/// Rows by number of amd64.
pub static AMD64: [u16; NUMBERS] = by_number(true);

const fn by_number(amd64: bool) -> [u16; NUMBERS] {
    let mut table = [u16::MAX; NUMBERS];
    let mut index = 0;
    while index < TABLE.len() {
        let number = if amd64 { TABLE[index].amd64 } else { TABLE[index].i386 };
        if let Some(number) = number {
            assert!(table[number as usize] == u16::MAX, "a number stands twice in the table");
            table[number as usize] = index as u16;
        }
        index += 1;
    }
    table
}
