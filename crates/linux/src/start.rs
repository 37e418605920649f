//! The first process.

use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::RefCell;

use crate::errno::{Errno, SysResult};
use crate::fs::stream::HostStream;
use crate::fs::tmpfs::Tmpfs;
use crate::fs::walk::{self, AT_FDCWD, Follow, Last};
use crate::fs::{Create, Dentry, FileSystem, FileType, Location, OpenFile, SetAttr, flags, open};
use crate::kernel::{Context, Kernel};
use crate::machine::{Mode, Registers};
use crate::mm::Mm;
use crate::task::{Credentials, Parts, Pid, Process, Session, Thread};

/// What the first process shall be.
pub struct Program {
    /// The file.
    pub path: Vec<u8>,
    /// Its arguments, the name included.
    pub argv: Vec<Vec<u8>>,
    /// Its environment.
    pub envp: Vec<Vec<u8>>,
    /// Where it starts.
    pub cwd: Vec<u8>,
    /// Its user and group.
    pub user: (u32, u32),
    /// Which of the host's standard streams are its terminal; `/dev/console` must be there
    /// if one is.
    pub terminals: [bool; 3],
}

impl Kernel {
    /// Starts the first process, with the host's standard streams.
    pub fn start(&mut self, program: Program) -> SysResult<()> {
        let thread = self.first_thread(program.user)?;
        let mut cx = Context { kernel: self, thread: thread.clone() };
        let result = launch(&mut cx, program);
        if result.is_ok() {
            cx.kernel.enqueue(&thread);
        }
        result
    }

    /// Starts a process that has no parent, next to those that run; how it ends is found in
    /// [`Kernel::ended`]. Nobody is process 1 then: the machine goes on when this one ends.
    ///
    /// # Errors
    /// `NOT_READY` if a disk has to bring something first: then nothing was started.
    pub fn spawn(&mut self, program: Program) -> SysResult<Pid> {
        self.keep_first_pid();
        let thread = self.first_thread(program.user)?;
        let mut cx = Context { kernel: self, thread: thread.clone() };
        let result = launch(&mut cx, program);
        if let Err(error) = result {
            self.forget(&thread);
            return Err(error);
        }
        self.enqueue(&thread);
        Ok(thread.process.pid)
    }

    /// Does something as root while others run.
    pub fn act<R>(&mut self, work: impl FnOnce(&mut Context) -> SysResult<R>) -> SysResult<R> {
        self.keep_first_pid();
        let thread = self.first_thread((0, 0))?;
        thread.fs().umask.set(0);
        let result = work(&mut Context { kernel: self, thread: thread.clone() });
        self.forget(&thread);
        result
    }

    /// Takes a thread away that was only there to act for, or whose program did not start.
    fn forget(&mut self, thread: &Rc<Thread>) {
        self.threads.remove(&thread.tid);
        self.processes.remove(&thread.process.pid);
        let tty = thread.process.session.borrow().tty.take();
        if let Some(tty) = tty {
            crate::tty::leader_ended(self, tty);
        }
    }

    fn first_thread(&mut self, user: (u32, u32)) -> SysResult<Rc<Thread>> {
        let pid = self.new_pid();
        let session = Rc::new(Session { sid: pid, tty: RefCell::new(None) });
        let process = Rc::new(Process::new(pid, session, self.monotonic_ns()));
        let parts = Parts {
            mm: Rc::new(RefCell::new(Mm::new((self.config.new_machine)()?))),
            files: Rc::default(),
            fs: self.first_fs(),
            credentials: Rc::new(Credentials::new(user.0, user.1)),
        };
        let thread = Thread::new(pid, process.clone(), Registers::new(Mode::Amd64), parts);
        process.threads.borrow_mut().push(pid);
        self.threads.insert(pid, thread.clone());
        self.processes.insert(pid, process);
        Ok(thread)
    }

    /// Does something as root before anything runs.
    pub fn set_up<R>(&mut self, work: impl FnOnce(&mut Context) -> SysResult<R>) -> SysResult<R> {
        let thread = self.first_thread((0, 0))?;
        thread.fs().umask.set(0);
        let result = work(&mut Context { kernel: self, thread });
        // The thread was only there to act for.
        self.threads.clear();
        self.processes.clear();
        self.forget_pids();
        result
    }

    /// Puts a file into the root, before anything runs.
    pub fn add_file(&mut self, name: &[u8], mode: u32, content: &[u8]) -> SysResult<()> {
        let root = self.root();
        self.set_up(|cx| {
            let what = Create { kind: FileType::Regular, mode, uid: 0, gid: 0, rdev: 0 };
            let inode = root.inode().create(cx, name, &what)?;
            inode.write_at(cx, 0, content).map(drop)
        })
    }

