//! Compiled code kept on disk.
//!
//! An entry is a file whose name is a digest of all that its code depends on: the module, the
//! choices, the processor with its features, this program. Inside stand that digest again and
//! one of the content, so that an entry that is cut off, damaged or of another module is not
//! used; it is made anew. Entries are written beside their place and moved there, so that a
//! reader sees a whole one or none, whenever a writer dies.
//!
//! All entries together take so many bytes at most; what was not used for longest goes first.
//!
//! Digests do not protect from who may write to the folder: it is made for its owner only.

use crate::image::Image;
use sampan_engine::native::Lent;
use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

/// A folder of entries.
#[derive(Debug)]
pub(crate) struct Cache {
    folder: PathBuf,
    /// How many bytes the entries may take.
    pub limit: AtomicU64,
}

/// What an entry is found by.
pub(crate) type Key = [u8; 32];

const HOUR: Duration = Duration::from_secs(3600);
/// Changes with the format of entries.
const MAGIC: [u8; 8] = *b"sampan-2";

impl Cache {
    /// The cache in a folder, which need not exist yet.
    pub fn new(folder: PathBuf) -> Cache {
        Cache { folder, limit: AtomicU64::new(1 << 30) }
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
        let file = self.file(key);
        let content = fs::read(&file).ok()?;
        let rest = content.strip_prefix(&MAGIC)?.strip_prefix(key)?;
        let (digest, payload) = rest.split_at_checked(32)?;
        if digest != &Sha256::digest(payload)[..] {
            return None;
        }
        // When it was used; a folder that cannot be written to needs no order.
        let _ = fs::File::options()
            .write(true)
            .open(file)
            .and_then(|file| file.set_modified(SystemTime::now()));
        let start = content.len() - payload.len();
        let bytes = Lent::from(content);
        Image::from_bytes(&bytes.part(start..bytes.len())?)
    }

    /// Keeps code. What goes wrong costs only the next start's time, so nobody is told.
    pub fn store(&self, key: &Key, image: &Image) {
        let _ = self.try_store(key, image);
    }

    /// Removes what writers left behind that were killed an hour ago or earlier, and entries
    /// for which there is no room beside `new` bytes, where all may take `limit`.
    fn sweep(&self, new: u64, limit: u64) {
        let (mut entries, mut total) = (Vec::new(), new);
        for file in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            let Ok(metadata) = file.metadata() else { continue };
            let used = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
            let name = file.file_name();
            if name.as_encoded_bytes().starts_with(b"new-") {
                if used.elapsed().is_ok_and(|age| age > HOUR) {
                    let _ = fs::remove_file(file.path());
                }
            } else if name.len() == 64 {
                total += metadata.len();
                entries.push((used, metadata.len(), file.path()));
            }
        }
        entries.sort_unstable();
        for (_, size, path) in entries {
            if total <= limit {
                break;
            }
            if fs::remove_file(path).is_ok() {
                total -= size;
            }
        }
    }

    fn try_store(&self, key: &Key, image: &Image) -> io::Result<()> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        crate::platform::private_folder(&self.folder)?;
        let payload = image.tables.image_bytes(&image.code);
        let digest = Sha256::digest(&payload);
        let content = [&MAGIC[..], key, &digest, &payload].concat();
        let size = content.len() as u64;
        let limit = self.limit.load(Ordering::Relaxed);
        if size > limit {
            return Ok(());
        }
        self.sweep(size, limit);
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
