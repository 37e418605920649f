;; What a compiler makes of a small C program with printf and malloc: 96 bytes of data, a stack of
;; 512 bytes, and a page of 64 KiB, of which it uses nothing behind __heap_base but malloc's memory.
(module
  (import "env" "printf" (func $printf (param i32 i32) (result i32)))
  (import "env" "malloc" (func $malloc (param i32) (result i32)))
  (import "env" "free" (func $free (param i32)))
  (memory (export "memory") 1)
  (global $sp (mut i32) (i32.const 608))
  (global (export "__heap_base") i32 (i32.const 608))
  (data (i32.const 8) "%d squares, the last is %d\0a\00")
  ;; Squares in an array of malloc's, of which the last is printed.
  (func (export "main") (param $argc i32) (param $argv i32) (result i32)
    (local $i i32) (local $array i32)
    (global.set $sp (i32.sub (global.get $sp) (i32.const 16)))
    (local.set $array (call $malloc (i32.const 100)))
    (if (i32.eqz (local.get $array)) (then (return (i32.const 1))))
    (loop $next
      (i32.store
        (i32.add (local.get $array) (i32.shl (local.get $i) (i32.const 2)))
        (i32.mul (local.get $i) (local.get $i)))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $i) (i32.const 25))))
    (i32.store (global.get $sp) (local.get $i))
    (i32.store offset=4 (global.get $sp) (i32.load offset=96 (local.get $array)))
    (drop (call $printf (i32.const 8) (global.get $sp)))
    (call $free (local.get $array))
    (global.set $sp (i32.add (global.get $sp) (i32.const 16)))
    (i32.const 0)))
