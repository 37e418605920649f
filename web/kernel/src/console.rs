//! The console: the page's terminal.

use crate::{take_buffer, with_vm};

/// How many bytes the console takes now.
#[unsafe(no_mangle)]
pub extern "C" fn console_room() -> usize {
    with_vm(|vm| vm.kernel.console_room())
}

/// The bytes in the buffer were typed.
#[unsafe(no_mangle)]
pub extern "C" fn console_input() {
    let bytes = take_buffer();
    with_vm(|vm| vm.kernel.console_input(&bytes));
}

/// The terminal has this size.
#[unsafe(no_mangle)]
pub extern "C" fn console_resize(rows: u32, columns: u32) {
    let [rows, columns] = [rows, columns].map(|size| size.min(0xffff) as u16);
    with_vm(|vm| vm.kernel.console_resize(rows, columns));
}
