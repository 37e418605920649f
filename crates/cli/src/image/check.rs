//! `sampan image check`.

use crate::report::{self, Exit};
use sampan_disk::FileDevice;
use sampan_disk::ext2::check::{self, Finding, Summary};
use std::path::Path;

/// Prints what is wrong with an image, and what it has.
pub fn check(image: &Path) -> Exit {
    let mut exit = Exit::Success;
    let mut print = |finding: Finding| {
        if exit == Exit::Success {
            exit = report::print(format!("{finding}\n").as_bytes());
        }
    };
    let summary = match run(image, &mut print) {
        Ok(summary) => summary,
        Err(problem) => {
            report::message(problem);
            return Exit::NotChecked;
        }
    };
    let Summary { findings, inodes_used, inodes, blocks_used, blocks } = summary;
    let verdict = match findings {
        0 => "clean".to_owned(),
        1 => "1 problem".to_owned(),
        more => format!("{more} problems"),
    };
    let text = format!(
        "{}: {inodes_used} of {inodes} inodes and {blocks_used} of {blocks} blocks in use; \
         {verdict}\n",
        image.display()
    );
    match (report::print(text.as_bytes()), findings) {
        (Exit::Success, 0) => Exit::Success,
        (Exit::Success, _) => Exit::Damaged,
        (failed, _) => failed,
    }
}

/// Checks an image that nobody writes.
pub fn run(image: &Path, found: &mut dyn FnMut(Finding)) -> Result<Summary, String> {
    let shown = image.display();
    let device = FileDevice::open(image, true).map_err(|error| format!("{shown}: {error}"))?;
    check::check(device, found).map_err(|error| format!("{shown}: {error}"))
}
