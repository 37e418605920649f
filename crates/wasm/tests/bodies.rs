//! Valid and invalid function bodies, and what a visitor is told about them.

use sampan_wasm::{
    ErrorKind, Feature, Features, FrameKind, Instr, Module, Opcode, Result, Scratch, State,
    ValType, Visitor, decode, limits, validate, validate_body,
};

fn bytes(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap_or_else(|e| panic!("{text}: {e}"))
}

fn check(text: &str) -> Result<Module> {
    validate(&bytes(text), Features::ALL)
}

#[track_caller]
fn valid(text: &str) {
    if let Err(e) = check(text) {
        panic!("{text}: {e}");
    }
}

#[track_caller]
fn invalid(text: &str, message: &str) {
    match check(text) {
        Ok(_) => panic!("{text}: accepted"),
        Err(e) => assert!(e.to_string().contains(message), "{text}: {e}"),
    }
}

/// A module of one function with the given code, written by hand.
fn module(code: &[u8]) -> Vec<u8> {
    let mut bytes = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0".to_vec();
    bytes.push(10);
    leb(&mut bytes, code.len() + 1 + leb_len(code.len()));
    bytes.push(1);
    leb(&mut bytes, code.len());
    bytes.extend(code);
    bytes
}

fn leb(bytes: &mut Vec<u8>, mut value: usize) {
    while value > 0x7f {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

fn leb_len(value: usize) -> usize {
    let mut bytes = Vec::new();
    leb(&mut bytes, value);
    bytes.len()
}

#[track_caller]
fn rejected(code: &[u8], message: &str) {
    match validate(&module(code), Features::ALL) {
        Ok(_) => panic!("{code:02x?}: accepted"),
        Err(e) => assert!(e.to_string().contains(message), "{code:02x?}: {e}"),
    }
}

#[test]
fn operands() {
    valid("(func (result i32) i32.const 1 i32.const 2 i32.add)");
    valid("(func (param i64) (result i64) local.get 0 (local.tee 0 (i64.const 1)) i64.add)");
    valid("(func (drop (select (f32.const 1) (f32.const 2) (i32.const 0))))");
    valid("(func unreachable i32.add drop)");
    valid("(func unreachable select i32.eqz drop)");
    valid("(func unreachable ref.as_non_null ref.is_null drop)");
    invalid("(func i32.const 1 i64.const 2 i32.add drop)", "expected i32, found i64");
    invalid("(func i32.add drop)", "expected i32, found an empty stack");
    invalid("(func i32.const 1)", "values remain on the stack");
    invalid("(func i32.const 1 block drop end)", "empty stack");
    invalid("(func unreachable i64.const 1 i32.eqz drop)", "expected i32, found i64");
    invalid("(func unreachable ref.as_non_null i32.eqz drop)", "type mismatch");
    invalid("(func (param externref) local.get 0 local.get 0 i32.const 0 select drop)", "select");
    invalid("(func i32.const 1 f32.const 1 i32.const 0 select drop)", "select");
    invalid("(func (param i32) local.get 1 drop)", "unknown local 1");
    invalid("(global i32 (i32.const 0)) (func i32.const 0 global.set 0)", "immutable global");
    valid("(func (result i64) i64.const 1 i64.const 2 i64.const 3 i64.const 4 i64.add128 drop)");
}

#[test]
fn blocks_and_branches() {
    valid("(func (result i32) (block (result i32) (br 0 (i32.const 1))))");
    valid("(func (param i32) (loop (param) (br_if 0 (local.get 0))))");
    valid("(func (result i32) i32.const 1 loop (param i32) (result i32) br 0 end)");
    valid(
        "(func (result i32) (if (result i32) (i32.const 0) (then (i32.const 1)) (else (i32.const 2))))",
    );
    valid("(func i32.const 1 (if (param i32) (result i32) (i32.const 1) (then)) drop)");
    valid("(func (block (block (br_table 0 1 0 (i32.const 0)))))");
    valid(
        "(func (block (result f32) (block (result f64) unreachable i32.const 0 br_table 0 1 1) drop f32.const 0) drop)",
    );
    invalid("(func (if (result i32) (i32.const 1) (then (i32.const 1))) drop)", "if without else");
    invalid("(func (block (result i32) (i64.const 1)) drop)", "expected i32, found i64");
    invalid("(func (br 1))", "unknown label 1");
    invalid(
        "(func (block (result i32) (block unreachable i32.const 0 br_table 0 1) i32.const 1) drop)",
        "br_table",
    );
    rejected(&[0, 0x05, 0x0b], "else without if");
    rejected(&[0, 0x02, 0x40, 0x0b], "unexpected end");
    rejected(&[0, 0x0b, 0x01], "section size mismatch");
    rejected(&[0], "unexpected end");
    rejected(&[0, 0x02, 0x07, 0x0b, 0x0b], "unknown type 7");
    rejected(&[0, 0x0c, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x0b], "unknown label 4294967295");
}

#[test]
fn calls() {
    valid("(func $f (param i32 i64) (result f32 f64) (call $f (i32.const 1) (i64.const 1)))");
    valid(
        "(type $t (func (param i32))) (table 1 funcref) (func (call_indirect (type $t) (i32.const 1) (i32.const 0)))",
    );
    valid("(func $f (result i32) (return_call $f))");
    valid(
        "(type $t (func (result i32))) (func (param (ref null $t)) (result i32) (call_ref $t (local.get 0)))",
    );
    valid("(func $f) (elem declare func $f) (func (drop (ref.func $f)))");
    invalid("(func $f) (func (drop (ref.func $f)))", "undeclared function reference");
    invalid("(func $g (result i64) unreachable) (func (result i32) (return_call $g))", "results");
    invalid("(func (call 3))", "unknown function 3");
    invalid("(table 1 externref) (func (call_indirect (i32.const 0)))", "does not hold functions");
    invalid("(type (struct)) (func unreachable call_ref 0)", "not a function type");
}

#[test]
fn memories_and_tables() {
    valid("(memory 1) (func (drop (i64.load offset=4 align=8 (i32.const 0))))");
    valid("(memory i64 1) (func (i32.store offset=0x100000000 (i64.const 0) (i32.const 0)))");
    valid(
        "(memory $a i64 1) (memory $b 1) (func (memory.copy $a $b (i64.const 0) (i32.const 0) (i32.const 0)))",
    );
    valid(
        "(memory 1) (data \"x\") (func (memory.init 0 (i32.const 0) (i32.const 0) (i32.const 1)) (data.drop 0))",
    );
    valid("(table $a i64 1 funcref) (func (drop (table.grow $a (ref.null func) (i64.const 1))))");
    invalid("(func (drop (i32.load (i32.const 0))))", "unknown memory 0");
    invalid("(memory i64 1) (func (drop (i32.load (i32.const 0))))", "expected i64, found i32");
    invalid("(memory 1) (func (drop (i32.load align=8 (i32.const 0))))", "larger than natural");
    invalid("(memory 1) (func (drop (i32.atomic.load align=2 (i32.const 0))))", "must be natural");
    invalid(
        "(memory 1) (func (drop (i32.load offset=0x100000000 (i32.const 0))))",
        "offset out of range",
    );
    invalid(
        "(table 1 funcref) (table 1 externref) (func (table.copy 0 1 (i32.const 0) (i32.const 0) (i32.const 0)))",
        "elements",
    );
    rejected(&[0, 0xfc, 0x09, 0x00, 0x0b], "data count section required");
}

#[test]
fn locals_without_default() {
    let get = "(drop (local.get 0))";
    let set = "(local.set 0 (ref.func 0))";
    let module =
        |code: &str| format!("(func) (elem declare func 0) (func (local (ref func)) {code})");
    valid(&module(&format!("{set} {get}")));
    valid(&module(&format!("{set} (block {get})")));
    valid(&module(&format!("(block {set} {get})")));
    invalid(&module(get), "uninitialized local");
    invalid(&module(&format!("(block {set}) {get}")), "uninitialized local");
    invalid(&module(&format!("(if (i32.const 0) (then {set}) (else {get}))")), "uninitialized");
    valid("(func (param (ref func)) (drop (local.get 0)))");
}

#[test]
fn exceptions() {
    let tag = "(tag $e (param i32))";
    valid(&format!("{tag} (func (throw $e (i32.const 1)))"));
    valid(&format!(
        "{tag} (func (result i32) (block $h (result i32) (try_table (catch $e $h)) i32.const 0))"
    ));
    valid(&format!(
        "{tag} (func (block $h (result exnref) (try_table (catch_all_ref $h)) unreachable) throw_ref)"
    ));
    valid(&format!(
        "{tag} (func (block $h (result i32 exnref) (try_table (catch_ref $e $h)) unreachable) drop drop)"
    ));
    invalid(&format!("{tag} (func (block $h (try_table (catch $e $h))))"), "catch clause");
    invalid("(func (block $h (try_table (catch_all_ref $h))))", "catch clause");
    invalid("(func (throw 0))", "unknown tag 0");
    valid(&format!(
        "{tag} (func (result i32) try (result i32) i32.const 1 catch $e catch_all i32.const 2 end)"
    ));
    valid("(func try catch_all rethrow 0 end)");
    valid("(func try try delegate 0 catch_all end)");
    invalid("(func block rethrow 0 end)", "rethrow");
    invalid("(func try catch_all catch_all end)", "catch without try");
}

#[test]
fn references_and_aggregates() {
    let types = "(type $s (struct (field i8) (field (mut i64)))) (type $a (array (mut i16)))";
    let code = |code: &str| format!("{types} (func {code})");
    valid(&code("(struct.set $s 1 (struct.new $s (i32.const 1) (i64.const 1)) (i64.const 1))"));
    valid(&code("(drop (array.new_fixed $a 2 (i32.const 1) (i32.const 2)))"));
    valid(&code(
        "(array.copy $a $a (array.new_default $a (i32.const 1)) (i32.const 0) (ref.null $a) (i32.const 0) (i32.const 0))",
    ));
    valid(&code("(drop (ref.test (ref $s) (ref.null any)))"));
    valid(&code(
        "(block (result (ref $s)) (br_on_cast 0 anyref (ref $s) (ref.null any)) unreachable) drop",
    ));
    valid(&code("(block (br_on_null 0 (ref.null $s)) drop)"));
    valid(&code("(block (result (ref $s)) (br_on_non_null 0 (ref.null $s)) unreachable) drop"));
    valid(&code("unreachable any.convert_extern ref.is_null drop"));
    invalid(&code("(struct.set $s 0 (struct.new_default $s) (i32.const 1))"), "immutable field");
    invalid(&code("(drop (struct.get $s 0 (struct.new_default $s)))"), "packed");
    invalid(&code("(drop (struct.get $s 2 (struct.new_default $s)))"), "unknown field 2");
    invalid(&code("(drop (array.get $s (ref.null $s) (i32.const 0)))"), "not an array type");
    invalid(&code("(drop (ref.test (ref $s) (ref.null func)))"), "type mismatch");
    invalid(
        &code("(block (br_on_cast 0 anyref (ref $s) (ref.null any)) drop)"),
        "takes no reference",
    );
    valid(&code("(drop (ref.eq (ref.i31 (i32.const 1)) (ref.null $a)))"));
}

#[test]
fn hostile_sizes() {
    // Four thousand million locals twice: malformed, and nothing is reserved.
    rejected(&[2, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x7f, 1, 0x7f, 0x0b], "too many locals");
    rejected(&[1, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x7f, 0x0b], "too many locals: the limit is 50000");
    // Deep blocks are no recursion.
    let mut deep = vec![0];
    for _ in 0..200_000 {
        deep.extend([0x02, 0x40]);
    }
    deep.extend([0x0b; 200_001]);
    validate(&module(&deep), Features::ALL).expect("deep, but valid");
    // Calls with many results add up to a limit, not to gigabytes.
    let results = "i64 ".repeat(1000);
    let calls = "(call $f)".repeat(2000);
    let text = format!("(func $f (result {results}) unreachable) (func {calls} unreachable)");
    let error = check(&text).expect_err("too many operands");
    let limit = limits::MAX_OPERANDS;
    assert_eq!(*error.kind(), ErrorKind::Limit { what: "operands", limit });
}

#[test]
fn the_place_of_a_fault() {
    let bytes = bytes("(func) (func nop nop i32.eqz drop)");
    let error = validate(&bytes, Features::ALL).expect_err("invalid");
    assert_eq!(error.func(), Some(1));
    assert_eq!(bytes[error.offset()], 0x45);
    let error = validate(&bytes, Features::ALL.without(Feature::MultiValue)).expect_err("invalid");
    assert_eq!(error.func(), Some(1));
}

/// Notes what it is told, a line for each instruction.
#[derive(Default)]
struct Notes(Vec<String>);

impl Visitor for Notes {
    fn begin(&mut self, _: &Module, index: u32, locals: &[ValType]) -> Result<()> {
        self.0.push(format!("function {index} {locals:?}"));
        Ok(())
    }

    fn instr(&mut self, _: usize, _: usize, instr: &Instr<'_>, state: &State<'_>) -> Result<()> {
        let mut line = format!("{} {} {}", instr.op.text(), state.height, state.depth);
        if !state.reachable {
            line += " dead";
        }
        if let Some(ty) = state.operand {
            line += &format!(" {ty}");
        }
        if let Some(frame) = state.ended {
            line += &format!(" {:?}@{}", frame.kind, frame.height);
        }
        if instr.op == Opcode::Br {
            assert_eq!(state.frame(0).kind, FrameKind::Block);
            line += &format!(" {:?}", state.label_types(0));
        }
        self.0.push(line);
        Ok(())
    }
}

#[test]
fn what_a_visitor_is_told() {
    let bytes = bytes(
        "(func (param i32) (result i32) (local f64)
           local.get 0
           f64.const 1
           drop
           block (param i32) (result i32)
             br 0
             block nop end
           end
           if (result i32) i32.const 1 else i32.const 2 end)",
    );
    let module = decode(&bytes, Features::ALL).expect("decodes");
    let mut notes = Notes::default();
    validate_body(&bytes, Features::ALL, &module, 0, &mut Scratch::default(), &mut notes)
        .expect("valid");
    let expected = "\
function 0 [I32, F64]
local.get 1 1
f64.const 2 1
drop 1 1 f64
block 1 2
br 0 2 [I32]
block 0 3 dead
nop 0 3 dead
end 0 2 dead Block@0
end 1 1 dead Block@0
if 0 2
i32.const 1 2
else 0 2 If@0
i32.const 1 2
end 1 1 Else@0
end 1 0 Func@0";
    assert_eq!(notes.0.join("\n"), expected);
}

/// What located the bodies once is taken for the next time, if it fits the code section.
#[test]
fn bodies_that_were_located_before() {
    let text = "(module (func) (func (result i32) (i32.const 7)) (func) (data \"x\"))";
    let bytes = wat::parse_str(text).expect("valid text");
    let features = Features::ALL;
    let module = sampan_wasm::decode(&bytes, features).expect("valid");
    let with = |bodies| sampan_wasm::decode_with_bodies(&bytes, features, bodies);
    let again = with(module.bodies.clone()).expect("as before");
    assert_eq!(again.bodies, module.bodies);
    assert_eq!(again.data.len(), 1);
    let changed = |change: &dyn Fn(&mut sampan_wasm::List<core::ops::Range<u32>>)| {
        let mut bodies = module.bodies.clone();
        change(&mut bodies);
        with(bodies).expect_err("they do not fit").to_string()
    };
    let end = bytes.len() as u32;
    for error in [
        changed(&|bodies| bodies.truncate(2)),
        changed(&|bodies| bodies.clear()),
        changed(&|bodies| bodies.swap(0, 1)),
        changed(&|bodies| bodies[2].end = end),
        changed(&|bodies| bodies[2].end = u32::MAX),
        changed(&|bodies| bodies[2].end -= 1),
        changed(&|bodies| bodies[0].start = 0),
        changed(&|bodies| bodies.put(end..end + 1).expect("there is memory")),
    ] {
        assert!(error.contains("the bodies are not where they were"), "{error}");
    }
}
