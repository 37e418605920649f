//! The fast interpreter: functions are translated, while they are validated, into code
//! for a register machine whose instructions are addresses of handlers.

mod code;
mod operand;
mod ops;
mod regs;
mod run;
mod translate;

pub(crate) use code::Code;
#[cfg(feature = "native")]
pub(crate) use ops::native::stub;
pub(crate) use run::run;
pub(crate) use translate::prepare;

use crate::module::{CodeSlots, ModuleData};

/// The code of a body, translated if it is not yet.
fn code_of(module: &ModuleData, body: u32) -> Result<*const Code, sampan_wasm::Error> {
    module.prepare(body)?;
    match &module.code {
        CodeSlots::Fast(slots) => Ok(slots[body as usize].as_ptr()),
        CodeSlots::Classic(_) => unreachable!("the module was made for the classic interpreter"),
    }
}
