;; Counts the numbers below n that no smaller one divides: as there is less RAM on the board
;; than a page of memory, it uses none.
(module
  (func (export "primes") (param $n i32) (result i32)
    (local $i i32) (local $j i32) (local $count i32)
    (local.set $i (i32.const 2))
    (loop $next
      (local.set $j (i32.const 2))
      (block $composite
        (block $prime
          (loop $try
            (br_if $prime
              (i32.gt_u (i32.mul (local.get $j) (local.get $j)) (local.get $i)))
            (br_if $composite (i32.eqz (i32.rem_u (local.get $i) (local.get $j))))
            (local.set $j (i32.add (local.get $j) (i32.const 1)))
            (br $try)))
        (local.set $count (i32.add (local.get $count) (i32.const 1))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $i) (local.get $n))))
    (local.get $count)))
