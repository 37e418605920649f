//! How much code a module can make: a constant number of bytes for each byte of the module,
//! whatever its types and labels are.

use super::prepare;
use crate::{Config, Engine, Mode, Module, Preparation};
use alloc::format;
use alloc::string::String;

/// As many values as a type may have.
const VALUES: usize = 1000;

/// Bytes of code for a byte of a module. The most that was seen is 36.
const MOST: usize = 48;

/// Translates the function `$hostile` with a body, in a module with two types, `$many` of
/// no parameters and `$through` with as many as results.
fn translate(body: &str) {
    let values = "i32 ".repeat(VALUES);
    let text = format!(
        "(module
           (type $many (func (result {values})))
           (type $through (func (param {values}) (result {values})))
           (table 1 funcref)
           (func $make (type $many) unreachable)
           (func $pass (type $through) unreachable)
           (func $hostile (type $through) {body}))"
    );
    let bytes = wat::parse_str(text).expect("valid text");
    let engine = Engine::new(Config {
        mode: Mode::Fast,
        preparation: Preparation::Lazy,
        fuel: true,
        interruptible: true,
        ..Config::default()
    });
    let module = Module::new(&engine, bytes).expect("a valid module");
    let span = &module.decl().bodies[2];
    let input = (span.end - span.start) as usize;
    let code = prepare(module.data(), 2).expect("it can be translated");
    let made = size_of_val(&*code.words) + size_of_val(&*code.offsets);
    assert!(input > 10_000, "the body has {input} bytes only");
    assert!(made <= MOST * input, "{made} bytes of code for {input}: {} each", made / input);
}

/// The values, then an instruction many times, then the end.
fn repeated(instructions: &str) {
    translate(&format!("call $make {} unreachable", instructions.repeat(5000)));
}

#[test]
fn calls_with_many_values() {
    repeated("call $pass ");
    repeated("i32.const 0 call_indirect (type $through) ");
}

#[test]
fn tail_calls_with_many_values() {
    repeated("i32.const 0 if (type $through) return_call $pass end ");
}

#[test]
fn branches_with_many_values() {
    let around = |label: &str| {
        let branches = format!("local.get 0 br_if {label} ").repeat(10_000);
        translate(&format!(
            "i32.const 1 block $out (type $many) i32.const 2 call $make {branches} unreachable end
             unreachable"
        ));
    };
    around("$out");
    around("1");
}

#[test]
fn blocks_with_many_values() {
    repeated("block (type $through) end ");
    repeated("loop (type $through) end ");
    repeated("local.get 0 if (type $through) else end ");
    repeated("local.get 0 if (type $through) return end ");
    repeated("block (type $through) local.get 0 br_if 0 br 0 end ");
}

#[test]
fn tables_with_many_labels_and_values() {
    let depth = 50;
    let open = "block (type $many) local.get 0 ".repeat(depth);
    let labels: String = (0..=depth).map(|label| format!("{label} ")).collect();
    let jump = format!("block (type $through) local.get 0 br_table {labels} end ").repeat(200);
    let close = "unreachable end ".repeat(depth);
    translate(&format!("{open} call $make {jump} {close} unreachable"));
}

#[test]
fn choices_of_many_values() {
    let chain = "local.get 1 local.get 2 select ".repeat(5000);
    translate(&format!("local.get 0 {chain} drop unreachable"));
    // Each assignment finds a stack full of the local's old value.
    let old = "local.get 1 i32.const 3 local.set 1 ".repeat(3000);
    translate(&format!("{old} unreachable"));
}
