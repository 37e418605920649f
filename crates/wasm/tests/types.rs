//! Which types are the same and which match, within a module and between modules.

mod common;

use common::wat;
use sampan_wasm::{Features, FuncType, HeapType, RefType, TypeRegistry, Types, ValType, validate};

fn types(text: &str) -> Types {
    validate(&wat(text), Features::WASM3).expect("the module is valid").types
}

fn reference(heap: HeapType) -> ValType {
    ValType::Ref(RefType::new(false, heap))
}

#[test]
fn abstract_heap_types_form_four_hierarchies() {
    use HeapType::*;
    let all = [Any, Eq, I31, Struct, Array, None, Func, NoFunc, Extern, NoExtern, Exn, NoExn];
    // Each type's supertypes, itself excluded.
    let above = |ty| -> &[HeapType] {
        match ty {
            Eq => &[Any],
            I31 | Struct | Array => &[Eq, Any],
            None => &[I31, Struct, Array, Eq, Any],
            NoFunc => &[Func],
            NoExtern => &[Extern],
            NoExn => &[Exn],
            _ => &[],
        }
    };
    let types = Types::default();
    for sub in all {
        for sup in all {
            let expected = sub == sup || above(sub).contains(&sup);
            assert_eq!(types.heap_matches(sub, sup), expected, "{sub} <= {sup}");
        }
    }
}

#[test]
fn null_matches_only_nullable_types() {
    let types = Types::default();
    let (some, null) = (reference(HeapType::Func), ValType::FUNCREF);
    assert!(types.matches(some, null));
    assert!(!types.matches(null, some));
    assert!(!types.matches(ValType::I32, null));
}

#[test]
fn defined_types_match_their_supertypes_and_their_kind() {
    let types = types(
        "(module
            (type $point (sub (struct (field i32))))
            (type $pixel (sub $point (struct (field i32) (field i64))))
            (type $bytes (array i8))
            (type $proc (func)))",
    );
    let [point, pixel, bytes, proc] = [0, 1, 2, 3].map(HeapType::Concrete);
    for (sub, sup, expected) in [
        (pixel, point, true),
        (point, pixel, false),
        (pixel, HeapType::Struct, true),
        (pixel, HeapType::Any, true),
        (pixel, HeapType::Array, false),
        (bytes, HeapType::Eq, true),
        (proc, HeapType::Func, true),
        (proc, HeapType::Any, false),
        (HeapType::None, pixel, true),
        (HeapType::NoFunc, pixel, false),
        (HeapType::NoFunc, proc, true),
        (HeapType::Struct, point, false),
        // Out of range: matches nothing, and nothing breaks.
        (HeapType::Concrete(99), point, false),
        (point, HeapType::Concrete(99), false),
    ] {
        assert_eq!(types.heap_matches(sub, sup), expected, "{sub} <= {sup}");
    }
}

const LISTS: &str = "
    (type $first (func (param i32)))
    (rec
        (type $list (sub (struct (field (ref null $list)) (field (ref null $other)))))
        (type $other (struct (field (ref null $list)))))
    (type $second (func (param i32)))
    (rec
        (type $list2 (sub (struct (field (ref null $list2)) (field (ref null $other2)))))
        (type $other2 (struct (field (ref null $list2)))))
    (type $user (func (param (ref $list2))))
    (type $user2 (func (param (ref $list))))";

#[test]
fn groups_of_equal_structure_are_the_same() {
    let types = types(&format!("(module {LISTS})"));
    let canonical: Vec<u32> = (0..types.len()).map(|index| types.canonical(index)).collect();
    assert_eq!(canonical, [0, 1, 2, 0, 1, 2, 6, 6]);
}

#[test]
fn a_reference_out_of_the_group_is_not_one_into_it() {
    // The second type refers to the first one, which looks like itself.
    let types = types(
        "(module
            (type $a (struct (field (ref null $a))))
            (type $b (struct (field (ref null $a)))))",
    );
    assert_ne!(types.canonical(1), 0);
}

#[test]
fn modules_agree_on_registry_numbers() {
    let one = types(&format!("(module {LISTS})"));
    let two = types(&format!("(module (type (array i64)) {LISTS})"));
    let mut registry = TypeRegistry::new();
    let one = registry.intern_module(&one).expect("there is memory");
    let count = registry.len();
    let two = registry.intern_module(&two).expect("there is memory");
    assert_eq!(one[..], two[1..]);
    assert_eq!(registry.len(), count + 1);

    // A function that the host defines has the number of the modules' type.
    let list = reference(HeapType::Concrete(one[1]));
    let user = registry.intern_func(&FuncType::new([list], [])).expect("there is memory");
    assert_eq!(user, one[6]);
    assert_eq!(registry.func(user).expect("a function").params(), [list]);
    assert_eq!(
        registry.intern_func(&FuncType::new([ValType::I32], [])).expect("there is memory"),
        one[0]
    );
}

#[test]
fn registry_numbers_match_like_the_types() {
    let types = types(
        "(module
            (type (func (result f64)))
            (type $base (sub (func (result anyref))))
            (type $derived (sub $base (func (result eqref)))))",
    );
    let mut registry = TypeRegistry::new();
    registry.intern_func(&FuncType::new([ValType::I64], [])).expect("there is memory");
    let ids = registry.intern_module(&types).expect("there is memory");
    assert!(registry.is_subtype(ids[2], ids[1]));
    assert!(!registry.is_subtype(ids[1], ids[2]));
    assert!(!registry.is_subtype(ids[0], ids[1]));
    let module_type = reference(HeapType::Concrete(2));
    let mapped = module_type.map_index(|index| ids[index as usize]);
    assert!(registry.val_matches(mapped, ValType::FUNCREF));
    assert!(registry.val_matches(mapped, reference(HeapType::Concrete(ids[1]))));
}
