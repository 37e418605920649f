//! A device whose flush takes its time after every change, as a browser's storage does: a sync
//! that is called until it has ended does end, and the image is whole.

use sampan_disk::ext2::{Create, Ext2, Kind, Options, ROOT};
use sampan_disk::{Device, Error, Memory, Result};
use std::process::Command;

struct Late {
    inner: Memory,
    changed: bool,
}

impl Device for Late {
    fn size(&self) -> u64 {
        self.inner.size()
    }

    fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> Result<()> {
        self.inner.read_at(offset, buffer)
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> Result<()> {
        let mut old = vec![0; bytes.len()];
        self.inner.read_at(offset, &mut old)?;
        self.changed |= old != bytes;
        self.inner.write_at(offset, bytes)
    }

    fn flush(&mut self) -> Result<()> {
        if std::mem::take(&mut self.changed) { Err(Error::NotReady) } else { Ok(()) }
    }
}

#[test]
fn a_sync_ends() {
    let place = tempfile::tempdir().expect("a folder");
    let file = place.path().join("image");
    let tool = |name: &str, options: &[&str]| {
        let mut command = Command::new(name);
        command.env("PATH", "/usr/sbin:/sbin:/usr/bin:/bin").args(options).arg(&file);
        command
    };
    let made = tool("mke2fs", &["-q", "-F", "-t", "ext2"]).arg("1M").output();
    assert!(made.expect("e2fsprogs are installed").status.success());
    let inner = Memory::from(std::fs::read(&file).expect("an image"));
    let late = Late { inner, changed: false };
    let mut fs =
        Ext2::mount(late, Options::default()).map_err(|failed| failed.error).expect("ext2");
    for round in 0..3 {
        let what = Create { mode: Kind::Directory.mode_bits() | 0o755, uid: 0, gid: 0, rdev: 0 };
        fs.create(ROOT, format!("directory-{round}").as_bytes(), &what).expect("made");
        let mut calls = 0;
        while let Err(error) = fs.sync() {
            assert_eq!(error, Error::NotReady);
            calls += 1;
            assert!(calls < 20, "no end of syncs");
        }
        assert!(fs.is_clean());
    }
    let Ok(late) = fs.unmount() else { panic!("it was synced") };
    std::fs::write(&file, late.inner.bytes()).expect("written");
    let found = tool("e2fsck", &["-fn"]).output().expect("e2fsck runs");
    assert!(found.status.success(), "{}", String::from_utf8_lossy(&found.stdout));
}
