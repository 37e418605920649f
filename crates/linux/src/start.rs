//! The first process.

use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::RefCell;

use crate::errno::SysResult;
use crate::fs::stream::HostStream;
use crate::fs::walk::{self, AT_FDCWD, Follow};
use crate::fs::{Create, FdTable, FileType, OpenFile, flags};
use crate::kernel::{Context, Kernel};
use crate::machine::{Mode, Registers};
use crate::mm::Mm;
use crate::task::{Credentials, Parts, Process, Session, Thread};

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

    fn first_thread(&mut self, user: (u32, u32)) -> SysResult<Rc<Thread>> {
        let pid = self.new_pid();
        let session = Rc::new(Session { sid: pid, tty: RefCell::new(None) });
        let process = Rc::new(Process::new(pid, session, self.monotonic_ns()));
        let mut files = FdTable::default();
        for stream in 0..3 {
            let file = HostStream::new(stream, self.host_news.clone());
            let open = OpenFile::new(file, None, flags::RDWR);
            files.insert(open, false, 0, 3)?;
        }
        let parts = Parts {
            mm: Rc::new(RefCell::new(Mm::new((self.config.new_machine)()?))),
            files: Rc::new(RefCell::new(files)),
            fs: self.first_fs(),
            credentials: Rc::new(Credentials::new(user.0, user.1)),
        };
        let thread = Thread::new(pid, process.clone(), Registers::new(Mode::Amd64), parts);
        process.threads.borrow_mut().push(pid);
        self.threads.insert(pid, thread.clone());
        self.processes.insert(pid, process);
        Ok(thread)
    }

    /// Puts a file into the minimal root, before anything runs.
    pub fn add_file(&mut self, name: &[u8], mode: u32, content: &[u8]) -> SysResult<()> {
        let root = self.root();
        let thread = self.first_thread((0, 0))?;
        let mut cx = Context { kernel: self, thread: thread.clone() };
        let what = Create { kind: FileType::Regular, mode, uid: 0, gid: 0, rdev: 0 };
        let result = root.inode().create(&mut cx, name, &what);
        let written = result.and_then(|inode| inode.write_at(&mut cx, 0, content));
        // The thread was only there to act for.
        self.threads.clear();
        self.processes.clear();
        self.forget_pids();
        written.map(|_| ())
    }
}

fn launch(cx: &mut Context, program: Program) -> SysResult<()> {
    let cwd = walk::resolve(cx, AT_FDCWD, &program.cwd, Follow::Yes)?;
    *cx.thread.fs().cwd.borrow_mut() = cwd;
    let place = walk::resolve(cx, AT_FDCWD, &program.path, Follow::Yes)?;
    crate::task::exec::exec(cx, place, program.path, program.argv, program.envp)?;
    Ok(())
}
