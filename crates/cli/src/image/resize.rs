//! `sampan image resize`. The new image is made beside the old one and takes its name when it is
//! whole, so that an interruption leaves the old one as it was.

use super::{beside, check, progress, show};
use crate::report::Exit;
use sampan_disk::ext2::{Ext2, Format, Options, copy, format};
use sampan_disk::{Error, FileDevice};
use std::path::Path;

/// Gives an image another size.
pub fn resize(image: &Path, size: u64) -> Result<Exit, String> {
    let shown = image.display();
    let summary = check::run(image, &mut |_| {})?;
    if summary.findings != 0 {
        return Err(format!(
            "{shown}: it is damaged, as `sampan image check` says; `e2fsck -f` mends it"
        ));
    }
    beside(image, |scratch| {
        let unfinished = scratch.join("image");
        let mut old = show::open(image)?;
        let device = FileDevice::open_or_create(&unfinished, size)
            .map_err(|error| format!("{}: {error}", unfinished.display()))?;
        let (uuid, label) = old.identity();
        let stat = old.statfs();
        let used = (stat.blocks - stat.free_blocks) * u64::from(stat.block_size);
        let does_not_fit =
            || format!("{shown}: its files take {used} bytes, which do not fit into {size}");
        if used > size {
            return Err(does_not_fit());
        }
        // As many as a new image of this size has, or some more than there are files.
        let files = summary.inodes_used + summary.inodes_used / 8 + 64;
        let usual = Format::usual_inodes(size);
        let wish = Format { uuid, label, now: old.written(), inodes: Some(usual.max(files)) };
        let problem = |error: Error| match error {
            Error::NoSpace | Error::Invalid => does_not_fit(),
            error => format!("{shown}: {error}"),
        };
        let device = format(device, &wish).map_err(problem)?;
        let mut new = Ext2::mount(device, Options::default()).map_err(|f| problem(f.error))?;
        let bar = progress(used);
        copy(&mut old, &mut new, &mut |bytes| bar.inc(bytes)).map_err(problem)?;
        new.set_now(old.written());
        new.unmount().map_err(|failed| problem(failed.0))?;
        bar.finish_and_clear();
        let permissions = std::fs::metadata(image).map(|metadata| metadata.permissions());
        permissions
            .and_then(|permissions| std::fs::set_permissions(&unfinished, permissions))
            .and_then(|()| std::fs::rename(&unfinished, image))
            .map_err(|error| format!("{shown}: {error}"))
    })?;
    Ok(Exit::Success)
}
