//! Hosts on which compiled code cannot run yet.

use crate::activation::Activation;
use sampan_engine::native::{Lent, Reservations};
use std::convert::Infallible;
use std::ptr::NonNull;

const WHY: &str = "compiled code runs under Linux on x86-64, AArch64 and RISC-V 64 only";

pub(crate) fn install() -> Result<(), String> {
    Err(WHY.into())
}

#[derive(Debug, Default)]
pub(crate) struct Space;

// SAFETY: it makes no reservation.
unsafe impl Reservations for Space {
    fn reserve(&self) -> Option<NonNull<u8>> {
        None
    }
    fn commit(&self, _: NonNull<u8>, _: usize, _: usize) -> bool {
        false
    }
    unsafe fn release(&self, _: NonNull<u8>) {}
}

pub(crate) struct CodeMemory(Infallible);

impl CodeMemory {
    pub fn new(_: &Lent) -> Result<CodeMemory, String> {
        Err(WHY.into())
    }
    pub fn code(&self) -> &[u8] {
        match self.0 {}
    }
}

/// Reads a file.
///
/// # Errors
/// The system's.
///
/// # Safety
/// None is needed here.
pub unsafe fn map_file(path: &std::path::Path) -> std::io::Result<Lent> {
    Ok(std::fs::read(path)?.into())
}

/// Copies bytes.
///
/// # Errors
/// None.
pub fn map_copy(bytes: &[u8]) -> std::io::Result<Lent> {
    Ok(bytes.to_vec().into())
}

/// A usual page.
pub fn page_size() -> usize {
    4096
}

pub(crate) fn private_folder(path: &std::path::Path) -> std::io::Result<()> {
    std::fs::create_dir_all(path)
}

pub(crate) fn stack_limit() -> usize {
    0
}

pub(crate) unsafe fn enter(
    _: *mut u64,
    _: *mut u64,
    _: *const u8,
    _: *const u8,
    _: *mut Activation,
) -> bool {
    unreachable!("there is no code")
}
