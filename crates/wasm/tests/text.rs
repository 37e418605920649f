//! What a module looks like to a reader: names, descriptions, disassembly.

mod common;

use common::{leb, module, wat};
use sampan_wasm::{Features, NameKind, decode, validate};

#[test]
fn names() {
    let bytes = wat("(module $calc
        (type $pair (struct (field $left i32) (field $right i32)))
        (memory $heap 1) (global $top i32 (i32.const 0))
        (func $add (param $x i32) (param i32) (result i32) (local $sum i32)
            (block $out (br $out)) (local.get $x))
        (func)
        (func $main))");
    let module = validate(&bytes, Features::WASM3).expect("the module is valid");
    let names = module.names(&bytes);
    assert_eq!(names.module(), Some("calc"));
    assert_eq!(names.funcs().collect::<Vec<_>>(), [(0, "add"), (2, "main")]);
    assert_eq!((names.func(2), names.func(1)), (Some("main"), None));
    assert_eq!(names.map(NameKind::Memory).collect::<Vec<_>>(), [(0, "heap")]);
    let nested = |kind| -> Vec<_> {
        names.indirect(kind).map(|(index, map)| (index, map.collect::<Vec<_>>())).collect()
    };
    assert_eq!(nested(NameKind::Local), [(0, vec![(0, "x"), (2, "sum")])]);
    assert_eq!(nested(NameKind::Label), [(0, vec![(0, "out")])]);
    assert_eq!(nested(NameKind::Field), [(0, vec![(0, "left"), (1, "right")])]);
}

fn custom(name: &str, content: &[u8]) -> Vec<u8> {
    let section = [&leb(name.len() as u32)[..], name.as_bytes(), content].concat();
    module(&[(0, section)])
}

#[test]
fn broken_names_yield_what_is_whole() {
    // Two names, the first not UTF-8; then a third that is announced and cut off.
    let funcs = [3, 0, 1, 0xff, 1, 2, b'o', b'k', 2, 9, b'x'];
    let bytes = custom("name", &[&[1, funcs.len() as u8][..], &funcs].concat());
    let module = decode(&bytes, Features::MVP).expect("a custom section rejects nothing");
    assert_eq!(module.names(&bytes).funcs().collect::<Vec<_>>(), [(1, "ok")]);
    assert_eq!(module.names(&bytes).module(), None);
    assert_eq!(module.names(&bytes).map(NameKind::Local).count(), 0);
}

#[test]
fn producers_and_branch_hints() {
    let content = b"\x02\x08language\x01\x01C\x02c11\x03sdk\x00";
    let bytes = custom("producers", content);
    let module = decode(&bytes, Features::MVP).expect("the module is valid");
    let producers: Vec<_> = module.producers(&bytes).collect();
    assert_eq!(producers.len(), 1);
    assert_eq!((producers[0].field, producers[0].name), ("language", "C"));

    let bytes = custom("metadata.code.branch_hint", &[1, 7, 2, 5, 1, 0, 9, 1, 1]);
    let module = decode(&bytes, Features::MVP).expect("the module is valid");
    let hints: Vec<_> =
        module.branch_hints(&bytes).map(|hint| (hint.func, hint.offset, hint.taken)).collect();
    assert_eq!(hints, [(7, 5, false), (7, 9, true)]);
}

#[test]
fn descriptions() {
    let bytes = wat("(module
        (import \"m\" \"f\" (func (param i32 i32) (result i32)))
        (import \"m\" \"t\" (table 1 2 funcref))
        (import \"m\" \"u\" (table i64 1 externref))
        (import \"m\" \"m\" (memory 1 2 shared))
        (import \"m\" \"n\" (memory i64 3 (pagesize 1)))
        (import \"m\" \"g\" (global (mut i32)))
        (import \"m\" \"h\" (global (ref null 0)))
        (import \"m\" \"e\" (tag (param f32))))");
    let module = validate(&bytes, Features::ALL).expect("the module is valid");
    let lines: Vec<_> =
        module.imports.iter().map(|import| module.describe(import.ty).to_string()).collect();
    assert_eq!(
        lines,
        [
            "func [i32 i32] -> [i32]",
            "table 1..2 funcref",
            "table i64 1.. externref",
            "memory 1..2 shared",
            "memory i64 3.. (pagesize 1)",
            "global mut i32",
            "global (ref null 0)",
            "tag [f32] -> []",
        ]
    );
}

/// Each instruction as the text format writes it.
const BODY: &str = "\
block
  loop (result i32)
    i32.const -5
    br_if 1
    i32.const 7
  end
  if (type 1)
    br_table 0 1 0
  else
    unreachable
  end
end
try_table (catch 0 0) (catch_all_ref 1)
end
i32.const 8
i64.load offset=16 align=4
drop
i32.const 0
i32.load8_u 1
f32.const 1.5
f32.const -nan
f32.const nan:0x200000
drop
drop
drop
f64.const -inf
f64.const 1e300
f64.const -0.0
drop
drop
drop
drop
v128.const i32x4 0x00000001 0x00000002 0x00000003 0xffffffff
v128.const i32x4 0x00000000 0x00000000 0x00000000 0x00000000
i8x16.shuffle 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 31
i32x4.extract_lane 3
i32.const 1
call_indirect 1 (type 2)
ref.null any
ref.test (ref null struct)
drop
ref.null func
ref.func 0
i32.const 1
select (result funcref)
drop
i32.const 0
i32.const 0
i32.const 0
memory.copy 1 0
i32.const 0
i32.const 0
i32.const 0
memory.copy
memory.size
drop
end";

#[test]
fn disassembly_is_text_again() {
    let body: String = BODY.strip_suffix("end").expect("the body ends").into();
    let text = format!(
        "(module (type (func (result exnref))) (type (func)) (type (func (param i32)))
            (memory 1) (memory 1) (table 1 funcref) (table 1 funcref) (tag)
            (func (export \"f\") (type 0) (local i32 i32) (local f32) {body}))"
    );
    let bytes = wat(&text);
    let module = decode(&bytes, Features::ALL).expect("the module is valid");
    let listing = module.disassemble(&bytes, 0, Features::ALL).expect("the function has a body");
    let lines: Vec<String> = listing.clone().map(|line| line.expect("valid").to_string()).collect();
    let (locals, code) = lines.split_at(2);
    assert!(locals[0].ends_with("(local i32) ;; 2 of them"), "{}", locals[0]);
    // The offset takes nine columns. The body is indented by one level, its end is not.
    let code = code.iter().map(|line| &line[10..]);
    let code: Vec<_> = code.map(|line| line.strip_prefix("  ").unwrap_or(line)).collect();
    assert_eq!(code, BODY.lines().collect::<Vec<_>>());
    assert_eq!(listing.to_string().lines().count(), lines.len());
}
