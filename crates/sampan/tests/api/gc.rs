//! The collected heap: what hosts make of it, and what lives how long.

use crate::{alone, both, instance};
use sampan::{
    AnyRef, ArrayRef, ArrayType, AsContextMut, Caller, Config, Engine, ExternRef, FieldType, Func,
    I31, Instance, Linker, Mode, OwnedRooted, RootScope, StorageType, Store, StoreLimitsBuilder,
    StructRef, StructType, Trap, Val, ValType,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Counts how many are alive.
struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn new(count: &Arc<AtomicUsize>) -> Counted {
        count.fetch_add(1, Ordering::Relaxed);
        Counted(count.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

const POINT: &str = r#"
    (type $point (struct (field $x (mut i32)) (field $y i64) (field $b (mut i8))))
    (type $points (array (mut (ref null $point))))
    (func (export "new") (param i32 i64) (result (ref $point))
        (struct.new $point (local.get 0) (local.get 1) (i32.const -1)))
    (func (export "x") (param (ref null $point)) (result i32)
        (struct.get $point $x (local.get 0)))
    (func (export "array") (param i32) (result (ref $points))
        (array.new_default $points (local.get 0)))
"#;

#[test]
fn hosts_read_and_write_what_guests_make() {
    both(|engine| {
        let (mut store, it) = alone(&engine, &format!("(module {POINT})"));
        let call = |store: &mut Store<()>, name: &str, params: &[Val]| {
            let mut results = [Val::I32(0)];
            it.get_func(&*store, name)
                .unwrap()
                .call(store, params, &mut results)
                .map(|()| results[0])
        };
        let point = call(&mut store, "new", &[3.into(), 4i64.into()]).unwrap();
        let Val::AnyRef(Some(any)) = point else { panic!("{point:?}") };
        let object = any.as_struct(&store).unwrap().unwrap();
        assert!(any.as_array(&store).unwrap().is_none());
        assert_eq!(object.field(&mut store, 0).unwrap().i32(), Some(3));
        assert_eq!(object.field(&mut store, 1).unwrap().i64(), Some(4));
        assert_eq!(object.field(&mut store, 2).unwrap().i32(), Some(255));
        assert!(object.field(&mut store, 3).is_err());
        object.set_field(&mut store, 0, 9.into()).unwrap();
        assert!(object.set_field(&mut store, 1, 9i64.into()).is_err(), "it is constant");
        assert!(object.set_field(&mut store, 0, 9i64.into()).is_err(), "it is an i32");
        assert_eq!(call(&mut store, "x", &[point]).unwrap().i32(), Some(9));

        // A struct that the host makes of the guest's type is one to the guest.
        let ty = object.ty(&store).unwrap();
        let own = StructRef::new(&mut store, &ty, &[7.into(), 0i64.into(), 300.into()]).unwrap();
        assert_eq!(call(&mut store, "x", &[own.into()]).unwrap().i32(), Some(7));
        assert_eq!(own.field(&mut store, 2).unwrap().i32(), Some(300 & 255));
        assert!(StructRef::new(&mut store, &ty, &[7.into()]).is_err());
        let field = FieldType { storage: StorageType::Val(ValType::I32), mutable: false };
        let other = StructType::new(&mut store, [field]);
        let other = StructRef::new(&mut store, &other, &[1.into()]).unwrap();
        assert!(call(&mut store, "x", &[other.into()]).is_err(), "another type");
        assert_eq!(
            call(&mut store, "x", &[Val::AnyRef(None)]).unwrap_err().trap(),
            Some(Trap::NullReference)
        );

        let array = call(&mut store, "array", &[3.into()]).unwrap();
        let Val::AnyRef(Some(array)) = array else { panic!("{array:?}") };
        let array = array.as_array(&store).unwrap().unwrap();
        assert_eq!(array.len(&store).unwrap(), 3);
        array.set(&mut store, 1, own.into()).unwrap();
        assert!(array.set(&mut store, 3, own.into()).is_err());
        assert!(array.set(&mut store, 0, other.into()).is_err());
        let Val::AnyRef(Some(back)) = array.get(&mut store, 1).unwrap() else { panic!() };
        assert!(AnyRef::ref_eq(&store, &back, &own.into()).unwrap());
    });
}

#[test]
fn arrays_and_small_integers_of_hosts() {
    let mut store = Store::new(&Engine::default(), ());
    let field = FieldType { storage: StorageType::I16, mutable: true };
    let ty = ArrayType::new(&mut store, field);
    let array = ArrayRef::new_fixed(&mut store, &ty, &[1.into(), (-1).into()]).unwrap();
    assert_eq!(array.get(&mut store, 1).unwrap().i32(), Some(65_535));
    let array = ArrayRef::new(&mut store, &ty, 5.into(), 1000).unwrap();
    assert_eq!(array.get(&mut store, 999).unwrap().i32(), Some(5));
    assert_eq!(array.ty(&store).unwrap().element(&store), field);

    assert_eq!(I31::new_i32(1 << 30), None);
    for value in [0, -1, (1 << 30) - 1, -(1 << 30)] {
        let any = AnyRef::from_i31(&mut store, I31::new_i32(value).unwrap());
        assert_eq!(any.as_i31(&store).unwrap().unwrap().get_i32(), value);
        assert!(any.as_eq(&store).unwrap().is_some());
    }
}

#[test]
fn host_objects_live_as_long_as_they_are_reachable() {
    both(|engine| {
        let (mut store, it) = alone(
            &engine,
            r#"(module
                (global $kept (mut externref) (ref.null extern))
                (func (export "keep") (param externref) (global.set $kept (local.get 0)))
                (func (export "pass") (param externref) (result externref) (local.get 0)))"#,
        );
        let count = Arc::new(AtomicUsize::new(0));
        let alive = || count.load(Ordering::Relaxed);
        let keep = it.get_typed_func::<Option<ExternRef>, ()>(&store, "keep").unwrap();
        let pass =
            it.get_typed_func::<Option<ExternRef>, Option<ExternRef>>(&store, "pass").unwrap();
        let stale = {
            let mut scope = RootScope::new(&mut store);
            let one = ExternRef::new(&mut scope, Counted::new(&count)).unwrap();
            let two = ExternRef::new(&mut scope, Counted::new(&count)).unwrap();
            keep.call(&mut scope, Some(one)).unwrap();
            pass.call(&mut scope, Some(two)).unwrap();
            scope.as_context_mut().gc();
            assert_eq!(alive(), 2, "the scope holds both");
            two
        };
        store.gc();
        assert_eq!(alive(), 1, "the global holds one");
        assert!(pass.call(&mut store, Some(stale)).is_err(), "its scope has ended");
        let owned = {
            let mut scope = RootScope::new(&mut store);
            let three = ExternRef::new(&mut scope, Counted::new(&count)).unwrap();
            OwnedRooted::new(&mut scope, three).unwrap()
        };
        keep.call(&mut store, None).unwrap();
        store.gc();
        assert_eq!(alive(), 1, "only what is owned");
        let again = owned.clone();
        drop(owned);
        store.gc();
        assert_eq!(alive(), 1, "a clone is left");
        {
            let mut scope = RootScope::new(&mut store);
            let object = again.to_rooted(&mut scope);
            pass.call(&mut scope, Some(object)).unwrap().unwrap();
        }
        drop(again);
        store.gc();
        assert_eq!(alive(), 0);
    });
}

/// Calls the host, which collects, with references in locals, on the operand stack, in
/// callers of the same and of another instance.
const FRAMES: &str = r#"(module
    (import "host" "new" (func $new (param i32) (result externref)))
    (import "host" "collect" (func $collect (param i32)))
    (import "host" "number" (func $number (param externref) (result i32)))
    (type $pair (struct (field externref) (field (ref null $pair))))
    (func $inner (param $a externref) (result i32)
        (local $b externref)
        (local $dead externref)
        (local.set $dead (call $new (i32.const 1000)))
        (local.set $dead (ref.null extern))
        (local.set $b (call $new (i32.const 2)))
        ;; The operand stack holds one more, and the caller two.
        (call $new (i32.const 3))
        (call $collect (i32.const 5))
        (call $number)
        (i32.add (call $number (local.get $a)))
        (i32.add (call $number (local.get $b))))
    (func (export "run") (result i32)
        (local $p (ref null $pair))
        (local.set $p (struct.new $pair (call $new (i32.const 20)) (ref.null $pair)))
        (call $inner (call $new (i32.const 1)))
        (call $number (struct.get $pair 0 (local.get $p)))
        (call $collect (i32.const 1))
        (i32.add)))"#;

#[test]
fn frames_keep_what_they_can_still_reach_and_nothing_else() {
    for mode in [Mode::Classic, Mode::Fast] {
        for always in [false, true] {
            let engine = Engine::new(Config::new().mode(mode).collect_always(always));
            let count = Arc::new(AtomicUsize::new(0));
            let mut linker = Linker::<Arc<AtomicUsize>>::new(&engine);
            linker
                .func_wrap("host", "new", |mut caller: Caller<'_, Arc<AtomicUsize>>, n: i32| {
                    let object = (n, Counted::new(&caller.data().clone()));
                    ExternRef::new(&mut caller, object).map(Some)
                })
                .unwrap();
            linker
                .func_wrap("host", "collect", |mut caller: Caller<'_, Arc<AtomicUsize>>, n: i32| {
                    caller.gc();
                    assert_eq!(caller.data().load(Ordering::Relaxed), n as usize, "alive");
                })
                .unwrap();
            linker
                .func_wrap(
                    "host",
                    "number",
                    |caller: Caller<'_, Arc<AtomicUsize>>, object: Option<ExternRef>| {
                        let object = object.unwrap().data(&caller).unwrap();
                        object.downcast_ref::<(i32, Counted)>().unwrap().0
                    },
                )
                .unwrap();
            let mut store = Store::new(&engine, count.clone());
            let it =
                instance(&mut store, &linker, &FRAMES.replace("(i32.const 5)", "(i32.const 4)"));
            let run = it.get_typed_func::<(), i32>(&store, "run").unwrap();
            assert_eq!(run.call(&mut store, ()).unwrap(), 26, "{mode:?}");
            store.gc();
            assert_eq!(count.load(Ordering::Relaxed), 0);
        }
    }
}

