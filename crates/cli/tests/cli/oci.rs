//! `sampan image build --from oci-layout:…`: layers in three compressions lie over each other, and
//! what they take away is gone.

use super::Bench;
use sha2::{Digest, Sha256};
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;
use tar::{Builder, EntryType, Header};

/// A layout that is being made.
struct Layout(PathBuf);

impl Layout {
    fn new(bench: &Bench, name: &str) -> Layout {
        let folder = bench.path().join(name);
        std::fs::create_dir_all(folder.join("blobs/sha256")).expect("made");
        std::fs::write(folder.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#)
            .expect("written");
        Layout(folder)
    }

    /// Adds a blob; its descriptor, without the brace at the end.
    fn blob(&self, kind: &str, content: &[u8]) -> String {
        let digest = Sha256::digest(content);
        let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        std::fs::write(self.0.join("blobs/sha256").join(&digest), content).expect("written");
        format!(
            r#"{{"mediaType":"application/vnd.oci.image.{kind}","digest":"sha256:{digest}","size":{}"#,
            content.len()
        )
    }

    /// Adds an image; its descriptor.
    fn image(&self, architecture: &str, layers: &[String]) -> String {
        let config = format!(r#"{{"architecture":"{architecture}","os":"linux"}}"#);
        let config = self.blob("config.v1+json", config.as_bytes());
        let layers: Vec<String> = layers.iter().map(|layer| format!("{layer}}}")).collect();
        let manifest =
            format!(r#"{{"schemaVersion":2,"config":{config}}},"layers":[{}]}}"#, layers.join(","));
        self.blob("manifest.v1+json", manifest.as_bytes())
    }

    fn index(&self, descriptors: &[String]) {
        let text = format!(r#"{{"schemaVersion":2,"manifests":[{}]}}"#, descriptors.join(","));
        std::fs::write(self.0.join("index.json"), text).expect("written");
    }
}

fn named(descriptor: &str, name: &str) -> String {
    format!(r#"{descriptor},"annotations":{{"org.opencontainers.image.ref.name":"{name}"}}}}"#)
}

fn on(descriptor: &str, architecture: &str) -> String {
    format!(r#"{descriptor},"platform":{{"architecture":"{architecture}","os":"linux"}}}}"#)
}

fn layer(entries: &[(&str, EntryType, &str)]) -> Vec<u8> {
    let mut tar = Builder::new(Vec::new());
    for &(name, kind, content) in entries {
        let mut header = Header::new_ustar();
        header.set_entry_type(kind);
        header.set_mode(0o755);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(1_600_000_000);
        if kind == EntryType::Link {
            header.set_size(0);
            tar.append_link(&mut header, name, content).expect("added");
            continue;
        }
        if name == "etc/a" {
            let own = [("SCHILY.xattr.user.name", &b"value"[..]), ("SCHILY.xattr.other", b"x")];
            tar.append_pax_extensions(own).expect("added");
        }
        header.set_size(content.len() as u64);
        tar.append_data(&mut header, name, content.as_bytes()).expect("added");
    }
    tar.into_inner().expect("an archive")
}

fn layers(layout: &Layout) -> Vec<String> {
    use EntryType::{Directory, Link, Regular};
    let first = layer(&[
        ("etc/", Directory, ""),
        ("etc/a", Regular, "a1"),
        ("etc/b", Regular, "b1"),
        ("dir/", Directory, ""),
        ("dir/x", Regular, "x1"),
        ("dir/below/y", Regular, "y1"),
        ("gone/deep/er/file", Regular, "1"),
        ("replaced/by/a/file", Regular, "1"),
    ]);
    let second = layer(&[
        ("etc/a", Regular, "a2"),
        ("etc/.wh.b", Regular, ""),
        ("etc/.wh.never", Regular, ""),
        ("absent/.wh.never", Regular, ""),
        ("dir/z", Regular, "z2"),
        ("dir/.wh..wh..opq", Regular, ""),
        (".wh..wh.plnk/1.2", Regular, ""),
        (".wh.gone", Regular, ""),
        ("replaced", Regular, "file"),
    ]);
    let third = layer(&[("etc/d", Link, "etc/a"), ("gone/again", Regular, "3")]);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&second).expect("compressed");
    let gzip = gzip.finish().expect("compressed");
    let level = ruzstd::encoding::CompressionLevel::Fastest;
    let zstd = ruzstd::encoding::compress_to_vec(&third[..], level);
    vec![
        layout.blob("layer.v1.tar", &first),
        layout.blob("layer.v1.tar+gzip", &gzip),
        layout.blob("layer.v1.tar+zstd", &zstd),
    ]
}

fn tool(name: &str) -> Command {
    let mut command = Command::new(name);
    command.env("PATH", "/usr/sbin:/sbin:/usr/bin:/bin");
    command
}

#[test]
fn layers_lie_over_each_other() {
    let bench = Bench::new();
    let layout = Layout::new(&bench, "layout");
    let image = layout.image("amd64", &layers(&layout));
    let foreign = layout.image("arm64", &[]);
    // As for several machines: an index in the index.
    let index = format!(
        r#"{{"schemaVersion":2,"manifests":[{},{}]}}"#,
        on(&foreign, "arm64"),
        on(&image, "amd64")
    );
    layout.index(&[named(&layout.blob("index.v1+json", index.as_bytes()), "latest")]);
    for from in ["oci-layout:layout", "oci-layout:layout:latest"] {
        let run = bench.sampan(&["image", "build", "--from", from, "--size", "8M", "-o", "image"]);
        assert_eq!((run.code, &run.stderr[..]), (0, ""));
    }
    let output = tool("e2fsck").arg("-fn").arg(bench.path().join("image")).output();
    let output = output.expect("e2fsprogs are installed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));

    let names = |path: &str| {
        let run = bench.sampan(&["image", "ls", "image", path]);
        let last = |line: &str| line.rsplit(' ').next().expect("a name").to_owned();
        run.stdout.lines().map(last).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(names("/"), "dir etc gone lost+found replaced");
    assert_eq!(names("/etc"), "a d hostname hosts resolv.conf");
    assert_eq!((&names("/dir")[..], &names("/gone")[..]), ("z", "again"));
    let files = ["etc/a", "etc/d", "dir/z", "replaced", "gone/again"];
    let run = bench.sampan(&[&["image", "cat", "image"], &files[..]].concat());
    assert_eq!((run.code, &run.stdout[..]), (0, "a2a2z2file3"));
    let mut command = tool("debugfs");
    command.args(["-R", "ea_list /etc/d"]).arg(bench.path().join("image"));
    let list = command.output().expect("e2fsprogs are installed").stdout;
    let list = String::from_utf8_lossy(&list).into_owned();
    assert!(list.contains("user.name (5) = \"value\"") && !list.contains("other"), "{list}");
}

#[test]
fn layouts_that_cannot_be_used() {
    let bench = Bench::new();
    let layout = Layout::new(&bench, "layout");
    let fails = |from: &str, more: &[&str], expected: &str| {
        let args = ["image", "build", "--from", from, "--size", "8M", "-o", "image"];
        let run = bench.sampan(&[&args[..], more].concat());
        assert_eq!(run.code, 1, "{}", run.stderr);
        assert!(run.stderr.contains(expected), "{expected}: {}", run.stderr);
        assert!(!bench.path().join("image").exists());
    };
    fails("oci-layout:layout", &[], "index.json");
    fails("oci-layout:absent", &[], "absent");
    let image = layout.image("amd64", &layers(&layout));
    let other = layout.image("amd64", &[]);
    layout.index(&[named(&image, "one"), named(&other, "two")]);
    fails("oci-layout:layout", &[], "several images for amd64; add one of these as :TAG: one two");
    fails("oci-layout:layout:three", &[], "no image three; there are: one two");
    fails("oci-layout:layout:one", &["--arch", "i386"], "the image is for amd64, not for 386");
    layout.index(&[on(&image, "amd64")]);
    fails("oci-layout:layout", &["--arch", "i386"], "no image for 386");
    let odd = layout.blob("layer.v1.tar+lzma", b"x");
    layout.index(&[on(&layout.image("amd64", &[odd]), "amd64")]);
    fails("oci-layout:layout", &[], "not supported: a layer of type application/vnd.oci");
    let garbage = layout.blob("layer.v1.tar+zstd", b"garbage");
    layout.index(&[on(&layout.image("amd64", &[garbage]), "amd64")]);
    fails("oci-layout:layout", &[], "blobs/sha256");
    layout.index(&[r#"{"mediaType":"a.manifest.b","digest":"sha256:../../x","size":1}"#.into()]);
    fails("oci-layout:layout", &[], "a digest \"sha256:../../x\"");
    for entry in std::fs::read_dir(layout.0.join("blobs/sha256")).expect("a folder") {
        let path = entry.expect("an entry").path();
        let mut content = std::fs::read(&path).expect("a blob");
        content[0] ^= 1;
        std::fs::write(path, content).expect("written");
    }
    layout.index(&[on(&image, "amd64")]);
    fails("oci-layout:layout", &[], "is damaged");
}
