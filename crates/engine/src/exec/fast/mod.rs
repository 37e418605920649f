//! The fast interpreter: functions are translated, while they are validated, into code
//! for a register machine whose instructions are addresses of handlers.

// The registers are handed on by value or by reference.
#![allow(clippy::needless_borrow)]
// Where size counts, one form of each handler is used: see `operand`.
#![cfg_attr(sampan_small, allow(dead_code, unused_imports, unused_macros, unused_variables))]
#![cfg_attr(sampan_small, allow(unreachable_patterns, unreachable_code))]

#[cfg(feature = "backtrace")]
mod backtrace;
mod code;
#[cfg(feature = "reference-types")]
mod maps;
mod operand;
mod ops;
mod regs;
mod run;
mod translate;
#[cfg_attr(not(feature = "exceptions"), path = "unwind_absent.rs")]
mod unwind;

pub(crate) use code::Code;
#[cfg(feature = "native")]
pub(crate) use ops::native::stub;
pub(crate) use run::run;
pub(crate) use translate::prepare;

use crate::module::{CodeSlots, ModuleData};

/// Lets a body that is translated begin in its machine code.
#[cfg(feature = "native")]
pub(crate) fn enter_code(module: &ModuleData, body: u32) {
    if let CodeSlots::Fast(slots) = &module.code
        && let Some(code) = slots[body as usize].get()
    {
        code.set_entry(code.stub.as_ptr());
    }
}

/// The code of a body, translated if it is not yet.
fn code_of(module: &ModuleData, body: u32) -> Result<*const Code, sampan_wasm::Error> {
    module.prepare(body)?;
    match &module.code {
        CodeSlots::Fast(slots) => Ok(slots[body as usize].as_ptr()),
        CodeSlots::Classic(_) => unreachable!("the module was made for the classic interpreter"),
    }
}
