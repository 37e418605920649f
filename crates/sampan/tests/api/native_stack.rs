//! Going from the interpreter into machine code, and asking for it, leaves nothing on the
//! host's stack: in optimised builds handlers end in jumps, and these too.

use crate::alone;
use sampan::{Config, Engine, Mode};

/// `run` throws, so it stays in the interpreter; what it calls does not. `loops` goes on in
/// machine code in the middle of a loop, at each call once more.
const MODULE: &str = r#"(module
  (type $t (func (param i64) (result i64)))
  (tag $e)
  (table 1 funcref) (elem (i32.const 0) $own)
  (func $own (type $t) (i64.add (local.get 0) (i64.const 1)))
  (func $loops (param $n i64) (result i64)
    (loop $l
      (local.set $n (i64.sub (local.get $n) (i64.const 1)))
      (br_if $l (i64.gt_s (local.get $n) (i64.const 0))))
    (local.get $n))
  (func (export "run") (param $n i64) (result i64) (local $sum i64)
    (block $caught (try_table (catch $e $caught) (throw $e)))
    (loop $again
      (local.set $sum (call $own (local.get $sum)))
      (local.set $sum (call_indirect (type $t) (local.get $sum) (i32.const 0)))
      (drop (call $loops (i64.const 3)))
      (br_if $again (i64.ne (i64.const 0)
        (local.tee $n (i64.sub (local.get $n) (i64.const 1))))))
    (local.get $sum))
)"#;

const ROUNDS: i64 = 400_000;
/// One word for each round would be more. The compiler works on it too.
const STACK: usize = 2 << 20;

fn runs(tier_after: u32, tier_waits: bool) {
    let run = move || {
        let engine = Engine::new(Config::new().mode(Mode::Auto).tier_up(tier_after, tier_waits));
        let (mut store, instance) = alone(&engine, MODULE);
        let run = instance.get_typed_func::<i64, i64>(&store, "run").expect("it is exported");
        assert_eq!(run.call(&mut store, ROUNDS).expect("no trap"), 2 * ROUNDS);
    };
    let thread = std::thread::Builder::new().stack_size(STACK);
    thread.spawn(run).expect("a thread").join().expect("no overflow");
}

#[test]
fn stays_as_it_is_when_code_is_there() {
    for tier_after in [0, 1, 5] {
        runs(tier_after, true);
    }
}

#[test]
fn stays_as_it_is_while_code_is_made() {
    runs(0, false);
    runs(1000, false);
}
