//! `sampan image build`.
//!
//! The input is read twice: first to see how large it is and how new, so that size, number of
//! inodes, times and the UUID follow from it alone; then to write it.

use super::source::{Item, Source, What};
use super::{beside, debian, oci, path, progress};
use crate::args::{Build, From};
use crate::report::Exit;
use sampan_disk::ext2::{
    AttributeMode, Create, Ext2, Format, Ino, Kind, Options, ROOT, SetAttr, Timestamp, format,
};
use sampan_disk::{Error, FileDevice};
use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

/// Parts in which files are read, and in which zeros are looked for: these are left out.
const PART: usize = 1 << 18;
const HOLE: usize = 4096;
/// What a directory is that only files inside it speak of.
const PARENT: Create = Create { mode: 0o040755, uid: 0, gid: 0, rdev: 0 };

/// Makes the image; only what was finished gets the name.
pub fn build(args: &Build) -> Result<Exit, String> {
    beside(&args.output, |scratch| build_in(args, scratch))?;
    Ok(Exit::Success)
}

fn build_in(args: &Build, scratch: &Path) -> Result<(), String> {
    let source = match &args.from {
        From::Directory(root) => Source::Directory(root.clone()),
        From::Tar(file) => Source::Tar(file.clone()),
        From::Layout(place) => Source::Layers(oci::open(place, &args.arch)?),
        From::Debian(suite) => debian::make(suite, &args.arch, &args.include, scratch)?,
    };
    let survey = Survey::of(&source)?;
    let unfinished = scratch.join("image");
    let shown = args.output.display();
    let size = args.size.unwrap_or_else(|| survey.size());
    let device = FileDevice::open_or_create(&unfinished, size)
        .map_err(|error| format!("{}: {error}", unfinished.display()))?;
    let wish = Format {
        uuid: survey.uuid(),
        label: [0; 16],
        now: survey.now()?,
        inodes: Some(u32::try_from(survey.files + survey.files / 2 + 4096).unwrap_or(u32::MAX)),
    };
    let device = format(device, &wish).map_err(|error| format!("{shown}: {error}"))?;
    let fs = Ext2::mount(device, Options::default())
        .map_err(|failed| format!("{shown}: {}", failed.error))?;
    let mut writer =
        Writer { fs, now: wish.now, directories: BTreeMap::new(), part: vec![0; PART] };
    writer.fs.set_now(wish.now);
    let bar = progress(survey.bytes);
    source.visit(&mut |item, content| {
        writer
            .take(item, content)
            .map_err(|problem| format!("{}: {problem}", String::from_utf8_lossy(&item.path)))?;
        bar.inc(item.size);
        Ok(())
    })?;
    match args.from {
        From::Debian(_) => {
            for (path, content) in debian::FILES {
                writer.text_file(path, content)?;
            }
        }
        // Who runs a container brings these.
        From::Layout(_) => {
            for (path, content) in debian::FILES {
                if path::find(&mut writer.fs, path.as_bytes(), None).is_err() {
                    writer.text_file(path, content)?;
                }
            }
        }
        From::Directory(_) | From::Tar(_) => {}
    }
    writer.finish().map_err(|error| format!("{shown}: {error}"))?;
    bar.finish_and_clear();
    std::fs::rename(&unfinished, &args.output).map_err(|error| format!("{shown}: {error}"))
}

/// What the input is as a whole.
struct Survey {
    files: u64,
    bytes: u64,
    newest: i64,
    hashes: [u64; 2],
}

