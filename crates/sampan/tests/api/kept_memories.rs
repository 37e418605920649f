//! Memories of many instances of a module: what they begin with, and that nothing of one is seen
//! in another, whether its place was kept or not.

use sampan::{
    Config, Engine, Instance, Linker, Mode, Module, Ref, RefType, Store, Table, TableType, Trap,
};

const TEXT: &str = r#"(module
    (memory (export "memory") 2 4)
    (data (i32.const 65530) "begins here")
    (data (i32.const 65532) "after")
    (data $passive "passive")
    (func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0)))
    (func (export "store") (param i32 i32) (i32.store8 (local.get 0) (local.get 1)))
    (func (export "init") (memory.init $passive (i32.const 0) (i32.const 0) (i32.const 7)))
    (func (export "init_active") (memory.init 0 (i32.const 0) (i32.const 0) (i32.const 1))))"#;

/// Few and many places are kept, and memories have none.
fn engines() -> impl Iterator<Item = Engine> {
    [(Mode::Jit, 0), (Mode::Jit, 1), (Mode::Jit, 8), (Mode::Auto, 8), (Mode::Fast, 8)]
        .into_iter()
        .map(|(mode, kept)| Engine::new(Config::new().mode(mode).kept_memories(kept)))
        .chain([Engine::new(Config::new().mode(Mode::Jit).guarded_memories(false))])
}

struct One {
    store: Store<()>,
    instance: Instance,
}

impl One {
    fn new(engine: &Engine, module: &Module) -> One {
        let mut store = Store::new(engine, ());
        let instance = Linker::new(engine).instantiate(&mut store, module).unwrap();
        One { store, instance }
    }

    fn bytes(&self) -> &[u8] {
        self.instance.get_memory(&self.store, "memory").unwrap().data(&self.store)
    }

    fn load(&mut self, at: i32) -> Result<i32, Option<Trap>> {
        let load = self.instance.get_typed_func::<i32, i32>(&self.store, "load").unwrap();
        load.call(&mut self.store, at).map_err(|error| error.trap())
    }

    fn store(&mut self, at: i32, value: i32) {
        let store = self.instance.get_typed_func::<(i32, i32), ()>(&self.store, "store").unwrap();
        store.call(&mut self.store, (at, value)).unwrap();
    }

    fn call(&mut self, name: &str) -> Result<(), Option<Trap>> {
        let func = self.instance.get_typed_func::<(), ()>(&self.store, name).unwrap();
        func.call(&mut self.store, ()).map_err(|error| error.trap())
    }
}

#[test]
fn each_instance_begins_with_the_data() {
    let mut expected = vec![0; 2 << 16];
    expected[65530..65541].copy_from_slice(b"beafterhere");
    for engine in engines() {
        let module = Module::new(&engine, TEXT).unwrap();
        for round in 0..4 {
            let (mut one, mut two) = (One::new(&engine, &module), One::new(&engine, &module));
            assert!(one.bytes() == expected, "round {round}");
            assert!(two.bytes() == expected, "round {round}");
            one.store(65531, 7);
            one.store(100_000, 8);
            assert_eq!((one.load(65531), one.load(100_000)), (Ok(7), Ok(8)));
            assert_eq!((two.load(65531), two.load(100_000)), (Ok(i32::from(b'e')), Ok(0)));
            // Active segments are gone, passive ones are not.
            assert_eq!(two.call("init_active"), Err(Some(Trap::MemoryOutOfBounds)));
            assert_eq!(two.call("init"), Ok(()));
            assert_eq!(&two.bytes()[..8], b"passive\0");
        }
    }
}

#[test]
fn a_place_that_had_grown_ends_where_the_next_memory_ends() {
    for engine in engines() {
        let module = Module::new(&engine, TEXT).unwrap();
        for _ in 0..3 {
            let mut one = One::new(&engine, &module);
            assert_eq!(one.load(2 << 16), Err(Some(Trap::MemoryOutOfBounds)));
            let memory = one.instance.get_memory(&one.store, "memory").unwrap();
            assert_eq!(memory.grow(&mut one.store, 2).unwrap(), 2);
            assert_eq!(one.load(2 << 16), Ok(0));
            one.store(2 << 16, 1);
            assert_eq!(one.load(4 << 16), Err(Some(Trap::MemoryOutOfBounds)));
        }
        // Another module's, smaller and larger and without data.
        for pages in [1usize, 3, 0] {
            let other = format!(
                r#"(module (memory (export "memory") {pages})
                (func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0))))"#
            );
            let other = Module::new(&engine, other).unwrap();
            let mut one = One::new(&engine, &other);
            assert!(one.bytes().iter().all(|&byte| byte == 0));
            assert_eq!(one.bytes().len(), pages << 16);
            assert_eq!(one.load((pages << 16) as i32), Err(Some(Trap::MemoryOutOfBounds)));
        }
    }
}

/// Elements come before data: a function that others have by then sees none of it.
#[test]
fn data_of_an_instance_whose_elements_trap_are_not_there() {
    let text = r#"(module
        (import "host" "table" (table 2 funcref))
        (memory 1)
        (data (i32.const 0) "data")
        (func $first (result i32) (i32.load8_u (i32.const 0)))
        (elem (i32.const 0) $first)
        (elem (i32.const 2) $first))"#;
    for engine in engines() {
        let module = Module::new(&engine, text).unwrap();
        for _ in 0..3 {
            let mut store = Store::new(&engine, ());
            let ty = TableType::new(RefType::FUNCREF, 2, None);
            let table = Table::new(&mut store, ty, Ref::Func(None)).unwrap();
            let mut linker = Linker::new(&engine);
            linker.define(&store, "host", "table", table).unwrap();
            let error = linker.instantiate(&mut store, &module).unwrap_err();
            assert_eq!(error.trap(), Some(Trap::TableOutOfBounds));
            let Some(Ref::Func(Some(first))) = table.get(&mut store, 0) else {
                panic!("the first element is there")
            };
            assert_eq!(first.typed::<(), i32>(&store).unwrap().call(&mut store, ()).unwrap(), 0);
        }
    }
}
