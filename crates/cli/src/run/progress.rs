//! How far the compilation of a large module is, on the terminal.

use indicatif::{ProgressBar, ProgressStyle};
use sampan::Config;
use std::sync::OnceLock;

/// Modules with fewer functions are compiled before anybody reads.
const MANY: usize = 1000;

/// Shows a bar on standard error while a module is compiled.
pub fn show(config: &mut Config) {
    let bar = OnceLock::new();
    config.compile_progress(move |done, all| {
        if all < MANY {
            return;
        }
        let bar: &ProgressBar = bar.get_or_init(|| {
            let style = "compiling {bar:40} {pos} of {len} functions, {eta} left";
            let style = ProgressStyle::with_template(style).expect("a valid template");
            ProgressBar::new(all as u64).with_style(style)
        });
        bar.inc(1);
        if done == all {
            bar.finish_and_clear();
        }
    });
}
