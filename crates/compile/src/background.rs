//! Compiling while the program runs: threads that exist as long as there is something to do.

use crate::cranelift::Context;
use crate::jit::Maker;
use sampan_engine::native::Job;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

/// What waits, and who works.
pub(crate) struct Background {
    maker: Arc<Maker>,
    queue: Mutex<Queue>,
}

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Job>,
    threads: usize,
}

impl Background {
    pub fn new(maker: Arc<Maker>) -> Background {
        Background { maker, queue: Mutex::default() }
    }

    /// Takes a job on; at most `threads` threads work.
    pub fn begin(self: &Arc<Self>, job: Job, threads: usize) {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.jobs.push_back(job);
        if queue.threads >= threads {
            return;
        }
        queue.threads += 1;
        let this = self.clone();
        let spawned =
            std::thread::Builder::new().name("sampan compiles".into()).spawn(move || this.work());
        if spawned.is_err() {
            // Without a thread nothing is compiled; what runs stays in the interpreter.
            queue.threads -= 1;
            if queue.threads == 0 {
                let jobs = std::mem::take(&mut queue.jobs);
                drop(queue);
                jobs.into_iter().for_each(|job| job.finish(None));
            }
        }
    }

    fn work(&self) {
        let mut context = Context::default();
        while let Some(job) = self.next() {
            self.maker.work(&mut context, job);
        }
        self.maker.rest();
    }

    /// The next job; `None` ends the thread.
    fn next(&self) -> Option<Job> {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let job = queue.jobs.pop_front();
        if job.is_none() {
            queue.threads -= 1;
        }
        job
    }
}
