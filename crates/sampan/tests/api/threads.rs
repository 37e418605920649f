//! Memories that several stores, on several threads, have at once.

use crate::MODES;
use sampan::{
    Config, Engine, Instance, MemoryType, Module, SharedMemory, Store, StoreLimitsBuilder, Trap,
};
use std::time::Duration;

const GUEST: &str = r#"(module
    (import "" "memory" (memory $m 1 40 shared))
    (func (export "size") (result i32) (memory.size))
    (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
    (func (export "load") (param i32) (result i32) (i32.load (local.get 0)))
    (func (export "store") (param i32 i32) (i32.store (local.get 0) (local.get 1)))
    (func (export "fill") (param i32 i32 i32)
        (memory.fill (local.get 0) (local.get 1) (local.get 2)))
    (func (export "misaligned") (result i32) (i32.atomic.load (i32.const 2)))
    ;; Adds to a plain cell under a lock of the guest's own, so often.
    (func (export "count") (param $times i32)
        (loop $again
            (loop $locked
                (if (i32.atomic.rmw.cmpxchg (i32.const 0) (i32.const 0) (i32.const 1)) (then
                    (drop (memory.atomic.wait32 (i32.const 0) (i32.const 1) (i64.const 1000000)))
                    (br $locked))))
            (i64.store (i32.const 8) (i64.add (i64.load (i32.const 8)) (i64.const 1)))
            (i32.atomic.store (i32.const 0) (i32.const 0))
            (drop (memory.atomic.notify (i32.const 0) (i32.const 1)))
            (br_if $again
                (local.tee $times (i32.sub (local.get $times) (i32.const 1))))))
    ;; Waits until the page is there, looking at the length alone.
    (func (export "await page") (param $page i32)
        (loop $again (br_if $again (i32.le_u (memory.size) (local.get $page))))
        (i32.store (i32.shl (local.get $page) (i32.const 16)) (i32.const 7)))
    (func (export "wait") (param i64) (result i32)
        (memory.atomic.wait32 (i32.const 16) (i32.const 0) (local.get 0))))"#;

fn engine(config: &mut Config) -> (Engine, Module) {
    let engine = Engine::new(config);
    let module = Module::new(&engine, GUEST).unwrap();
    (engine, module)
}

fn instance(store: &mut Store<()>, module: &Module, memory: &SharedMemory) -> Instance {
    Instance::new(store, module, &[memory.clone().into()]).unwrap()
}

#[test]
fn threads_count_together() {
    for &mode in MODES {
        let (engine, module) = engine(Config::new().mode(mode));
        let memory = SharedMemory::new(&engine, MemoryType::shared(1, 40)).unwrap();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let mut store = Store::new(&engine, ());
                    let it = instance(&mut store, &module, &memory);
                    let count = it.get_typed_func::<i32, ()>(&store, "count").unwrap();
                    count.call(&mut store, 2000).unwrap();
                });
            }
        });
        let mut sum = [0; 8];
        memory.read(8, &mut sum).unwrap();
        assert_eq!(u64::from_le_bytes(sum), 8000, "{mode:?}");
    }
}

#[test]
fn growth_by_another_is_seen() {
    for &mode in MODES {
        let (engine, module) = engine(Config::new().mode(mode));
        let memory = SharedMemory::new(&engine, MemoryType::shared(1, 40)).unwrap();
        let mut stores = [Store::new(&engine, ()), Store::new(&engine, ())];
        let its = stores.each_mut().map(|store| instance(store, &module, &memory));
        let grow = its[0].get_typed_func::<i32, i32>(&stores[0], "grow").unwrap();
        let size = its[1].get_typed_func::<(), i32>(&stores[1], "size").unwrap();
        let load = its[1].get_typed_func::<i32, i32>(&stores[1], "load").unwrap();
        let fill = its[0].get_typed_func::<(i32, i32, i32), ()>(&stores[0], "fill").unwrap();
        for pages in 1..40 {
            let (last, beyond) = ((pages << 16) - 4, (pages << 16) - 3);
            assert_eq!(size.call(&mut stores[1], ()).unwrap(), pages, "{mode:?}");
            fill.call(&mut stores[0], (last, 1, 4)).unwrap();
            assert_eq!(load.call(&mut stores[1], last).unwrap(), 0x0101_0101);
            let trap = load.call(&mut stores[1], beyond).unwrap_err().trap();
            assert_eq!(trap, Some(Trap::MemoryOutOfBounds));
            assert_eq!(grow.call(&mut stores[0], 1).unwrap(), pages);
        }
        assert_eq!(grow.call(&mut stores[0], 1).unwrap(), -1, "its maximum is reached");
        assert_eq!(memory.size(), 40);
    }
}

