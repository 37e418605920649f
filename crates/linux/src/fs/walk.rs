//! From a path to a place: `path_resolution(7)`.
//!
//! A loop over components; a symbolic link's text is put before what is left of
//! the path, so nothing recurses.

use alloc::rc::Rc;
use alloc::vec::Vec;

use super::{FileType, Location, access, permission};
use crate::errno::{Errno, SysResult};
use crate::kernel::Context;

/// The working directory, where a descriptor of a directory is expected.
pub const AT_FDCWD: i32 = -100;
/// Flag of calls that end in `at`: do not follow a link at the end.
pub const AT_SYMLINK_NOFOLLOW: u32 = 0x100;
/// Flag of calls that end in `at`: an empty path means the descriptor itself.
pub const AT_EMPTY_PATH: u32 = 0x1000;

const NAME_MAX: usize = 255;
const PATH_MAX: usize = 4096;
const LINKS_MAX: u32 = 40;

/// Whether a symbolic link at the end of a path is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Follow {
    Yes,
    No,
}

/// How far a path may lead: the `RESOLVE_…` flags of `openat2(2)`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Resolve(pub u32);

impl Resolve {
    /// Not into another mount.
    pub const NO_XDEV: u32 = 1;
    /// Not by the links of `/proc` that are more than their text.
    pub const NO_MAGICLINKS: u32 = 2;
    /// Not by any link.
    pub const NO_SYMLINKS: u32 = 4;
    /// Not out of where it starts.
    pub const BENEATH: u32 = 8;
    /// Where it starts is the root.
    pub const IN_ROOT: u32 = 16;

    fn has(self, flags: u32) -> bool {
        self.0 & flags != 0
    }

    /// Whether one step may lead from one place to the other.
    fn permits(self, from: &Location, to: &Location) -> SysResult<()> {
        if self.has(Resolve::NO_XDEV) && !Rc::ptr_eq(&from.mount, &to.mount) {
            return Err(Errno::EXDEV);
        }
        Ok(())
    }
}

/// The last component of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Last {
    /// A name.
    Name(Vec<u8>),
    /// `.`
    Dot,
    /// `..`
    DotDot,
    /// The path is all slashes.
    Root,
}

/// What a path leads to.
pub struct Found {
    /// The directory of the last component.
    pub dir: Location,
    /// The last component.
    pub last: Last,
    /// What is there, if anything.
    pub target: Option<Location>,
    /// The path ends in a slash.
    pub slash: bool,
}

impl Found {
    /// What is there; `ENOENT` if nothing is.
    pub fn existing(self) -> SysResult<Location> {
        self.target.ok_or(Errno::ENOENT)
    }
}

/// Follows a path that must exist.
pub fn resolve(cx: &mut Context, dirfd: i32, path: &[u8], follow: Follow) -> SysResult<Location> {
    walk(cx, dirfd, path, follow)?.existing()
}

/// As [`resolve`], where an empty path stands for `dirfd` if `flags` say so.
pub fn resolve_at(cx: &mut Context, dirfd: i32, path: &[u8], flags: u32) -> SysResult<Location> {
    if path.is_empty() && flags & AT_EMPTY_PATH != 0 {
        return base(cx, dirfd);
    }
    let follow = if flags & AT_SYMLINK_NOFOLLOW != 0 { Follow::No } else { Follow::Yes };
    resolve(cx, dirfd, path, follow)
}

/// The place that a descriptor (or [`AT_FDCWD`]) stands for.
pub fn base(cx: &mut Context, dirfd: i32) -> SysResult<Location> {
    if dirfd == AT_FDCWD {
        return Ok(cx.thread.fs().cwd.borrow().clone());
    }
    cx.file(dirfd)?.location.clone().ok_or(Errno::ENOTDIR)
}

/// Follows a path whose last component need not exist.
pub fn walk(cx: &mut Context, dirfd: i32, path: &[u8], follow: Follow) -> SysResult<Found> {
    walk_within(cx, dirfd, path, follow, Resolve::default())
}

/// As [`walk`], no further than `resolve` says: `EXDEV` or `ELOOP` otherwise.
pub fn walk_within(
    cx: &mut Context,
    dirfd: i32,
    path: &[u8],
    follow: Follow,
    resolve: Resolve,
) -> SysResult<Found> {
    if path.is_empty() {
        return Err(Errno::ENOENT);
    }
    let start = match path[0] {
        b'/' if !resolve.has(Resolve::IN_ROOT) => cx.thread.fs().root.borrow().clone(),
        _ => base(cx, dirfd)?,
    };
    steps(cx, start, path, follow, resolve)
}

