//! File systems that we make: `e2fsck` finds nothing, the same input gives the same bytes, and
//! what is written into them is there.

use sampan_disk::ext2::{Create, Ext2, Format, Options, ROOT, Timestamp, format};
use sampan_disk::{Error, Memory};
use std::process::Command;

fn made(bytes: usize, inodes: Option<u32>, before: u8) -> Vec<u8> {
    let now = Timestamp { seconds: 1_700_000_000, nanoseconds: 0 };
    let wish = Format { uuid: *b"sampan-test-0001", now, inodes, ..Format::default() };
    let device = Memory::from(vec![before; bytes]);
    format(device, &wish).expect("formatted").into_bytes()
}

#[track_caller]
fn check(image: &[u8]) {
    let place = tempfile::tempdir().expect("a folder");
    let file = place.path().join("image");
    std::fs::write(&file, image).expect("written");
    let output = Command::new("e2fsck")
        .env("PATH", "/usr/sbin:/sbin:/usr/bin:/bin")
        .arg("-fn")
        .arg(&file)
        .output()
        .expect("e2fsprogs are installed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn sizes() {
    // One group; exactly two; a last group too small to be one; short; large blocks; odd bytes.
    for bytes in [1 << 20, (16 << 20) + 1024, (8 << 20) + 30_000, 100 << 20, 600_000_123] {
        check(&made(bytes, None, 0));
    }
    check(&made(64 << 20, Some(60_000), 0));
    check(&made(64 << 20, Some(1), 0));
}

#[test]
fn same_bytes_and_nothing_of_before() {
    let one = made(20 << 20, None, 0);
    assert!(one == made(20 << 20, None, 0));
    check(&made(20 << 20, None, 0xff));
}

#[test]
fn too_small_and_too_many() {
    let wish = Format::default();
    assert_eq!(format(Memory::new(0), &wish).err(), Some(Error::NoSpace));
    assert_eq!(format(Memory::new(50_000), &wish).err(), Some(Error::NoSpace));
    let wish = Format { inodes: Some(u32::MAX), ..wish };
    assert_eq!(format(Memory::new(10 << 20), &wish).err(), Some(Error::Invalid));
}

#[test]
fn fills() {
    let mut fs = Ext2::mount(Memory::from(made(12 << 20, None, 0)), Options::default())
        .expect("what we made can be mounted");
    let what = Create { mode: 0o100644, uid: 1, gid: 2, rdev: 0 };
    let mut files = 0;
    let error = 'all: loop {
        let name = format!("file {files}");
        let ino = match fs.create(ROOT, name.as_bytes(), &what) {
            Ok(ino) => ino,
            Err(error) => break error,
        };
        files += 1;
        let mut offset = 0;
        while offset < 300_000 {
            match fs.write(ino, offset, &[files as u8; 50_000]) {
                Ok(count) => offset += count as u64,
                Err(error) => break 'all error,
            }
        }
    };
    assert_eq!(error, Error::NoSpace);
    assert!(files > 30, "{files} files");
    let mut byte = [0];
    let first = fs.lookup(ROOT, b"file 3").expect("it is there");
    assert_eq!(fs.read(first, 299_999, &mut byte), Ok(1));
    assert_eq!(byte, [4]);
    let device = fs.unmount().map_err(|failed| failed.0).expect("written");
    check(device.bytes());
}
