//! Directories of the host: as the root, and mounted.

use super::debian::Debian;
use super::{finish, sampan};
use std::path::{Path, PathBuf};
use std::process::Command;

#[test]
fn changes_of_the_root_are_forgotten() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let name = folder.path().join("kept");
    std::fs::write(&name, "old").expect("a file can be written");
    let name = name.display();
    let script = format!(
        "echo new > {name}; cat {name}; rm {name}; ls {name} 2>/dev/null; echo $?; \
         mkdir -p {name}/a/b && echo deep > {name}/a/b/c && cat {name}/a/b/c; \
         echo more >> /etc/passwd; tail -n 1 /etc/passwd; rm -r /usr/bin/gcc*; ls /usr/bin/gcc*"
    );
    let mut command = sampan(&["/", "--", "bash", "-c"]);
    command.arg(script);
    let seen = finish(command, "");
    assert_eq!(seen.stdout, "new\n2\ndeep\nmore\n");
    assert_eq!(seen.code, Some(2));
    assert_eq!(std::fs::read(folder.path().join("kept")).expect("it is there"), b"old");
    assert!(std::path::Path::new("/usr/bin/gcc").exists());
}

#[test]
fn a_mount_is_the_hosts_directory() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    std::fs::write(folder.path().join("a"), "one\n").expect("a file can be written");
    std::os::unix::fs::symlink("/etc/passwd", folder.path().join("out")).expect("a link");
    let mount = format!("{}:/mnt/work", folder.path().display());
    let script = "cd /mnt/work; cat a; echo two > b; mkdir d; mv a d/c; ln d/c e; ln -s b l; \
        chmod 600 b; touch -d @1000000000 d/c; stat -c '%n %a %h %Y' b d/c; readlink l; \
        ls; exec 3< e; rm e d/c; cat <&3; rm b; cat l 2>/dev/null || echo gone";
    let mut command = sampan(&["--mount", &mount, "/", "--", "bash", "-c"]);
    command.arg(script);
    let seen = finish(command, "");
    assert!(seen.stdout.starts_with("one\nb 600 1 "), "{}", seen.stdout);
    assert!(seen.stdout.ends_with("d/c 644 2 1000000000\nb\nb\nd\ne\nl\nout\none\ngone\n"));
    let left: Vec<_> = std::fs::read_dir(folder.path())
        .expect("it is there")
        .map(|entry| entry.expect("it can be read").file_name())
        .collect();
    assert_eq!(left.len(), 3, "{left:?}");
}

#[test]
fn what_is_mounted_read_only_stays() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    std::fs::write(folder.path().join("a"), "one\n").expect("a file can be written");
    let mount = format!("{}:/mnt/work:ro", folder.path().display());
    let script = "cd /mnt/work; cat a; echo > a; echo $?; rm a; echo $?; touch b; echo $?";
    let mut command = sampan(&["--mount", &mount, "/", "--", "bash", "-c"]);
    command.arg(script);
    assert_eq!(finish(command, "").stdout, "one\n1\n1\n1\n");
    assert_eq!(std::fs::read(folder.path().join("a")).expect("it is there"), b"one\n");
}

#[test]
fn links_do_not_lead_out_of_a_mount() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let secret = tempfile::tempdir().expect("a temporary directory");
    std::fs::write(secret.path().join("secret"), "x").expect("a file can be written");
    std::os::unix::fs::symlink(secret.path(), folder.path().join("out")).expect("a link");
    // An empty root, so that the link's target is not there by another way.
    let root = tempfile::tempdir().expect("a temporary directory");
    std::fs::copy("/bin/busybox", root.path().join("busybox")).expect("busybox-static");
    let mount = format!("{}:/work", folder.path().display());
    let root = root.path().to_str().expect("a name in UTF-8");
    let mut command = sampan(&["--mount", &mount, root, "--", "/busybox", "cat"]);
    command.args(["/work/out/secret", "/work/../../../../../../etc/hostname"]);
    let seen = finish(command, "");
    assert_eq!(seen.stdout, "");
    assert_eq!(seen.code, Some(1));
}

#[test]
fn a_package_is_installed_in_the_guest_alone() {
    let script = "mkdir -p p/DEBIAN p/usr/share/sampan-test; cd p; echo there > usr/share/sampan-test/f; \
        printf 'Package: sampan-test\nVersion: 1\nArchitecture: all\nMaintainer: n <e@x>\nDescription: d\n' \
        > DEBIAN/control; cd ..; dpkg-deb -b p p.deb >/dev/null && dpkg -i p.deb >/dev/null && \
        cat /usr/share/sampan-test/f && dpkg -s sampan-test | head -n 2 && \
        dpkg -r sampan-test >/dev/null; ls /usr/share/sampan-test 2>/dev/null; echo $?";
    let folder = tempfile::tempdir().expect("a temporary directory");
    let seen = Debian::Here.inside("auto", folder.path(), &["bash", "-c", script], "");
    let expected = "there\nPackage: sampan-test\nStatus: install ok installed\n2\n";
    assert_eq!(seen.stdout, expected);
    assert!(!std::path::Path::new("/usr/share/sampan-test").exists());
}

