//! `sampan image`: makes disk images for `sampan linux`, and looks into them.

mod build;
mod check;
mod chunk;
mod chunks;
mod debian;
mod directory;
mod extract;
mod oci;
mod path;
mod profile;
mod resize;
mod show;
mod source;

use crate::args::{Image, ImageCommand};
use crate::report::{self, Exit};
use indicatif::{ProgressBar, ProgressStyle};
use std::path::Path;

/// Does what the arguments say.
pub fn image(args: &Image) -> Exit {
    let result = match &args.command {
        ImageCommand::Build(args) => build::build(args),
        ImageCommand::Check { image } => Ok(check::check(image)),
        ImageCommand::Resize { image, size } => resize::resize(image, *size),
        ImageCommand::Chunk(args) => chunk::chunk(args),
        ImageCommand::Profile(args) => profile::profile(args),
        ImageCommand::Extract(args) => extract::extract(args),
        ImageCommand::Ls { image, path } => show::ls(image, path.as_bytes()),
        ImageCommand::Cat { image, paths } => show::cat(image, paths),
    };
    result.unwrap_or_else(|problem| {
        report::message(problem);
        Exit::BadInput
    })
}

/// Does work with a folder beside `output`, for what is not finished and then gets that name.
fn beside<T>(output: &Path, work: impl FnOnce(&Path) -> Result<T, String>) -> Result<T, String> {
    let folder = match output.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let scratch = folder.join(format!(".sampan-image-{}", std::process::id()));
    let problem = |error: std::io::Error| format!("{}: {error}", scratch.display());
    std::fs::create_dir(&scratch).map_err(problem)?;
    let result = work(&scratch);
    let removed = std::fs::remove_dir_all(&scratch);
    let result = result?;
    removed.map_err(problem)?;
    Ok(result)
}

/// A bar, where standard error is a terminal, that is full after so many bytes.
fn progress(bytes: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:40} {bytes}/{total_bytes} {wide_msg}");
    ProgressBar::new(bytes).with_style(style.expect("a valid template"))
}
