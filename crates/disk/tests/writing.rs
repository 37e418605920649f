//! Random operations on images that `mke2fs` made, compared with a model: what is read back
//! is what was written, `e2fsck` finds nothing, and after an interruption at any write nothing
//! that was synced is lost.

use sampan_disk::ext2::{Create, Ext2, Ino, Kind, Options, ROOT, RenameMode, SetAttr};
use sampan_disk::{Device, Error, Memory, Result};
use std::collections::BTreeMap;
use std::process::Command;

/// Files and directories of a directory, by name; files by number in [`Model::files`].
#[derive(Clone, Debug, PartialEq)]
enum Node {
    File(usize),
    Directory(BTreeMap<String, Node>),
    Symlink(Vec<u8>),
}

#[derive(Clone, Debug, Default)]
struct Model {
    root: BTreeMap<String, Node>,
    files: Vec<Vec<u8>>,
}

/// What is there, by path.
type Tree = BTreeMap<String, (Kind, Vec<u8>)>;

impl Model {
    fn directory(&mut self, path: &[String]) -> &mut BTreeMap<String, Node> {
        let mut at = &mut self.root;
        for name in path {
            at = match at.get_mut(name) {
                Some(Node::Directory(next)) => next,
                _ => panic!("{path:?} is no directory"),
            };
        }
        at
    }

    /// Paths of all directories.
    fn directories(&self) -> Vec<Vec<String>> {
        let mut list = vec![Vec::new()];
        let mut at = 0;
        while at < list.len() {
            let path = list[at].clone();
            for (name, node) in self.clone().directory(&path).iter() {
                if matches!(node, Node::Directory(_)) {
                    list.push([&path[..], std::slice::from_ref(name)].concat());
                }
            }
            at += 1;
        }
        list
    }

    fn tree(&self) -> Tree {
        let mut tree = Tree::new();
        for path in self.directories() {
            for (name, node) in self.clone().directory(&path).iter() {
                let name =
                    format!("/{}", [&path[..], std::slice::from_ref(name)].concat().join("/"));
                let value = match node {
                    Node::File(number) => (Kind::File, self.files[*number].clone()),
                    Node::Directory(_) => (Kind::Directory, Vec::new()),
                    Node::Symlink(target) => (Kind::Symlink, target.clone()),
                };
                tree.insert(name, value);
            }
        }
        tree
    }
}

struct Random(u64);

impl Random {
    fn next(&mut self, below: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }
}

fn tool(name: &str) -> Command {
    let mut command = Command::new(name);
    command.env("PATH", "/usr/sbin:/sbin:/usr/bin:/bin");
    command
}

fn blank(options: &[&str], size: &str) -> Vec<u8> {
    let place = tempfile::tempdir().expect("a folder");
    let file = place.path().join("image");
    let made =
        tool("mke2fs").args(["-q", "-F", "-t", "ext2"]).args(options).arg(&file).arg(size).output();
    assert!(made.expect("e2fsprogs are installed").status.success());
    std::fs::read(file).expect("an image")
}

/// What `e2fsck` says with these options; it must end with one of these codes.
#[track_caller]
fn check(image: &[u8], options: &[&str], codes: &[i32]) -> Vec<u8> {
    let place = tempfile::tempdir().expect("a folder");
    let file = place.path().join("image");
    std::fs::write(&file, image).expect("written");
    let output = tool("e2fsck").args(options).arg(&file).output().expect("e2fsck runs");
    let code = output.status.code().unwrap_or(-1);
    assert!(codes.contains(&code), "{code}: {}", String::from_utf8_lossy(&output.stdout));
    std::fs::read(file).expect("an image")
}

fn mount<D: Device>(mut device: D, options: Options) -> Ext2<D> {
    loop {
        match Ext2::mount(device, options) {
            Ok(fs) => return fs,
            Err(failed) if failed.error == Error::NotReady => device = failed.device,
            Err(failed) => panic!("{}", failed.error),
        }
    }
}

/// Small caches, so that blocks come and go.
fn small() -> Options {
    Options { cache_bytes: 1 << 17, dirty_bytes: 1 << 19, ..Options::default() }
}

