//! The thread that compiles, and the modules of all processes.
//!
//! A module is known by its bytes, which depend on nothing but the guest's code and its
//! addresses: processes that run the same file share what is compiled, after fork and exec too.

use sampan_engine::{Engine, Module};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// Bytes of modules that are kept for other processes. Then all are forgotten.
const KEPT: usize = 32 << 20;

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

/// Compiles a module when its turn comes, or finds it compiled.
pub fn compile(engine: Engine, bytes: Vec<u8>) -> Arc<Order> {
    let order = Arc::new(Order::default());
    if let Some(module) = kept(&bytes) {
        order.finish(Some(module));
        return order;
    }
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

/// Compiles a module here, or finds it compiled.
pub fn now(engine: &Engine, bytes: &[u8]) -> Option<Module> {
    if let Some(module) = kept(bytes) {
        return Some(module);
    }
    let module = Module::new(engine, bytes.to_vec()).ok()?;
    keep(bytes.to_vec(), &module);
    Some(module)
}

#[derive(Default)]
struct Kept {
    modules: HashMap<Vec<u8>, Module>,
    bytes: usize,
}

static MODULES: OnceLock<Mutex<Kept>> = OnceLock::new();

fn kept(bytes: &[u8]) -> Option<Module> {
    let kept = MODULES.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
    kept.modules.get(bytes).cloned()
}

fn keep(bytes: Vec<u8>, module: &Module) {
    let kept = MODULES.get_or_init(Mutex::default);
    let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
    if kept.bytes + bytes.len() > KEPT {
        *kept = Kept::default();
    }
    kept.bytes += bytes.len();
    kept.modules.insert(bytes, module.clone());
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
                // Another process may have asked for the same just before.
                order.finish(now(&engine, &bytes));
            }
        };
        let thread = std::thread::Builder::new().name("translator".into()).spawn(work);
        thread.ok().map(|_| Mutex::new(sender))
    };
    let sender = SENDER.get_or_init(start).as_ref()?;
    Some(sender.lock().unwrap_or_else(PoisonError::into_inner).clone())
}
