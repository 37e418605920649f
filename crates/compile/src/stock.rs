//! What the cache has of modules that tier up: one entry for each, with the code of all its
//! places.
//!
//! The first job of a module loads its entry and hands all of it over. What is made then waits
//! until the compiler has nothing to do, or is asked to settle, and is put into the entry with
//! what others put there meanwhile. An entry is written anew as a whole, so it is left alone
//! until what waits is half as much as what is there: all writing together stays proportional to
//! the code. Only settling writes less.

use crate::activation::Loaded;
use crate::cache::{self, Cache, Key};
use crate::image::{Image, merge};
use sampan_engine::native::{Job, Place, module_id};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

/// The cache of an engine whose modules tier up.
pub(crate) struct Stock {
    cache: Arc<Cache>,
    /// Those of modules that exist, and some that did.
    shelves: Mutex<Vec<Weak<Shelf>>>,
}

/// What is known of one module; it lives as long as the module.
#[derive(Default)]
pub(crate) struct Shelf {
    /// The entry's key, once the entry was looked for.
    key: OnceLock<Option<Key>>,
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    /// Code that is not in the entry yet.
    code: Vec<Arc<Loaded>>,
    /// Bytes of that code, and of the entry's.
    bytes: usize,
    stored: usize,
}

impl Stock {
    pub fn new(cache: Arc<Cache>) -> Stock {
        Stock { cache, shelves: Mutex::default() }
    }

    /// The shelf of a job's module. The first time, what the cache has is handed over; others
    /// wait for that. `choices` is what code depends on beside the module.
    pub fn shelf(&self, job: &Job, choices: impl FnOnce() -> Result<String, String>) -> Arc<Shelf> {
        let shelf = job.beside(|| {
            let shelf = Arc::new(Shelf::default());
            let mut shelves = lock(&self.shelves);
            shelves.retain(|shelf| shelf.strong_count() > 0);
            shelves.push(Arc::downgrade(&shelf));
            shelf
        });
        let shelf = shelf.downcast::<Shelf>().expect("nothing else is kept beside a module");
        shelf.key.get_or_init(|| {
            let key = cache::key(job.module().bytes(), &choices().ok()?);
            if let Some(loaded) = self.loaded(job, &key) {
                lock(&shelf.waiting).stored = loaded.len();
                let places: Vec<_> = loaded.places().collect();
                job.offer(Arc::new(loaded), &places);
            }
            Some(key)
        });
        shelf
    }

    /// The entry's code, if there is a sound one.
    fn loaded(&self, job: &Job, key: &Key) -> Option<Loaded> {
        let (module, image) = (job.module(), self.cache.load(key)?);
        let decl = module.decl();
        let known = |place: Place| {
            let body = decl.bodies.get(place.body as usize);
            body.is_some_and(|body| place.at == 0 || body.contains(&place.at))
        };
        let sound = image.tables.places().all(|(place, ..)| known(place));
        if !sound {
            return None;
        }
        Loaded::new(image, Vec::new(), module_id(module)).ok()
    }

    /// Takes code that was made.
    pub fn add(&self, shelf: &Shelf, code: Arc<Loaded>) {
        let mut waiting = lock(&shelf.waiting);
        waiting.bytes += code.len();
        waiting.code.push(code);
    }

    /// There is nothing to do: writes what is worth it.
    pub fn rest(&self) {
        self.write(|waiting| waiting.bytes > waiting.stored / 2);
    }

    /// Writes everything.
    pub fn settle(&self) {
        self.write(|_| true);
    }

    fn write(&self, worth: impl Fn(&Waiting) -> bool) {
        let shelves = lock(&self.shelves).clone();
        for shelf in shelves.iter().filter_map(Weak::upgrade) {
            let Some(&Some(key)) = shelf.key.get() else { continue };
            // Held while it is written: what is made meanwhile waits for the next time.
            let mut waiting = lock(&shelf.waiting);
            if waiting.code.is_empty() || !worth(&waiting) {
                continue;
            }
            let image = self.with_entry(&key, &waiting.code);
            self.cache.store(&key, &image);
            *waiting = Waiting { stored: image.code.len(), ..Waiting::default() };
        }
    }

    /// The entry as it is now, and code of places that it has not.
    fn with_entry(&self, key: &Key, code: &[Arc<Loaded>]) -> Image {
        let entry = self.cache.load(key);
        let there: BTreeSet<Place> =
            entry.iter().flat_map(|entry| entry.tables.places()).map(|(place, ..)| place).collect();
        let new = |code: &&Arc<Loaded>| code.places().any(|(place, _)| !there.contains(&place));
        let new = code.iter().filter(new).map(|code| code.parts());
        merge(entry.iter().map(|entry| (&*entry.code, &entry.tables)).chain(new))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
