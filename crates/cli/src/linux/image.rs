//! The disk image that is the guest's root: opening it, and keeping what the guest changes.

use crate::args::Linux;
use crate::report;
use sampan_disk::{Device, Error, FileDevice, Overlay};
use sampan_linux::fs::ext2::Ext2Fs;
use std::path::Path;
use std::rc::Rc;
use std::time::{Duration, Instant};

/// Changes are written at least this often while the guest works, and when it waits.
const OFTEN: Duration = Duration::from_secs(5);
/// Between two writes of a guest that works and waits in turns.
const SELDOM: Duration = Duration::from_millis(500);

/// Opens the image. Changes go to it, or with `--overlay` to that file; with `--ephemeral`
/// it is only read.
pub fn open(args: &Linux, dev: u64) -> Result<Rc<Ext2Fs>, String> {
    let shown = args.image.display();
    let only_read = args.ephemeral || args.overlay.is_some();
    let base = FileDevice::open(&args.image, only_read).map_err(|error| match error.kind() {
        std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => {
            format!("{shown}: {error}; with --ephemeral or --overlay the image is only read")
        }
        _ => format!("{shown}: {error}"),
    })?;
    let device: Box<dyn Device> = match &args.overlay {
        Some(file) => Box::new(overlay(base, file)?),
        None => Box::new(base),
    };
    let fs = Ext2Fs::open(device, dev).map_err(|error| format!("{shown}: {error}"))?;
    if fs.was_interrupted() && !args.ephemeral {
        report::message(format!(
            "{shown} was in use when its last user stopped; it can be used, and e2fsck -f gives \
             back what is marked as taken and is not"
        ));
    }
    Ok(fs)
}

fn overlay(base: FileDevice, file: &Path) -> Result<Overlay<FileDevice, FileDevice>, String> {
    let shown = file.display();
    let size = Overlay::<FileDevice, FileDevice>::size_for(base.size());
    let changes = FileDevice::open_or_create(file, size)
        .map_err(|error| format!("--overlay {shown}: {error}"))?;
    Overlay::open(base, changes).map_err(|(error, ..)| match error {
        Error::Invalid => format!(
            "--overlay {shown}: it is no overlay of this image, or the image was changed since"
        ),
        error => format!("--overlay {shown}: {error}"),
    })
}

/// The image's changes on their way to it.
pub struct Keeper {
    fs: Rc<Ext2Fs>,
    last: Instant,
    failed: bool,
}

impl Keeper {
    /// Of an image that is written.
    pub fn new(fs: Rc<Ext2Fs>) -> Keeper {
        Keeper { fs, last: Instant::now(), failed: false }
    }

    /// Writes changes if it is time; how soon it will be again if some are left.
    pub fn tick(&mut self, idle: bool) -> Option<Duration> {
        if self.fs.is_clean() {
            return None;
        }
        let wait = if idle { SELDOM } else { OFTEN };
        let since = self.last.elapsed();
        if since < wait {
            return Some(wait - since);
        }
        let result = self.fs.sync_now();
        self.last = Instant::now();
        match result {
            Ok(()) => None,
            Err(error) => {
                if !self.failed {
                    report::message(format!("changes of the image cannot be written: {error}"));
                }
                self.failed = true;
                Some(OFTEN)
            }
        }
    }

    /// Writes everything that is left.
    pub fn finish(self) -> Result<(), String> {
        self.fs.finish().map_err(|error| format!("changes of the image cannot be written: {error}"))
    }
}
