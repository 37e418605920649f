;; Imports what the firmware does not have.
(module
  (import "host" "launch" (func $launch (param i32) (result i32)))
  (func (export "run") (param i32) (result i32) (call $launch (local.get 0))))
