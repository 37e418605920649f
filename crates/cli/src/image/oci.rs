//! An OCI image layout: a directory of blobs that are named by their digests, as `skopeo`,
//! `podman` and `docker` write it. Each layer is an archive of tar, whose files go over those of the
//! layers before; names that begin with `.wh.` take files of those away.
//!
//! Source: the image format specification of the Open Containers Initiative (image-spec): its
//! parts on image layouts, indexes, manifests and layers. What is used of its documents is a dozen
//! fields of JSON.

use super::path;
use super::source::{Item, Take, What, entries};
use flate2::read::MultiGzDecoder;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

/// The largest document that is read; the specification asks for 4 MiB at least.
const DOCUMENT: u64 = 4 << 20;
/// Indexes in indexes.
const DEPTH: usize = 4;

/// What takes one file of the layers before away, what takes all of a directory, and what begins
/// the names of other records of the same kind.
const WHITEOUT: &[u8] = b".wh.";
const OPAQUE: &[u8] = b".wh..wh..opq";
const RECORD: &[u8] = b".wh..wh.";

/// The layers of an image, the lowest first. All were compared with their digests.
pub struct Layers(Vec<(PathBuf, Compression)>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Compression {
    None,
    Gzip,
    Zstd,
}

/// Opens the image of a layout for an architecture, as Debian names it. `place` is `DIRECTORY`, or
/// `DIRECTORY:TAG` where there are several images.
pub fn open(place: &str, architecture: &str) -> Result<Layers, String> {
    let (root, tag) = match place.rsplit_once(':') {
        Some((root, tag)) if !Path::new(place).is_dir() => (Path::new(root), Some(tag)),
        _ => (Path::new(place), None),
    };
    let architecture = if architecture == "i386" { "386" } else { architecture };
    let problem = |what: String| format!("{place}: {what}");
    let manifest = manifest(root, tag, architecture).map_err(problem)?;
    layers(root, &manifest, architecture).map(Layers).map_err(problem)
}

impl Layers {
    /// Shows all files, and what takes some away: of each layer first that.
    pub fn visit(&self, take: &mut Take<'_>) -> Result<(), String> {
        for (path, compression) in &self.0 {
            let problem = |error: io::Error| format!("{}: {error}", path.display());
            for removals in [true, false] {
                let file = BufReader::with_capacity(1 << 18, File::open(path).map_err(problem)?);
                let reader: Box<dyn Read> = match compression {
                    Compression::None => Box::new(file),
                    Compression::Gzip => Box::new(MultiGzDecoder::new(file)),
                    Compression::Zstd => {
                        let decoder = ruzstd::decoding::StreamingDecoder::new(file);
                        Box::new(decoder.map_err(|error| problem(io::Error::other(error)))?)
                    }
                };
                let mut archive = tar::Archive::new(reader);
                let list = archive.entries().map_err(problem)?;
                entries(list, path, &mut |item, content| match removal(item) {
                    None if removals => Ok(()),
                    None => take(item, content),
                    Some(Some(removal)) if removals => take(&removal, &mut io::empty()),
                    Some(_) => Ok(()),
                })?;
            }
        }
        Ok(())
    }
}

/// What an entry takes away, if that is its meaning; none inside for records that mean nothing.
fn removal(item: &Item) -> Option<Option<Item>> {
    let end = item.path.iter().rposition(|&byte| byte == b'/').map_or(0, |at| at + 1);
    let (parent, name) = item.path.split_at(end);
    // Records may be in directories.
    if path::components(parent).any(|part| part.starts_with(RECORD)) {
        return Some(None);
    }
    let hidden = name.strip_prefix(WHITEOUT)?;
    let (path, what) = match name {
        OPAQUE => (parent.to_vec(), What::Empty),
        _ if name.starts_with(RECORD) => return Some(None),
        _ => ([parent, hidden].concat(), What::Nothing),
    };
    Some(Some(Item { path, what, attributes: Vec::new(), size: 0, ..*item }))
}

/// The manifest of the one image that is meant.
fn manifest(root: &Path, tag: Option<&str>, architecture: &str) -> Result<Value, String> {
    let index = document(&root.join("index.json"))?;
    let name = |descriptor: &Value| {
        let name = &descriptor["annotations"]["org.opencontainers.image.ref.name"];
        name.as_str().unwrap_or("").to_owned()
    };
    let all = list(&index, "manifests")?;
    let names: Vec<String> = all.iter().map(name).collect();
    let mut open: Vec<Value> =
        all.iter().filter(|one| tag.is_none_or(|tag| name(one) == tag)).cloned().collect();
    if open.is_empty() {
        return Err(match tag {
            Some(tag) => format!("no image {tag}; there are: {}", names.join(" ")),
            None => "no image".to_owned(),
        });
    }
    let mut found = Vec::new();
    for _ in 0..DEPTH {
        let mut next = Vec::new();
        for descriptor in open {
            let platform = &descriptor["platform"];
            let differs = |key: &str, wanted: &str| {
                platform[key].as_str().is_some_and(|value| value != wanted)
            };
            if differs("os", "linux") || differs("architecture", architecture) {
                continue;
            }
            let kind = text(&descriptor, "mediaType")?;
            let inner = document(&blob(root, &descriptor)?)?;
            if kind.ends_with(".index.v1+json") || kind.ends_with(".manifest.list.v2+json") {
                next.extend(list(&inner, "manifests")?.iter().cloned());
            } else if kind.contains(".manifest.") {
                found.push(inner);
            } else {
                return Err(format!("not supported: an index with {kind}"));
            }
        }
        open = next;
    }
    match &mut found[..] {
        [one] => Ok(one.take()),
        [] => Err(format!("no image for {architecture}")),
        _ => Err(format!(
            "several images for {architecture}; add one of these as :TAG: {}",
            names.join(" ")
        )),
    }
}

fn layers(
    root: &Path,
    manifest: &Value,
    architecture: &str,
) -> Result<Vec<(PathBuf, Compression)>, String> {
    let config = document(&blob(root, &manifest["config"])?)?;
    for (key, wanted) in [("os", "linux"), ("architecture", architecture)] {
        let found = text(&config, key)?;
        if found != wanted {
            return Err(format!("the image is for {found}, not for {wanted}"));
        }
    }
    let layer = |descriptor: &Value| {
        let kind = text(descriptor, "mediaType")?;
        let compression = match kind.rsplit(['.', '+']).next() {
            Some("tar") => Compression::None,
            Some("gzip") => Compression::Gzip,
            Some("zstd") => Compression::Zstd,
            _ => return Err(format!("not supported: a layer of type {kind}")),
        };
        Ok((blob(root, descriptor)?, compression))
    };
    list(manifest, "layers")?.iter().map(layer).collect()
}

/// The file of a blob, which has the size and the digest that its descriptor says.
fn blob(root: &Path, descriptor: &Value) -> Result<PathBuf, String> {
    let digest = text(descriptor, "digest")?;
    let hash = digest
        .strip_prefix("sha256:")
        .filter(|hash| hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()))
        .ok_or_else(|| format!("not supported: a digest {digest:?}"))?;
    let path = root.join("blobs/sha256").join(hash);
    let problem = |error: io::Error| format!("{}: {error}", path.display());
    let mut file = File::open(&path).map_err(problem)?;
    let mut sum = Sha256::new();
    let size = io::copy(&mut file, &mut sum).map_err(problem)?;
    let sum: String = sum.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    if sum != hash || Some(size) != descriptor["size"].as_u64() {
        return Err(format!("blob {digest} is damaged"));
    }
    Ok(path)
}

fn document(path: &Path) -> Result<Value, String> {
    let problem = |error: io::Error| format!("{}: {error}", path.display());
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(problem)?;
    file.take(DOCUMENT + 1).read_to_end(&mut bytes).map_err(problem)?;
    if bytes.len() as u64 > DOCUMENT {
        return Err(format!("{}: too large", path.display()));
    }
    serde_json::from_slice(&bytes).map_err(|error| format!("{}: {error}", path.display()))
}

fn text<'a>(value: &'a Value, key: &str) -> Result<&'a str, String> {
    value[key].as_str().ok_or_else(|| format!("a document without {key}"))
}

fn list<'a>(value: &'a Value, key: &str) -> Result<&'a Vec<Value>, String> {
    value[key].as_array().ok_or_else(|| format!("a document without {key}"))
}