impl Survey {
    fn of(source: &Source) -> Result<Survey, String> {
        let hashes = [0xcbf2_9ce4_8422_2325, 0x6c62_272e_07bb_0142];
        let mut survey = Survey { files: 0, bytes: 0, newest: 0, hashes };
        source.visit(&mut |item, _| {
            survey.files += 1;
            survey.bytes = survey.bytes.saturating_add(item.size);
            survey.newest = survey.newest.max(item.modified.seconds);
            for part in [&item.path[..], &item.size.to_le_bytes()] {
                for hash in &mut survey.hashes {
                    // FNV-1a, twice from different values.
                    for &byte in part {
                        *hash = (*hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
                    }
                }
            }
            Ok(())
        })?;
        Ok(survey)
    }

    /// Half as much again as there is, and some room to work in.
    fn size(&self) -> u64 {
        let used = self.bytes.saturating_add(self.files * 4096);
        let wish = used.saturating_add(used / 2).saturating_add(64 << 20);
        wish >> 20 << 20
    }

    /// One of version 8: what is in it is our own affair.
    fn uuid(&self) -> [u8; 16] {
        let mut uuid = [0; 16];
        uuid[..8].copy_from_slice(&self.hashes[0].to_be_bytes());
        uuid[8..].copy_from_slice(&self.hashes[1].to_be_bytes());
        uuid[6] = uuid[6] & 0x0f | 0x80;
        uuid[8] = uuid[8] & 0x3f | 0x80;
        uuid
    }

    /// When the image is made: what the environment says, as reproducible builds do, else when
    /// the newest file was.
    fn now(&self) -> Result<Timestamp, String> {
        let seconds = match std::env::var("SOURCE_DATE_EPOCH") {
            Ok(text) => text.parse().map_err(|_| "SOURCE_DATE_EPOCH: not a number".to_owned())?,
            Err(_) => self.newest,
        };
        Ok(Timestamp { seconds, nanoseconds: 0 })
    }
}

struct Writer {
    fs: Ext2<FileDevice>,
    now: Timestamp,
    /// When directories were changed: each file that comes into one changes that.
    directories: BTreeMap<Ino, Timestamp>,
    part: Vec<u8>,
}

impl Writer {
    fn take(&mut self, item: &Item, content: &mut dyn Read) -> Result<(), String> {
        if matches!(item.what, What::Nothing | What::Empty) {
            return self.take_away(item);
        }
        let (directory, name) = self.place(&item.path)?;
        let Some(name) = name else {
            let is_root = matches!(item.what, What::New(Kind::Directory, _));
            return if is_root { self.attributes(ROOT, item) } else { Err("no name".to_owned()) };
        };
        let mode = |kind: Kind| kind.mode_bits() | item.perm;
        let create = |kind, rdev| Create { mode: mode(kind), uid: item.uid, gid: item.gid, rdev };
        match self.fs.lookup(directory, name) {
            Ok(old) => {
                let is_directory = matches!(item.what, What::New(Kind::Directory, _));
                let was_directory = self.fs.getattr(old).map_err(text)?.kind == Kind::Directory;
                if was_directory && is_directory {
                    return self.attributes(old, item);
                }
                path::remove(&mut self.fs, directory, name).map_err(text)?;
            }
            Err(Error::NotFound) => {}
            Err(error) => return Err(text(error)),
        }
        let ino = match &item.what {
            What::Link(target) => {
                let (at, last) = self.place(target)?;
                let last = last.ok_or("a link to the root")?;
                let old = self.fs.lookup(at, last).map_err(|error| {
                    format!("a link to {}: {error}", String::from_utf8_lossy(target))
                })?;
                return self.fs.link(old, directory, name).map_err(text);
            }
            What::Symlink(target) => {
                self.fs.symlink(directory, name, target, &create(Kind::Symlink, 0))
            }
            What::New(kind, rdev) => self.fs.create(directory, name, &create(*kind, *rdev)),
            What::Nothing | What::Empty => return Ok(()),
        }
        .map_err(text)?;
        if matches!(item.what, What::New(Kind::File, _)) {
            // Too large a file is refused before all of it is read.
            self.fs.truncate(ino, item.size).map_err(text)?;
            self.fill(ino, content)?;
        }
        self.attributes(ino, item)
    }

