//! Modules made to cost time or memory. That each test ends at once is the test: with a
//! quadratic step any of them takes minutes.

mod common;

use common::{leb, module, vec};
use sampan_wasm::{Features, Module, decode, limits};

fn decoded(sections: &[(u8, Vec<u8>)]) -> Result<Module, String> {
    decode(&module(sections), Features::ALL).map_err(|e| e.to_string())
}

fn rejection(sections: &[(u8, Vec<u8>)]) -> String {
    decoded(sections).expect_err("the module is rejected")
}

/// `(func)`
fn proc() -> Vec<u8> {
    vec![0x60, 0, 0]
}

/// `(sub $above (struct))`, or without a supertype.
fn sub(above: Option<u32>) -> Vec<u8> {
    let sup = above.map_or_else(|| vec![0], |index| [vec![1], leb(index)].concat());
    [vec![0x50], sup, vec![0x5f, 0]].concat()
}

#[test]
fn counts_without_content() {
    for id in [1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 13] {
        for count in [2, 50, 50_000, u32::MAX] {
            let e = rejection(&[(id, leb(count))]);
            assert!(e.contains("unexpected end") || e.contains("too many"), "{id}: {e}");
        }
    }
}

#[test]
fn a_million_equal_types() {
    let count = limits::MAX_TYPES;
    let types = vec((0..count).map(|_| proc()));
    let types = decoded(&[(1, types)]).expect("the module is valid").types;
    assert_eq!(types.len(), count);
    assert_eq!(types.canonical(count - 1), 0);
}

#[test]
fn too_many_types_in_groups() {
    // Each group is within the limit, together they are not.
    let group = [vec![0x4e], vec((0..600_000).map(|_| proc()))].concat();
    assert!(rejection(&[(1, vec([group.clone(), group]))]).contains("too many types"));
}

#[test]
fn large_groups_that_differ_at_the_end() {
    let first = [vec![0x4e], vec((0..40).map(|_| proc()))].concat();
    // Ends with an array of references to one of the first group's members.
    let group = |member: u32| {
        let array = [vec![0x5e, 0x63], leb(member), vec![0]].concat();
        [vec![0x4e], vec((0..20_000).map(|_| proc()).chain([array]))].concat()
    };
    let groups = vec([first].into_iter().chain((0..40).map(group)));
    let types = decoded(&[(1, groups)]).expect("the module is valid").types;
    assert!(types.groups().all(|group| types.canonical(group.start) == group.start));
}

#[test]
fn towers_of_supertypes() {
    let tower = |levels: u32| vec((0..=levels).map(|i| sub(i.checked_sub(1))));
    assert!(decoded(&[(1, tower(limits::MAX_SUBTYPING_DEPTH))]).is_ok());
    assert!(rejection(&[(1, tower(limits::MAX_SUBTYPING_DEPTH + 1))]).contains("subtyping"));
    assert!(rejection(&[(1, tower(500_000))]).contains("subtyping"));
}

#[test]
fn many_exports_with_long_common_prefixes() {
    let export = |i: u32| {
        let name = format!("{}{i}", "x".repeat(1000));
        [leb(name.len() as u32), name.into_bytes(), vec![0, 0]].concat()
    };
    let sections = |exports| {
        [(1, vec([proc()])), (3, vec([vec![0]])), (7, exports), (10, vec([vec![2, 0, 0x0b]]))]
    };
    let exports = (0..20_000).map(export);
    let module = decoded(&sections(vec(exports.clone()))).expect("the module is valid");
    assert_eq!(module.exports.len(), 20_000);
    let twice = exports.chain([export(777)]);
    assert!(rejection(&sections(vec(twice))).contains("duplicate export name"));
}

#[test]
fn long_element_segments_cost_no_memory() {
    let count = limits::MAX_TABLE_ENTRIES;
    let items = [leb(count), vec![0; count as usize]].concat();
    let segment = [vec![1, 0], items].concat();
    let code = vec([vec![2, 0, 0x0b]]);
    let sections = [(1, vec([proc()])), (3, vec([vec![0]])), (9, vec([segment])), (10, code)];
    let module = decoded(&sections).expect("the module is valid");
    assert_eq!(module.elements[0].items.count, count);
    assert_eq!(*module.declared_funcs, [0]);
    assert!(module.declared_funcs.capacity() < 100);
}

#[test]
fn long_constant_expressions() {
    // One operand more for each addition, a hundred thousand deep.
    let count = 100_000;
    let expr = [[0x41, 0].repeat(count + 1), vec![0x6a; count], vec![0x0b]].concat();
    let global = [vec![0x7f, 0], expr].concat();
    assert!(decoded(&[(6, vec([global]))]).is_ok());
}
