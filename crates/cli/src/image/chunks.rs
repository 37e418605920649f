//! Images as folders of compressed chunks, for web servers: what is in such a folder.
//!
//! `index.json` says how large the image and its chunks are, and names the map. The map, packed
//! with gzip, is a number of hashes, the hashes, and for each chunk the number of its hash from
//! 1 on, or 0 for zeros; numbers are 32-bit, little-endian. `chunks/HH/HASH` is a chunk, packed
//! with gzip and named by the SHA-256 of its content, of which the first two digits are `HH`.
//! All but the index never changes, and equal chunks, also of other images, are there once.

use flate2::read::GzDecoder;
use sampan_disk::{Device, Error, Result};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::cell::RefCell;
use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// Bytes of a chunk.
pub const CHUNK: usize = 128 << 10;
const FORMAT: &str = "sampan chunks";
const VERSION: u64 = 1;
/// Chunks that a reader keeps.
const KEPT: usize = 64;
/// Sizes beyond which an index is not believed.
const CHUNK_MAX: u64 = 16 << 20;
const SIZE_MAX: u64 = 1 << 44;

/// A SHA-256.
pub type Hash = [u8; 32];

/// The hash of a chunk's content.
pub fn hash(bytes: &[u8]) -> Hash {
    Sha256::digest(bytes).into()
}

/// Where a chunk is, or a map, below the folder.
pub fn name(hash: &Hash) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The place of a chunk below the folder.
pub fn place(hash: &Hash) -> PathBuf {
    let name = name(hash);
    Path::new("chunks").join(&name[..2]).join(name)
}

/// What `index.json` says.
#[derive(Clone, Debug, PartialEq)]
pub struct Index {
    /// Bytes of the image.
    pub size: u64,
    /// Bytes of a chunk; the last one may be shorter.
    pub chunk: u64,
    /// The place of the map below the folder.
    pub map: String,
    /// Chunks that a start needs, in this order.
    pub preload: Vec<u64>,
}

impl Index {
    /// How many chunks there are.
    pub fn count(&self) -> u64 {
        self.size.div_ceil(self.chunk)
    }

    /// Its text.
    pub fn to_json(&self) -> String {
        let value = json!({
            "format": FORMAT, "version": VERSION, "size": self.size, "chunk": self.chunk,
            "count": self.count(), "map": self.map, "preload": self.preload,
        });
        format!("{value}\n")
    }

    /// Reads its text.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn from_json(text: &str) -> core::result::Result<Index, String> {
        let value: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if value["format"] != FORMAT {
            return Err("not the index of an image in chunks".into());
        }
        if value["version"] != VERSION {
            return Err(format!("version {}; this program knows {VERSION}", value["version"]));
        }
        let number = |name: &str, most: u64| {
            let found = value[name].as_u64().filter(|&number| number > 0 && number <= most);
            found.ok_or(format!("{name}: {} makes no sense", value[name]))
        };
        let map = value["map"].as_str().unwrap_or_default().to_owned();
        let is_name = |name: &str| name.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !map.strip_prefix("maps/").is_some_and(is_name) {
            return Err(format!("map: {} is no name of a map", value["map"]));
        }
        let (size, chunk) = (number("size", SIZE_MAX)?, number("chunk", CHUNK_MAX)?);
        let preload = value["preload"].as_array().into_iter().flatten();
        let preload = preload.filter_map(Value::as_u64).collect();
        let index = Index { size, chunk, map, preload };
        if value["count"] != index.count() {
            return Err(format!("count: {} chunks do not make the size", value["count"]));
        }
        Ok(index)
    }
}

/// The map as bytes, before they are packed.
pub fn map_bytes(hashes: &[Hash], which: &[u32]) -> Vec<u8> {
    let mut bytes = (hashes.len() as u32).to_le_bytes().to_vec();
    bytes.extend(hashes.as_flattened());
    bytes.extend(which.iter().flat_map(|number| number.to_le_bytes()));
    bytes
}

/// An image in a folder, to read; it notes which chunks were.
pub struct Folder {
    folder: PathBuf,
    /// The index.
    pub index: Index,
    /// For each chunk its hash, or none for zeros.
    map: Vec<Option<Hash>>,
    kept: HashMap<u64, Vec<u8>>,
    /// Chunks in the order in which they were needed first.
    pub needed: Rc<RefCell<Vec<u64>>>,
}