const LIST: &str = r#"(module
    (type $node (struct (field (ref null $node)) (field i64)))
    (global $list (mut (ref null $node)) (ref.null $node))
    (func (export "grow") (param $n i32)
        (loop $more
            (global.set $list (struct.new $node (global.get $list) (i64.const 1)))
            (br_if $more (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
    (func (export "forget") (global.set $list (ref.null $node)))
    (func (export "churn") (param $n i32)
        (loop $more
            (drop (struct.new $node (ref.null $node) (i64.const 1)))
            (br_if $more (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
    (func (export "huge") (drop (array.new_default $bytes (i32.const -1))))
    (type $bytes (array i64)))"#;

fn limited(engine: &Engine, bytes: u64) -> (Store<()>, Instance) {
    let mut store = Store::new(engine, ());
    store.limiter(StoreLimitsBuilder::new().memory_size(bytes).build());
    let it = instance(&mut store, &Linker::new(engine), LIST);
    (store, it)
}

#[test]
fn the_heap_is_bounded_by_the_limit_for_memory() {
    both(|engine| {
        let (mut store, it) = limited(&engine, 4 << 20);
        let grow = it.get_typed_func::<i32, ()>(&store, "grow").unwrap();
        let call = |store: &mut Store<()>, name| {
            it.get_typed_func::<(), ()>(&*store, name).unwrap().call(store, ())
        };
        let churn = it.get_typed_func::<i32, ()>(&store, "churn").unwrap();
        churn.call(&mut store, 500_000).unwrap();
        assert_eq!(
            grow.call(&mut store, 10_000_000).unwrap_err().trap(),
            Some(Trap::HeapExhausted)
        );
        assert_eq!(call(&mut store, "huge").unwrap_err().trap(), Some(Trap::HeapExhausted));
        call(&mut store, "forget").unwrap();
        // What was full is free again.
        grow.call(&mut store, 100_000).unwrap();
    });
}

#[test]
fn long_lists_are_marked_without_recursion() {
    let (mut store, it) = limited(&Engine::default(), u64::MAX);
    it.get_typed_func::<i32, ()>(&store, "grow").unwrap().call(&mut store, 1_000_000).unwrap();
    store.gc();
    it.get_typed_func::<(), ()>(&store, "forget").unwrap().call(&mut store, ()).unwrap();
    store.gc();
    it.get_typed_func::<i32, ()>(&store, "grow").unwrap().call(&mut store, 1000).unwrap();
}

#[test]
fn a_panic_of_a_host_function_leaves_nothing_behind() {
    for mode in [Mode::Classic, Mode::Fast] {
        let engine = Engine::new(Config::new().mode(mode));
        let mut store = Store::new(&engine, ());
        let mut linker = Linker::new(&engine);
        let panics = Func::wrap(&mut store, || -> () { panic!("on purpose") });
        linker.define(&store, "host", "panics", panics).unwrap();
        let text = r#"(module (import "host" "panics" (func $p))
            (func (export "run") (param externref) (call $p) (drop (local.get 0))))"#;
        let it = instance(&mut store, &linker, text);
        let run = it.get_typed_func::<Option<ExternRef>, ()>(&store, "run").unwrap();
        let object = ExternRef::new(&mut store, 1).unwrap();
        let call = std::panic::AssertUnwindSafe(|| run.call(&mut store, Some(object)));
        assert!(std::panic::catch_unwind(call).is_err());
        store.gc();
        assert!(object.data(&store).is_some());
    }
}

#[test]
fn a_group_of_no_types_is_nothing() {
    both(|engine| {
        let (mut store, it) = alone(
            &engine,
            r#"(module (rec) (type $t (func (result i32))) (rec)
                (func (export "f") (type $t) (i32.const 3)) (rec))"#,
        );
        let f = it.get_typed_func::<(), i32>(&store, "f").unwrap();
        assert_eq!(f.call(&mut store, ()).unwrap(), 3);
    });
}