    /// Takes away what came before.
    fn take_away(&mut self, item: &Item) -> Result<(), String> {
        let parts: Vec<&[u8]> = path::components(&item.path).collect();
        if parts.contains(&&b".."[..]) {
            return Err("a path with '..'".to_owned());
        }
        let (parent, name) = match (&item.what, &parts[..]) {
            (What::Empty, _) => (&parts[..], None),
            (_, [parent @ .., name]) => (parent, Some(*name)),
            (_, []) => return Err("no name".to_owned()),
        };
        let directory = match path::find(&mut self.fs, &parent.join(&b'/'), None) {
            Ok(directory) => directory,
            // There was nothing.
            Err(Error::NotFound | Error::NotDirectory) => return Ok(()),
            Err(error) => return Err(text(error)),
        };
        let mut names: Vec<Vec<u8>> = name.into_iter().map(<[u8]>::to_vec).collect();
        if let What::Empty = item.what {
            let mut show = |entry: sampan_disk::ext2::Entry<'_>| {
                let is_own = matches!(entry.name, b"." | b"..");
                names.extend((!is_own).then(|| entry.name.to_vec()));
                true
            };
            match self.fs.readdir(directory, 0, &mut show) {
                Ok(_) | Err(Error::NotDirectory) => {}
                Err(error) => return Err(text(error)),
            }
        }
        for name in names {
            match path::remove(&mut self.fs, directory, &name) {
                Ok(()) | Err(Error::NotFound | Error::NotDirectory) => {}
                Err(error) => return Err(text(error)),
            }
        }
        Ok(())
    }

    /// Writes a file of root's.
    fn text_file(&mut self, path: &str, content: &str) -> Result<(), String> {
        let item = Item {
            path: path.into(),
            what: What::New(Kind::File, 0),
            perm: 0o644,
            uid: 0,
            gid: 0,
            modified: self.now,
            size: content.len() as u64,
            attributes: Vec::new(),
        };
        self.take(&item, &mut content.as_bytes()).map_err(|problem| format!("{path}: {problem}"))
    }

    /// The directory of a path, and its last component; none for the root.
    fn place<'a>(&mut self, path: &'a [u8]) -> Result<(Ino, Option<&'a [u8]>), String> {
        if path::components(path).any(|part| part == b"..") {
            return Err("a path with '..'".to_owned());
        }
        let Some(name) = path::components(path).next_back() else { return Ok((ROOT, None)) };
        let end = path.len() - path.iter().rev().take_while(|&&byte| byte == b'/').count();
        let parent = &path[..end.saturating_sub(name.len())];
        let directory = path::find(&mut self.fs, parent, Some(&PARENT)).map_err(text)?;
        Ok((directory, Some(name)))
    }

    /// Writes what is in a file. Blocks of zeros become holes.
    fn fill(&mut self, ino: Ino, content: &mut dyn Read) -> Result<(), String> {
        let mut size = 0;
        loop {
            let mut count = 0;
            while count < PART {
                match content.read(&mut self.part[count..]) {
                    Ok(0) => break,
                    Ok(more) => count += more,
                    Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error.to_string()),
                }
            }
            let mut at = 0;
            while at < count {
                let end = (at + HOLE).min(count);
                if self.part[at..end].iter().all(|&byte| byte == 0) {
                    at = end;
                    continue;
                }
                let written = self.fs.write(ino, size + at as u64, &self.part[at..end]);
                at += written.map_err(text)?;
            }
            size += count as u64;
            if count < PART {
                return self.fs.truncate(ino, size).map_err(text);
            }
        }
    }

    fn attributes(&mut self, ino: Ino, item: &Item) -> Result<(), String> {
        let is_link = matches!(item.what, What::Symlink(_));
        if matches!(item.what, What::New(Kind::Directory, _)) {
            self.directories.insert(ino, item.modified);
        }
        let change = SetAttr {
            perm: (!is_link).then_some(item.perm),
            uid: Some(item.uid),
            gid: Some(item.gid),
            atime: Some(item.modified),
            mtime: Some(item.modified),
            ctime: Some(self.now),
            flags: None,
        };
        for (name, value) in &item.attributes {
            let set = self.fs.set_attribute(ino, name, Some(value), AttributeMode::Any);
            set.map_err(|error| format!("{}: {error}", String::from_utf8_lossy(name)))?;
        }
        self.fs.setattr(ino, &change).map_err(text)
    }

    fn finish(mut self) -> sampan_disk::Result<()> {
        for (&ino, &time) in &self.directories {
            let change = SetAttr {
                atime: Some(time),
                mtime: Some(time),
                ctime: Some(self.now),
                ..SetAttr::default()
            };
            match self.fs.setattr(ino, &change) {
                // One that was replaced.
                Ok(()) | Err(Error::Stale) => {}
                Err(error) => return Err(error),
            }
        }
        self.fs.unmount().map(drop).map_err(|failed| failed.0)
    }
}

fn text(error: Error) -> String {
    error.to_string()
}