impl Folder {
    /// Opens it.
    ///
    /// # Errors
    /// What is wrong, with the name of the file.
    pub fn open(folder: &Path) -> core::result::Result<Folder, String> {
        let file = folder.join("index.json");
        let fail = |text: String| format!("{}: {text}", file.display());
        let text = std::fs::read_to_string(&file).map_err(|error| fail(error.to_string()))?;
        let index = Index::from_json(&text).map_err(fail)?;
        let file = folder.join(&index.map);
        let fail = |text: String| format!("{}: {text}", file.display());
        let limit = 4 + index.count() * 36;
        let bytes = unpack(&file, limit).map_err(|error| fail(error.to_string()))?;
        let map = read_map(&bytes, index.count()).ok_or_else(|| fail("damaged".into()))?;
        let folder = folder.to_owned();
        Ok(Folder { folder, index, map, kept: HashMap::new(), needed: Rc::default() })
    }

    fn chunk(&mut self, number: u64) -> Result<&[u8]> {
        if !self.kept.contains_key(&number) {
            let start = number * self.index.chunk;
            let length = self.index.chunk.min(self.index.size - start) as usize;
            let bytes = match self.map[number as usize] {
                None => vec![0; length],
                Some(wanted) => {
                    self.needed.borrow_mut().push(number);
                    let file = self.folder.join(place(&wanted));
                    let bytes = unpack(&file, length as u64).map_err(|_| Error::Io)?;
                    if bytes.len() != length || hash(&bytes) != wanted {
                        return Err(Error::Io);
                    }
                    bytes
                }
            };
            if self.kept.len() >= KEPT {
                self.kept.clear();
            }
            self.kept.insert(number, bytes);
        }
        Ok(&self.kept[&number])
    }
}

impl Device for Folder {
    fn size(&self) -> u64 {
        self.index.size
    }

    fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> Result<()> {
        let end = offset.checked_add(buffer.len() as u64);
        if end.is_none_or(|end| end > self.index.size) {
            return Err(Error::Io);
        }
        let mut done = 0;
        while done < buffer.len() {
            let at = offset + done as u64;
            let size = self.index.chunk;
            let bytes = &self.chunk(at / size)?[(at % size) as usize..];
            let count = bytes.len().min(buffer.len() - done);
            buffer[done..done + count].copy_from_slice(&bytes[..count]);
            done += count;
        }
        Ok(())
    }

    fn write_at(&mut self, _: u64, _: &[u8]) -> Result<()> {
        Err(Error::ReadOnly)
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }

    fn is_read_only(&self) -> bool {
        true
    }
}

/// Reads a packed file, of which a little more than `limit` bytes are unpacked at most.
fn unpack(file: &Path, limit: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    GzDecoder::new(File::open(file)?).take(limit + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn read_map(bytes: &[u8], count: u64) -> Option<Vec<Option<Hash>>> {
    let (hashes, rest) = bytes.split_first_chunk::<4>()?;
    let hashes = u32::from_le_bytes(*hashes) as usize;
    let (hashes, which) = rest.split_at_checked(hashes.checked_mul(32)?)?;
    let (hashes, _) = hashes.as_chunks::<32>();
    let (which, []) = which.as_chunks::<4>() else { return None };
    if which.len() as u64 != count {
        return None;
    }
    let find = |number: &[u8; 4]| match u32::from_le_bytes(*number) {
        0 => Some(None),
        number => hashes.get(number as usize - 1).copied().map(Some),
    };
    which.iter().map(find).collect()
}

#[cfg(test)]
mod tests {
    use super::{Index, map_bytes, read_map};

    #[test]
    fn an_index_comes_back_and_a_bad_one_is_refused() {
        let index = Index { size: 300, chunk: 128, map: "maps/0f".into(), preload: vec![2, 0] };
        let text = index.to_json();
        assert_eq!(Index::from_json(&text), Ok(index));
        for (from, to) in [
            ("sampan chunks", "other"),
            ("\"version\":1", "\"version\":2"),
            ("\"count\":3", "\"count\":4"),
            ("\"size\":300", "\"size\":0"),
            ("\"chunk\":128", "\"chunk\":1e9"),
            ("maps/0f", "maps/../x"),
            ("{", ""),
        ] {
            assert!(text.contains(from));
            assert!(Index::from_json(&text.replacen(from, to, 1)).is_err(), "{from} → {to}");
        }
    }

    #[test]
    fn a_map_comes_back_and_a_damaged_one_is_refused() {
        let bytes = map_bytes(&[[1; 32], [2; 32]], &[2, 0, 1]);
        let map = read_map(&bytes, 3).expect("a map");
        assert_eq!(map, [Some([2; 32]), None, Some([1; 32])]);
        for len in 0..bytes.len() {
            assert_eq!(read_map(&bytes[..len], 3), None);
        }
        assert_eq!(read_map(&map_bytes(&[[1; 32]], &[2]), 1), None);
        assert_eq!(read_map(&u32::MAX.to_le_bytes(), 0), None);
    }
}
