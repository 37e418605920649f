//! What is done to a file system that may be damaged in any way: all calls, on any inodes, with
//! any names and places. The test of damaged images and the fuzz target share it.

use sampan_disk::ext2::{
    AttributeMode, Create, Ext2, Format, Ino, Kind, Options, RenameMode, SetAttr, check, format,
};
use sampan_disk::{Device, Error, Memory, Result};

/// Says a number below another one; none when it is enough.
pub type Choose<'a> = dyn FnMut(u64) -> Option<u64> + 'a;

/// Most accesses of the device: far more than what any number of calls here takes, and an image
/// that makes a call endless is found.
const ACCESSES: u64 = 3_000_000;

/// A device that counts what is asked of it.
#[derive(Debug)]
pub struct Counted {
    inner: Memory,
    left: u64,
}

impl Counted {
    pub fn new(image: Vec<u8>) -> Counted {
        Counted { inner: Memory::from(image), left: ACCESSES }
    }

    pub fn into_bytes(self) -> Vec<u8> {
        self.inner.into_bytes()
    }

    fn count(&mut self) {
        self.left = self.left.checked_sub(1).expect("a call does not end");
    }
}

impl Device for Counted {
    fn size(&self) -> u64 {
        self.inner.size()
    }
    fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> Result<()> {
        self.count();
        self.inner.read_at(offset, buffer)
    }
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> Result<()> {
        self.count();
        self.inner.write_at(offset, bytes)
    }
    fn flush(&mut self) -> Result<()> {
        self.inner.flush()
    }
}

/// An image with files of all kinds, made without other tools.
pub fn image() -> Vec<u8> {
    let wish = Format { uuid: [7; 16], inodes: Some(128), ..Format::default() };
    let device = format(Memory::new(1 << 20), &wish).expect("there is room");
    let mut fs = Ext2::mount(device, Options::default()).expect("it was just made");
    let what = |kind: Kind| Create { mode: kind.mode_bits() | 0o755, uid: 0, gid: 0, rdev: 259 };
    let mut at = 2;
    for (name, kind) in [
        ("dir", Kind::Directory),
        ("deep", Kind::Directory),
        ("pipe", Kind::Fifo),
        ("null", Kind::CharDevice),
    ] {
        let ino = fs.create(at, name.as_bytes(), &what(kind)).expect("made");
        at = if kind == Kind::Directory { ino } else { at };
    }
    for (name, size, place) in [("small", 10, 0), ("single", 40_000, 0), ("double", 400, 400_000)] {
        let ino = fs.create(2, name.as_bytes(), &what(Kind::File)).expect("made");
        let mut done = 0;
        while done < size {
            done += fs.write(ino, place + done as u64, &vec![b'x'; size - done]).expect("written");
        }
        fs.link(ino, at, name.as_bytes()).expect("linked");
        let value = vec![9; size.min(300)];
        fs.set_attribute(ino, b"user.a", Some(&value), AttributeMode::Any).expect("set");
    }
    for number in 0..150 {
        let name = format!("a name that is not short {number}");
        fs.link(13, 11, name.as_bytes()).or_else(|_| fs.link(16, 11, name.as_bytes())).ok();
    }
    for target in ["small", &"long/".repeat(30)] {
        let name = format!("link{}", target.len());
        fs.symlink(2, name.as_bytes(), target.as_bytes(), &what(Kind::Symlink)).expect("made");
    }
    fs.unmount().expect("written").into_bytes()
}

/// Mounts it to write, makes calls until there are no more numbers, and unmounts it; what is on
/// the device then, unless it can't be mounted. It is checked before and after.
pub fn act(image: Vec<u8>, choose: &mut Choose<'_>) -> Option<Vec<u8>> {
    let before = check::check(Counted::new(image.clone()), &mut |_| {});
    let options = Options { cache_bytes: 1 << 16, dirty_bytes: 1 << 18, ..Options::default() };
    let mut fs = match Ext2::mount(Counted::new(image), options) {
        Ok(fs) => fs,
        Err(failed) => {
            // What the check calls sound can be mounted.
            assert!(!before.is_ok_and(|summary| summary.findings == 0), "{}", failed.error);
            return None;
        }
    };
    let mut held = Vec::new();
    while let Some(call) = choose(18) {
        if one(&mut fs, call, &mut held, choose).is_none() {
            break;
        }
    }
    let image = match fs.unmount() {
        Ok(device) => device.into_bytes(),
        // A damaged table can't be written to; what is there stays there.
        Err(failed) => {
            assert!(matches!(failed.0, Error::Corrupt { .. } | Error::NoSpace), "{}", failed.0);
            return None;
        }
    };
    let _ = check::check(Counted::new(image.clone()), &mut |_| {});
    Some(image)
}

