//! The consistency check beside `e2fsck -fn`: nothing is found in images that are intact; in
//! damaged ones both find something, or neither does.

use sampan_disk::ext2::check::{Finding, check};
use sampan_disk::{Error, Memory};
use std::path::Path;
use std::process::Command;

fn tool(name: &str) -> Command {
    let mut command = Command::new(name);
    command.env("PATH", "/usr/sbin:/sbin:/usr/bin:/bin");
    command
}

/// Makes a folder with files of many kinds, and an image of it.
fn image(options: &[&str]) -> Vec<u8> {
    let place = tempfile::tempdir().expect("a folder");
    let (source, file) = (place.path().join("source"), place.path().join("image"));
    std::fs::create_dir_all(source.join("dir/inner/deep")).expect("made");
    std::fs::create_dir(source.join("many")).expect("made");
    let write = |name: &str, len: usize| {
        let content: Vec<u8> = (0..len).map(|i| (i * 31 + i / 251 + 1) as u8).collect();
        std::fs::write(source.join(name), content).expect("written");
    };
    for (name, len) in [("empty", 0), ("small", 5), ("direct", 12_000), ("single", 200_000)] {
        write(name, len);
    }
    write("dir/double", 700_000);
    write("dir/inner/file", 1000);
    for number in 0..120 {
        write(&format!("many/a file with a rather long name, which fills blocks {number}"), 3);
    }
    std::fs::hard_link(source.join("small"), source.join("dir/again")).expect("linked");
    let mut command = tool("mke2fs");
    command.args(["-q", "-F", "-t", "ext2"]).args(options).arg("-d").arg(&source).arg(&file);
    let output = command.arg("6M").output().expect("e2fsprogs are installed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    debugfs(
        &file,
        &[
            "cd /",
            "symlink short small",
            &format!("symlink long {}", "x/".repeat(200)),
            "mknod pipe p",
            "mknod null c 1 3",
            "ea_set small user.one value",
            "ea_set dir user.of_a_directory something",
            &format!("ea_set single user.long {}", "v".repeat(300)),
        ],
    );
    std::fs::read(file).expect("an image")
}

fn debugfs(image: &Path, commands: &[&str]) {
    let script = image.with_extension("commands");
    std::fs::write(&script, commands.join("\n")).expect("written");
    let mut command = tool("debugfs");
    let output = command.args(["-w", "-f"]).arg(&script).arg(image).output().expect("it runs");
    assert!(output.status.success());
}

/// What `e2fsck -fn` says: its code, and its text.
fn e2fsck(image: &[u8]) -> (i32, String) {
    let place = tempfile::tempdir().expect("a folder");
    let file = place.path().join("image");
    std::fs::write(&file, image).expect("written");
    let output = tool("timeout").args(["60", "e2fsck", "-fn"]).arg(&file).output();
    let output = output.expect("e2fsck runs");
    let code = output.status.code().unwrap_or(-1);
    (code, String::from_utf8_lossy(&output.stdout).into_owned())
}

fn ours(image: &[u8]) -> Result<Vec<Finding>, Error> {
    let mut list = Vec::new();
    let summary = check(Memory::from(image.to_vec()), &mut |finding| list.push(finding))?;
    assert_eq!(summary.findings, list.len() as u64);
    Ok(list)
}

fn text(list: &[Finding]) -> String {
    list.iter().map(|finding| format!("  {finding}\n")).collect()
}

const KINDS: [&[&str]; 7] = [
    &["-b", "1024"],
    &["-b", "4096"],
    &["-b", "2048", "-I", "128"],
    &["-r", "0"],
    &["-O", "^resize_inode,^dir_index"],
    &["-O", "^sparse_super,^filetype,^resize_inode", "-g", "1024"],
    &["-j", "-J", "size=1"],
];

#[test]
fn intact_images_are_clean() {
    for options in KINDS {
        let image = image(options);
        let (code, output) = e2fsck(&image);
        assert_eq!(code, 0, "{options:?}: {output}");
        let found = ours(&image).expect("an image");
        assert!(found.is_empty(), "{options:?}:\n{}", text(&found));
    }
}

