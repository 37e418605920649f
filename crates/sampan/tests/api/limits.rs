//! What holds a guest back.

use crate::{MODES, alone};
use sampan::{
    Config, Engine, Instance, Memory, MemoryType, Module, Preparation, Store, StoreLimitsBuilder,
    Trap,
};

const FOREVER: &str = r#"(module
    (func (export "loop") (loop (br 0)))
    (func $f (export "recurse") (param i64 i64) (call $f (local.get 0) (local.get 1))))"#;

#[test]
fn fuel_runs_out_and_can_be_filled() {
    for &mode in MODES {
        let engine = Engine::new(Config::new().mode(mode).consume_fuel(true));
        let (mut store, it) = alone(&engine, FOREVER);
        let forever = it.get_typed_func::<(), ()>(&store, "loop").unwrap();
        assert_eq!(forever.call(&mut store, ()).unwrap_err().trap(), Some(Trap::OutOfFuel));
        store.set_fuel(1000).unwrap();
        assert_eq!(store.get_fuel().unwrap(), 1000);
        assert_eq!(forever.call(&mut store, ()).unwrap_err().trap(), Some(Trap::OutOfFuel));
    }
    let mut store = Store::<()>::default();
    assert!(store.set_fuel(1).is_err());
    assert!(store.get_fuel().is_err());
}

#[test]
fn another_thread_interrupts() {
    for &mode in MODES {
        let engine = Engine::new(Config::new().mode(mode).interruptible(true));
        let (mut store, it) = alone(&engine, FOREVER);
        let handle = store.interrupt_handle().unwrap();
        let thread = std::thread::spawn(move || {
            std::thread::sleep(std::time::Duration::from_millis(20));
            handle.interrupt();
        });
        let forever = it.get_typed_func::<(), ()>(&store, "loop").unwrap();
        assert_eq!(forever.call(&mut store, ()).unwrap_err().trap(), Some(Trap::Interrupt));
        thread.join().unwrap();
    }
    assert!(Store::<()>::default().interrupt_handle().is_err());
}

#[test]
fn recursion_is_a_trap_and_leaves_the_store_usable() {
    for &mode in MODES {
        for stack in [1 << 12, 1 << 20, 64 << 20] {
            let engine = Engine::new(Config::new().mode(mode).max_stack_bytes(stack));
            let (mut store, it) = alone(&engine, FOREVER);
            let recurse = it.get_typed_func::<(i64, i64), ()>(&store, "recurse").unwrap();
            for _ in 0..3 {
                let error = recurse.call(&mut store, (1, 2)).unwrap_err();
                assert_eq!(error.trap(), Some(Trap::StackOverflow));
                assert!(error.backtrace().frames().len() > 5);
            }
        }
    }
}

#[test]
fn memories_tables_and_instances_are_bounded() {
    for &mode in MODES {
        let engine = Engine::new(Config::new().mode(mode).preparation(Preparation::Eager));
        let (mut store, it) = alone(
            &engine,
            r#"(module (memory (export "m") 1) (table 1 funcref)
                (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
                (func (export "table") (param i32) (result i32)
                    (table.grow (ref.null func) (local.get 0))))"#,
        );
        let limits = StoreLimitsBuilder::new().memory_size(3 << 16).table_elements(10);
        store.limiter(limits.instances(2).build());
        let grow = it.get_typed_func::<i32, i32>(&store, "grow").unwrap();
        assert_eq!(grow.call(&mut store, 3).unwrap(), -1);
        assert_eq!(grow.call(&mut store, 1).unwrap(), 1);
        let memory = it.get_memory(&store, "m").unwrap();
        assert!(memory.grow(&mut store, 2).is_err());
        assert_eq!(memory.grow(&mut store, 1).unwrap(), 2);
        assert!(Memory::new(&mut store, MemoryType::new(1, None)).is_err());
        let table = it.get_typed_func::<i32, i32>(&store, "table").unwrap();
        assert_eq!(table.call(&mut store, 10).unwrap(), -1);
        assert_eq!(table.call(&mut store, 9).unwrap(), 1);
        let empty = Module::new(&engine, "(module)").unwrap();
        Instance::new(&mut store, &empty, &[]).unwrap();
        let error = Instance::new(&mut store, &empty, &[]).unwrap_err();
        assert!(error.to_string().contains("another instance"), "{error}");
    }
}
