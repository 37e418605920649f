//! Wild pointers, damaged heaps, formats that ask for too much: an error each, and no more.

use crate::{Console, both, start};
use sampan::libc::Stop;
use sampan::{AsContextMut, Engine, Error, Instance, Store, Val};
use std::fmt::Write;

/// A module that passes up to four arguments on to each function of the library, and exports
/// its memory.
fn module() -> Vec<u8> {
    let mut text = String::from("(module\n");
    for (name, function) in sampan_libc::FUNCTIONS {
        let params = "i32 ".repeat(function.params.into());
        let result = match function.result {
            Some(sampan_libc::Width::W32) => "(result i32)",
            Some(sampan_libc::Width::W64) => "(result i64)",
            None => "",
        };
        writeln!(text, r#"(import "env" "{name}" (func ${name} (param {params}) {result}))"#)
            .unwrap();
    }
    for (name, function) in sampan_libc::FUNCTIONS {
        writeln!(text, r#"(export "{0}" (func ${0}))"#, name).unwrap();
        let params = "i32 ".repeat(function.params.into());
        let passed: String = (0..function.params).map(|i| format!(" (local.get {i})")).collect();
        let result = match function.result {
            Some(sampan_libc::Width::W32) => "(i64.extend_i32_u",
            Some(sampan_libc::Width::W64) => "(i64.add (i64.const 0)",
            None => "(i64.const 0) (block",
        };
        writeln!(
            text,
            r#"(func (export "call {0}") (param {params}) (result i64) {result} (call ${0}{passed})))"#,
            name
        )
        .unwrap();
    }
    text.push_str(
        r#"(memory (export "memory") 1 3) (global (export "__heap_base") i32 (i32.const 1024)))"#,
    );
    sampan::wat_to_wasm(text.as_bytes()).unwrap().into_owned()
}

fn call(
    store: &mut Store<Console>,
    instance: Instance,
    name: &str,
    arguments: &[u32],
) -> Result<u64, Error> {
    let func = instance.get_func(&*store, &format!("call {name}")).unwrap();
    let arguments: Vec<Val> = arguments.iter().map(|&it| Val::I32(it as i32)).collect();
    let mut result = [Val::I64(0)];
    func.call(store.as_context_mut(), &arguments, &mut result)?;
    let [Val::I64(result)] = result else { panic!("{result:?}") };
    Ok(result as u64)
}

fn stop(result: Result<u64, Error>) -> Stop {
    let error = result.unwrap_err();
    *error.downcast_ref().unwrap_or_else(|| panic!("{error}"))
}

fn write(store: &mut Store<Console>, instance: Instance, at: usize, bytes: &[u8]) {
    instance.get_memory(&*store, "memory").unwrap().write(store, at, bytes).unwrap();
}

fn each(mut test: impl FnMut(&mut Store<Console>, Instance)) {
    let module = module();
    both(|engine: &Engine| {
        let (mut store, instance) = start(engine, &module);
        test(&mut store, instance);
    });
}

#[test]
fn random_arguments_do_no_harm() {
    each(|store, instance| {
        let mut state = 7u64;
        let mut next = || {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 33) as u32
        };
        let interesting =
            [0, 1, 8, 100, 1024, 1040, 65_520, 65_535, 65_536, 65_537, u32::MAX, u32::MAX - 8];
        write(store, instance, 100, b"%d %s %*.*f %lld %n %c %5000d\0");
        let mut stopped = 0;
        for _ in 0..400 {
            for (name, function) in sampan_libc::FUNCTIONS {
                let mut arguments = [0; 4];
                for argument in &mut arguments {
                    *argument = match next() % 4 {
                        0 => next(),
                        1 => next() % 70_000,
                        _ => interesting[next() as usize % interesting.len()],
                    };
                }
                // So that what is read is not only zeros.
                let at = next() as usize % 65_000;
                write(store, instance, at, &next().to_le_bytes());
                let arguments = &arguments[..function.params.into()];
                stopped += u32::from(call(store, instance, name, arguments).is_err());
                store.data_mut().0.clear();
            }
        }
        assert!(stopped > 1000, "{stopped}");
    });
}

#[test]
fn pointers_beyond_the_memory_are_refused() {
    each(|store, instance| {
        let top = 65_536;
        write(store, instance, 65_532, b"abcd");
        write(store, instance, 100, b"text\0");
        for (name, arguments) in [
            ("printf", &[100_000, 0][..]),
            ("puts", &[65_532]),
            ("strlen", &[65_532]),
            ("strlen", &[top]),
            ("strcpy", &[65_533, 100]),
            ("strncpy", &[65_532, 100, 5]),
            ("memcpy", &[0, 65_533, 4]),
            ("memcpy", &[65_533, 0, 4]),
            ("memset", &[65_533, 0, 4]),
            ("memset", &[0, 0, u32::MAX]),
            ("memcmp", &[0, 65_533, 4]),
            ("memchr", &[65_532, 0, 5]),
            ("strncmp", &[65_532, 100, 5]),
            ("strtol", &[100, 65_533, 10]),
            ("sprintf", &[65_533, 100, 0]),
            ("snprintf", &[65_533, 100, 100, 0]),
            ("strdup", &[65_532]),
            ("clock_gettime", &[0, 65_530]),
        ] {
            assert_eq!(stop(call(store, instance, name, arguments)), Stop::OutOfBounds, "{name}");
        }
        // What ends in time is not an error, whatever the limit says.
        assert_eq!(call(store, instance, "strncmp", &[100, 100, u32::MAX]).unwrap(), 0);
        assert_eq!(call(store, instance, "memchr", &[65_532, 100, u32::MAX]).unwrap(), 65_535);
        assert_eq!(call(store, instance, "clock_gettime", &[5, 0]).unwrap(), u32::MAX.into());
        assert_eq!(call(store, instance, "clock", &[]).unwrap(), 1_700_000_000_123_456_790);
    });
}

#[test]
fn formats_that_are_wrong_are_errors() {
    each(|store, instance| {
        for (format, expected) in [
            (&b"%y\0"[..], Stop::Conversion(b'y')),
            (b"%", Stop::Conversion(0)),
            (b"%Lf\0", Stop::Conversion(b'f')),
            (b"%4096d\0", Stop::WidthTooLarge),
            (b"%.4096d\0", Stop::WidthTooLarge),
            (b"%99999999999d\0", Stop::WidthTooLarge),
        ] {
            write(store, instance, 200, &[0; 32]);
            write(store, instance, 200, format);
            assert_eq!(stop(call(store, instance, "printf", &[200, 300])), expected);
        }
        // Arguments end with the memory.
        write(store, instance, 200, b"%d%d\0");
        assert_eq!(stop(call(store, instance, "printf", &[200, 65_532])), Stop::OutOfBounds);
        write(store, instance, 200, b"%lld\0");
        assert_eq!(stop(call(store, instance, "printf", &[200, 65_532])), Stop::OutOfBounds);
    });
}

#[test]
fn the_heap_grows_to_its_limit_and_a_damaged_one_is_noticed() {
    each(|store, instance| {
        let first = call(store, instance, "malloc", &[60_000]).unwrap();
        assert_eq!(first, 1040);
        let second = call(store, instance, "malloc", &[60_000]).unwrap();
        assert!(second > first + 60_000);
        // Three pages are all it may have.
        assert_ne!(call(store, instance, "malloc", &[60_000]).unwrap(), 0);
        assert_eq!(call(store, instance, "malloc", &[60_000]).unwrap(), 0);
        call(store, instance, "free", &[second as u32]).unwrap();
        assert_eq!(call(store, instance, "malloc", &[60_000]).unwrap(), second);
        for wild in [8, 1041, 1056, 100_000_000] {
            assert_eq!(stop(call(store, instance, "free", &[wild])), Stop::BadFree);
        }
        // A block's size that leads nowhere.
        write(store, instance, 1036, &[0; 4]);
        assert_eq!(stop(call(store, instance, "malloc", &[60_000])), Stop::HeapDamaged);
    });
}

#[test]
fn a_module_with_a_malloc_of_its_own_is_asked() {
    let text = r#"(module
        (import "env" "strdup" (func $strdup (param i32) (result i32)))
        (memory (export "memory") 1)
        (data (i32.const 8) "text\00")
        (func (export "malloc") (param i32) (result i32)
            (i32.add (i32.const 2000) (local.get 0)))
        (func (export "free") (param i32))
        (func (export "run") (result i32) (call $strdup (i32.const 8))))"#;
    both(|engine| {
        let (mut store, instance) = start(engine, text.as_bytes());
        let run = instance.get_typed_func::<(), i32>(&store, "run").unwrap();
        assert_eq!(run.call(&mut store, ()).unwrap(), 2005);
        let memory = instance.get_memory(&store, "memory").unwrap();
        assert_eq!(&memory.data(&store)[2005..2010], b"text\0");
    });
}
