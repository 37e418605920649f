//! The verdict on a module, arbitrary or from `wasm-smith` with a few bytes changed, is that
//! of `wasmparser`.

#![no_main]

use libfuzzer_sys::{arbitrary::Unstructured, fuzz_target};
use sampan_fuzz::peer::{SETS, compare};

fuzz_target!(|bytes: &[u8]| {
    let mut u = Unstructured::new(bytes);
    let verdict = (|| {
        let features = *u.choose(&SETS)?;
        if u.ratio(1, 4)? {
            return Ok(compare(u.take_rest(), features));
        }
        let changes: Vec<(u32, u8)> = (0..u.int_in_range(0..=3)?)
            .map(|_| Ok((u.arbitrary()?, u.arbitrary()?)))
            .collect::<Result<_, libfuzzer_sys::arbitrary::Error>>()?;
        let config = wasm_smith::Config {
            compact_imports_enabled: false,
            custom_page_sizes_enabled: true,
            max_memories: 3,
            max_tables: 3,
            max_tags: 4,
            ..wasm_smith::Config::default()
        };
        let mut module = wasm_smith::Module::new(config, &mut u)?.to_bytes();
        for (at, value) in changes {
            let at = at as usize % module.len();
            module[at] = value;
        }
        Ok::<_, libfuzzer_sys::arbitrary::Error>(compare(&module, features))
    })();
    if let Ok(Err(what)) = verdict {
        panic!("{what}");
    }
});
