//! Handles belong to one store.

use crate::alone;
use sampan::{
    Engine, ExternRef, Func, Global, GlobalType, Instance, Linker, Memory, MemoryType, Module,
    Mutability, Ref, RefType, Store, Table, TableType, Val, ValType,
};

const MODULE: &str = r#"(module
    (func (export "f") (param funcref externref))
    (memory (export "m") 1))"#;

#[test]
#[should_panic(expected = "object used with the wrong store")]
fn a_function_of_another_store() {
    let engine = Engine::default();
    let (one, it) = alone(&engine, MODULE);
    let mut other = Store::new(&engine, ());
    let f = it.get_func(&one, "f").unwrap();
    let _ = f.call(&mut other, &[Val::FuncRef(None), Val::ExternRef(None)], &mut []);
}

#[test]
#[should_panic(expected = "object used with the wrong store")]
fn a_memory_of_another_store() {
    let engine = Engine::default();
    let (one, it) = alone(&engine, MODULE);
    let other = Store::new(&engine, ());
    it.get_memory(&one, "m").unwrap().data(&other);
}

#[test]
#[should_panic(expected = "object used with the wrong store")]
fn an_import_of_another_store() {
    let engine = Engine::default();
    let (one, it) = alone(&engine, MODULE);
    let mut linker = Linker::new(&engine);
    linker.instance(&one, "m", it).unwrap();
    let module = Module::new(&engine, r#"(module (import "m" "m" (memory 1)))"#).unwrap();
    let _ = linker.instantiate(Store::new(&engine, ()), &module);
}

#[test]
fn references_of_another_store_are_errors() {
    let engine = Engine::default();
    let (mut one, it) = alone(&engine, MODULE);
    let mut other = Store::new(&engine, ());
    let func = Func::wrap(&mut other, || {});
    let object = ExternRef::new(&mut other, 1).unwrap();
    let f = it.get_func(&one, "f").unwrap();
    let args = [func.into(), Val::ExternRef(None)];
    assert!(f.call(&mut one, &args, &mut []).is_err());
    let typed = f.typed::<(Option<Func>, Option<ExternRef>), ()>(&one).unwrap();
    assert!(typed.call(&mut one, (None, Some(object))).is_err());
    let ty = GlobalType::new(ValType::EXTERNREF, Mutability::Var);
    assert!(Global::new(&mut one, ty, object.into()).is_err());
    let ty = TableType::new(RefType::FUNCREF, 1, None);
    assert!(Table::new(&mut one, ty, func.into()).is_err());
    let table = Table::new(&mut one, ty, Ref::Func(None)).unwrap();
    assert!(table.set(&mut one, 0, func.into()).is_err());
}

#[test]
fn a_module_of_another_engine_is_an_error() {
    let module = Module::new(&Engine::default(), MODULE).unwrap();
    let error = Instance::new(Store::<()>::default(), &module, &[]).unwrap_err();
    assert_eq!(error.to_string(), "the module belongs to another engine");
}

#[test]
fn stores_can_be_sent_and_modules_shared() {
    fn send<T: Send>(_: &T) {}
    fn sync<T: Sync>(_: &T) {}
    let engine = Engine::default();
    let module = Module::new(&engine, MODULE).unwrap();
    send(&Store::new(&engine, 0));
    send(&Linker::<u8>::new(&engine));
    send(&module);
    sync(&module);
    sync(&engine);
    let thread = std::thread::spawn(move || {
        let mut store = Store::new(&engine, ());
        Instance::new(&mut store, &module, &[]).unwrap();
        Memory::new(&mut store, MemoryType::new(1, None)).unwrap().size(&store)
    });
    assert_eq!(thread.join().unwrap(), 1);
}