/// As [`walk`], relative to a place.
pub fn walk_from(
    cx: &mut Context,
    start: Location,
    path: &[u8],
    follow: Follow,
) -> SysResult<Found> {
    steps(cx, start, path, follow, Resolve::default())
}

fn steps(
    cx: &mut Context,
    start: Location,
    path: &[u8],
    follow: Follow,
    resolve: Resolve,
) -> SysResult<Found> {
    if path.len() >= PATH_MAX {
        return Err(Errno::ENAMETOOLONG);
    }
    let root = match resolve.has(Resolve::IN_ROOT) {
        true => start.clone(),
        false => cx.thread.fs().root.borrow().clone(),
    };
    let mut at = start.clone();
    let mut rest = path.to_vec();
    let mut next = 0;
    let mut links = 0;
    if rest.first() == Some(&b'/') {
        if resolve.has(Resolve::BENEATH) {
            return Err(Errno::EXDEV);
        }
        at = root.clone();
    }
    let mut last = Last::Root;
    let mut dir = at.clone();
    loop {
        while rest.get(next) == Some(&b'/') {
            next += 1;
        }
        if next == rest.len() {
            let slash = rest.last() == Some(&b'/');
            return Ok(Found { dir, last, target: Some(at), slash });
        }
        let end = rest[next..].iter().position(|&b| b == b'/').map_or(rest.len(), |n| next + n);
        let name = rest[next..end].to_vec();
        next = end;
        let is_last = rest[next..].iter().all(|&b| b == b'/');
        let slash = is_last && next < rest.len();

        if !at.is_directory() {
            return Err(Errno::ENOTDIR);
        }
        permission(cx, at.inode(), access::EXECUTE)?;
        dir = at.clone();
        if name == b"." {
            last = Last::Dot;
            continue;
        }
        if name == b".." {
            last = Last::DotDot;
            if resolve.has(Resolve::BENEATH) && at.is(&start) {
                return Err(Errno::EXDEV);
            }
            if !at.is(&root)
                && let Some(up) = at.up()
            {
                let up = cx.kernel.mounts.enter(up);
                resolve.permits(&at, &up)?;
                at = up;
            }
            continue;
        }
        if name.len() > NAME_MAX {
            return Err(Errno::ENAMETOOLONG);
        }
        let found = match child(cx, &at, &name) {
            Err(Errno::ENOENT) if is_last => {
                return Ok(Found { dir, last: Last::Name(name), target: None, slash });
            }
            found => found?,
        };
        resolve.permits(&at, &found)?;
        last = Last::Name(name);
        let follow_this = !is_last || slash || follow == Follow::Yes;
        if found.inode().kind() == FileType::Symlink && follow_this {
            links += 1;
            if links > LINKS_MAX || resolve.has(Resolve::NO_SYMLINKS) {
                return Err(Errno::ELOOP);
            }
            let inode = found.inode().clone();
            if let Some(place) = inode.magic_link(cx)? {
                if resolve.has(Resolve::NO_MAGICLINKS) {
                    return Err(Errno::ELOOP);
                }
                resolve.permits(&at, &place)?;
                if resolve.has(Resolve::BENEATH | Resolve::IN_ROOT) {
                    return Err(Errno::EXDEV);
                }
                at = place;
                continue;
            }
            let mut text = inode.readlink(cx)?;
            if text.is_empty() {
                return Err(Errno::ENOENT);
            }
            text.extend_from_slice(&rest[next..]);
            if text.len() >= 2 * PATH_MAX {
                return Err(Errno::ENAMETOOLONG);
            }
            if text[0] == b'/' {
                if resolve.has(Resolve::BENEATH) {
                    return Err(Errno::EXDEV);
                }
                resolve.permits(&at, &root)?;
                at = root.clone();
                dir = at.clone();
                last = Last::Root;
            }
            (rest, next) = (text, 0);
            continue;
        }
        if slash && !found.is_directory() {
            return Err(Errno::ENOTDIR);
        }
        at = found;
    }
}

/// The entry of a directory, through what is mounted on it.
pub fn child(cx: &mut Context, dir: &Location, name: &[u8]) -> SysResult<Location> {
    let inode = dir.inode().clone();
    let held = if inode.names_are_stable() { dir.dentry.held_child(name) } else { None };
    let dentry = match held {
        Some(held) => held,
        None => {
            let found = inode.lookup(cx, name)?;
            dir.dentry.child(name, found)
        }
    };
    let place = dir.with(dentry);
    Ok(cx.kernel.mounts.enter(place))
}