    /// Lets a path show a file of this content, whatever is there in the root, which is not
    /// changed but for the name where there was none.
    pub fn cover_file(&mut self, path: &[u8], content: &[u8]) -> SysResult<()> {
        let now = self.now();
        let fs = Tmpfs::new(self.new_dev(), 0o755, 1 << 20, now);
        let what = Create { kind: FileType::Regular, mode: 0o644, uid: 0, gid: 0, rdev: 0 };
        let file = fs.anonymous(&what, now);
        let point = self.set_up(|cx| {
            file.write_at(cx, 0, content)?;
            let how = flags::WRONLY | flags::CREAT;
            let open = open::do_open(cx, AT_FDCWD, path, how, 0o644)?;
            open.location.clone().ok_or(Errno::ENOENT)
        })?;
        self.mounts.add(fs, Dentry::root(file), Some(point), 0, b"tmpfs");
        Ok(())
    }

    /// Mounts a file system on a directory, which is made if it is not there.
    pub fn mount_at(
        &mut self,
        path: &[u8],
        fs: Rc<dyn FileSystem>,
        flags: u32,
        source: &[u8],
    ) -> SysResult<()> {
        let point = self.set_up(|cx| make_directories(cx, path))?;
        let dentry = Dentry::root(fs.root());
        self.mounts.add(fs, dentry, Some(point), flags, source);
        Ok(())
    }
}

/// The directory of a path; what is missing on the way is made.
pub fn make_directories(cx: &mut Context, path: &[u8]) -> SysResult<Location> {
    let mut place = walk::resolve(cx, AT_FDCWD, b"/", Follow::Yes)?;
    for name in path.split(|&b| b == b'/').filter(|name| !name.is_empty()) {
        let found = walk::walk_from(cx, place.clone(), name, Follow::Yes)?;
        place = match (found.target, found.last) {
            (Some(target), _) => target,
            (None, Last::Name(name)) => {
                open::make(cx, &found.dir, &name, FileType::Directory, 0o755, 0)?
            }
            (None, _) => return Err(Errno::ENOENT),
        };
        place = cx.kernel.mounts.enter(place);
    }
    if place.is_directory() { Ok(place) } else { Err(Errno::ENOTDIR) }
}

fn launch(cx: &mut Context, program: Program) -> SysResult<()> {
    let cwd = walk::resolve(cx, AT_FDCWD, &program.cwd, Follow::Yes)?;
    *cx.thread.fs().cwd.borrow_mut() = cwd;
    open_streams(cx, program.terminals)?;
    let path = find(cx, &program);
    let place = walk::resolve(cx, AT_FDCWD, &path, Follow::Yes)?;
    crate::task::exec::exec(cx, place, path, program.argv, program.envp)?;
    Ok(())
}

/// The program's path: a name without a slash is looked for as a shell would.
fn find(cx: &mut Context, program: &Program) -> Vec<u8> {
    let variable = program.envp.iter().find_map(|entry| entry.strip_prefix(b"PATH="));
    if program.path.contains(&b'/') {
        return program.path.clone();
    }
    for dir in variable.unwrap_or_default().split(|&b| b == b':') {
        let path = [dir, b"/", &program.path[..]].concat();
        if walk::resolve(cx, AT_FDCWD, &path, Follow::Yes).is_ok() {
            return path;
        }
    }
    program.path.clone()
}

/// Descriptors 0 to 2: the console where the host has a terminal, else its stream.
fn open_streams(cx: &mut Context, terminals: [bool; 3]) -> SysResult<()> {
    let mut console = None;
    for (stream, is_terminal) in (0..3).zip(terminals) {
        let open = match (is_terminal, &console) {
            (false, _) => {
                let file = HostStream::new(stream, cx.kernel.host_news.clone());
                OpenFile::new(file, None, flags::RDWR)
            }
            (true, Some(open)) => Rc::clone(open),
            (true, None) => {
                // Its user may open it anew, as after a login.
                let place = walk::resolve(cx, AT_FDCWD, b"/dev/console", Follow::Yes)?;
                let uid = Some(cx.thread.credentials().fsuid);
                place.inode().clone().set_attr(cx, &SetAttr { uid, ..SetAttr::default() })?;
                let open = open::do_open(cx, AT_FDCWD, b"/dev/console", flags::RDWR, 0)?;
                console = Some(open.clone());
                open
            }
        };
        cx.install(open, 0)?;
    }
    if console.is_some() {
        let (session, pgrp) = {
            let process = &cx.thread.process;
            (process.session.borrow().clone(), process.pgrp.get())
        };
        let tty = cx.kernel.console.clone();
        // A session that has it keeps it.
        if tty.session.borrow().strong_count() == 0 {
            crate::tty::acquire(&tty, &session, pgrp);
        }
    }
    Ok(())
}
