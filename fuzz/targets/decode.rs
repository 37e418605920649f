//! Any bytes: decoding, validation, disassembly and names neither panic nor run away.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sampan_wasm::{Features, NameKind, decode, validate};

fuzz_target!(|bytes: &[u8]| {
    // A broken module has no code to look at, so bodies are read before they are validated.
    let Ok(module) = decode(bytes, Features::ALL) else { return };
    let names = module.names(bytes);
    let mut seen = names.module().map_or(0, str::len);
    for index in 0..module.funcs.len() as u32 {
        let Some(lines) = module.disassemble(bytes, index, Features::ALL) else { continue };
        seen += lines.map_while(Result::ok).map(|line| line.to_string().len()).sum::<usize>();
        seen += names.func(index).map_or(0, str::len);
    }
    seen += names.funcs().count() + names.map(NameKind::Global).count();
    seen += names.indirect(NameKind::Local).map(|(_, map)| map.count()).sum::<usize>();
    seen += module.producers(bytes).count() + module.branch_hints(bytes).count();
    std::hint::black_box(seen);
    let _ = validate(bytes, Features::ALL);
});
