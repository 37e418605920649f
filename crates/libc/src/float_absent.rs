//! Without floats `printf` has no conversions for them.

use crate::Stop;
use crate::format::{Arguments, Spec};
use crate::out::Out;

pub(crate) fn conversion(_: &mut Out<'_>, spec: &Spec, _: &mut Arguments) -> Result<(), Stop> {
    Err(Stop::Conversion(spec.letter))
}