/// Makes a call again until the device is ready.
fn wait<R>(mut call: impl FnMut() -> Result<R>) -> Result<R> {
    loop {
        match call() {
            Err(Error::NotReady) => {}
            result => return result,
        }
    }
}

fn content<D: Device>(fs: &mut Ext2<D>, ino: Ino) -> Vec<u8> {
    let size = wait(|| fs.getattr(ino)).expect("attributes").size;
    let mut all = Vec::new();
    while (all.len() as u64) < size {
        let mut part = vec![0; 50_000];
        let offset = all.len() as u64;
        let count = wait(|| fs.read(ino, offset, &mut part)).expect("read");
        assert!(count > 0);
        all.extend_from_slice(&part[..count]);
    }
    all
}

fn tree<D: Device>(fs: &mut Ext2<D>) -> Tree {
    let mut tree = Tree::new();
    let mut open = vec![(String::new(), ROOT)];
    while let Some((path, directory)) = open.pop() {
        let list = wait(|| {
            let mut list = Vec::new();
            fs.readdir(directory, 0, &mut |entry| {
                list.push((entry.name.to_vec(), entry.ino));
                true
            })?;
            Ok(list)
        })
        .expect("listed");
        for (name, ino) in list {
            assert_eq!(wait(|| fs.lookup(directory, &name)), Ok(ino));
            if name == b"." || name == b".." || path.is_empty() && name == b"lost+found" {
                continue;
            }
            let path = format!("{path}/{}", String::from_utf8_lossy(&name));
            let kind = wait(|| fs.getattr(ino)).expect("attributes").kind;
            let content = match kind {
                Kind::File => content(fs, ino),
                Kind::Symlink => wait(|| fs.readlink(ino)).expect("a link"),
                _ => Vec::new(),
            };
            if kind == Kind::Directory {
                open.push((path.clone(), ino));
            }
            tree.insert(path, (kind, content));
        }
    }
    tree
}

#[track_caller]
fn same(expected: &Tree, found: &Tree) {
    let names: std::collections::BTreeSet<_> = expected.keys().chain(found.keys()).collect();
    let differ: Vec<_> =
        names.into_iter().filter(|name| expected.get(*name) != found.get(*name)).collect();
    assert!(differ.is_empty(), "{differ:?}");
}

fn what(kind: Kind) -> Create {
    Create { mode: kind.mode_bits() | 0o755, uid: 1000, gid: 70_000, rdev: 0 }
}

