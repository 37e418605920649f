//! `sampan image`: makes disk images for `sampan linux`, and looks into them.

mod build;
mod debian;
mod directory;
mod path;
mod show;
mod source;

use crate::args::{Image, ImageCommand};
use crate::report::{self, Exit};

/// Does what the arguments say.
pub fn image(args: &Image) -> Exit {
    let result = match &args.command {
        ImageCommand::Build(args) => build::build(args),
        ImageCommand::Ls { image, path } => show::ls(image, path.as_bytes()),
        ImageCommand::Cat { image, paths } => show::cat(image, paths),
    };
    result.unwrap_or_else(|problem| {
        report::message(problem);
        Exit::BadInput
    })
}
