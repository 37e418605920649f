//! Paths inside an image. Links are followed there, with the image's root as the only root, so
//! nothing that an image or an archive says leads to the host's files.

use sampan_disk::ext2::{Create, Ext2, Ino, Kind, ROOT};
use sampan_disk::{Device, Error, Result};

/// As many symbolic links in a path as Linux follows.
const LINKS: u32 = 40;

/// The components of a path, without those that mean nothing.
pub fn components(path: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> {
    path.split(|&byte| byte == b'/').filter(|part| !part.is_empty() && *part != b".")
}

/// What is at a path; a link at its end is followed. With `make`, directories that are missing
/// are made. Errors: `NotFound`, `NotDirectory`, `Invalid` where links lead in a circle.
pub fn find<D: Device>(fs: &mut Ext2<D>, path: &[u8], make: Option<&Create>) -> Result<Ino> {
    let mut rest: Vec<Vec<u8>> = components(path).rev().map(<[u8]>::to_vec).collect();
    let (mut at, mut links) = (ROOT, 0);
    while let Some(name) = rest.pop() {
        let next = match (fs.lookup(at, &name), make) {
            (Err(Error::NotFound), Some(what)) => fs.create(at, &name, what)?,
            (result, _) => result?,
        };
        if fs.getattr(next)?.kind != Kind::Symlink {
            at = next;
            continue;
        }
        links += 1;
        if links > LINKS {
            return Err(Error::Invalid);
        }
        let target = fs.readlink(next)?;
        if target.first() == Some(&b'/') {
            at = ROOT;
        }
        rest.extend(components(&target).rev().map(<[u8]>::to_vec));
    }
    Ok(at)
}

/// Takes a name away, with all that is below it. Errors: `NotFound`.
pub fn remove<D: Device>(fs: &mut Ext2<D>, directory: Ino, name: &[u8]) -> Result<()> {
    let mut open = vec![(directory, name.to_vec())];
    while let Some((directory, name)) = open.last().cloned() {
        let ino = fs.lookup(directory, &name)?;
        if fs.getattr(ino)?.kind != Kind::Directory {
            fs.unlink(directory, &name)?;
            open.pop();
            continue;
        }
        let mut first = None;
        fs.readdir(ino, 0, &mut |entry| {
            if !matches!(entry.name, b"." | b"..") {
                first = Some(entry.name.to_vec());
            }
            first.is_none()
        })?;
        match first {
            Some(inner) => open.push((ino, inner)),
            None => {
                fs.rmdir(directory, &name)?;
                open.pop();
            }
        }
    }
    Ok(())
}
