//! The thread that compiles.

use sampan_engine::{Engine, Module};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// A module that is being compiled.
#[derive(Debug, Default)]
pub struct Order {
    done: AtomicBool,
    module: Mutex<Option<Module>>,
}

impl Order {
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

struct Parcel {
    engine: Engine,
    bytes: Vec<u8>,
    order: Arc<Order>,
}

/// Compiles a module when its turn comes.
pub fn compile(engine: Engine, bytes: Vec<u8>) -> Arc<Order> {
    let order = Arc::new(Order::default());
    let parcel = Parcel { engine, bytes, order: order.clone() };
    let sent = match sender() {
        Some(sender) => sender.send(parcel).is_ok(),
        None => false,
    };
    if !sent {
        order.finish(None);
    }
    order
}

/// The way to the thread, which is started at the first use.
fn sender() -> Option<Sender<Parcel>> {
    static SENDER: OnceLock<Option<Mutex<Sender<Parcel>>>> = OnceLock::new();
    let start = || {
        let (sender, receiver) = channel::<Parcel>();
        let work = move || {
            for Parcel { engine, bytes, order } in receiver {
                // Nobody waits any more for what a process that ended has asked for.
                if Arc::strong_count(&order) == 1 {
                    continue;
                }
                order.finish(Module::new(&engine, bytes).ok());
            }
        };
        let thread = std::thread::Builder::new().name("translator".into()).spawn(work);
        thread.ok().map(|_| Mutex::new(sender))
    };
    let sender = SENDER.get_or_init(start).as_ref()?;
    Some(sender.lock().unwrap_or_else(PoisonError::into_inner).clone())
}
