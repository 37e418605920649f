;; Never ends.
(module
  (func (export "run") (param i32) (result i32)
    (loop $again (br $again))
    (unreachable)))
