//! Modules from `wasm-smith`.

use arbitrary::Unstructured;

/// A valid module that terminates, with all that sampan executes, and no imports. It makes
/// NaNs canonical, except those that it promotes or demotes.
pub fn module(bytes: &[u8]) -> Vec<u8> {
    finish(config(), bytes)
}

/// The same with garbage collection, exceptions and threads, which wasmi has not. No thread is
/// there to end a wait, so a module that may wait gives none.
pub fn newest(bytes: &[u8]) -> Option<Vec<u8>> {
    let config = wasm_smith::Config {
        exceptions_enabled: true,
        gc_enabled: true,
        threads_enabled: bytes.first().is_some_and(|byte| byte % 4 == 0),
        max_types: 20,
        ..config()
    };
    let module = finish(config, bytes);
    // Where these bytes are something else, nothing is lost but a module.
    let waits = module.windows(2).any(|pair| matches!(pair, [0xfe, 1 | 2]));
    (!waits).then_some(module)
}

fn config() -> wasm_smith::Config {
    wasm_smith::Config {
        canonicalize_nans: true,
        compact_imports_enabled: false,
        custom_page_sizes_enabled: true,
        exceptions_enabled: false,
        export_everything: true,
        gc_enabled: false,
        max_funcs: 12,
        max_imports: 0,
        max_instructions: 300,
        max_memories: 2,
        max_memory32_bytes: 20 << 16,
        max_memory64_bytes: 20 << 16,
        max_table_elements: 1000,
        max_tables: 3,
        memory64_enabled: true,
        memory_max_size_required: true,
        min_funcs: 1,
        relaxed_simd_enabled: false,
        table_max_size_required: true,
        tail_call_enabled: true,
        threads_enabled: false,
        wide_arithmetic_enabled: true,
        ..wasm_smith::Config::default()
    }
}

fn finish(config: wasm_smith::Config, bytes: &[u8]) -> Vec<u8> {
    let mut module = wasm_smith::Module::new(config, &mut Unstructured::new(bytes))
        .expect("any bytes make a module");
    module.ensure_termination(200).expect("no function has bytes of its own");
    module.to_bytes()
}
