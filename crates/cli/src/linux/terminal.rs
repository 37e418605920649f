//! The host's terminal while the guest has it: in raw mode, so that every key reaches the
//! guest, and put back whatever happens: at the end, at a panic, and at signals that end or
//! stop this process.

use super::News;
use super::system::{descriptor, is_ready, window_size};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::OwnedFd;
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGWINCH};
use signal_hook::iterator::Signals;
use std::cell::{Cell, RefCell};
use std::io;
use std::sync::Mutex;

/// How the terminal was, while it is raw.
static SAVED: Mutex<Option<Termios>> = Mutex::new(None);

/// Whether the terminal is in raw mode.
pub fn is_raw() -> bool {
    SAVED.lock().is_ok_and(|saved| saved.is_some())
}

fn make_raw() -> io::Result<()> {
    let old = tcgetattr(descriptor(0))?;
    let mut raw = old.clone();
    raw.make_raw();
    tcsetattr(descriptor(0), OptionalActions::Drain, &raw)?;
    if let Ok(mut saved) = SAVED.lock() {
        *saved = Some(old);
    }
    Ok(())
}

fn restore() {
    let Ok(mut saved) = SAVED.lock() else { return };
    if let Some(old) = saved.take() {
        // Nobody is there to tell if this fails.
        let _ = tcsetattr(descriptor(0), OptionalActions::Drain, &old);
    }
}

/// The time in which the guest runs.
pub struct Session {
    /// Keys of the terminal go to the guest.
    keys: bool,
    hung_up: Cell<bool>,
    signals: RefCell<Signals>,
    /// Readable when a signal came.
    wake: OwnedFd,
}

impl Session {
    /// Begins; `keys` says whether standard input is the guest's terminal.
    pub fn begin(keys: bool) -> io::Result<Session> {
        let (wake, sender) = rustix::pipe::pipe_with(
            rustix::pipe::PipeFlags::NONBLOCK | rustix::pipe::PipeFlags::CLOEXEC,
        )?;
        let mut list = vec![SIGWINCH];
        if keys {
            list.extend([SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGCONT]);
        }
        let signals = Signals::new(&list)?;
        for signal in list {
            signal_hook::low_level::pipe::register(signal, sender.try_clone()?)?;
        }
        if keys {
            let hook = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |info| {
                restore();
                hook(info);
            }));
            make_raw()?;
        }
        let (hung_up, signals) = (Cell::new(false), RefCell::new(signals));
        Ok(Session { keys, hung_up, signals, wake })
    }

    /// What happened since the last call; at most so many bytes of input.
    pub fn news(&self, room: usize) -> Vec<News> {
        let mut list = Vec::new();
        let mut drained = [0; 64];
        while rustix::io::read(&self.wake, &mut drained).is_ok_and(|count| count > 0) {}
        for signal in self.signals.borrow_mut().pending() {
            match signal {
                SIGWINCH => {
                    list.extend(window_size().map(|(rows, columns)| News::Resized(rows, columns)));
                }
                SIGTSTP => {
                    restore();
                    let _ = signal_hook::low_level::emulate_default_handler(SIGTSTP);
                }
                SIGCONT => {
                    if !is_raw() {
                        let _ = make_raw();
                    }
                    list.extend(window_size().map(|(rows, columns)| News::Resized(rows, columns)));
                }
                signal => {
                    restore();
                    let _ = signal_hook::low_level::emulate_default_handler(signal);
                }
            }
        }
        if self.keys && !self.hung_up.get() && room > 0 && is_ready(0, false) {
            let mut bytes = vec![0; room.min(4096)];
            match rustix::io::read(descriptor(0), &mut bytes) {
                Ok(0) | Err(rustix::io::Errno::IO) => {
                    self.hung_up.set(true);
                    list.push(News::HungUp);
                }
                Ok(count) => {
                    bytes.truncate(count);
                    list.push(News::Input(bytes));
                }
                Err(_) => {}
            }
        }
        list
    }

    /// Whether someone may still type.
    pub fn can_have_news(&self) -> bool {
        self.keys && !self.hung_up.get()
    }

    /// Waits until a stream is ready (if `streams`), somebody types (if `keys`), a signal
    /// comes, or a moment of the kernel's clock.
    pub fn wait(&self, streams: bool, keys: bool, until: Option<u64>) {
        let fds = [0, 1, 2].map(descriptor);
        let mut list = vec![PollFd::new(&self.wake, PollFlags::IN)];
        if streams || keys && self.can_have_news() {
            list.push(PollFd::new(&fds[0], PollFlags::IN));
        }
        if streams {
            // Output is asked for only where it was full, or this would never wait.
            for stream in [1, 2] {
                if !is_ready(stream, true) {
                    list.push(PollFd::new(&fds[usize::from(stream)], PollFlags::OUT));
                }
            }
        }
        let now = super::START.elapsed().as_nanos() as u64;
        let timeout = until.map(|until| {
            let left = until.saturating_sub(now);
            Timespec { tv_sec: (left / 1_000_000_000) as i64, tv_nsec: (left % 1_000_000_000) as _ }
        });
        // An interrupted wait is one that ended early, and the caller looks again.
        let _ = poll(&mut list, timeout.as_ref());
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if self.keys {
            restore();
        }
    }
}
