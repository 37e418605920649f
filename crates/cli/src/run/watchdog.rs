//! The end of `--timeout`, kept by a thread.

use super::timed_out;
use crate::report::{self, Exit};
use sampan::InterruptHandle;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

/// Interrupts the guest when its time is over, and ends the process if the guest does not
/// notice because it waits in a host function. Dropping it means that the guest ended.
pub struct Watchdog {
    _alive: Sender<()>,
}

/// How long a guest may take to notice that it is interrupted.
const GRACE: Duration = Duration::from_millis(250);

impl Watchdog {
    pub fn start(timeout: Duration, handle: InterruptHandle) -> Watchdog {
        let (alive, ended) = mpsc::channel();
        let expires = move |after| ended.recv_timeout(after) == Err(RecvTimeoutError::Timeout);
        thread::spawn(move || {
            if expires(timeout) {
                handle.interrupt();
                if expires(GRACE) {
                    report::message(timed_out(timeout));
                    report::message("the program was waiting in a host function");
                    std::process::exit(Exit::Timeout.code().into());
                }
            }
        });
        Watchdog { _alive: alive }
    }
}
