//! `sampan image extract`: an archive of what is in an image, or a directory with it.
//!
//! Names are bytes in both and are not looked at. A directory is filled from the archive by the
//! `tar` crate, which lets nothing lead out of it.

use super::show::{Image, device_numbers, open};
use super::{beside, path, progress};
use crate::args::Extract;
use crate::report::{self, Exit};
use indicatif::ProgressBar;
use sampan_disk::ext2::{Attr, Ino, Kind};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Read, Write};
use std::path::Path;
use tar::{Builder, EntryType, Header};

/// Bytes that are written at a time.
const PART: usize = 1 << 18;

/// Writes what the arguments name.
pub fn extract(args: &Extract) -> Result<Exit, String> {
    let mut fs = open(&args.image)?;
    let problem = |error| format!("{}: {}: {error}", args.image.display(), args.path);
    let top = path::find(&mut fs, args.path.as_bytes(), None).map_err(problem)?;
    if fs.getattr(top).map_err(problem)?.kind != Kind::Directory {
        return Err(format!("{}: {}: not a directory", args.image.display(), args.path));
    }
    let shown = args.output.display();
    let problem = |error: io::Error| format!("{shown}: {error}");
    let left_out = if args.output.as_os_str() == "-" {
        let out = io::stdout();
        if out.is_terminal() {
            return Err("an archive is nothing for a terminal: name a file with -o".to_owned());
        }
        match archive(&mut fs, top, BufWriter::with_capacity(PART, out.lock()), true) {
            // A reader that has seen enough is no error.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(Exit::Success),
            result => result.map_err(problem)?,
        }
    } else if args.output.is_dir() || ends_in_separator(&args.output) {
        std::fs::create_dir_all(&args.output).map_err(problem)?;
        directory(&mut fs, top, &args.output).map_err(problem)?
    } else {
        beside(&args.output, |scratch| {
            let unfinished = scratch.join("archive");
            let result = File::create(&unfinished).and_then(|file| {
                let left = archive(&mut fs, top, BufWriter::with_capacity(PART, file), true)?;
                std::fs::rename(&unfinished, &args.output)?;
                Ok(left)
            });
            result.map_err(problem)
        })?
    };
    if left_out > 0 {
        let why = match args.output.is_dir() {
            true => "sockets, pipes and devices, which only a system makes",
            false => "sockets, which no archive can hold",
        };
        report::message(format_args!("{left_out} files are left out: {why}"));
    }
    Ok(Exit::Success)
}

fn ends_in_separator(path: &Path) -> bool {
    path.as_os_str().as_encoded_bytes().last().is_some_and(|&byte| byte == b'/')
}

/// Fills a directory; as the system's administrator with the owners that the image says.
fn directory(fs: &mut Image, top: Ino, to: &Path) -> io::Result<u64> {
    let (reader, writer) = io::pipe()?;
    std::thread::scope(|scope| {
        let unpacked = scope.spawn(move || {
            let mut archive = tar::Archive::new(reader);
            archive.set_preserve_permissions(true);
            archive.set_preserve_mtime(true);
            archive.unpack(to)
        });
        let written = archive(fs, top, BufWriter::with_capacity(PART, writer), false);
        let unpacked = unpacked.join().map_err(|_| io::Error::other("cannot unpack"))?;
        // What keeps files from being made ends the pipe, too.
        unpacked.and(written)
    })
}

/// Writes the archive; with `special`, pipes and devices are in it. Gives how many files are
/// left out.
fn archive(fs: &mut Image, top: Ino, out: impl Write, special: bool) -> io::Result<u64> {
    let room = fs.statfs();
    let used = room.blocks.saturating_sub(room.free_blocks) * u64::from(room.block_size);
    let mut writer = Writer {
        fs,
        tar: Builder::new(out),
        bar: progress(used),
        special,
        left_out: 0,
        names: BTreeMap::new(),
    };
    writer.all(top)?;
    writer.bar.finish_and_clear();
    let left_out = writer.left_out;
    writer.tar.into_inner()?.flush()?;
    Ok(left_out)
}

struct Writer<'a, W: Write> {
    fs: &'a mut Image,
    tar: Builder<W>,
    bar: ProgressBar,
    special: bool,
    left_out: u64,
    /// The first name of each file that has several.
    names: BTreeMap<Ino, Vec<u8>>,
}

