//! The state behind the calls of one guest.

use crate::Errno;
use crate::builder::WasiCtxBuilder;
use crate::clocks::Clocks;
use crate::shared::Waiting;
use crate::table::FdTable;

/// Fills a buffer with random bytes.
pub(crate) type Random = Box<dyn FnMut(&mut [u8]) -> Result<(), Errno> + Send>;

/// All that one guest has of the outer world: its descriptors, arguments,
/// environment, clocks and source of randomness.
///
/// ```
/// use sampan_wasi::{Abi, GuestMemory, WasiCtx, functions};
///
/// let mut ctx = WasiCtx::builder().arg("hello").build()?;
/// let mut memory = vec![0; 65536];
/// let args_sizes_get = functions(Abi::Preview1)
///     .iter()
///     .find(|function| function.name == "args_sizes_get")
///     .unwrap();
/// (args_sizes_get.call)(&mut ctx, &mut GuestMemory::new(&mut memory), &[0, 4]).unwrap();
/// assert_eq!(memory[..8], [1, 0, 0, 0, 6, 0, 0, 0]);
/// # Ok::<(), sampan_wasi::Error>(())
/// ```
pub struct WasiCtx {
    pub(crate) table: FdTable,
    pub(crate) args: Vec<Vec<u8>>,
    /// Each as `NAME=value`.
    pub(crate) env: Vec<Vec<u8>>,
    pub(crate) clocks: Box<dyn Clocks>,
    pub(crate) random: Random,
    pub(crate) waiting: Waiting,
}

impl WasiCtx {
    /// Begins with nothing: no arguments, no directories, standard input at
    /// its end, output thrown away.
    pub fn builder() -> WasiCtxBuilder {
        WasiCtxBuilder::new()
    }
}

impl std::fmt::Debug for WasiCtx {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WasiCtx").finish_non_exhaustive()
    }
}
