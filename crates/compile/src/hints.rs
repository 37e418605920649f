//! Which way branches usually go, as a module's own compiler says it (the proposal "branch
//! hinting").

use sampan_engine::Module;
use sampan_engine::native::module_id;
use sampan_wasm::BranchHint;
use std::sync::{Arc, Mutex};

/// The hints of a module.
#[derive(Debug, Default)]
pub struct Hints {
    /// By function and offset.
    sorted: Vec<BranchHint>,
}

impl Hints {
    fn read(module: &Module) -> Hints {
        let mut sorted: Vec<BranchHint> = module.decl().branch_hints(module.bytes()).collect();
        // As they should be already.
        sorted.sort_unstable_by_key(|hint| (hint.func, hint.offset));
        Hints { sorted }
    }

    /// Whether the branch of a function at an offset from its body's start is usually taken.
    pub fn taken(&self, func: u32, offset: u32) -> Option<bool> {
        let found =
            self.sorted.binary_search_by_key(&(func, offset), |hint| (hint.func, hint.offset));
        found.ok().map(|at| self.sorted[at].taken)
    }
}

/// The hints of the module that was asked for last: functions of one are compiled in a row.
#[derive(Default)]
pub struct LastHints(Mutex<Option<(u64, Arc<Hints>)>>);

impl LastHints {
    /// The hints of `module`.
    pub fn of(&self, module: &Module) -> Arc<Hints> {
        let mut last = self.0.lock().unwrap_or_else(|e| e.into_inner());
        match &*last {
            Some((id, hints)) if *id == module_id(module) => hints.clone(),
            _ => {
                let hints = Arc::new(Hints::read(module));
                *last = Some((module_id(module), hints.clone()));
                hints
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cranelift::{Context, Target};
    use crate::lower::Options;
    use sampan_engine::native::Place;
    use sampan_engine::{Config, Engine};

    /// Where the code of the two instructions `global.set` of a module's one function begins.
    fn order(text: &str) -> [u32; 2] {
        let bytes = wat::parse_str(text).expect("valid text");
        let sets: Vec<usize> = bytes
            .windows(2)
            .enumerate()
            .filter_map(|(at, pair)| (pair == [0x24, 0]).then_some(at))
            .collect();
        let engine = Engine::new(Config::default());
        let module = Module::new(&engine, bytes).expect("a valid module");
        let target = Target::host(false).expect("a host that has code");
        let options = Options {
            fuel: false,
            interruptible: false,
            guarded: false,
            spectre: true,
            tiered: false,
        };
        let place = Place { body: 0, at: 0, stack: 0 };
        let hints = LastHints::default().of(&module);
        let compiled = Context::default()
            .body(&target, &module, &hints, place, options)
            .expect("it is compiled");
        [0, 1].map(|set| {
            let code = compiled.offsets.iter().find(|(_, offset)| *offset == sets[set] as u32);
            code.expect("both have code").0
        })
    }

    fn with_hint(hint: &str, text: &str) -> [u32; 2] {
        order(&text.replace("HINT", hint))
    }

    const LIKELY: &str = r#"(@metadata.code.branch_hint "\01")"#;
    const UNLIKELY: &str = r#"(@metadata.code.branch_hint "\00")"#;

    #[test]
    fn what_is_rare_comes_last() {
        let branch = "(module (global $g (mut i32) (i32.const 0))
            (func (param i32)
              block
                local.get 0
                HINT br_if 0
                (global.set $g (i32.const 1))
                return
              end
              (global.set $g (i32.const 2))))";
        let choice = "(module (global $g (mut i32) (i32.const 0))
            (func (param i32)
              local.get 0
              HINT if
                (global.set $g (i32.const 1))
              else
                (global.set $g (i32.const 2))
              end))";
        let [first, second] = with_hint(LIKELY, branch);
        assert!(second < first);
        let [first, second] = with_hint(UNLIKELY, branch);
        assert!(first < second);
        let [first, second] = with_hint(LIKELY, choice);
        assert!(first < second);
        let [first, second] = with_hint(UNLIKELY, choice);
        assert!(second < first);
    }
}