/// One operation on both; errors must be such that the model's state is the image's.
fn step<D: Device>(fs: &mut Ext2<D>, model: &mut Model, random: &mut Random) {
    let directories = model.directories();
    let path = directories[random.next(directories.len() as u64) as usize].clone();
    let resolve = |fs: &mut Ext2<D>, path: &[String]| {
        path.iter().fold(ROOT, |at, name| wait(|| fs.lookup(at, name.as_bytes())).expect("found"))
    };
    let at = resolve(fs, &path);
    let fresh = |random: &mut Random| {
        let long = if random.next(4) == 0 { 120 } else { 3 };
        format!("{:0width$}", random.next(60), width = long)
    };
    let name = fresh(random);
    let there = model.directory(&path).get(&name).cloned();
    match (random.next(12), there) {
        (0 | 1, None) => match wait(|| fs.create(at, name.as_bytes(), &what(Kind::File))) {
            Ok(_) => {
                model.files.push(Vec::new());
                let number = model.files.len() - 1;
                model.directory(&path).insert(name, Node::File(number));
            }
            Err(error) => assert_eq!(error, Error::NoSpace),
        },
        (0 | 1, Some(_)) => {
            let made = wait(|| fs.create(at, name.as_bytes(), &what(Kind::File)));
            assert_eq!(made, Err(Error::Exists));
        }
        (2, None) if path.len() < 4 => {
            match wait(|| fs.create(at, name.as_bytes(), &what(Kind::Directory))) {
                Ok(_) => {
                    drop(model.directory(&path).insert(name, Node::Directory(BTreeMap::new())))
                }
                Err(error) => assert_eq!(error, Error::NoSpace),
            }
        }
        (3, None) => {
            let target = vec![b'x'; 1 + random.next(200) as usize];
            match wait(|| fs.symlink(at, name.as_bytes(), &target, &what(Kind::Symlink))) {
                Ok(_) => drop(model.directory(&path).insert(name, Node::Symlink(target))),
                Err(error) => assert_eq!(error, Error::NoSpace),
            }
        }
        (2 | 3, Some(Node::Directory(inside))) => {
            let result = wait(|| fs.rmdir(at, name.as_bytes()));
            if inside.is_empty() {
                assert_eq!(result, Ok(()));
                model.directory(&path).remove(&name);
            } else {
                assert_eq!(result, Err(Error::NotEmpty));
            }
        }
        (4, Some(node)) => {
            let result = wait(|| fs.unlink(at, name.as_bytes()));
            if matches!(node, Node::Directory(_)) {
                assert_eq!(result, Err(Error::IsDirectory));
            } else {
                assert_eq!(result, Ok(()));
                model.directory(&path).remove(&name);
            }
        }
        (5 | 6, Some(Node::File(number))) => {
            let ino = wait(|| fs.lookup(at, name.as_bytes())).expect("found");
            // Now and then far behind the end, into the trees of pointers.
            let file = &mut model.files[number];
            let range = if random.next(6) == 0 { 600_000 } else { file.len() as u64 + 3000 };
            let offset = random.next(range) as usize;
            let byte = random.next(256) as u8;
            let bytes = vec![byte; 1 + random.next(20_000) as usize];
            match wait(|| fs.write(ino, offset as u64, &bytes)) {
                Ok(count) => {
                    file.resize(file.len().max(offset + count), 0);
                    file[offset..offset + count].copy_from_slice(&bytes[..count]);
                }
                Err(error) => assert_eq!(error, Error::NoSpace),
            }
        }
        (7, Some(Node::File(number))) => {
            let ino = wait(|| fs.lookup(at, name.as_bytes())).expect("found");
            let size = random.next(model.files[number].len() as u64 + 5000);
            assert_eq!(wait(|| fs.truncate(ino, size)), Ok(()));
            model.files[number].resize(size as usize, 0);
            let change = SetAttr { perm: Some(0o640), uid: Some(70_001), ..SetAttr::default() };
            assert_eq!(wait(|| fs.setattr(ino, &change)), Ok(()));
            let attr = wait(|| fs.getattr(ino)).expect("attributes");
            assert_eq!((attr.mode & 0o7777, attr.uid, attr.size), (0o640, 70_001, size));
        }
        (8, Some(Node::File(number))) => {
            let ino = wait(|| fs.lookup(at, name.as_bytes())).expect("found");
            let to = directories[random.next(directories.len() as u64) as usize].clone();
            let (to_ino, other) = (resolve(fs, &to), fresh(random));
            match wait(|| fs.link(ino, to_ino, other.as_bytes())) {
                Ok(()) => {
                    let old = model.directory(&to).insert(other, Node::File(number));
                    assert_eq!(old, None);
                }
                Err(Error::Exists) => assert!(model.directory(&to).contains_key(&other)),
                Err(error) => assert_eq!(error, Error::NoSpace),
            }
        }
        (9.., Some(node)) => {
            let to = directories[random.next(directories.len() as u64) as usize].clone();
            let own = [&path[..], std::slice::from_ref(&name)].concat();
            let other = fresh(random);
            // What the kernel above checks first.
            let target = [&to[..], std::slice::from_ref(&other)].concat();
            if to.starts_with(&own) || own.starts_with(&target) {
                return;
            }
            let to_ino = resolve(fs, &to);
            let there = model.directory(&to).get(&other).cloned();
            let mode = match random.next(5) {
                0 if !target.starts_with(&own) => RenameMode::Exchange,
                _ => RenameMode::Replace,
            };
            let result = wait(|| fs.rename(at, name.as_bytes(), to_ino, other.as_bytes(), mode));
            match (result, there) {
                (Ok(()), Some(there)) if there == node && matches!(node, Node::File(_)) => {}
                (Ok(()), Some(there)) if mode == RenameMode::Exchange => {
                    model.directory(&to).insert(other, node);
                    model.directory(&path).insert(name, there);
                }
                (Ok(()), _) => {
                    assert!(mode == RenameMode::Replace);
                    model.directory(&path).remove(&name);
                    model.directory(&to).insert(other, node);
                }
                (Err(Error::NotFound), None) => assert!(mode == RenameMode::Exchange),
                (Err(Error::NotEmpty | Error::IsDirectory | Error::NotDirectory), Some(_)) => {}
                (Err(error), _) => assert_eq!(error, Error::NoSpace),
            }
        }
        _ => {}
    }
}

