//! The compiler that an engine is made with.

use crate::activation::{self, Loaded};
use crate::background::Background;
use crate::cache::{self, Cache};
use crate::cranelift::{Context, Symbol, Target};
use crate::hints::LastHints;
use crate::image::{Draft, Image};
use crate::lower::Options;
use crate::platform;
use crate::stock::Stock;
use sampan_engine::native::{
    Code, CodeTrap, Compiler, Entry, Job, Lent, Place, Reservations, Runtime, module_id, offsets,
};
use sampan_engine::{Config, Mode, Module, Trap};
use std::collections::BTreeSet;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

/// Follows the compilation of a module: bodies that are done, and all. Called from several
/// threads.
pub type Progress = dyn Fn(usize, usize) + Send + Sync;

/// Whether a body (imports not counted) is compiled.
pub type Chosen = dyn Fn(u32) -> bool + Send + Sync;

/// Compiles with Cranelift for this host's processor.
pub struct Jit {
    maker: Arc<Maker>,
    background: Arc<Background>,
    /// Whether what is asked for is made before it is answered.
    waits: bool,
    /// Found out when it is first needed: the system is asked with a dozen calls.
    threads: OnceLock<usize>,
    progress: Option<Box<Progress>>,
    chosen: Option<Box<Chosen>>,
    cache: Option<Arc<Cache>>,
    reservations: Arc<dyn Reservations>,
}

/// What makes code of functions, on any thread.
pub(crate) struct Maker {
    canonical_nans: bool,
    options: Options,
    target: OnceLock<Result<Target, String>>,
    hints: LastHints,
    /// Where places' code is kept, if it is.
    stock: OnceLock<Stock>,
    /// How many places were compiled.
    made: AtomicUsize,
}

impl Maker {
    /// What code is made for; found out when it is first needed.
    fn target(&self) -> Result<&Target, String> {
        self.target.get_or_init(|| Target::host(self.canonical_nans)).as_ref().map_err(Clone::clone)
    }

    /// What code depends on beside the module and the program.
    fn choices(&self, config: &Config) -> Result<String, String> {
        let target = self.target()?.describe();
        let choices = format!("{:?} {:?}", self.options, config.features);
        // A choice is one word with its name, by which it can be found.
        Ok(format!("{target} {}", choices.replace(": ", "=")))
    }

    /// There is no job left.
    pub fn rest(&self) {
        if let Some(stock) = self.stock.get() {
            stock.rest();
        }
    }

    /// Does a job.
    pub fn work(&self, context: &mut Context, job: Job) {
        let (module, place) = (job.module().clone(), job.place());
        let stock = self
            .stock
            .get()
            .map(|stock| (stock, stock.shelf(&job, || self.choices(module.engine().config()))));
        if job.is_done() {
            return;
        }
        self.made.fetch_add(1, Ordering::Relaxed);
        // Whatever goes wrong, the program goes on in the interpreter.
        let make = AssertUnwindSafe(|| self.place(context, &module, place).ok());
        let made = std::panic::catch_unwind(make);
        if made.is_err() {
            // What was in the middle of a function can't begin another.
            *context = Context::default();
        }
        // The program would only be slower, so in tests this is where it shows.
        debug_assert!(
            place.at == 0
                || matches!(made, Ok(Some(_)))
                || self
                    .place(context, &module, Place { body: place.body, at: 0, stack: 0 })
                    .is_err(),
            "no code for the loop {place:?} of a function that has code"
        );
        let made = made.ok().flatten();
        if let (Some((stock, shelf)), Some((_, code))) = (stock, &made) {
            stock.add(&shelf, code.clone());
        }
        job.finish(made.map(|(entry, code)| (entry, code as Arc<dyn Code>)));
    }

    /// The code of one place.
    fn place(
        &self,
        context: &mut Context,
        module: &Module,
        place: Place,
    ) -> Result<(Entry, Arc<Loaded>), String> {
        let (target, decl) = (self.target()?, module.decl());
        let ty = decl.funcs[(decl.imported_funcs + place.body) as usize];
        let entry = if place.at == 0 { Symbol::Entry(ty) } else { Symbol::LoopEntry(ty) };
        let code = context.body(target, module, &self.hints.of(module), place, self.options)?;
        let through = context.glue(target, module, entry, true)?;
        let mut draft = Draft::new(0);
        draft.add_place(place, code, ty, through);
        let image = self.link(context, module, draft, BTreeSet::new())?;
        let loaded = Loaded::new(image, Vec::new(), module_id(module))?;
        let (_, entry) = loaded.places().next().ok_or("an image of one place has it")?;
        Ok((entry, Arc::new(loaded)))
    }

