//! Memories that end where a module's heap begins.

use crate::alone;
use sampan::{Config, Engine, Instance, Linker, Mode, Module, Store, Trap, libc};

/// Machine code relies on pages.
const INTERPRETERS: [Mode; 2] = [Mode::Classic, Mode::Fast];

/// A program with data and stack of 1,000 bytes, and `rest` besides.
fn program(rest: &str) -> String {
    format!(
        r#"(module
            {rest}
            (memory (export "memory") 2 3)
            (data (i32.const 996) "data")
            (func (export "load") (param i32) (result i32) (i32.load (local.get 0))))"#
    )
}

const HEAP_BASE: &str = r#"(global (export "__heap_base") i32 (i32.const 1000))"#;

fn engine(mode: Mode, heap: u32) -> Engine {
    Engine::new(Config::new().mode(mode).shrink_memories(heap))
}

#[test]
fn a_memory_ends_behind_the_heap_base() {
    for mode in INTERPRETERS {
        for (heap, len) in [(0, 1008), (24, 1024), (25, 1040)] {
            let (mut store, it) = alone(&engine(mode, heap), &program(HEAP_BASE));
            let memory = it.get_memory(&store, "memory").unwrap();
            assert_eq!(memory.data_size(&store), len);
            let load = it.get_typed_func::<i32, i32>(&store, "load").unwrap();
            assert_eq!(load.call(&mut store, 996).unwrap(), i32::from_le_bytes(*b"data"));
            assert_eq!(load.call(&mut store, len as i32 - 4).unwrap(), 0);
            let error = load.call(&mut store, len as i32 - 3).unwrap_err();
            assert_eq!(error.trap(), Some(Trap::MemoryOutOfBounds));
            // The host makes it larger, byte by byte, up to what the module allows.
            assert_eq!(memory.grow(&mut store, 1).unwrap(), len as u64);
            assert_eq!(load.call(&mut store, len as i32 - 3).unwrap(), 0);
            assert!(memory.grow(&mut store, 3 << 16).is_err());
            let rest = (3 << 16) - len as u64 - 1;
            assert_eq!(memory.grow(&mut store, rest).unwrap(), len as u64 + 1);
            assert_eq!(load.call(&mut store, (3 << 16) - 4).unwrap(), 0);
        }
    }
}

#[test]
fn what_cannot_be_smaller_keeps_its_pages() {
    let kept = [
        // No such export; another kind; a type, a value or a change that does not fit.
        "",
        r#"(func (export "__heap_base"))"#,
        r#"(global (export "__heap_base") i64 (i64.const 1000))"#,
        r#"(global (export "__heap_base") (mut i32) (i32.const 1000))"#,
        r#"(global (export "__heap_base") i32 (i32.const 131072))"#,
        r#"(global (export "__heap_base") i32 (i32.const -1))"#,
        r#"(global (export "__heap_base") i32 (i32.add (i32.const 1000) (i32.const 1)))"#,
        // It counts in pages, behind locals of several types.
        r#"(global (export "__heap_base") i32 (i32.const 1000))
           (func (local i32 funcref (ref null 0)) (drop (memory.size)))"#,
        r#"(global (export "__heap_base") i32 (i32.const 1000))
           (func (block (if (i32.const 1) (then (drop (memory.grow (i32.const 0)))))))"#,
        // Another memory.
        r#"(global (export "__heap_base") i32 (i32.const 1000)) (memory 1)"#,
    ];
    for mode in INTERPRETERS {
        for rest in kept {
            let (store, it) = alone(&engine(mode, 64), &program(rest));
            let memory = it.get_memory(&store, "memory").unwrap();
            assert_eq!(memory.data_size(&store), 2 << 16, "{rest}");
        }
        #[cfg(feature = "jit")]
        {
            let (store, it) = alone(&engine(Mode::Jit, 64), &program(HEAP_BASE));
            assert_eq!(it.get_memory(&store, "memory").unwrap().data_size(&store), 2 << 16);
        }
        // It was not asked for.
        let (store, it) = alone(&Engine::new(Config::new().mode(mode)), &program(HEAP_BASE));
        assert_eq!(it.get_memory(&store, "memory").unwrap().data_size(&store), 2 << 16);
    }
}

/// Data behind `__heap_base` does not fit, and that is said.
#[test]
fn data_beyond_is_a_trap() {
    for mode in INTERPRETERS {
        let engine = engine(mode, 0);
        let text = program(&format!(r#"{HEAP_BASE} (data (i32.const 1008) "x")"#));
        let module = Module::new(&engine, text).unwrap();
        let error = Instance::new(&mut Store::new(&engine, ()), &module, &[]).unwrap_err();
        assert_eq!(error.trap(), Some(Trap::MemoryOutOfBounds));
    }
}

struct Silent;

impl libc::System for Silent {
    fn write(&mut self, _: &[u8]) {}
}

/// The built-in `malloc` begins with what is behind `__heap_base`, and takes more as it needs.
#[test]
fn the_built_in_heap_grows() {
    let allocate = r#"(import "env" "malloc" (func $malloc (param i32) (result i32)))
        (global (export "__heap_base") i32 (i32.const 1000))
        (func (export "allocate") (param i32) (result i32) (call $malloc (local.get 0)))"#;
    for mode in INTERPRETERS {
        let engine = engine(mode, 64);
        let module = Module::new(&engine, program(allocate)).unwrap();
        let mut linker = Linker::new(&engine);
        libc::add_to_linker(&mut linker, &module, |silent: &mut Silent| silent).unwrap();
        let mut store = Store::new(&engine, Silent);
        let it = linker.instantiate(&mut store, &module).unwrap();
        let memory = it.get_memory(&store, "memory").unwrap();
        assert_eq!(memory.data_size(&store), 1072);
        let allocate = it.get_typed_func::<i32, i32>(&store, "allocate").unwrap();
        let first = allocate.call(&mut store, 12).unwrap();
        assert_eq!((first, memory.data_size(&store)), (1024, 1072));
        let second = allocate.call(&mut store, 2000).unwrap();
        assert!(second as usize + 2000 <= memory.data_size(&store));
        assert!(memory.data_size(&store) < 4000);
        assert_eq!(allocate.call(&mut store, 3 << 16).unwrap(), 0);
    }
}
