//! The compiler that an engine is made with.

use crate::activation::Loaded;
use crate::cranelift::{Context, Symbol, Target};
use crate::image::Image;
use crate::lower::Options;
use crate::platform;
use sampan_engine::native::{Code, Compiler, Reservations};
use sampan_engine::{Config, Module, Trap};
use std::collections::BTreeSet;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// Follows the compilation of a module: bodies that are done, and all. Called from several
/// threads.
pub type Progress = dyn Fn(usize, usize) + Send + Sync;

/// Compiles with Cranelift for this host's processor.
pub struct Jit {
    target: Target,
    options: Options,
    threads: usize,
    progress: Option<Box<Progress>>,
    space: Arc<platform::Space>,
}

impl fmt::Debug for Jit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jit").field("options", &self.options).finish_non_exhaustive()
    }
}

impl Jit {
    /// A compiler for engines with these choices.
    ///
    /// # Errors
    /// What this host lacks.
    pub fn new(config: &Config) -> Result<Jit, String> {
        platform::install()?;
        let options =
            Options { fuel: config.fuel, interruptible: config.interruptible, guarded: true };
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        Ok(Jit {
            target: Target::host(config.canonical_nans)?,
            options,
            threads,
            progress: None,
            space: Arc::default(),
        })
    }

    /// How many threads compile; as many as there are processors unless said.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Jit {
        self.threads = threads.max(1);
        self
    }

    /// Whom to tell how far compilation is.
    #[must_use]
    pub fn progress(mut self, progress: Box<Progress>) -> Jit {
        self.progress = Some(progress);
        self
    }

    /// The code of all functions that can be compiled.
    fn image(&self, module: &Module) -> Result<Image, String> {
        let decl = module.decl();
        let count = decl.bodies.len();
        let bodies = self.on_all_threads(count, |context, body| {
            context.body(&self.target, module, body as u32, self.options).ok()
        });
        let mut image = Image::new(count);
        for (body, compiled) in bodies.into_iter().enumerate() {
            if let Some(compiled) = compiled {
                image.add_body(body as u32, compiled);
            }
        }
        // A function that was not compiled gets there by what stands for it, so that calls
        // of its module's own functions need not know.
        let mut glue: BTreeSet<Symbol> = image.wanted();
        for body in 0..count as u32 {
            let ty = decl.funcs[(decl.imported_funcs + body) as usize];
            if image.has(Symbol::Body(body)) {
                glue.insert(Symbol::Entry(ty));
            }
        }
        let mut context = Context::default();
        for &symbol in &glue {
            image.add_glue(symbol, context.glue(&self.target, module, symbol)?);
        }
        image.link()?;
        Ok(image)
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
        let threads = self.threads.min(count.div_ceil(16)).max(1);
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
        let image = self.image(module).map_err(Trap::host)?;
        let funcs = module.decl();
        let types = funcs.funcs[funcs.imported_funcs as usize..].to_vec();
        Ok(Arc::new(Loaded::new(image, types).map_err(Trap::host)?))
    }

    fn reservations(&self) -> Arc<dyn Reservations> {
        self.space.clone()
    }
}
