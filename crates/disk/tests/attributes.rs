//! Extended attributes: those that other tools wrote are read, random changes are what a model
//! says, other tools read them, and `e2fsck` finds nothing.

use sampan_disk::ext2::{
    Attribute, AttributeMode, Create, Ext2, Format, Ino, Options, ROOT, check, copy, format,
};
use sampan_disk::{Device, Error, Memory, Result};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

fn tool(name: &str) -> Command {
    let mut command = Command::new(name);
    command.env("PATH", "/usr/sbin:/sbin:/usr/bin:/bin");
    command
}

fn blank(options: &[&str]) -> Vec<u8> {
    let place = tempfile::tempdir().expect("a folder");
    let file = place.path().join("image");
    let mut command = tool("mke2fs");
    command.args(["-q", "-F", "-t", "ext2"]).args(options).arg(&file).arg("4M");
    assert!(command.output().expect("e2fsprogs are installed").status.success());
    std::fs::read(file).expect("an image")
}

#[track_caller]
fn e2fsck(image: &[u8]) {
    let place = tempfile::tempdir().expect("a folder");
    let file = place.path().join("image");
    std::fs::write(&file, image).expect("written");
    let output = tool("e2fsck").arg("-fn").arg(&file).output().expect("e2fsck runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    let own = check::check(Memory::from(image.to_vec()), &mut |finding| panic!("{finding}"));
    assert_eq!(own.expect("an image").findings, 0);
}

fn debugfs(image: &Path, command: &str) -> String {
    let output = tool("debugfs").args(["-w", "-R", command]).arg(image).output().expect("it runs");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn mount(image: Vec<u8>) -> Ext2<Memory> {
    Ext2::mount(Memory::from(image), Options::default()).map_err(|f| f.error).expect("an image")
}

const FILE: Create = Create { mode: 0o100644, uid: 0, gid: 0, rdev: 0 };

#[test]
fn others_attributes_are_read_and_ours_by_others() {
    let place = tempfile::tempdir().expect("a folder");
    let file = place.path().join("image");
    std::fs::write(&file, blank(&[])).expect("written");
    let long = "long ".repeat(60);
    std::fs::write(place.path().join("long"), &long).expect("written");
    debugfs(&file, "mkdir dir");
    debugfs(&file, "ea_set dir user.short value");
    debugfs(&file, &format!("ea_set -f {} dir user.long", place.path().join("long").display()));
    debugfs(&file, "ea_set dir security.other thing");
    let mut fs = mount(std::fs::read(&file).expect("an image"));
    let dir = fs.lookup(ROOT, b"dir").expect("found");
    assert_eq!(fs.get_attribute(dir, b"user.short"), Ok(b"value".to_vec()));
    assert_eq!(fs.get_attribute(dir, b"user.long"), Ok(long.clone().into_bytes()));
    assert_eq!(fs.get_attribute(dir, b"user.none"), Err(Error::NoAttribute));
    assert_eq!(fs.get_attribute(dir, b"unknown.none"), Err(Error::NotSupported));
    let mut names = fs.attribute_names(dir).expect("names");
    names.sort();
    assert_eq!(names, [&b"security.other"[..], b"user.long", b"user.short"]);

    let (set, mode) = (b"\x01\x00\x00\x02cap", AttributeMode::Create);
    fs.set_attribute(dir, b"security.capability", Some(set), mode).expect("set");
    let again = fs.set_attribute(dir, b"security.capability", Some(set), mode);
    assert_eq!(again, Err(Error::Exists));
    let none = fs.set_attribute(dir, b"user.none", Some(b"x"), AttributeMode::Replace);
    assert_eq!(none, Err(Error::NoAttribute));
    let large = fs.set_attribute(dir, b"user.large", Some(&[7; 5000]), AttributeMode::Any);
    assert_eq!(large, Err(Error::NoSpace));
    fs.set_attribute(dir, b"user.short", None, AttributeMode::Any).expect("removed");
    let image = fs.unmount().expect("written").into_bytes();
    e2fsck(&image);
    std::fs::write(&file, image).expect("written");
    let list = debugfs(&file, "ea_list dir");
    assert!(list.contains("security.capability (7) = 01 00 00 02 63 61 70"), "{list}");
    assert!(list.contains("user.long (300)") && !list.contains("user.short"), "{list}");
}

struct Random(u64);

impl Random {
    fn next(&mut self, below: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }
}

type Model = BTreeMap<Ino, BTreeMap<Vec<u8>, Vec<u8>>>;

#[track_caller]
fn same(fs: &mut Ext2<Memory>, model: &Model) {
    for (&ino, expected) in model {
        let names = fs.attribute_names(ino).expect("names");
        let found: BTreeMap<Vec<u8>, Vec<u8>> = names
            .into_iter()
            .map(|name| (name.clone(), fs.get_attribute(ino, &name).expect("a value")))
            .collect();
        assert_eq!(&found, expected, "inode {ino}");
    }
}

#[test]
fn random_changes_are_what_a_model_says() {
    for (options, seed) in [(&["-b", "1024"][..], 1), (&["-b", "1024", "-I", "128"], 2), (&[], 3)] {
        let mut random = Random(seed);
        let mut fs = mount(blank(options));
        let free = fs.statfs().free_blocks;
        let mut model = Model::new();
        for number in 0..6 {
            let ino = fs.create(ROOT, format!("{number}").as_bytes(), &FILE).expect("made");
            model.insert(ino, BTreeMap::new());
        }
        let inodes: Vec<Ino> = model.keys().copied().collect();
        for step in 0..1500 {
            let ino = inodes[random.next(6) as usize];
            let space = ["user.", "security.", "trusted."][random.next(3) as usize];
            let name = format!("{space}{:0width$}", random.next(4), width = 1 + step % 9);
            let len = if random.next(8) == 0 { 2000 } else { 90 };
            let value = vec![step as u8; random.next(len) as usize];
            let own = model.get_mut(&ino).expect("a file");
            if random.next(3) == 0 {
                let result = fs.set_attribute(ino, name.as_bytes(), None, AttributeMode::Any);
                let expected = own.remove(name.as_bytes()).map(drop).ok_or(Error::NoAttribute);
                assert_eq!(result, expected);
            } else {
                match fs.set_attribute(ino, name.as_bytes(), Some(&value), AttributeMode::Any) {
                    Ok(()) => drop(own.insert(name.into_bytes(), value)),
                    Err(error) => assert_eq!(error, Error::NoSpace),
                }
            }
            if step % 100 == 0 {
                fs.sync().expect("written");
            }
            if step % 500 == 0 {
                same(&mut fs, &model);
                let image = fs.unmount().expect("written").into_bytes();
                e2fsck(&image);
                fs = mount(image);
                same(&mut fs, &model);
            }
        }
        for number in 0..6 {
            fs.unlink(ROOT, format!("{number}").as_bytes()).expect("removed");
        }
        let image = fs.unmount().expect("written").into_bytes();
        e2fsck(&image);
        assert_eq!(mount(image).statfs().free_blocks, free, "{options:?}");
    }
}

/// Where two inodes share a block of attributes, as Linux lets them, each change is one's own.
#[test]
fn shared_blocks_are_left_to_others() {
    let mut fs = mount(blank(&["-b", "1024"]));
    let long = [b'v'; 400];
    let files: Vec<Ino> = ["a", "b", "c"]
        .iter()
        .map(|name| fs.create(ROOT, name.as_bytes(), &FILE).expect("made"))
        .collect();
    let first = files[0];
    fs.set_attribute(first, b"user.long", Some(&long), AttributeMode::Any).expect("set");
    let block = fs.getattr(first).expect("attributes").blocks;
    assert_eq!(block, 2);
    let image = fs.unmount().expect("written").into_bytes();
    let place = tempfile::tempdir().expect("a folder");
    let file = place.path().join("image");
    std::fs::write(&file, image).expect("written");
    let stat = debugfs(&file, "stat a");
    let block = stat.split("File ACL: ").nth(1).and_then(|rest| rest.split_whitespace().next());
    let block: u64 = block.expect("a block").parse().expect("a number");
    for name in ["b", "c"] {
        debugfs(&file, &format!("sif {name} file_acl {block}"));
        debugfs(&file, &format!("sif {name} blocks 2"));
    }
    let mut image = std::fs::read(&file).expect("an image");
    image[block as usize * 1024 + 4] = 3;
    e2fsck(&image);

    let mut fs = mount(image);
    fs.set_attribute(files[1], b"user.long", Some(b"other"), AttributeMode::Any).expect("set");
    let image = fs.unmount().expect("written").into_bytes();
    e2fsck(&image);
    let mut fs = mount(image);
    assert_eq!(fs.get_attribute(files[2], b"user.long"), Ok(long.to_vec()));
    assert_eq!(fs.get_attribute(files[1], b"user.long"), Ok(b"other".to_vec()));
    fs.unlink(ROOT, b"a").expect("removed");
    fs.unlink(ROOT, b"c").expect("removed");
    let image = fs.unmount().expect("written").into_bytes();
    e2fsck(&image);
    assert_eq!(image[block as usize * 1024..][..4], [0, 0, 2, 0xea], "content is left");
}

/// A copy has all attributes, of whatever name space.
#[test]
fn copies_have_them() {
    let mut fs = mount(blank(&["-b", "1024", "-I", "128"]));
    let ino = fs.create(ROOT, b"file", &FILE).expect("made");
    let list = [
        Attribute { space: 2, name: Vec::new(), value: vec![1, 0, 0, 0] },
        Attribute { space: 1, name: b"name".to_vec(), value: vec![5; 200] },
    ];
    fs.set_attributes(ino, &list).expect("set");
    assert_eq!(fs.write(ino, 5000, b"end"), Ok(3));
    assert_eq!(fs.next_data(ino, 0), Ok(Some(4096..5003)));
    assert_eq!(fs.next_data(ino, 5000), Ok(Some(5000..5003)));
    assert_eq!(fs.next_data(ino, 5003), Ok(None));
    fs.set_attribute(ROOT, b"user.root", Some(b"r"), AttributeMode::Any).expect("set");
    let device = format(Memory::new(3 << 20), &Format::default()).expect("room");
    let mut other = mount(device.into_bytes());
    copy(&mut fs, &mut other, &mut |_| {}).expect("copied");
    let ino = other.lookup(ROOT, b"file").expect("found");
    let mut found = other.attributes(ino).expect("attributes");
    found.sort_by_key(|attribute| std::cmp::Reverse(attribute.space));
    assert_eq!(found, list);
    let mut content = [1; 6000];
    assert_eq!(other.getattr(ino).expect("attributes").size, 5003);
    assert_eq!(other.read(ino, 4990, &mut content), Ok(13));
    assert_eq!(&content[..13], b"\0\0\0\0\0\0\0\0\0\0end");
    assert_eq!(other.get_attribute(ROOT, b"user.root"), Ok(b"r".to_vec()));
    e2fsck(&other.unmount().expect("written").into_bytes());
}

/// A device that takes no more writes after so many sectors.
struct Cut {
    inner: Memory,
    left: u64,
}

impl Device for Cut {
    fn size(&self) -> u64 {
        self.inner.size()
    }
    fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> Result<()> {
        self.inner.read_at(offset, buffer)
    }
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> Result<()> {
        for (at, sector) in bytes.chunks(1024).enumerate() {
            self.left = self.left.checked_sub(1).ok_or(Error::Io)?;
            self.inner.write_at(offset + at as u64 * 1024, sector)?;
        }
        Ok(())
    }
    fn flush(&mut self) -> Result<()> {
        if self.left > 0 { Ok(()) } else { Err(Error::Io) }
    }
}

/// Attributes of a file are, after an interruption, those of before a change or those of after.
#[test]
fn an_interruption_leaves_old_or_new_ones() {
    let all = |fs: &mut Ext2<Memory>, ino: Ino| -> BTreeMap<Vec<u8>, Vec<u8>> {
        let names = fs.attribute_names(ino).expect("names");
        let pair = |name: Vec<u8>| {
            let value = fs.get_attribute(ino, &name).expect("a value");
            (name, value)
        };
        names.into_iter().map(pair).collect()
    };
    for seed in 0..60 {
        let mut random = Random(seed + 77);
        let mut fs = mount(blank(&["-b", "1024"]));
        let mut inodes = Vec::new();
        let change = |random: &mut Random| {
            let name = format!("user.{}", random.next(3)).into_bytes();
            let value = vec![random.next(250) as u8; random.next(400) as usize];
            (name, (random.next(5) != 0).then_some(value))
        };
        for number in 0..8 {
            let name = format!("{number}");
            let ino = fs.create(ROOT, name.as_bytes(), &FILE).expect("made");
            inodes.push(ino);
            for _ in 0..4 {
                let (name, value) = change(&mut random);
                let _ = fs.set_attribute(ino, &name, value.as_deref(), AttributeMode::Any);
            }
        }
        let image = fs.unmount().expect("written").into_bytes();
        let mut fs = mount(image.clone());
        let old: Vec<_> = inodes.iter().map(|&ino| all(&mut fs, ino)).collect();
        // The same changes on an image that is whole, and on one that is cut.
        let left = random.next(60);
        let device = Cut { inner: Memory::from(image), left };
        let mut cut = Ext2::mount(device, Options::default()).map_err(|f| f.error).expect("mounts");
        for &ino in &inodes {
            let (name, value) = change(&mut random);
            let value = value.as_deref();
            let here = fs.set_attribute(ino, &name, value, AttributeMode::Any);
            let there = cut.set_attribute(ino, &name, value, AttributeMode::Any);
            // Too large a value is looked at again after a sync, which finds the end.
            if there == Err(Error::Io) {
                break;
            }
            assert_eq!(here, there);
        }
        let new: Vec<_> = inodes.iter().map(|&ino| all(&mut fs, ino)).collect();
        let _ = cut.sync();
        let image = std::mem::take(&mut cut.device_mut().inner).into_bytes();
        drop(cut);
        let place = tempfile::tempdir().expect("a folder");
        let file = place.path().join("image");
        std::fs::write(&file, &image).expect("written");
        let output = tool("e2fsck").arg("-fy").arg(&file).output().expect("e2fsck runs");
        assert!(matches!(output.status.code(), Some(0 | 1)), "seed {seed}");
        let mended = std::fs::read(&file).expect("an image");
        e2fsck(&mended);
        for image in [mended, image] {
            let mut fs = mount(image);
            for (index, &ino) in inodes.iter().enumerate() {
                let found = all(&mut fs, ino);
                assert!(found == old[index] || found == new[index], "seed {seed}, inode {ino}");
            }
        }
    }
}