impl<W: Write> Writer<'_, W> {
    /// Writes all that is below `top`, in order of names.
    fn all(&mut self, top: Ino) -> io::Result<()> {
        // What is still to be written, the next one last. Directories are trees; in a damaged
        // image one may be inside itself.
        let (mut rest, mut seen) = (vec![(Vec::new(), top)], BTreeSet::new());
        while let Some((name, ino)) = rest.pop() {
            let problem = |error: &dyn std::fmt::Display| {
                io::Error::other(format!("{}: {error}", String::from_utf8_lossy(&name)))
            };
            let attr = self.fs.getattr(ino).map_err(|error| problem(&error))?;
            if !name.is_empty() {
                self.file(&name, &attr).map_err(|error| match error.kind() {
                    io::ErrorKind::BrokenPipe => error,
                    _ => problem(&error),
                })?;
            }
            if attr.kind != Kind::Directory {
                continue;
            }
            if !seen.insert(ino) {
                return Err(problem(&"the directory has two names: the image is damaged"));
            }
            let before = rest.len();
            let mut entry = |entry: sampan_disk::ext2::Entry<'_>| {
                if !matches!(entry.name, b"." | b"..") {
                    let full = [&name[..], entry.name].join(&b"/"[..name.len().min(1)]);
                    rest.push((full, entry.ino));
                }
                true
            };
            self.fs.readdir(ino, 0, &mut entry).map_err(|error| problem(&error))?;
            rest[before..].sort_unstable_by(|one, other| other.cmp(one));
        }
        Ok(())
    }

    fn file(&mut self, name: &[u8], attr: &Attr) -> io::Result<()> {
        let kind = match attr.kind {
            Kind::File => EntryType::Regular,
            Kind::Directory => EntryType::Directory,
            Kind::Symlink => EntryType::Symlink,
            Kind::Fifo if self.special => EntryType::Fifo,
            Kind::CharDevice if self.special => EntryType::Char,
            Kind::BlockDevice if self.special => EntryType::Block,
            _ => {
                self.left_out += 1;
                return Ok(());
            }
        };
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode((attr.mode & 0o7777).into());
        header.set_uid(attr.uid.into());
        header.set_gid(attr.gid.into());
        header.set_mtime(attr.mtime.seconds.try_into().unwrap_or(0));
        header.set_size(0);
        if matches!(attr.kind, Kind::CharDevice | Kind::BlockDevice) {
            let (major, minor) = device_numbers(attr.rdev);
            header.set_device_major(major)?;
            header.set_device_minor(minor)?;
        }
        if attr.kind == Kind::File && attr.links > 1 {
            if let Some(first) = self.names.get(&attr.ino).cloned() {
                header.set_entry_type(EntryType::Link);
                return self.append(name, Some(&first), header, None);
            }
            self.names.insert(attr.ino, name.to_vec());
        }
        self.attributes(attr.ino)?;
        if attr.kind == Kind::Symlink {
            let target = self.fs.readlink(attr.ino).map_err(io::Error::other)?;
            return self.append(name, Some(&target), header, None);
        }
        if attr.kind != Kind::File {
            return self.append(name, None, header, None);
        }
        header.set_size(attr.size);
        self.append(name, None, header, Some((attr.ino, attr.size)))
    }

    /// Adds the extended attributes of the entry that comes next. Names in an archive are text;
    /// others are left out.
    fn attributes(&mut self, ino: Ino) -> io::Result<()> {
        let names = self.fs.attribute_names(ino).map_err(io::Error::other)?;
        let mut list = Vec::new();
        for name in names {
            if let Ok(text) = std::str::from_utf8(&name) {
                let value = self.fs.get_attribute(ino, &name).map_err(io::Error::other)?;
                list.push((format!("SCHILY.xattr.{text}"), value));
            }
        }
        list.sort_unstable();
        if list.is_empty() {
            return Ok(());
        }
        self.tar.append_pax_extensions(list.iter().map(|(name, value)| (&name[..], &value[..])))
    }

    /// Adds an entry, with the content of a file if one is given with its size. What its header
    /// has no room for comes before it.
    fn append(
        &mut self,
        name: &[u8],
        link: Option<&[u8]>,
        mut header: Header,
        content: Option<(Ino, u64)>,
    ) -> io::Result<()> {
        let old = header.as_old_mut();
        let mut long: Vec<(&str, &[u8])> = Vec::new();
        let fields = [("path", Some(name), &mut old.name), ("linkpath", link, &mut old.linkname)];
        for (key, text, field) in fields {
            let Some(text) = text else { continue };
            let len = text.len().min(field.len());
            field[..len].copy_from_slice(&text[..len]);
            if text.len() > len {
                long.push((key, text));
            }
        }
        header.set_cksum();
        if !long.is_empty() {
            self.tar.append_pax_extensions(long)?;
        }
        match content {
            None => self.tar.append(&header, io::empty()),
            Some((ino, size)) => {
                let Writer { fs, bar, .. } = self;
                self.tar.append(&header, FileReader { fs, bar, ino, offset: 0, size })
            }
        }
    }
}

/// What is in a file of an image.
struct FileReader<'a> {
    fs: &'a mut Image,
    bar: &'a ProgressBar,
    ino: Ino,
    offset: u64,
    size: u64,
}

impl Read for FileReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.fs.read(self.ino, self.offset, buffer).map_err(io::Error::other)?;
        if count == 0 && self.offset < self.size && !buffer.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.offset += count as u64;
        self.bar.inc(count as u64);
        Ok(count)
    }
}
