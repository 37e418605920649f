//! A directory of the host, in order of names. Owners, permissions and devices' numbers are what
//! the `tar` crate finds on each system. Names of one file are files of their own here.

use super::source::{Take, is_kept, item};
use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// Shows all that is below `root`.
pub fn visit(root: &Path, take: &mut Take<'_>) -> Result<(), String> {
    // What is still to be shown, the next one last.
    let mut rest = vec![PathBuf::new()];
    while let Some(below) = rest.pop() {
        let is_top = below.as_os_str().is_empty();
        let place = if is_top { root.to_path_buf() } else { root.join(&below) };
        let problem = |error: io::Error| format!("{}: {error}", place.display());
        let metadata = if is_top { fs::metadata(&place) } else { fs::symlink_metadata(&place) };
        let metadata = metadata.map_err(problem)?;
        if is_top && !metadata.is_dir() {
            return Err(format!("{}: not a directory", place.display()));
        }
        let path = below.as_os_str().as_encoded_bytes().to_vec();
        let link = if metadata.is_symlink() {
            let target = fs::read_link(&place).map_err(problem)?;
            Some(target.into_os_string().into_encoded_bytes())
        } else {
            None
        };
        let mut header = tar::Header::new_gnu();
        header.set_metadata(&metadata);
        // A socket, which is only a name for a program that runs.
        if header.entry_type() == tar::EntryType::new(b' ') {
            continue;
        }
        let Some(mut item) = item(path, &header, link).map_err(problem)? else { continue };
        item.attributes = attributes(&place);
        if metadata.is_file() {
            item.size = metadata.len();
            take(&item, &mut File::open(&place).map_err(problem)?)?;
            continue;
        }
        take(&item, &mut io::empty())?;
        if metadata.is_dir() {
            let mut names = fs::read_dir(&place)
                .and_then(|entries| entries.map(|entry| Ok(entry?.file_name())).collect())
                .map_err(problem)
                .map(|names: Vec<_>| names)?;
            names.sort_unstable_by(|one, other| other.cmp(one));
            rest.extend(names.into_iter().map(|name| below.join(name)));
        }
    }
    Ok(())
}

/// Attributes of a file, not of what a link leads to. Where the host has none, or shows none, there
/// are none.
fn attributes(place: &Path) -> Vec<(Vec<u8>, Vec<u8>)> {
    let names = xattr::list(place).into_iter().flatten();
    let kept = names.filter(|name| is_kept(name.as_encoded_bytes()));
    let with_value = |name: OsString| {
        let value = xattr::get(place, &name).ok()??;
        Some((name.into_encoded_bytes(), value))
    };
    let mut list: Vec<_> = kept.filter_map(with_value).collect();
    list.sort_unstable();
    list
}