#[test]
fn growth_is_seen_while_a_function_runs() {
    for &mode in MODES {
        let (engine, module) = engine(Config::new().mode(mode));
        let memory = SharedMemory::new(&engine, MemoryType::shared(1, 40)).unwrap();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let mut store = Store::new(&engine, ());
                let it = instance(&mut store, &module, &memory);
                let wait = it.get_typed_func::<i32, ()>(&store, "await page").unwrap();
                wait.call(&mut store, 5).unwrap();
            });
            for _ in 0..5 {
                std::thread::sleep(Duration::from_millis(2));
                memory.grow(1).unwrap();
            }
        });
        let mut seven = [0];
        memory.read(5 << 16, &mut seven).unwrap();
        assert_eq!(seven, [7], "{mode:?}");
    }
}

#[test]
fn a_wait_ends_by_time_value_or_interruption() {
    for &mode in MODES {
        let (engine, module) = engine(Config::new().mode(mode).interruptible(true));
        let memory = SharedMemory::new(&engine, MemoryType::shared(1, 40)).unwrap();
        let mut store = Store::new(&engine, ());
        let it = instance(&mut store, &module, &memory);
        let wait = it.get_typed_func::<i64, i32>(&store, "wait").unwrap();
        assert_eq!(wait.call(&mut store, 1_000_000).unwrap(), 2, "timed out");
        memory.write(16, &[1]).unwrap();
        assert_eq!(wait.call(&mut store, -1).unwrap(), 1, "another value");
        memory.write(16, &[0]).unwrap();
        let handle = store.interrupt_handle().unwrap();
        let thread = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(20));
            handle.interrupt();
        });
        let error = wait.call(&mut store, -1).unwrap_err();
        assert_eq!(error.trap(), Some(Trap::Interrupt), "{mode:?}");
        thread.join().unwrap();
    }
}

#[test]
fn atomic_accesses_are_aligned() {
    for &mode in MODES {
        let (engine, module) = engine(Config::new().mode(mode));
        let memory = SharedMemory::new(&engine, MemoryType::shared(1, 40)).unwrap();
        let mut store = Store::new(&engine, ());
        let it = instance(&mut store, &module, &memory);
        let load = it.get_typed_func::<(), i32>(&store, "misaligned").unwrap();
        assert_eq!(load.call(&mut store, ()).unwrap_err().trap(), Some(Trap::HeapMisaligned));
    }
}

#[test]
fn every_store_counts_what_it_shares() {
    for &mode in MODES {
        let (engine, module) = engine(Config::new().mode(mode));
        let memory = SharedMemory::new(&engine, MemoryType::shared(1, 40)).unwrap();
        let mut store = Store::new(&engine, ());
        store.limiter(StoreLimitsBuilder::new().memory_size(3 << 16).build());
        let it = instance(&mut store, &module, &memory);
        let grow = it.get_typed_func::<i32, i32>(&store, "grow").unwrap();
        assert_eq!(grow.call(&mut store, 3).unwrap(), -1);
        assert_eq!(grow.call(&mut store, 2).unwrap(), 1);
        assert_eq!(grow.call(&mut store, 1).unwrap(), -1);
        let mut other = Store::new(&engine, ());
        other.limiter(StoreLimitsBuilder::new().memory_size(2 << 16).build());
        assert!(Instance::new(&mut other, &module, &[memory.clone().into()]).is_err());
    }
}

#[test]
fn only_shared_memories_are_shared() {
    let engine = Engine::default();
    assert!(SharedMemory::new(&engine, MemoryType::new(1, Some(2))).is_err());
    assert!(SharedMemory::new(&engine, MemoryType::shared(2, 1)).is_err());
    let memory = SharedMemory::new(&engine, MemoryType::shared(1, 40)).unwrap();
    let elsewhere = Engine::default();
    let module = Module::new(&elsewhere, GUEST).unwrap();
    let mut store = Store::new(&elsewhere, ());
    let error = Instance::new(&mut store, &module, &[memory.into()]).unwrap_err();
    assert!(error.to_string().contains("another engine"), "{error}");
}
