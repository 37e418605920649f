//! Which guest functions were being called.

use crate::Module;
use core::fmt;
use sampan_engine::MAX_FRAMES;
#[cfg(feature = "backtrace")]
use sampan_engine::wasm::List;

/// The guest calls that were on the stack when execution stopped, the innermost first.
///
/// Displays one call a line: `0: 0x1a2b - name`, where the number is the instruction's
/// place in bytes from the module's start. A call that stands several times in a row is one
/// line.
#[derive(Clone, Debug, Default)]
pub struct WasmBacktrace {
    #[cfg(feature = "backtrace")]
    pub(crate) frames: List<FrameInfo>,
}

impl WasmBacktrace {
    pub(crate) const NONE: WasmBacktrace = WasmBacktrace {
        #[cfg(feature = "backtrace")]
        frames: List::new(),
    };

    /// The calls, [`MAX_FRAMES`] at most.
    pub fn frames(&self) -> &[FrameInfo] {
        #[cfg(feature = "backtrace")]
        return &self.frames;
        #[cfg(not(feature = "backtrace"))]
        &[]
    }
}

/// A guest call.
#[derive(Clone, Debug)]
pub struct FrameInfo {
    pub(crate) module: Module,
    pub(crate) func: u32,
    pub(crate) at: u32,
}

impl FrameInfo {
    /// The module that the function is of.
    pub fn module(&self) -> &Module {
        &self.module
    }

    /// The function's index in its module, imports included.
    pub fn func_index(&self) -> u32 {
        self.func
    }

    /// The function's name: what the name section says, or an export.
    pub fn func_name(&self) -> Option<&str> {
        self.module.func_name(self.func)
    }

    /// The instruction's place, in bytes from the module's start.
    pub fn module_offset(&self) -> u32 {
        self.at
    }
}

impl fmt::Display for WasmBacktrace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut first = 0;
        let same = |a: &FrameInfo, b: &FrameInfo| (a.func, a.at) == (b.func, b.at);
        for run in self.frames().chunk_by(same) {
            let separator = if first > 0 { "\n" } else { "" };
            write!(f, "{separator}{first:>3}: 0x{:x} - ", run[0].at)?;
            match run[0].func_name() {
                Some(name) => f.write_str(name)?,
                None => write!(f, "<function {}>", run[0].func)?,
            }
            match run.len() {
                1 => {}
                2 => f.write_str(" (and once more)")?,
                count => write!(f, " (and {} times more)", count - 1)?,
            }
            first += run.len();
        }
        if first >= MAX_FRAMES {
            write!(f, "\n{first:>3}: further calls are not shown")?;
        }
        Ok(())
    }
}
