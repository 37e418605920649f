//! Links of `/proc` that lead to a place rather than to a path.

use alloc::rc::Rc;
use alloc::vec::Vec;

use super::process::some_thread;
use crate::errno::{Errno, SysResult};
use crate::fs::{Location, OpenFile};
use crate::kernel::Context;
use crate::task::Pid;

/// Where a process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Link {
    Cwd,
    Root,
    Exe,
}

/// Where a link leads.
pub fn place(cx: &mut Context, which: Link, id: Pid) -> SysResult<Location> {
    let thread = some_thread(cx, id).ok_or(Errno::ENOENT)?;
    let fs = thread.fs();
    match which {
        Link::Cwd => Ok(fs.cwd.borrow().clone()),
        Link::Root => Ok(fs.root.borrow().clone()),
        Link::Exe => {
            let mm = thread.mm();
            let exe = mm.borrow().exe.clone();
            exe.ok_or(Errno::ENOENT)
        }
    }
}

/// What a link shows.
pub fn text(cx: &mut Context, which: Link, id: Pid) -> SysResult<Vec<u8>> {
    let place = place(cx, which, id)?;
    Ok(shown(cx, &place))
}

/// The path of a place as the caller sees it.
pub fn shown(cx: &Context, place: &Location) -> Vec<u8> {
    let root = cx.thread.fs().root.borrow().clone();
    let (mut path, _) = place.path_from(&root);
    if place.dentry.is_deleted() {
        if place.dentry.parent().is_none() {
            path = [b"/", &place.dentry.name()[..]].concat();
        }
        path.extend_from_slice(b" (deleted)");
    }
    path
}

fn open_file(cx: &Context, id: Pid, fd: i32) -> SysResult<Rc<OpenFile>> {
    let thread = some_thread(cx, id).ok_or(Errno::ENOENT)?;
    let files = thread.files();
    let files = files.borrow();
    files.get(fd).cloned().map_err(|_| Errno::ENOENT)
}

/// What a link of `fd` shows.
pub fn fd_text(cx: &mut Context, id: Pid, fd: i32) -> SysResult<Vec<u8>> {
    let open = open_file(cx, id, fd)?;
    match &open.location {
        Some(place) => Ok(shown(cx, place)),
        None => Ok(open.file.description().into_bytes()),
    }
}

/// Where a link of `fd` leads.
pub fn fd_place(cx: &mut Context, id: Pid, fd: i32) -> SysResult<Location> {
    let open = open_file(cx, id, fd)?;
    match &open.location {
        Some(place) => Ok(place.clone()),
        None => Ok(super::handle::place(cx, &open)),
    }
}
