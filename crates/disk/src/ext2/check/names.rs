//! Names in directories: where they lead, and whether the root leads to all directories.

use super::super::directory::{Raw, entry};
use super::super::{Ino, Kind, ROOT};
use super::{Check, Place};
use crate::{Device, Result};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::vec::Vec;

/// The least that an entry takes.
const SHORTEST: usize = 12;

impl<D: Device> Check<'_, D> {
    pub(super) fn all_names(&mut self) -> Result<()> {
        let list: Vec<Ino> = self.directories.keys().copied().collect();
        for ino in list {
            self.directory(ino)?;
        }
        self.all_connected();
        Ok(())
    }

    fn directory(&mut self, ino: Ino) -> Result<()> {
        let Some(directory) = self.directories.get_mut(&ino) else { return Ok(()) };
        let (blocks, is_indexed) = (core::mem::take(&mut directory.blocks), directory.is_indexed);
        let place = || Place::Inode(ino);
        if blocks.iter().zip(0..).any(|(block, number)| block.0 != number) {
            self.report(place(), "a directory with a hole, or with a block of another's");
        }
        if is_indexed {
            self.tree_of_names(ino, &blocks)?;
        }
        let mut names = BTreeSet::new();
        for (number, block) in blocks {
            let bytes = self.cache.get(block)?.to_vec();
            let (mut at, mut index) = (0, 0_u32);
            while at < bytes.len() {
                let sound = entry(&bytes, at).filter(|raw| raw.len >= SHORTEST);
                let Some(raw) = sound else {
                    self.report(
                        place(),
                        format!("entries of the directory are damaged, in block {block}"),
                    );
                    break;
                };
                let expected: Option<&[u8]> = match (number, index) {
                    (0, 0) => Some(b"."),
                    (0, 1) => Some(b".."),
                    _ => None,
                };
                // Some look for the zero behind these two.
                let end = at + 8 + raw.name.len();
                let is_other = |name| raw.name != name || raw.ino == 0 || bytes[end] != 0;
                if expected.is_some_and(is_other) {
                    self.report(place(), "a directory that does not begin with '.' and '..'");
                }
                if raw.ino != 0 {
                    self.name(ino, &raw, &mut names);
                }
                at += raw.len;
                index += 1;
            }
            if number == 0 && index < 2 {
                self.report(place(), "a directory that does not begin with '.' and '..'");
            }
        }
        Ok(())
    }

    fn name(&mut self, directory: Ino, raw: &Raw<'_>, names: &mut BTreeSet<Vec<u8>>) {
        let place = || Place::Name(directory, raw.name.to_vec());
        let ino = raw.ino;
        if raw.name.is_empty() || raw.name.iter().any(|byte| matches!(byte, b'/' | 0)) {
            self.report(place(), "no name that a file can have");
        }
        if !names.insert(raw.name.to_vec()) {
            self.report(place(), "is there twice");
        }
        if ino > self.sb.inodes || ino < self.sb.first_inode && ino != ROOT {
            self.report(place(), format!("leads to inode {ino}, which no file can be"));
            return;
        }
        let Some(seen) = self.inodes.get_mut(&ino) else {
            self.report(place(), format!("leads to inode {ino}, which is not in use"));
            return;
        };
        seen.names += 1;
        let code = if self.sb.has_kinds() { seen.kind.entry_code() } else { 0 };
        let is_directory = seen.kind == Kind::Directory;
        // 0 says that it is not known.
        if raw.kind != code && (raw.kind != 0 || !self.sb.has_kinds()) {
            self.report(
                place(),
                format!("says kind {}, but inode {ino} is of kind {code}", raw.kind),
            );
        }
        match raw.name {
            b"." if ino != directory => self.report(place(), format!("leads to inode {ino}")),
            b"." => {}
            b".." => {
                if let Some(own) = self.directories.get_mut(&directory) {
                    own.up = Some(ino);
                }
            }
            _ if is_directory => {
                let child = self.directories.get_mut(&ino);
                let second = ino == ROOT
                    || child.is_some_and(|child| child.parent.replace(directory).is_some());
                if second {
                    self.report(place(), format!("another name of directory {ino}"));
                }
            }
            _ => {}
        }
    }

    fn all_connected(&mut self) {
        if !self.directories.contains_key(&ROOT) {
            self.report(Place::Inode(ROOT), "the root is no directory");
            return;
        }
        let mut inside: BTreeMap<Ino, Vec<Ino>> = BTreeMap::new();
        let mut wrong = Vec::new();
        for (&ino, directory) in &self.directories {
            let parent = if ino == ROOT { Some(ROOT) } else { directory.parent };
            let Some(parent) = parent else { continue };
            if ino != ROOT {
                inside.entry(parent).or_default().push(ino);
            }
            if directory.up != Some(parent) {
                let up = directory.up.unwrap_or(0);
                wrong.push((ino, format!("is in directory {parent}, but '..' leads to {up}")));
            }
        }
        let mut reached = BTreeSet::from([ROOT]);
        let mut open = Vec::from([ROOT]);
        while let Some(ino) = open.pop() {
            for &child in inside.get(&ino).into_iter().flatten() {
                if reached.insert(child) {
                    open.push(child);
                }
            }
        }
        let lost = self.directories.keys().filter(|ino| !reached.contains(ino));
        wrong.extend(lost.map(|&ino| (ino, "a directory to which the root does not lead".into())));
        for (ino, what) in wrong {
            self.report(Place::Inode(ino), what);
        }
    }
}
