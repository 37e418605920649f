;; Binary trees of structs: the program of binarytrees.c on the collected heap. What it prints
;; is the same.
(module
  (import "wasi_snapshot_preview1" "args_sizes_get"
    (func $args_sizes_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_get" (func $args_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write"
    (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (type $node (struct (field $left (ref null $node)) (field $right (ref null $node))))

  (data $stretch (i32.const 16) "stretch ")
  (data $long (i32.const 32) "long ")
  (data $trees (i32.const 48) " trees of depth ")
  (data $check (i32.const 64) " check ")
  (data $line (i32.const 80) "\n")
  (global $end (mut i32) (i32.const 1024)) ;; of the text from 1024 on

  (func $make (param $depth i32) (result (ref $node))
    (if (result (ref $node)) (local.get $depth)
      (then
        (local.set $depth (i32.sub (local.get $depth) (i32.const 1)))
        (struct.new $node (call $make (local.get $depth)) (call $make (local.get $depth))))
      (else (struct.new $node (ref.null $node) (ref.null $node)))))

  (func $count (param $node (ref $node)) (result i32)
    (local $left (ref null $node))
    (local.set $left (struct.get $node $left (local.get $node)))
    (if (ref.is_null (local.get $left)) (then (return (i32.const 1))))
    (i32.add
      (i32.add (i32.const 1) (call $count (ref.as_non_null (local.get $left))))
      (call $count (ref.as_non_null (struct.get $node $right (local.get $node))))))

  (func $text (param $at i32) (param $len i32)
    (memory.copy (global.get $end) (local.get $at) (local.get $len))
    (global.set $end (i32.add (global.get $end) (local.get $len))))

  (func $number (param $n i32)
    (if (i32.ge_u (local.get $n) (i32.const 10))
      (then (call $number (i32.div_u (local.get $n) (i32.const 10)))))
    (i32.store8 (global.get $end) (i32.add (i32.const 48) (i32.rem_u (local.get $n) (i32.const 10))))
    (global.set $end (i32.add (global.get $end) (i32.const 1))))

  (func $check (param $n i32)
    (call $text (i32.const 64) (i32.const 7))
    (call $number (local.get $n))
    (call $text (i32.const 80) (i32.const 1)))

  ;; The first argument as a number.
  (func $argument (result i32)
    (local $at i32) (local $n i32) (local $digit i32)
    (drop (call $args_sizes_get (i32.const 0) (i32.const 4)))
    (drop (call $args_get (i32.const 4096) (i32.const 8192)))
    (if (i32.lt_u (i32.load (i32.const 0)) (i32.const 2)) (then (return (i32.const 15))))
    (local.set $at (i32.load (i32.const 4100)))
    (loop $next
      (local.set $digit (i32.sub (i32.load8_u (local.get $at)) (i32.const 48)))
      (if (i32.lt_u (local.get $digit) (i32.const 10)) (then
        (local.set $n (i32.add (i32.mul (local.get $n) (i32.const 10)) (local.get $digit)))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br $next))))
    (local.get $n))

  (func (export "_start")
    (local $most i32) (local $depth i32) (local $times i32) (local $i i32) (local $sum i32)
    (local $long (ref null $node))
    (local.set $most (call $argument))
    (if (i32.lt_s (local.get $most) (i32.const 6)) (then (local.set $most (i32.const 6))))
    (call $text (i32.const 16) (i32.const 8))
    (call $number (i32.add (local.get $most) (i32.const 1)))
    (call $check (call $count (call $make (i32.add (local.get $most) (i32.const 1)))))
    (local.set $long (call $make (local.get $most)))
    (local.set $depth (i32.const 4))
    (loop $depths
      (local.set $times
        (i32.shl (i32.const 1)
          (i32.add (i32.sub (local.get $most) (local.get $depth)) (i32.const 4))))
      (local.set $i (local.get $times))
      (local.set $sum (i32.const 0))
      (loop $trees
        (local.set $sum (i32.add (local.get $sum) (call $count (call $make (local.get $depth)))))
        (br_if $trees (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))
      (call $number (local.get $times))
      (call $text (i32.const 48) (i32.const 16))
      (call $number (local.get $depth))
      (call $check (local.get $sum))
      (local.set $depth (i32.add (local.get $depth) (i32.const 2)))
      (br_if $depths (i32.le_s (local.get $depth) (local.get $most))))
    (call $text (i32.const 32) (i32.const 5))
    (call $number (local.get $most))
    (call $check (call $count (ref.as_non_null (local.get $long))))
    (i32.store (i32.const 0) (i32.const 1024))
    (i32.store (i32.const 4) (i32.sub (global.get $end) (i32.const 1024)))
    (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))