const LAYOUTS: [&[&str]; 4] = [
    &["-b", "1024", "-N", "512"],
    &["-b", "4096"],
    &["-b", "1024", "-I", "128", "-g", "1024"],
    &["-r", "0", "-b", "1024"],
];

#[test]
fn random_operations_are_those_of_a_model() {
    for (seed, layout) in LAYOUTS.into_iter().enumerate() {
        let (mut model, mut random) = (Model::default(), Random(seed as u64));
        let mut image = blank(layout, "4M");
        for _ in 0..4 {
            let mut fs = mount(Memory::from(image), small());
            for _ in 0..400 {
                step(&mut fs, &mut model, &mut random);
                if random.next(40) == 0 {
                    fs.sync().expect("synced");
                }
            }
            same(&model.tree(), &tree(&mut fs));
            let device = fs.unmount().map_err(|failed| failed.0).expect("unmounts");
            image = device.into_bytes();
            check(&image, &["-fn"], &[0]);
            let mut fs = mount(Memory::from(image.clone()), Options { read_only: true, ..small() });
            same(&model.tree(), &tree(&mut fs));
        }
        assert!(model.files.len() > 50, "{}", model.files.len());
    }
}

/// A device that is late, and fails, at random; and that counts writes, of which it takes
/// only so many.
struct Bad {
    inner: Memory,
    random: Random,
    late: bool,
    failing: bool,
    writes: u64,
    writes_max: u64,
}

impl Bad {
    fn mood(&mut self) -> Result<()> {
        match self.random.next(6) {
            0 | 1 if self.late => Err(Error::NotReady),
            2 if self.failing => Err(Error::Io),
            _ => Ok(()),
        }
    }
}

impl Device for Bad {
    fn size(&self) -> u64 {
        self.inner.size()
    }

    fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> Result<()> {
        self.mood()?;
        self.inner.read_at(offset, buffer)
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> Result<()> {
        self.mood()?;
        // Sectors are written one after the other, or not at all any more.
        for (at, sector) in bytes.chunks(1024).enumerate() {
            self.writes += 1;
            if self.writes > self.writes_max {
                return Err(Error::Io);
            }
            self.inner.write_at(offset + at as u64 * 1024, sector)?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        self.mood()
    }
}

fn bad(image: Vec<u8>, seed: u64) -> Bad {
    let writes_max = u64::MAX;
    Bad {
        inner: Memory::from(image),
        random: Random(seed),
        late: false,
        failing: false,
        writes: 0,
        writes_max,
    }
}

#[test]
fn a_device_that_is_late_and_fails_changes_nothing() {
    for seed in 0..3 {
        let (mut model, mut random) = (Model::default(), Random(seed + 100));
        let mut fs = mount(bad(blank(LAYOUTS[0], "4M"), seed), small());
        fs.device_mut().late = true;
        for round in 0..400 {
            step(&mut fs, &mut model, &mut random);
            if round % 50 == 49 {
                // Whatever fails here has no effect.
                fs.device_mut().failing = true;
                let before = model.tree();
                for name in ["a", "b", "c"] {
                    let made = wait(|| fs.create(ROOT, name.as_bytes(), &what(Kind::Directory)));
                    if made.is_ok() {
                        fs.device_mut().failing = false;
                        wait(|| fs.rmdir(ROOT, name.as_bytes())).expect("removed");
                        fs.device_mut().failing = true;
                    }
                }
                let _ = wait(|| fs.sync());
                fs.device_mut().failing = false;
                same(&before, &tree(&mut fs));
            }
        }
        wait(|| fs.sync()).expect("synced");
        fs.device_mut().late = false;
        let device = fs.unmount().map_err(|failed| failed.0).expect("unmounts");
        check(device.inner.bytes(), &["-fn"], &[0]);
    }
}

/// After an interruption `e2fsck` mends the image, and what was synced and not changed since
/// is there. Without `e2fsck` it can be used as well.
#[test]
fn an_interruption_loses_nothing_that_was_synced() {
    for seed in 0..24 {
        let layout = LAYOUTS[seed as usize % 3];
        let (mut model, mut random) = (Model::default(), Random(seed + 1000));
        let mut fs = mount(
            bad(blank(layout, "4M"), seed),
            Options { cache_bytes: 1 << 18, ..Options::default() },
        );
        for _ in 0..250 {
            step(&mut fs, &mut model, &mut random);
        }
        fs.sync().expect("synced");
        let synced = model.clone();
        for _ in 0..120 {
            step(&mut fs, &mut model, &mut random);
        }
        let device = fs.device_mut();
        device.writes_max = device.writes + random.next(150);
        let _ = fs.sync();
        let image = std::mem::take(&mut fs.device_mut().inner).into_bytes();
        drop(fs);

        let (old, new) = (synced.tree(), model.tree());
        let mended = check(&image, &["-fy"], &[0, 1]);
        let mended = check(&mended, &["-fn"], &[0]);
        for image in [mended, image] {
            let mut fs = mount(Memory::from(image), small());
            let found = tree(&mut fs);
            for (name, value) in &old {
                if new.get(name) == Some(value) {
                    assert_eq!(found.get(name), Some(value), "seed {seed}: {name}");
                }
            }
            for (name, value) in &found {
                let known = old.contains_key(name) || new.contains_key(name);
                assert!(known, "seed {seed}: {name} {:?}", value.0);
            }
            // It can be written.
            for name in 0..20 {
                fs.create(ROOT, format!("after {name}").as_bytes(), &what(Kind::File))
                    .expect("made");
            }
            let device = fs.unmount().map_err(|failed| failed.0).expect("unmounts");
            let mended = check(device.bytes(), &["-fy"], &[0, 1]);
            check(&mended, &["-fn"], &[0]);
        }
    }
}

#[test]
fn directories_of_100_000_names() {
    let image = blank(&["-b", "4096", "-N", "120000"], "64M");
    let mut fs = mount(Memory::from(image), Options::default());
    for number in 0..100_000 {
        fs.create(ROOT, format!("name of a file {number}").as_bytes(), &what(Kind::File))
            .expect("made");
    }
    for number in (0..100_000).step_by(3) {
        fs.unlink(ROOT, format!("name of a file {number}").as_bytes()).expect("removed");
    }
    for number in 0..1000 {
        let found = fs.lookup(ROOT, format!("name of a file {number}").as_bytes());
        assert_eq!(found.is_ok(), number % 3 != 0);
    }
    let device = fs.unmount().map_err(|failed| failed.0).expect("unmounts");
    check(device.bytes(), &["-fn"], &[0]);
}

#[test]
fn a_held_file_outlives_its_name() {
    let image = blank(&["-b", "1024"], "4M");
    let mut fs = mount(Memory::from(image), Options::default());
    let ino = fs.create(ROOT, b"file", &what(Kind::File)).expect("made");
    assert_eq!(fs.write(ino, 0, &[7; 3000]), Ok(3000));
    fs.hold(ino);
    fs.unlink(ROOT, b"file").expect("removed");
    fs.sync().expect("synced");
    assert_eq!(content(&mut fs, ino), vec![7; 3000]);
    // As if the machine had stopped here: who mounts next frees it, and so does e2fsck.
    let image = fs.device_mut().bytes().to_vec();
    let mended = check(&image, &["-fy"], &[0, 1]);
    check(&mended, &["-fn"], &[0]);
    let free = fs.statfs().free_inodes;
    let mut other = mount(Memory::from(image), Options::default());
    other.sync().expect("synced");
    assert_eq!(other.statfs().free_inodes, free + 1);
    let device = other.unmount().map_err(|failed| failed.0).expect("unmounts");
    check(device.bytes(), &["-fn"], &[0]);
    fs.release(ino);
    let device = fs.unmount().map_err(|failed| failed.0).expect("unmounts");
    check(device.bytes(), &["-fn"], &[0]);
}