/// Damages, and a part of what the check says of each.
const DAMAGES: &[(&[&str], &str)] = &[
    (&["sif /small links_count 7"], "has 2 names, but says 7"),
    (&["sif /small links_count 0"], "not in use"),
    (&["clri /small"], "not in use"),
    (&["clri /dir"], "to which the root does not lead"),
    (&["unlink /single"], "has no name"),
    (&["unlink /dir/inner"], "to which the root does not lead"),
    (&["link /single /other"], "has 2 names, but says 1"),
    (&["link /dir/inner /other"], "another name of directory"),
    (&["sif /single block[0] 3000000"], "lead to blocks that are no file's"),
    (&["sif /single block[IND] 2"], "lead to blocks that are no file's"),
    (&["sif /direct block[1] 0"], "sectors, but says"),
    (&["sif /single size 100"], "behind its end"),
    (&["sif /dir size 5000"], "a directory with blocks for"),
    (&["sif /dir block[0] 0"], "a directory with blocks for"),
    (&["sif /short size 3"], "another length"),
    (&["sif /long size 3"], "another length"),
    (&["sif /pipe size 3"], "with a size"),
    (&["sif /small mode 0170644"], "mode"),
    (&["sif /small mode 0040755"], "says kind 1"),
    (&["sif /small dtime 1000000000"], "was deleted"),
    (&["sif /small file_acl 3000000"], "which is no file's"),
    (&["sif /small flags 0x80000"], "ext4"),
    (&["freei /small"], "marked as free, but in use"),
    (&["seti <900>"], "marked as in use, but free"),
    (&["freeb 1300 3"], "marked as free, but in use"),
    (&["setb 5000 3"], "marked as in use, but free"),
    (&["ssv free_blocks_count 5"], "free blocks, but it says 5"),
    (&["ssv free_inodes_count 5"], "free inodes, but it says 5"),
    (&["set_bg 0 free_blocks_count 5"], "free blocks, but says 5"),
    (&["set_bg 0 free_inodes_count 5"], "free inodes, but says 5"),
    (&["set_bg 0 used_dirs_count 1"], "directories, but says 1"),
    (&["set_bg 0 inode_table 2"], "tables outside the group"),
    (&["ssv last_orphan 100000"], "list of removed files"),
    (&["sif <7> block[DIND] 0"], "room for more groups"),
];

#[test]
fn damages_are_found_and_named() {
    let place = tempfile::tempdir().expect("a folder");
    let file = place.path().join("image");
    let intact = image(&["-b", "1024"]);
    for (commands, expected) in DAMAGES {
        std::fs::write(&file, &intact).expect("written");
        debugfs(&file, commands);
        let damaged = std::fs::read(&file).expect("an image");
        assert!(damaged != intact, "{commands:?} does nothing");
        let found = text(&ours(&damaged).expect("an image"));
        assert!(found.contains(expected), "{commands:?}:\n{found}");
        // Counters of the whole follow from those of the groups, so it passes them over, and
        // the list when it may not write.
        if !expected.contains("but it says") && !expected.contains("list of removed") {
            let (code, output) = e2fsck(&damaged);
            assert!(code != 0, "{commands:?}:\n{found}{output}");
        }
    }
}

struct Random(u64);

impl Random {
    fn next(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 33) as usize % below
    }
}

#[test]
fn random_damage_is_found_by_both() {
    let rounds = std::env::var("SAMPAN_CHECK_ROUNDS").map_or(12, |text| text.parse().expect("n"));
    let seed = std::env::var("SAMPAN_CHECK_SEED").map_or(1, |text| text.parse().expect("n"));
    let mut random = Random(seed);
    for options in [KINDS[0], KINDS[1], KINDS[5]] {
        let intact = image(options);
        // Where the file system's own blocks are: all that are not content of files.
        let size = if options[1] == "4096" { 4096 } else { 1024 };
        for round in 0..rounds {
            let mut damaged = intact.clone();
            for _ in 0..1 + random.next(3) {
                let at = loop {
                    let at = random.next(intact.len() / 4);
                    let block = &intact[at / size * size..][..size];
                    let passed_over = [1024 + 12..1024 + 20, 1024 + 232..1024 + 236];
                    if block.iter().any(|&byte| byte != 0)
                        && !passed_over.iter().any(|range| range.contains(&at))
                    {
                        break at;
                    }
                };
                damaged[at] ^= 1 << random.next(8);
            }
            let (code, output) = e2fsck(&damaged);
            let found = ours(&damaged);
            let says = match &found {
                Ok(list) => text(list),
                Err(error) => format!("  {error}\n"),
            };
            let is_clean = found.is_ok_and(|list| list.is_empty());
            assert_eq!(
                is_clean,
                code == 0,
                "{options:?}, round {round}: e2fsck's code is {code}:\n{output}\nours:\n{says}"
            );
        }
    }
}
