//! Compiled code kept on disk.
//!
//! An entry is a file whose name is a digest of all that its code depends on: the module, the
//! choices, the processor with its features, this program. Inside stand that digest again and
//! one of the content, so that an entry that is cut off, damaged or of another module is not
//! used; it is made anew. Entries are written beside their place and moved there, so that a
//! reader sees a whole one or none, whenever a writer dies.
//!
//! Digests do not protect from who may write to the folder: it is made for its owner only.

use crate::image::Image;
use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// A folder of entries.
#[derive(Debug)]
pub(crate) struct Cache {
    folder: PathBuf,
}

/// What an entry is found by.
pub(crate) type Key = [u8; 32];

const HOUR: Duration = Duration::from_secs(3600);
/// Changes with the format of entries.
const MAGIC: [u8; 8] = *b"sampan-1";

impl Cache {
    /// The cache in a folder, which need not exist yet.
    pub fn new(folder: PathBuf) -> Cache {
        Cache { folder }
    }

    fn file(&self, key: &Key) -> PathBuf {
        let mut name = String::with_capacity(64);
        for byte in key {
            write!(name, "{byte:02x}").expect("strings take everything");
        }
        self.folder.join(name)
    }

    /// The code with a key, if a sound entry is there.
    pub fn load(&self, key: &Key) -> Option<Image> {
        let content = fs::read(self.file(key)).ok()?;
        let rest = content.strip_prefix(&MAGIC)?.strip_prefix(key)?;
        let (digest, payload) = rest.split_at_checked(32)?;
        if digest != &Sha256::digest(payload)[..] {
            return None;
        }
        Image::from_bytes(payload)
    }

    /// Keeps code. What goes wrong costs only the next start's time, so nobody is told.
    pub fn store(&self, key: &Key, image: &Image) {
        let _ = self.try_store(key, image);
    }

    /// Removes what writers left behind that were killed an hour ago or earlier.
    fn sweep(&self) {
        for file in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            let unfinished = file.file_name().as_encoded_bytes().starts_with(b"new-");
            let age = || file.metadata().ok()?.modified().ok()?.elapsed().ok();
            if unfinished && age().is_some_and(|age| age > HOUR) {
                let _ = fs::remove_file(file.path());
            }
        }
    }

    fn try_store(&self, key: &Key, image: &Image) -> io::Result<()> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        crate::platform::private_folder(&self.folder)?;
        self.sweep();
        let payload = image.to_bytes();
        let digest = Sha256::digest(&payload);
        let content = [&MAGIC[..], key, &digest, &payload].concat();
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let beside = self.folder.join(format!("new-{}-{number}", std::process::id()));
        let result = fs::write(&beside, content).and_then(|()| fs::rename(&beside, self.file(key)));
        if result.is_err() {
            let _ = fs::remove_file(&beside);
        }
        result
    }
}

/// The key of a module's code; `choices` is all else that the code depends on.
pub fn key(module: &[u8], choices: &str) -> Key {
    let mut digest = Sha256::new();
    digest.update(MAGIC);
    for part in [program().as_bytes(), choices.as_bytes(), module] {
        digest.update((part.len() as u64).to_le_bytes());
        digest.update(part);
    }
    digest.finalize().into()
}

/// What tells this build of the compiler from another: code knows the engine's layouts.
fn program() -> String {
    let file = std::env::current_exe().and_then(fs::metadata);
    let changed = file.as_ref().ok().and_then(|file| file.modified().ok());
    format!("{} {:?} {changed:?}", env!("CARGO_PKG_VERSION"), file.map(|file| file.len()).ok())
}
