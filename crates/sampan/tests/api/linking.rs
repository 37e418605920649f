//! Imports, exports, linking.

use crate::{both, instance};
use sampan::{
    Engine, ErrorKind, ExternType, Func, Instance, Linker, Memory, MemoryType, Module, Store, Trap,
};

#[test]
fn a_module_tells_what_it_imports_and_exports() {
    let engine = Engine::default();
    let module = Module::new(
        &engine,
        r#"(module $named
            (import "a" "f" (func (param i32 i64) (result f32)))
            (import "a" "g" (global (mut externref)))
            (memory (export "m") 1 2)
            (table (export "t") 3 funcref))"#,
    )
    .unwrap();
    assert_eq!(module.name(), Some("named"));
    let imports: Vec<String> =
        module.imports().map(|it| format!("{} {} {}", it.module(), it.name(), it.ty())).collect();
    assert_eq!(imports, ["a f function [i32 i64] -> [f32]", "a g global mut externref"]);
    let exports: Vec<String> =
        module.exports().map(|it| format!("{} {}", it.name(), it.ty())).collect();
    assert_eq!(exports, ["m memory 1..2", "t table 3.. funcref"]);
    assert!(matches!(module.get_export("m"), Some(ExternType::Memory(_))));
    assert!(module.get_export("x").is_none());
}

#[test]
fn all_missing_and_unfit_imports_are_reported() {
    both(|engine| {
        let module = Module::new(
            &engine,
            r#"(module
                (import "env" "missing" (func (param i32)))
                (import "env" "fits" (func))
                (import "env" "unfit" (func (result i32)))
                (import "env" "memory" (memory 2)))"#,
        )
        .unwrap();
        let mut store = Store::new(&engine, ());
        let mut linker = Linker::new(&engine);
        linker.func_wrap("env", "fits", || {}).unwrap();
        linker.func_wrap("env", "unfit", |_: i64| {}).unwrap();
        let memory = Memory::new(&mut store, MemoryType::new(1, None)).unwrap();
        linker.define(&store, "env", "memory", memory).unwrap();
        let error = linker.instantiate(&mut store, &module).unwrap_err();
        let ErrorKind::Link(imports) = error.kind() else { panic!("{error}") };
        assert_eq!(imports.len(), 3);
        let lines: Vec<String> = error.to_string().lines().map(str::to_owned).collect();
        assert_eq!(
            lines,
            [
                "unknown import: \"env\" \"missing\" (function [i32] -> []) is not defined",
                "incompatible import type: \"env\" \"unfit\" needs function [] -> [i32], \
                 but is function [i64] -> []",
                "incompatible import type: \"env\" \"memory\" needs memory 2.., \
                 but is memory 1..",
            ]
        );
        assert!(Instance::new(&mut store, &module, &[]).is_err());
    });
}

#[test]
fn modules_share_memory_functions_tables_and_globals() {
    both(|engine| {
        let mut store = Store::new(&engine, ());
        let mut linker = Linker::new(&engine);
        let a = instance(
            &mut store,
            &linker,
            r#"(module
                (memory (export "memory") 1)
                (global (export "global") (mut i32) (i32.const 5))
                (table (export "table") 2 funcref)
                (elem (i32.const 0) $f)
                (func $f (export "f") (result i32) (i32.load (i32.const 0))))"#,
        );
        linker.instance(&store, "a", a).unwrap();
        linker.alias_module("a", "b").unwrap();
        let b = instance(
            &mut store,
            &linker,
            r#"(module
                (type $f (func (result i32)))
                (import "b" "memory" (memory 1))
                (import "b" "global" (global $g (mut i32)))
                (import "a" "table" (table 2 funcref))
                (import "a" "f" (func $f (result i32)))
                (export "f again" (func $f))
                (start $start)
                (func $start
                    (i32.store (i32.const 0) (i32.const 37))
                    (global.set $g (i32.add (global.get $g) (i32.const 1))))
                (func (export "indirect") (param i32) (result i32)
                    (call_indirect (type $f) (local.get 0))))"#,
        );
        assert_eq!(b.get_func(&store, "f again"), a.get_func(&store, "f"));
        let indirect = b.get_typed_func::<i32, i32>(&store, "indirect").unwrap();
        assert_eq!(indirect.call(&mut store, 0).unwrap(), 37);
        let error = indirect.call(&mut store, 1).unwrap_err();
        assert_eq!(error.trap(), Some(Trap::IndirectCallToNull));
        assert_eq!(a.get_global(&store, "global").unwrap().get(&mut store).i32(), Some(6));
        let host = Func::wrap(&mut store, || 99i32);
        a.get_table(&store, "table").unwrap().set(&mut store, 1, host.into()).unwrap();
        assert_eq!(indirect.call(&mut store, 1).unwrap(), 99);
    });
}

#[test]
fn names_are_defined_once_unless_shadowing_is_allowed() {
    let mut linker = Linker::<()>::new(&Engine::default());
    linker.func_wrap("a", "f", || {}).unwrap();
    assert!(linker.func_wrap("a", "f", || {}).is_err());
    linker.allow_shadowing(true).func_wrap("a", "f", || 1i32).unwrap();
    let mut store = Store::new(linker.engine(), ());
    let f = linker.get(&mut store, "a", "f").unwrap().into_func().unwrap();
    assert_eq!(f.ty(&store).results().len(), 1);
}

#[test]
fn a_trap_at_the_start_is_reported() {
    both(|engine| {
        let module = Module::new(&engine, "(module (func $f unreachable) (start $f))").unwrap();
        let error = Instance::new(Store::new(&engine, ()), &module, &[]).unwrap_err();
        assert_eq!(error.trap(), Some(Trap::UnreachableCodeReached));
        assert_eq!(error.backtrace().frames()[0].func_name(), Some("f"));
        let text = r#"(module (memory 1) (data (i32.const 65536) "x"))"#;
        let module = Module::new(&engine, text).unwrap();
        let error = Instance::new(Store::new(&engine, ()), &module, &[]).unwrap_err();
        assert_eq!(error.trap(), Some(Trap::MemoryOutOfBounds));
    });
}