    /// Adds what is referred to, or asked for, and links.
    fn link(
        &self,
        context: &mut Context,
        module: &Module,
        mut draft: Draft,
        mut glue: BTreeSet<Symbol>,
    ) -> Result<Image, String> {
        glue.extend(draft.wanted());
        for &symbol in &glue {
            let compiled = context.glue(self.target()?, module, symbol, self.options.tiered)?;
            draft.add_glue(symbol, compiled);
        }
        draft.link()
    }
}

impl fmt::Debug for Jit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jit").field("options", &self.maker.options).finish_non_exhaustive()
    }
}

impl Jit {
    /// A compiler for engines with these choices.
    ///
    /// # Errors
    /// What this host lacks.
    pub fn new(config: &Config) -> Result<Jit, String> {
        platform::install()?;
        let options = Options {
            fuel: config.fuel,
            interruptible: config.interruptible,
            guarded: true,
            tiered: config.mode == Mode::Auto,
        };
        let maker = Maker {
            canonical_nans: config.canonical_nans,
            options,
            target: OnceLock::new(),
            hints: LastHints::default(),
            stock: OnceLock::new(),
            made: AtomicUsize::new(0),
        };
        if config.mode == Mode::Jit {
            maker.target()?;
        }
        let maker = Arc::new(maker);
        Ok(Jit {
            background: Arc::new(Background::new(maker.clone())),
            maker,
            waits: config.tier_waits,
            threads: OnceLock::new(),
            progress: None,
            chosen: None,
            cache: None,
            reservations: Arc::new(platform::Space),
        })
    }

    /// How many threads compile; as many as there are processors unless said.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Jit {
        self.threads = threads.max(1).into();
        self
    }

    /// Whom to tell how far compilation is.
    #[must_use]
    pub fn progress(mut self, progress: Box<Progress>) -> Jit {
        self.progress = Some(progress);
        self
    }

    /// Compiles some bodies only; the others are interpreted.
    #[must_use]
    pub fn only(mut self, chosen: Box<Chosen>) -> Jit {
        self.chosen = Some(chosen);
        self
    }

    /// Keeps code in a folder, and takes what is there instead of compiling. The folder is made
    /// when needed, for this user only; whoever can write to it decides what is executed. Said
    /// once.
    #[must_use]
    pub fn cache(mut self, folder: PathBuf) -> Jit {
        let cache = Arc::new(Cache::new(folder));
        self.cache = Some(cache.clone());
        if self.maker.options.tiered {
            let _ = self.maker.stock.set(Stock::new(cache));
        }
        self
    }

    /// How many bytes the entries of the cache may take; 1 GiB unless said.
    #[must_use]
    pub fn cache_limit(self, bytes: u64) -> Jit {
        if let Some(cache) = &self.cache {
            cache.limit.store(bytes, Ordering::Relaxed);
        }
        self
    }

    /// Where memories are, instead of where this crate would put them.
    #[must_use]
    pub fn reservations(mut self, reservations: Arc<dyn Reservations>) -> Jit {
        self.reservations = reservations;
        self
    }

    /// How many functions and loops were compiled since they ran often. For tests of the cache.
    pub fn places_compiled(&self) -> usize {
        self.maker.made.load(Ordering::Relaxed)
    }

    fn thread_count(&self) -> usize {
        let found = || std::thread::available_parallelism().map_or(1, usize::from);
        *self.threads.get_or_init(found)
    }

    /// The image from the cache, or made and then put there.
    fn cached_image(&self, module: &Module) -> Result<Image, String> {
        // A choice of bodies is no part of the key.
        let Some(cache) = self.cache.as_ref().filter(|_| self.chosen.is_none()) else {
            return self.image(module);
        };
        let key = cache::key(module.bytes(), &self.maker.choices(module.engine().config())?);
        let bodies = module.decl().bodies.len();
        if let Some(image) = cache.load(&key).filter(|image| image.tables.bodies().len() == bodies)
        {
            return Ok(image);
        }
        let image = self.image(module)?;
        cache.store(&key, &image);
        Ok(image)
    }

    /// Places the code of a module.
    fn loaded(&self, module: &Module, image: Image) -> Result<Arc<dyn Code>, Trap> {
        let decl = module.decl();
        let types = decl.funcs[decl.imported_funcs as usize..].to_vec();
        Ok(Arc::new(Loaded::new(image, types, module_id(module)).map_err(Trap::host)?))
    }

    /// The code of all functions that can be compiled.
    fn image(&self, module: &Module) -> Result<Image, String> {
        let decl = module.decl();
        let count = decl.bodies.len();
        let (target, options) = (self.maker.target()?, self.maker.options);
        let hints = self.maker.hints.of(module);
        let bodies = self.on_all_threads(count, |context, body| {
            if self.chosen.as_ref().is_some_and(|chosen| !chosen(body as u32)) {
                return None;
            }
            let place = Place { body: body as u32, at: 0, stack: 0 };
            context.body(target, module, &hints, place, options).ok()
        });
        let mut draft = Draft::new(count);
        for (body, compiled) in bodies.into_iter().enumerate() {
            if let Some(compiled) = compiled {
                draft.add_body(body as u32, compiled);
            }
        }
        // A function that was not compiled gets there by what stands for it, so that calls
        // of its module's own functions need not know.
        let compiled = (0..count as u32).filter(|&body| draft.has(Symbol::Body(body)));
        let ty = |body| decl.funcs[(decl.imported_funcs + body) as usize];
        let entries = compiled.map(|body| Symbol::Entry(ty(body))).collect();
        self.maker.link(&mut Context::default(), module, draft, entries)
    }

    /// `work` for each of `count` items, in order of the items.
    fn on_all_threads<T: Send>(
        &self,
        count: usize,
        work: impl Fn(&mut Context, usize) -> T + Sync,
    ) -> Vec<T> {
        let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let results = Mutex::new(Vec::with_capacity(count));
        let run = || {
            let mut context = Context::default();
            let mut mine = Vec::new();
            loop {
                let item = next.fetch_add(1, Ordering::Relaxed);
                if item >= count {
                    break;
                }
                mine.push((item, work(&mut context, item)));
                if let Some(progress) = &self.progress {
                    progress(done.fetch_add(1, Ordering::Relaxed) + 1, count);
                }
            }
            results.lock().unwrap_or_else(|e| e.into_inner()).extend(mine);
        };
        // Few functions are compiled before a thread would have started.
        let threads = self.thread_count().min(count.div_ceil(16)).max(1);
        std::thread::scope(|scope| {
            for _ in 1..threads {
                scope.spawn(run);
            }
            run();
        });
        let mut results = results.into_inner().unwrap_or_else(|e| e.into_inner());
        results.sort_unstable_by_key(|&(item, _)| item);
        results.into_iter().map(|(_, result)| result).collect()
    }
}