#[test]
fn the_host_keeps_its_name() {
    if !Debian::I386.is_compared() {
        return;
    }
    let script = "echo named > /proc/sys/kernel/hostname 2>&- ; hostname guest && uname -n; \
        cat /proc/sys/kernel/hostname; hostname $(printf %065d 1) 2>&- || echo long";
    let folder = tempfile::tempdir().expect("a temporary directory");
    let seen = Debian::I386.inside("auto", folder.path(), &["bash", "-c", script], "");
    assert_eq!(seen.stdout, "guest\nguest\nlong\n");
    let here = Command::new("uname").arg("-n").output().expect("coreutils").stdout;
    assert_ne!(here, b"guest\n");
}

#[test]
fn apt_installs_from_a_repository() {
    if !Debian::I386.is_compared() {
        return;
    }
    let script = r#"
        mkdir -p p/DEBIAN p/usr/share/sampan-test q/DEBIAN repository /tmp/{lists,cache}
        echo there > p/usr/share/sampan-test/f
        fields='Version: 1\nArchitecture: all\nMaintainer: n <e@x>\nDescription: d\n'
        printf "Package: sampan-test\nDepends: sampan-more\n$fields" > p/DEBIAN/control
        printf "Package: sampan-more\n$fields" > q/DEBIAN/control
        printf '#!/bin/sh\necho configured > /tmp/configured\n' > q/DEBIAN/postinst
        chmod 755 q/DEBIAN/postinst
        for n in p q; do
            dpkg-deb -b $n repository/$n.deb >/dev/null
            dpkg-deb -f repository/$n.deb
            printf 'Filename: ./%s\nSize: %d\n' $n.deb $(stat -c %s repository/$n.deb)
            printf 'SHA256: %s\n\n' $(sha256sum < repository/$n.deb | cut -d' ' -f1)
        done > repository/Packages
        echo "deb [trusted=yes] copy:$PWD/repository ./" > list
        # None of the machine's own settings.
        printf '%s;\n' "Dir::Etc::parts \"-\"" "Dir::Etc::sourcelist \"$PWD/list\"" \
            'Dir::Etc::sourceparts "-"' 'Dir::State::lists "/tmp/lists"' \
            'Dir::Cache "/tmp/cache"' > conf
        export APT_CONFIG=$PWD/conf; apt='apt-get -qq'
        $apt update && $apt install -y sampan-test > log || { echo failed; cat log; }
        cat /usr/share/sampan-test/f /tmp/configured
        dpkg-query -W -f '${Package} ${Status}\n' 'sampan-*'
        $apt remove -y --autoremove sampan-test > log || { echo failed; cat log; }
        ls /usr/share/sampan-test 2>&1; dpkg-query -W 'sampan-*' 2>&1
    "#;
    let expected = "there\nconfigured\nsampan-more install ok installed\n\
        sampan-test install ok installed\n\
        ls: cannot access '/usr/share/sampan-test': No such file or directory\n\
        dpkg-query: no packages found matching sampan-*\n";
    let folder = tempfile::tempdir().expect("a temporary directory");
    let seen = Debian::I386.inside("auto", folder.path(), &["bash", "-c", script], "");
    assert_eq!(seen.stdout, expected);
    assert!(!Debian::I386.root().join("usr/share/sampan-test").exists());
}

/// Makes an image of a directory with a static busybox, and bash and sha256sum with what
/// they need from this machine.
fn system_image(folder: &Path) -> PathBuf {
    let (root, image) = (folder.join("root"), folder.join("image"));
    for name in ["bin", "dev", "proc", "etc"] {
        std::fs::create_dir_all(root.join(name)).expect("a directory can be made");
    }
    std::fs::copy("/bin/busybox", root.join("bin/busybox")).expect("busybox-static");
    for program in ["/bin/bash", "/usr/bin/sha256sum"] {
        let listed = Command::new("ldd").arg(program).output().expect("ldd runs").stdout;
        let listed = String::from_utf8(listed).expect("text");
        let libraries = listed.split_whitespace().filter(|word| word.starts_with('/'));
        for file in libraries.chain([program]) {
            let to = root.join(&file[1..]);
            std::fs::create_dir_all(to.parent().expect("it is in a directory")).expect("made");
            std::fs::copy(file, to).expect("a file of this machine");
        }
    }
    std::fs::write(root.join("etc/motd"), "from the image\n").expect("a file can be written");
    let made = Command::new("mke2fs")
        .env("PATH", "/usr/sbin:/sbin:/usr/bin:/bin")
        .args(["-q", "-F", "-t", "ext2", "-d"])
        .args([&root, &image])
        .arg("32M")
        .status();
    assert!(made.expect("e2fsprogs").success());
    image
}

