//! WASI in a guest.

use crate::both;
use sampan::wasi::{self, OutputPipe, WasiCtx};
use sampan::{Linker, Module, Result, Store};

const HELLO: &str = r#"(module
    (import "wasi_snapshot_preview1" "fd_write"
        (func $write (param i32 i32 i32 i32) (result i32)))
    (import "wasi_unstable" "proc_exit" (func $exit (param i32)))
    (memory (export "memory") 1)
    (data (i32.const 0) "\10\00\00\00\06\00\00\00")
    (data (i32.const 16) "hello\n")
    (func (export "_start")
        (call $exit (i32.add (i32.const 40)
            (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))))))"#;

fn start(engine: &sampan::Engine, text: &str, ctx: WasiCtx) -> Result<()> {
    let mut linker = Linker::new(engine);
    wasi::add_to_linker(&mut linker, |ctx: &mut WasiCtx| ctx)?;
    let mut store = Store::new(engine, ctx);
    let instance = linker.instantiate(&mut store, &Module::new(engine, text)?)?;
    instance.get_typed_func::<(), ()>(&store, "_start")?.call(&mut store, ())
}

#[test]
fn a_program_writes_and_exits() {
    both(|engine| {
        let output = OutputPipe::new(1024);
        let ctx = WasiCtx::builder().stdout(output.clone()).build().unwrap();
        let error = start(&engine, HELLO, ctx).unwrap_err();
        assert_eq!(error.i32_exit_status(), Some(40));
        assert_eq!(output.contents(), b"hello\n");
    });
}

#[test]
fn a_program_without_memory_is_told() {
    both(|engine| {
        let text = HELLO.replace("(export \"memory\")", "");
        let error = start(&engine, &text, WasiCtx::builder().build().unwrap()).unwrap_err();
        let expected = "the calling module exports no memory named \"memory\"";
        assert_eq!(error.kind().to_string(), expected);
    });
}
