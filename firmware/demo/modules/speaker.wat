;; Hands the host the string at an address, and gives what the host answers: its length. Its
;; memory has 32 bytes, and nothing exports it.
(module
  (import "host" "say" (func $say (param i32) (result i32)))
  (memory 32 32 (pagesize 1))
  (data (i32.const 0) "\00hello from a guest")
  (func (export "run") (param i32) (result i32)
    (call $say (local.get 0))))
