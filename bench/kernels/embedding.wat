;; What an embedder does often: instances, calls of the guest, calls of the host.
(module
  (import "host" "next" (func $next (param i32) (result i32)))
  (memory (export "memory") 2)
  (table 64 funcref)
  (elem (i32.const 1) $same $calls $same)
  (global $count (mut i32) (i32.const 0))
  (data (i32.const 1024) "ahovcjqxelszgnubipwdkryfmtahovcjqxelszgnubipwdkryfmtahovcjqxelsz")
  (data (i32.const 66000) "ahovcjqxelszgnubipwdkryfmtahovcjqxelszgnubipwdkryfmtahovcjqxelsz")
  (func $same (export "same") (param i32) (result i32)
    (local.get 0))
  ;; Calls the host a number of times, each time with what it returned before.
  (func $calls (export "calls") (param $times i32) (result i32)
    (local $value i32)
    (loop $again
      (local.set $value (call $next (local.get $value)))
      (br_if $again (local.tee $times (i32.sub (local.get $times) (i32.const 1)))))
    (local.get $value)))