/// An image of a system: it is the root, and with --ephemeral it stays as it is.
#[test]
fn an_image_is_the_root() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let image = system_image(folder.path());
    let before = std::fs::read(&image).expect("the image");
    let name = image.to_str().expect("a name in UTF-8");
    let script = "cd /etc; busybox cat motd; echo new > motd; busybox cat motd; \
                  busybox ls /bin; sha256sum /bin/busybox; for i in {1..3}; do echo $((i * i)); \
                  done | busybox tail -n 1; exit 3";
    let mut command = sampan(&["--ephemeral", name, "--", "bash", "-c"]);
    command.arg(script);
    let seen = finish(command, "");
    let native = Command::new("sha256sum").arg("/bin/busybox").output();
    let sum = String::from_utf8(native.expect("coreutils").stdout).expect("text");
    assert_eq!(seen.stdout, format!("from the image\nnew\nbash\nbusybox\n{sum}9\n"));
    assert_eq!(seen.code, Some(3));
    assert!(std::fs::read(&image).expect("the image") == before);
}

/// Without --ephemeral it keeps what is changed, as a file system that e2fsck finds sound.
#[test]
fn an_image_keeps_changes() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let image = system_image(folder.path());
    let name = image.to_str().expect("a name in UTF-8");
    let run = |script: &str| {
        let mut command = sampan(&[name, "--", "bash", "-c"]);
        command.arg(script);
        finish(command, "")
    };
    let seen = run("cd /etc; echo more >> motd; busybox mkdir -p a/b; echo deep > a/b/c; \
        busybox ln -s a/b/c link; busybox ln a/b/c hard; busybox mknod null c 1 3; \
        busybox chmod 640 hard; busybox touch -d @1000000000 motd; for i in {1..300}; do \
        echo $i > a/file$i; done; busybox rm a/file?; busybox mv a/file10 a/file11 /; \
        busybox cp /bin/bash /etc/copy; exec 5<motd; busybox rm motd; busybox cat <&5; \
        busybox cp link motd");
    assert_eq!((seen.stdout.as_str(), seen.code), ("from the image\nmore\n", Some(0)));
    let check = Command::new("e2fsck")
        .env("PATH", "/usr/sbin:/sbin:/usr/bin:/bin")
        .args(["-fn", name])
        .output()
        .expect("e2fsprogs");
    assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stdout));
    let seen = run("cd /etc; busybox cat motd link; busybox stat -c '%a %h %F' hard null; \
        busybox ls a | busybox wc -l; busybox cat /file10; busybox cmp copy /bin/bash && echo same");
    let expected = "deep\ndeep\n640 2 regular file\n644 1 character special file\n290\n10\nsame\n";
    assert_eq!((seen.stdout.as_str(), seen.code), (expected, Some(0)));
}

/// With --overlay the image stays as it is, and the other file has what was changed.
#[test]
fn an_image_with_its_changes_beside_it() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let image = system_image(folder.path());
    let before = std::fs::read(&image).expect("the image");
    let overlay = folder.path().join("changes");
    let [name, changes] = [&image, &overlay].map(|path| path.to_str().expect("UTF-8"));
    let run = |script: &str| {
        let mut command = sampan(&["--overlay", changes, name, "--", "bash", "-c"]);
        command.arg(script);
        finish(command, "").stdout
    };
    assert_eq!(run("echo changed > /etc/motd; busybox rm /bin/sha256sum 2>&- ; echo $?"), "1\n");
    assert_eq!(run("busybox cat /etc/motd; busybox cp /bin/bash /new"), "changed\n");
    assert_eq!(run("busybox cmp /bin/bash /new && echo same"), "same\n");
    assert!(std::fs::read(&image).expect("the image") == before);
    // What belongs to another image is refused.
    let mut other = before.clone();
    other[1100] ^= 1;
    std::fs::write(&image, other).expect("written");
    let refused = sampan(&["--overlay", changes, name]).output().expect("it starts");
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("no overlay of this image"));
}
