//! Opening files and directories.

use cap_fs_ext::{
    DirExt, FollowSymlinks, OpenOptionsFollowExt, OpenOptionsMaybeDirExt, OpenOptionsSyncExt,
};
use cap_std::fs::{Dir, OpenOptions};

use super::path::{follows, names_directory, path_text};
use crate::descriptor::{Descriptor, Directory, Entry, OpenFile, Owner};
use crate::types::{Filetype, fdflags, oflags, rights};
use crate::{DirPerms, Errno, GuestMemory, WasiCtx, sys};

/// Of the requested rights only reading and writing count: guests are known
/// to ask for too little elsewhere, and rely on getting what the directory
/// gives. All rights that are *held* are enforced.
pub(crate) fn path_open(
    ctx: &mut WasiCtx,
    mem: &mut GuestMemory<'_>,
    fd: u32,
    dirflags: u32,
    path: u32,
    path_len: u32,
    oflags: u32,
    rights_base: u64,
    _rights_inheriting: u64,
    fdflags: u32,
    opened_fd: u32,
) -> Result<(), Errno> {
    mem.check(opened_fd, 4)?;
    let follow = follows(dirflags)?;
    let path = &*path_text(mem, path, path_len)?;
    let request = Request {
        follow: follow || names_directory(path),
        oflags: known_bits(oflags, oflags::ALL)?,
        fdflags: known_bits(fdflags, fdflags::ALL)?,
        read: rights_base & rights::FD_READ != 0,
        write: rights_base & rights::FD_WRITE != 0,
    };
    ctx.table.check_room()?;
    let parent = ctx.table.get(fd)?;
    let entry = open(parent, path, &request)?;
    let number = ctx.table.insert(entry)?;
    mem.write_u32(opened_fd, number)
}

struct Request {
    follow: bool,
    oflags: u16,
    fdflags: u16,
    read: bool,
    write: bool,
}

impl Request {
    fn has(&self, oflags: u16) -> bool {
        self.oflags & oflags != 0
    }
}

fn open(parent: &Entry, path: &str, request: &Request) -> Result<Entry, Errno> {
    let directory = parent.directory(rights::PATH_OPEN)?;
    let needed = match (request.read, request.write) {
        (true, true) => rights::FD_READ | rights::FD_WRITE,
        (true, false) => rights::FD_READ,
        (false, true) => rights::FD_WRITE,
        (false, false) => 0,
    };
    if needed & !parent.inheriting != 0 {
        return Err(Errno::NotCapable);
    }
    if request.has(oflags::DIRECTORY) {
        if request.has(oflags::CREAT | oflags::EXCL | oflags::TRUNC) {
            return Err(Errno::Inval);
        }
        let dir = match request.follow {
            true => directory.dir.open_dir(path)?,
            false => directory.dir.open_dir_nofollow(path)?,
        };
        return Ok(opened_directory(parent, directory.perms, dir));
    }

    let mut creates_or_truncates = 0;
    if request.has(oflags::CREAT) {
        creates_or_truncates |= rights::PATH_CREATE_FILE;
    }
    if request.has(oflags::TRUNC) {
        creates_or_truncates |= rights::PATH_FILESTAT_SET_SIZE;
    }
    parent.require(creates_or_truncates)?;
    if request.write || creates_or_truncates != 0 {
        directory.require_writable()?;
    }

    let file = open_file(&directory.dir, path, request)?.into_std();
    let file = OpenFile::new(file, Owner::Guest)?;
    if file.filetype == Filetype::Directory {
        let dir = Dir::from_std_file(file.file);
        return Ok(opened_directory(parent, directory.perms, dir));
    }
    let mut entry = Entry::new(Descriptor::File(file));
    entry.flags = request.fdflags;
    entry.rights &= parent.inheriting;
    if !request.read {
        entry.rights &= !rights::FD_READ;
    }
    if !request.write {
        entry.rights &= !rights::FILE_MODIFY;
    }
    if directory.perms == DirPerms::ReadOnly {
        entry.rights &= !rights::FD_FILESTAT_SET_TIMES;
    }
    Ok(entry)
}

fn open_file(dir: &Dir, path: &str, request: &Request) -> Result<cap_std::fs::File, Errno> {
    let mut options = OpenOptions::new();
    let flag = |bit| request.fdflags & bit != 0;
    options
        // The host needs one of the two, even if the guest wants neither.
        .read(request.read || !request.write)
        .write(request.write)
        .append(request.write && flag(fdflags::APPEND) && sys::APPENDS)
        .sync(flag(fdflags::SYNC))
        .dsync(flag(fdflags::DSYNC))
        .rsync(flag(fdflags::RSYNC))
        .nonblock(flag(fdflags::NONBLOCK))
        .maybe_dir(!request.write && !request.has(oflags::CREAT | oflags::TRUNC))
        .follow(match request.follow {
            true => FollowSymlinks::Yes,
            false => FollowSymlinks::No,
        });

    if request.has(oflags::CREAT) && !request.write {
        // POSIX creates files that are only open for reading; the library
        // does so only for writing. An existing file may not be writable, so
        // that is tried only where there is none.
        if !request.has(oflags::EXCL | oflags::TRUNC) {
            match dir.open_with(path, &options).map_err(Errno::from) {
                Err(Errno::NoEnt) => {}
                result => return result,
            }
        }
    }
    if request.has(oflags::CREAT) {
        options.write(true).create(true).create_new(request.has(oflags::EXCL));
    }
    if request.has(oflags::TRUNC) {
        options.write(true).append(false).truncate(true);
    }
    let file = dir.open_with(path, &options)?;
    if request.has(oflags::TRUNC) && request.write && flag(fdflags::APPEND) && sys::APPENDS {
        // The library refuses both at once.
        let file = file.into_std();
        sys::set_flags(&file, true, flag(fdflags::NONBLOCK))?;
        return Ok(cap_std::fs::File::from_std(file));
    }
    Ok(file)
}

fn opened_directory(parent: &Entry, perms: DirPerms, dir: Dir) -> Entry {
    let mut entry =
        Entry::new(Descriptor::Directory(Directory { dir, perms, name: None, listing: None }));
    entry.rights &= parent.inheriting;
    entry.inheriting = parent.inheriting;
    entry
}

fn known_bits(raw: u32, known: u16) -> Result<u16, Errno> {
    match u16::try_from(raw) {
        Ok(bits) if bits & !known == 0 => Ok(bits),
        _ => Err(Errno::Inval),
    }
}