impl Compiler for Jit {
    fn compile(&self, module: &Module, _: &Config) -> Result<Arc<dyn Code>, Trap> {
        self.loaded(module, self.cached_image(module).map_err(Trap::host)?)
    }

    fn describe(&self, config: &Config) -> Result<String, Trap> {
        let choices = self.maker.choices(config).map_err(Trap::host)?;
        Ok(format!("sampan-{} {:?} {choices}", env!("CARGO_PKG_VERSION"), offsets::ALL))
    }

    unsafe fn load(&self, module: &Module, bytes: Lent) -> Result<Arc<dyn Code>, Trap> {
        let decl = module.decl();
        let image = Image::from_bytes(&bytes).filter(|image| {
            let (bodies, mut known) =
                (image.tables.bodies(), vec![false; decl.types.len() as usize]);
            let entries = image.tables.entries();
            entries.for_each(|(ty, _)| {
                if let Some(known) = known.get_mut(ty as usize) {
                    *known = true;
                }
            });
            let types = &decl.funcs[decl.imported_funcs as usize..];
            bodies.len() == decl.bodies.len()
                && bodies.zip(types).all(|(at, &ty)| at == u32::MAX || known[ty as usize])
        });
        self.loaded(module, image.ok_or(Trap::host("the code is damaged"))?)
    }

    fn begin(&self, job: Job) {
        if self.waits {
            self.maker.work(&mut Context::default(), job);
            self.maker.rest();
        } else {
            self.background.begin(job, self.thread_count());
        }
    }

    unsafe fn call(
        &self,
        entry: Entry,
        context: *mut u64,
        slots: *mut u64,
        runtime: *mut Runtime,
    ) -> Result<(), CodeTrap> {
        // SAFETY: the caller's promise.
        unsafe { activation::call(entry, context, slots, runtime) }
    }

    fn settle(&self) {
        if let Some(stock) = self.maker.stock.get() {
            stock.settle();
        }
    }

    fn reservations(&self) -> Arc<dyn Reservations> {
        self.reservations.clone()
    }
}
