//! Calls between host and guest.

use crate::{alone, both, instance};
use sampan::{Caller, Func, FuncType, Linker, Store, V128, Val, ValType};

#[test]
fn a_typed_call_passes_arguments_and_results() {
    both(|engine| {
        let (mut store, it) = alone(
            &engine,
            r#"(module (func (export "swap") (param i32 i64 f32 f64) (result f64 f32 i64 i32)
                (local.get 3) (local.get 2) (local.get 1) (local.get 0)))"#,
        );
        let swap = it
            .get_typed_func::<(i32, i64, f32, f64), (f64, f32, i64, i32)>(&store, "swap")
            .unwrap();
        assert_eq!(swap.call(&mut store, (-1, 2, 3.5, 4.5)).unwrap(), (4.5, 3.5, 2, -1));
    });
}

#[test]
fn more_slots_than_are_kept_inline() {
    both(|engine| {
        let (mut store, it) = alone(
            &engine,
            r#"(module (func (export "last")
                (param v128 v128 v128 v128 v128 v128 v128 v128 v128) (result v128)
                (local.get 8)))"#,
        );
        type Nine = (V128, V128, V128, V128, V128, V128, V128, V128, V128);
        let last = it.get_typed_func::<Nine, V128>(&store, "last").unwrap();
        let v = |n: u128| V128::from(n << 64 | n);
        let args = (v(0), v(1), v(2), v(3), v(4), v(5), v(6), v(7), v(8));
        assert_eq!(last.call(&mut store, args).unwrap(), v(8));
    });
}

#[test]
fn a_closure_of_every_number_of_parameters() {
    both(|engine| {
        let mut store = Store::new(&engine, 0u64);
        let none = Func::wrap(&mut store, || 7i32);
        assert_eq!(none.typed::<(), i32>(&store).unwrap().call(&mut store, ()).unwrap(), 7);
        let nine = Func::wrap(
            &mut store,
            |mut caller: Caller<'_, u64>,
             a: i32,
             b: i32,
             c: i32,
             d: i32,
             e: i64,
             f: i64,
             g: f32,
             h: f64,
             i: u32| {
                *caller.data_mut() += 1;
                (f64::from(a + b + c + d) + (e + f) as f64 + f64::from(g) + h, i)
            },
        );
        let call = nine
            .typed::<(i32, i32, i32, i32, i64, i64, f32, f64, u32), (f64, u32)>(&store)
            .unwrap();
        let found = call.call(&mut store, (1, 2, 3, 4, 5, 6, 7.0, 8.0, u32::MAX)).unwrap();
        assert_eq!(found, (36.0, u32::MAX));
        assert_eq!(*store.data(), 1);
    });
}

#[test]
fn guest_and_host_call_each_other() {
    both(|engine| {
        let mut linker = Linker::<Vec<i32>>::new(&engine);
        linker
            .func_wrap("host", "down", |mut caller: Caller<'_, Vec<i32>>, n: i32| {
                caller.data_mut().push(n);
                let step = caller.get_export("step").unwrap().into_func().unwrap();
                let step = step.typed::<i32, i32>(&caller)?;
                step.call(&mut caller, n - 1)
            })
            .unwrap();
        let mut store = Store::new(&engine, Vec::new());
        let it = instance(
            &mut store,
            &linker,
            r#"(module (import "host" "down" (func $down (param i32) (result i32)))
                (func (export "step") (param i32) (result i32)
                    (if (result i32) (i32.eqz (local.get 0))
                        (then (i32.const 42))
                        (else (call $down (local.get 0))))))"#,
        );
        let step = it.get_typed_func::<i32, i32>(&store, "step").unwrap();
        assert_eq!(step.call(&mut store, 3).unwrap(), 42);
        assert_eq!(store.into_data(), [3, 2, 1]);
    });
}

#[test]
fn a_function_whose_type_is_known_at_run_time() {
    both(|engine| {
        let mut store = Store::new(&engine, ());
        let ty = FuncType::new([ValType::V128, ValType::I32], [ValType::I32, ValType::V128]);
        let swap = Func::new(&mut store, ty.clone(), |_, params, results| {
            results.copy_from_slice(&[params[1], params[0]]);
            Ok(())
        });
        assert_eq!(swap.ty(&store), ty);
        let mut results = [Val::I32(0), Val::I32(0)];
        let args = [V128::from(1 << 100).into(), 5i32.into()];
        swap.call(&mut store, &args, &mut results).unwrap();
        assert_eq!(results[0].i32(), Some(5));
        assert_eq!(results[1].v128(), Some(V128::from(1 << 100)));
    });
}

#[test]
fn wrong_types_are_errors() {
    both(|engine| {
        let (mut store, it) = alone(
            &engine,
            r#"(module (func (export "f") (param i32) (result i32) (local.get 0)))"#,
        );
        let f = it.get_func(&store, "f").unwrap();
        let mut one = [Val::I32(0)];
        for args in [&[][..], &[Val::I64(0)], &[Val::I32(0), Val::I32(0)]] {
            assert!(f.call(&mut store, args, &mut one).is_err());
        }
        assert!(f.call(&mut store, &[Val::I32(0)], &mut []).is_err());
        let error = f.typed::<i64, i32>(&store).unwrap_err();
        assert_eq!(
            error.to_string(),
            "type mismatch: expected [i64] -> [i32], found [i32] -> [i32]"
        );
        assert!(f.typed::<i32, ()>(&store).is_err());
        assert!(it.get_typed_func::<(), ()>(&store, "g").is_err());
        // A host function that returns something else than its type says.
        let liar = Func::new(&mut store, FuncType::new([], [ValType::I32]), |_, _, results| {
            results[0] = Val::I64(1);
            Ok(())
        });
        let error = liar.call(&mut store, &[], &mut one).unwrap_err();
        assert_eq!(error.to_string(), "type mismatch: expected i32, found i64");
    });
}
