//! Memories, tables, globals, references.

use crate::{alone, both};
use sampan::{
    Engine, ExternRef, Func, Global, GlobalType, Memory, MemoryType, Mutability, Ref, RefType,
    Store, Table, TableType, Val, ValType,
};

#[test]
fn references_to_host_objects_pass_through_guests() {
    both(|engine| {
        let (mut store, it) = alone(
            &engine,
            r#"(module (func (export "id") (param externref) (result externref) (local.get 0)))"#,
        );
        let id = it.get_typed_func::<Option<ExternRef>, Option<ExternRef>>(&store, "id").unwrap();
        let object = ExternRef::new(&mut store, String::from("hello")).unwrap();
        let back = id.call(&mut store, Some(object)).unwrap().unwrap();
        assert_eq!(back.data(&store).unwrap().downcast_ref::<String>().unwrap(), "hello");
        assert_eq!(id.call(&mut store, None).unwrap(), None);
    });
}

#[test]
fn references_to_functions_pass_through_guests() {
    both(|engine| {
        let (mut store, it) = alone(
            &engine,
            r#"(module
                (func $f (result i32) (i32.const 11))
                (elem declare func $f)
                (func (export "get") (result funcref) (ref.func $f)))"#,
        );
        let get = it.get_typed_func::<(), Option<Func>>(&store, "get").unwrap();
        let f = get.call(&mut store, ()).unwrap().unwrap();
        assert_eq!(f.typed::<(), i32>(&store).unwrap().call(&mut store, ()).unwrap(), 11);
    });
}

#[test]
fn memories_are_read_and_written_within_bounds() {
    let mut store = Store::new(&Engine::default(), 7);
    let memory = Memory::new(&mut store, MemoryType::new(1, Some(2))).unwrap();
    memory.write(&mut store, 65_534, &[1, 2]).unwrap();
    assert!(memory.write(&mut store, 65_535, &[1, 2]).is_err());
    let mut buffer = [0; 2];
    memory.read(&store, 65_534, &mut buffer).unwrap();
    assert_eq!(buffer, [1, 2]);
    assert!(memory.read(&store, usize::MAX, &mut buffer).is_err());
    assert_eq!(memory.grow(&mut store, 1).unwrap(), 1);
    assert!(memory.grow(&mut store, 1).is_err());
    assert_eq!((memory.size(&store), memory.data(&store).len()), (2, 2 << 16));
    let (bytes, data) = memory.data_and_store_mut(&mut store);
    bytes[0] = *data;
    assert_eq!(memory.data_mut(&mut store)[0], 7);
    assert!(Memory::new(&mut store, MemoryType::new(2, Some(1))).is_err());
}

#[test]
fn tables_and_globals_check_types() {
    let mut store = Store::new(&Engine::default(), ());
    let ty = TableType::new(RefType::EXTERNREF, 1, Some(3));
    let object = ExternRef::new(&mut store, 5u8).unwrap();
    let table = Table::new(&mut store, ty, object.into()).unwrap();
    assert!(matches!(table.get(&mut store, 0), Some(Ref::Extern(Some(it))) if it == object));
    assert!(table.get(&mut store, 1).is_none());
    assert!(table.set(&mut store, 0, Ref::Func(None)).is_err());
    assert!(table.set(&mut store, 1, Ref::Extern(None)).is_err());
    assert_eq!(table.grow(&mut store, 2, Ref::Extern(None)).unwrap(), 1);
    assert!(table.grow(&mut store, 1, Ref::Extern(None)).is_err());

    let ty = GlobalType::new(ValType::F64, Mutability::Var);
    let global = Global::new(&mut store, ty, 1.5f64.into()).unwrap();
    assert!(global.set(&mut store, Val::F32(0)).is_err());
    global.set(&mut store, 2.5f64.into()).unwrap();
    assert_eq!(global.get(&mut store).f64(), Some(2.5));
    let ty = GlobalType::new(ValType::I32, Mutability::Const);
    let global = Global::new(&mut store, ty, 1i32.into()).unwrap();
    assert!(global.set(&mut store, 2i32.into()).is_err());
    assert!(Global::new(&mut store, ty, 1i64.into()).is_err());
}