/// One call, which may fail. None when there are no more numbers.
fn one(
    fs: &mut Ext2<Counted>,
    call: u64,
    held: &mut Vec<Ino>,
    choose: &mut Choose<'_>,
) -> Option<()> {
    let mut ino = || Some(if choose(8)? == 0 { choose(300)? } else { choose(40)? } as Ino);
    let (a, b) = (ino()?, ino()?);
    let mut name = || {
        const NAMES: [&str; 9] =
            ["dir", "deep", "small", "single", "double", "link5", "pipe", "new", "."];
        Some(match choose(12)? {
            0 => "n".repeat(1 + choose(254)? as usize),
            other => NAMES[other as usize % NAMES.len()].to_owned(),
        })
    };
    let (first, second) = (name()?, name()?);
    let (first, second) = (first.as_bytes(), second.as_bytes());
    let offset = match choose(5)? {
        0 => choose(u64::MAX)?,
        1 => choose(1 << 32)?,
        2 => choose(1 << 22)?,
        _ => choose(60_000)?,
    };
    let mut bytes = vec![choose(256)? as u8; choose(6000)? as usize];
    let kinds = [Kind::File, Kind::Directory, Kind::Fifo, Kind::CharDevice];
    let what = Create {
        mode: kinds[choose(4)? as usize].mode_bits() | 0o640,
        uid: a,
        gid: b,
        rdev: offset as u32,
    };
    let _ = match call {
        0 => fs.create(a, first, &what).map(drop),
        1 => fs.symlink(a, first, &bytes, &what).map(drop),
        2 => fs.unlink(a, first),
        3 => fs.rmdir(a, first),
        4 => fs.link(a, b, first),
        5 | 6 if makes_loop(fs, a, first, b) || makes_loop(fs, b, second, a) => Ok(()),
        5 => fs.rename(a, first, b, second, RenameMode::Replace),
        6 => fs.rename(a, first, b, second, RenameMode::Exchange),
        7 | 8 => fs.write(a, offset, &bytes).map(drop),
        9 => fs.truncate(a, offset),
        10 => fs.read(a, offset, &mut bytes).map(drop),
        11 => fs.readdir(a, offset, &mut |_| true).map(drop),
        12 => fs.readlink(a).and_then(|_| fs.lookup(a, first)).map(drop),
        13 => fs.setattr(a, &SetAttr { perm: Some(0o600), flags: Some(b), ..SetAttr::default() }),
        14 => fs
            .tmpfile(a, &what)
            .map(|ino| {
                fs.hold(ino);
                held.push(ino);
            })
            .and_then(|()| fs.attribute_names(a))
            .map(drop),
        15 => {
            bytes.truncate(bytes.len() / 8);
            let value = (offset % 3 != 0).then_some(&bytes[..]);
            fs.set_attribute(a, b"user.b", value, AttributeMode::Any)
        }
        16 => {
            if let Some(ino) = held.pop() {
                fs.release(ino);
            } else {
                fs.hold(a);
                held.push(a);
            }
            Ok(())
        }
        _ => {
            fs.reap();
            fs.sync()
        }
    };
    Some(())
}

/// Whether a name's directory has `to` in it, as far as that can be seen: the caller of `rename`
/// is to look.
fn makes_loop(fs: &mut Ext2<Counted>, from: Ino, name: &[u8], to: Ino) -> bool {
    let Ok(moved) = fs.lookup(from, name) else { return false };
    let mut at = to;
    for _ in 0..50 {
        if at == moved {
            return true;
        }
        match fs.lookup(at, b"..") {
            Ok(up) if up != at => at = up,
            _ => return false,
        }
    }
    true
}
