//! How fast bodies are validated: `validate_speed FILE.wasm [ROUNDS]`.

use sampan_wasm::{Features, Scratch, decode, validate_body};
use std::time::Instant;

fn main() {
    let mut args = std::env::args().skip(1);
    let path = args.next().expect("usage: validate_speed FILE.wasm [ROUNDS]");
    let rounds = args.next().map_or(10, |n| n.parse().expect("a number of rounds"));
    let bytes = std::fs::read(&path).expect("a readable file");
    for _ in 0..rounds {
        let start = Instant::now();
        let module = decode(&bytes, Features::ALL).expect("a valid module");
        let decoded = start.elapsed();
        let mut scratch = Scratch::default();
        let start = Instant::now();
        for index in module.imported_funcs..module.funcs.len() as u32 {
            validate_body(&bytes, Features::ALL, &module, index, &mut scratch, &mut ())
                .expect("a valid body");
        }
        let checked = start.elapsed();
        let code: u32 = module.bodies.iter().map(|body| body.end - body.start).sum();
        println!(
            "sections {:6.2} ms, bodies {:6.2} ms: {:.0} MB/s",
            decoded.as_secs_f64() * 1e3,
            checked.as_secs_f64() * 1e3,
            f64::from(code) / 1e6 / checked.as_secs_f64(),
        );
    }
}
