//! The thread that compiles.

use sampan_engine::{Engine, Module};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// A module that is being compiled.
#[derive(Debug, Default)]
pub struct Job {
    done: AtomicBool,
    module: Mutex<Option<Module>>,
}

impl Job {
    /// The module once it is done; then `None` inside if it could not be compiled.
    pub fn take(&self) -> Option<Option<Module>> {
        if !self.done.load(Ordering::Acquire) {
            return None;
        }
        Some(self.module.lock().unwrap_or_else(PoisonError::into_inner).take())
    }

    fn finish(&self, module: Option<Module>) {
        *self.module.lock().unwrap_or_else(PoisonError::into_inner) = module;
        self.done.store(true, Ordering::Release);
    }
}

struct Order {
    engine: Engine,
    bytes: Vec<u8>,
    job: Arc<Job>,
}

/// Compiles a module when its turn comes.
pub fn compile(engine: Engine, bytes: Vec<u8>) -> Arc<Job> {
    let job = Arc::new(Job::default());
    let order = Order { engine, bytes, job: job.clone() };
    let sent = match sender() {
        Some(sender) => sender.send(order).is_ok(),
        None => false,
    };
    if !sent {
        job.finish(None);
    }
    job
}

/// The way to the thread, which is started at the first use.
fn sender() -> Option<Sender<Order>> {
    static SENDER: OnceLock<Option<Mutex<Sender<Order>>>> = OnceLock::new();
    let start = || {
        let (sender, receiver) = channel::<Order>();
        let work = move || {
            for Order { engine, bytes, job } in receiver {
                // Nobody waits any more for what a process that ended has asked for.
                if Arc::strong_count(&job) == 1 {
                    continue;
                }
                job.finish(Module::new(&engine, bytes).ok());
            }
        };
        let thread = std::thread::Builder::new().name("translator".into()).spawn(work);
        thread.ok().map(|_| Mutex::new(sender))
    };
    let sender = SENDER.get_or_init(start).as_ref()?;
    Some(sender.lock().unwrap_or_else(PoisonError::into_inner).clone())
}
