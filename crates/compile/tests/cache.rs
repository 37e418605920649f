//! The cache of compiled code: what is used, and what is made anew.

use sampan_compile::Jit;
use sampan_engine::{Config, Engine, Extern, Machine, Mode, Module};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// A module with a function `f` that gives `n`, and some more to compile.
fn module(n: u32) -> Vec<u8> {
    let more = "(func (param i64) (result i64) (i64.mul (local.get 0) (i64.const 3)))".repeat(200);
    wat::parse_str(format!(r#"(module (func (export "f") (result i32) (i32.const {n})) {more})"#))
        .expect("valid text")
}

/// What `f` gives, and whether anything was compiled for that.
fn run(folder: &Path, wasm: &[u8], fuel: bool) -> (u32, bool) {
    let config = Config { mode: Mode::Jit, fuel, ..Config::default() };
    let compiled = Arc::new(AtomicUsize::new(0));
    let count = compiled.clone();
    let progress = move |_, _| {
        count.fetch_add(1, Ordering::Relaxed);
    };
    let jit = Jit::new(&config).expect("this host runs compiled code");
    let jit = jit.cache(folder.to_owned()).progress(Box::new(progress));
    let engine = Engine::with_compiler(config, Arc::new(jit));
    let module = Module::new(&engine, wasm).expect("a valid module");
    let mut machine = Machine::new(&engine);
    machine.set_fuel(1000);
    let it = machine.instantiate(&mut (), &module, &[]).expect("it has no start");
    let Some(Extern::Func(f)) = machine.export(it, "f") else { panic!("exported") };
    let mut slots = [0];
    machine.call(&mut (), f, &mut slots).expect("it does not trap");
    (slots[0] as u32, compiled.load(Ordering::Relaxed) > 0)
}

#[test]
fn what_was_not_used_for_longest_makes_room() {
    let folder = tempfile::tempdir().expect("there is room");
    let folder = folder.path();
    let compile = |n: u32, limit: u64| {
        let config = Config { mode: Mode::Jit, ..Config::default() };
        let jit = Jit::new(&config).expect("this host runs compiled code");
        let jit = jit.cache(folder.to_owned()).cache_limit(limit);
        let engine = Engine::with_compiler(config, Arc::new(jit));
        Module::new(&engine, module(n)).expect("a valid module");
        // Times of files may be coarse.
        std::thread::sleep(Duration::from_millis(20));
    };
    compile(1, u64::MAX);
    let size = fs::metadata(&entries(folder)[0]).expect("it is there").len();
    for n in 2..=4 {
        compile(n, u64::MAX);
    }
    fs::write(folder.join("not an entry"), "it is somebody's").expect("it can be written");
    compile(1, u64::MAX);
    compile(5, 3 * size + 100);
    assert!(folder.join("not an entry").exists());
    assert_eq!(entries(folder).len(), 4, "1, 4 and 5, and what is no entry");
    let known = |n| !run(folder, &module(n), false).1;
    assert!(known(1) && known(4) && known(5) && !known(2) && !known(3));
    // What can't fit is not kept, and nothing goes for it.
    let before = entries(folder).len();
    compile(6, 10);
    assert_eq!(entries(folder).len(), before);
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(folder).expect("it is there");
    files.map(|file| file.expect("it can be read").path()).collect()
}

#[test]
fn the_second_time_nothing_is_compiled() {
    let folder = tempfile::tempdir().expect("there is room");
    let folder = folder.path().join("made/when/needed");
    assert_eq!(run(&folder, &module(7), false), (7, true));
    assert_eq!(run(&folder, &module(7), false), (7, false));
    assert_eq!(run(&folder, &module(8), false), (8, true), "another module");
    assert_eq!(run(&folder, &module(7), true), (7, true), "another choice");
    assert_eq!(run(&folder, &module(7), true), (7, false));
    assert_eq!(entries(&folder).len(), 3);
}

#[test]
fn damaged_and_foreign_entries_are_made_anew() {
    let folder = tempfile::tempdir().expect("there is room");
    let folder = folder.path();
    assert_eq!(run(folder, &module(7), false), (7, true));
    let [file] = &entries(folder)[..] else { panic!("one entry") };
    let good = fs::read(file).expect("it can be read");
    let mut damaged: Vec<Vec<u8>> =
        [0, 1, 8, 40, 72, good.len() / 2, good.len() - 1].map(|len| good[..len].to_vec()).into();
    for at in (0..good.len()).step_by(good.len() / 40) {
        let mut copy = good.clone();
        copy[at] ^= 0x10;
        damaged.push(copy);
    }
    damaged.push([&good[..], b"more"].concat());
    // Another module's entry under this one's name.
    let other = tempfile::tempdir().expect("there is room");
    assert_eq!(run(other.path(), &module(8), false), (8, true));
    damaged.push(fs::read(&entries(other.path())[0]).expect("it can be read"));
    for (i, content) in damaged.iter().enumerate() {
        fs::write(file, content).expect("it can be written");
        assert_eq!(run(folder, &module(7), false), (7, true), "damage {i}");
        assert_eq!(run(folder, &module(7), false), (7, false), "after damage {i}");
    }
}

/// A module that tiers up: `f` and `g` call small functions in a loop.
fn hot_module(n: u32) -> Vec<u8> {
    let function = |name: &str, more: u32| {
        format!(
            r#"(func ${name}_step (param i32) (result i32)
                 (i32.add (local.get 0) (i32.const {more})))
               (func (export "{name}") (result i32) (local $i i32) (local $sum i32)
                 (loop $again
                   (local.set $sum (call ${name}_step (local.get $sum)))
                   (local.set $i (i32.add (local.get $i) (i32.const 1)))
                   (br_if $again (i32.lt_u (local.get $i) (i32.const 100))))
                 (local.get $sum))"#
        )
    };
    wat::parse_str(format!("(module {} {})", function("f", n), function("g", n + 1)))
        .expect("valid text")
}

/// What some exports give in a mode that tiers up, and how many places were compiled for that.
fn run_hot(folder: &Path, wasm: &[u8], names: &[&str], fuel: bool) -> (Vec<u32>, usize) {
    let config =
        Config { mode: Mode::Auto, tier_after: 2, tier_waits: true, fuel, ..Config::default() };
    let jit = Jit::new(&config).expect("this host runs compiled code");
    let jit = Arc::new(jit.cache(folder.to_owned()));
    let engine = Engine::with_compiler(config, jit.clone());
    let module = Module::new(&engine, wasm).expect("a valid module");
    let mut machine = Machine::new(&engine);
    machine.set_fuel(100_000);
    let it = machine.instantiate(&mut (), &module, &[]).expect("it has no start");
    let call = |name: &&str| {
        let Some(Extern::Func(f)) = machine.export(it, name) else { panic!("exported") };
        let mut slots = [0];
        machine.call(&mut (), f, &mut slots).expect("it does not trap");
        slots[0] as u32
    };
    let given = names.iter().map(call).collect();
    engine.settle();
    (given, jit.places_compiled())
}

#[test]
fn code_of_places_is_kept_and_added_to() {
    let folder = tempfile::tempdir().expect("there is room");
    let folder = folder.path();
    let (given, made) = run_hot(folder, &hot_module(7), &["f"], false);
    assert_eq!(given, [700]);
    assert!(made >= 3, "the loop, its function and the other one: {made}");
    assert_eq!(run_hot(folder, &hot_module(7), &["f"], false), (vec![700], 0));
    // What is new is put to what is there.
    let (given, more) = run_hot(folder, &hot_module(7), &["g", "f"], false);
    assert_eq!(given, [800, 700]);
    assert!((1..=made).contains(&more), "{more}");
    assert_eq!(run_hot(folder, &hot_module(7), &["f", "g"], false), (vec![700, 800], 0));
    assert_eq!(entries(folder).len(), 1);
    // Another module, another choice.
    assert!(run_hot(folder, &hot_module(8), &["f"], false).1 > 0);
    assert!(run_hot(folder, &hot_module(7), &["f"], true).1 > 0);
    assert_eq!(run_hot(folder, &hot_module(7), &["f"], true), (vec![700], 0));
    assert_eq!(entries(folder).len(), 3);
    // Code of whole modules is another entry.
    let whole = run(folder, &module(7), false);
    assert_eq!((whole, entries(folder).len()), ((7, true), 4));
}

#[test]
fn damaged_code_of_places_is_made_anew() {
    let folder = tempfile::tempdir().expect("there is room");
    let folder = folder.path();
    let wasm = hot_module(7);
    assert!(run_hot(folder, &wasm, &["f"], false).1 > 0);
    let [file] = &entries(folder)[..] else { panic!("one entry") };
    let good = fs::read(file).expect("it can be read");
    let mut damaged: Vec<Vec<u8>> =
        [0, 8, 40, 72, good.len() / 2, good.len() - 1].map(|len| good[..len].to_vec()).into();
    for at in (0..good.len()).step_by(good.len() / 40) {
        let mut copy = good.clone();
        copy[at] ^= 0x10;
        damaged.push(copy);
    }
    let other = tempfile::tempdir().expect("there is room");
    assert!(run_hot(other.path(), &hot_module(8), &["f"], false).1 > 0);
    damaged.push(fs::read(&entries(other.path())[0]).expect("it can be read"));
    for (i, content) in damaged.iter().enumerate() {
        fs::write(file, content).expect("it can be written");
        let (given, made) = run_hot(folder, &wasm, &["f"], false);
        assert!(given == [700] && made > 0, "damage {i}: {given:?} {made}");
        assert_eq!(run_hot(folder, &wasm, &["f"], false), (vec![700], 0), "after damage {i}");
    }
}

/// Not a test of its own: what the next one starts and kills.
#[test]
fn writes_until_killed() {
    let Some(folder) = std::env::var_os("SAMPAN_TEST_CACHE") else { return };
    for n in 0.. {
        assert_eq!(run(Path::new(&folder), &module(n % 4), false).0, n % 4);
        let (given, _) = run_hot(Path::new(&folder), &hot_module(n % 4), &["f"], false);
        assert_eq!(given, [n % 4 * 100]);
        fs::remove_file(&entries(Path::new(&folder))[0]).expect("nobody else removes it");
    }
}

#[test]
fn a_killed_writer_leaves_nothing_wrong() {
    let folder = tempfile::tempdir().expect("there is room");
    for round in 0..6 {
        let program = std::env::current_exe().expect("this program");
        // Where the program is another machine's, what runs it.
        let mut child = match std::env::var_os("SAMPAN_TEST_RUNNER") {
            Some(runner) => {
                let mut command = Command::new(runner);
                command.arg(program);
                command
            }
            None => Command::new(program),
        };
        let mut child = child
            .args(["--exact", "writes_until_killed"])
            .env("SAMPAN_TEST_CACHE", folder.path())
            .stdout(std::process::Stdio::null())
            .spawn()
            .expect("it starts");
        std::thread::sleep(Duration::from_millis(150 + round * 13));
        child.kill().expect("it runs until killed");
        child.wait().expect("it ended");
        for n in 0..4 {
            assert_eq!(run(folder.path(), &module(n), false).0, n);
            let (given, _) = run_hot(folder.path(), &hot_module(n), &["f", "g"], false);
            assert_eq!(given, [n * 100, (n + 1) * 100]);
        }
    }
}
