//! Calls that move bytes between files without the program's memory: `sendfile(2)`,
//! `splice(2)`, `tee(2)`, `copy_file_range(2)`, and `vmsplice(2)`.
//!
//! Bytes are copied. What was read from a stream must not be lost if the other side takes
//! less, so pipes and sockets are asked for room first; what still does not go through is
//! kept in the call and written when it goes on.

use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::vec::Vec;

use super::pipe::End;
use super::{FileType, OpenFile, events, flags};
use crate::errno::{Errno, SysResult};
use crate::kernel::Context;
use crate::syscall::Args;

/// Bytes that are moved at once.
const CHUNK: u64 = 1 << 16;
/// Most bytes of a call.
const COUNT_MAX: u64 = 0x7fff_f000;

/// Bytes that were read and not yet written.
#[derive(Default)]
struct Left(Vec<u8>);

/// Moves up to `count` bytes; positions move with them.
fn transfer(
    cx: &mut Context,
    from: &OpenFile,
    from_pos: &mut u64,
    to: &OpenFile,
    to_pos: &mut u64,
    count: u64,
) -> SysResult {
    let saved = cx.with_call(|call| call.saved.take());
    let mut left = saved.and_then(|saved| saved.downcast::<Left>().ok()).unwrap_or_default().0;
    let mut done = cx.progress();
    while done < count {
        if left.is_empty() {
            let want = (count - done).min(CHUNK);
            // A file that gives bytes only once is read when they can be put somewhere.
            if !from.file.seekable() && to.file.poll(cx, to) & events::OUT == 0 {
                if done > 0 {
                    return Ok(done);
                }
                if to.nonblocking() {
                    return Err(Errno::EAGAIN);
                }
                let parked = cx.parked();
                to.file.queues(&mut |queue| queue.push(&parked));
                return Err(Errno::PARK);
            }
            left.resize(want as usize, 0);
            let read = match from.file.read(cx, from, from_pos, &mut left) {
                Ok(read) => read,
                Err(_) if done > 0 => return Ok(done),
                Err(error) => return Err(error),
            };
            left.truncate(read);
            if read == 0 {
                break;
            }
        }
        let before = cx.progress();
        match to.file.write(cx, to, to_pos, &left) {
            Ok(written) => {
                let written = written + (cx.progress() - before) as usize;
                left.drain(..written);
                done += written as u64;
                cx.with_call(|call| call.progress = done);
                if !left.is_empty() {
                    unread(from, from_pos, left.len());
                    return Ok(done);
                }
            }
            Err(Errno::PARK) => {
                let written = (cx.progress() - before) as usize;
                left.drain(..written.min(left.len()));
                cx.with_call(|call| call.saved = Some(Box::new(Left(left))));
                return Err(Errno::PARK);
            }
            Err(error) => {
                unread(from, from_pos, left.len());
                return if done > 0 { Ok(done) } else { Err(error) };
            }
        }
        // A stream gives what it has.
        if !from.file.seekable() && from.file.poll(cx, from) & events::IN == 0 {
            break;
        }
    }
    Ok(done)
}

/// Goes back to what was read and could not be written; streams were asked before.
fn unread(from: &OpenFile, pos: &mut u64, count: usize) {
    if from.file.seekable() {
        *pos -= count as u64;
    }
}

/// A position: at an address of the program, or the file's own.
struct Position {
    at: u64,
    size: usize,
    value: u64,
}

impl Position {
    fn read(cx: &Context, open: &OpenFile, at: u64, size: usize) -> SysResult<Position> {
        let value = match (at, size) {
            (0, _) => open.pos.get(),
            (at, 8) => cx.read_u64(at)?,
            (at, _) => i64::from(cx.read_u32(at)? as i32) as u64,
        };
        if at != 0 && value > i64::MAX as u64 {
            return Err(Errno::EINVAL);
        }
        Ok(Position { at, size, value })
    }

    fn write(&self, cx: &Context, open: &OpenFile) -> SysResult<()> {
        match self.at {
            0 => {
                open.pos.set(self.value);
                Ok(())
            }
            at => cx.write_bytes(at, &self.value.to_le_bytes()[..self.size]),
        }
    }
}

fn ends(cx: &Context, from: i32, to: i32) -> SysResult<(Rc<OpenFile>, Rc<OpenFile>)> {
    let (from, to) = (cx.io_file(from)?, cx.io_file(to)?);
    if from.readable() && to.writable() { Ok((from, to)) } else { Err(Errno::EBADF) }
}

fn send(cx: &mut Context, args: Args, size: usize) -> SysResult {
    let (from, to) = ends(cx, args.int(1), args.int(0))?;
    if args.u64(2) != 0 && !from.file.seekable() {
        return Err(Errno::ESPIPE);
    }
    let is_directory = from.inode().is_some_and(|inode| inode.kind() == FileType::Directory);
    // What cannot be gone back in could be lost.
    if is_directory || !from.file.seekable() || to.flags.get() & flags::APPEND != 0 {
        return Err(Errno::EINVAL);
    }
    let mut pos = Position::read(cx, &from, args.u64(2), size)?;
    // A call that goes on finds the position where the first part left it.
    let mut to_pos = to.pos.get();
    let count = args.u64(3).min(COUNT_MAX);
    let result = transfer(cx, &from, &mut pos.value, &to, &mut to_pos, count);
    pos.write(cx, &from)?;
    to.pos.set(to_pos);
    result
}

/// `sendfile(2)`, with 64-bit offsets.
pub fn sendfile(cx: &mut Context, args: Args) -> SysResult {
    send(cx, args, 8)
}

/// `sendfile` of i386 with 32-bit offsets.
pub fn sendfile32(cx: &mut Context, args: Args) -> SysResult {
    send(cx, args, 4)
}

fn pipe_of(open: &OpenFile) -> Option<&End> {
    open.file.as_any().downcast_ref::<End>()
}

/// `splice(2)`: one side is a pipe.
pub fn splice(cx: &mut Context, args: Args) -> SysResult {
    const NONBLOCK: u32 = 2;
    if args.u32(5) & !15 != 0 {
        return Err(Errno::EINVAL);
    }
    if args.u64(4) == 0 {
        return Ok(0);
    }
    let (from, to) = ends(cx, args.int(0), args.int(2))?;
    let (in_pipe, out_pipe) = (pipe_of(&from), pipe_of(&to));
    if in_pipe.is_none() && out_pipe.is_none() {
        return Err(Errno::EINVAL);
    }
    let offset = |pipe: Option<&End>, at: u64, open: &OpenFile| match (pipe, at) {
        (_, 0) => Ok(()),
        (Some(_), _) => Err(Errno::ESPIPE),
        (None, _) if !open.file.seekable() => Err(Errno::EINVAL),
        _ => Ok(()),
    };
    offset(in_pipe, args.u64(1), &from)?;
    offset(out_pipe, args.u64(3), &to)?;
    if let (Some(one), Some(other)) = (in_pipe, out_pipe)
        && one.is_same(other)
    {
        return Err(Errno::EINVAL);
    }
    if to.flags.get() & flags::APPEND != 0 && out_pipe.is_none() {
        return Err(Errno::EINVAL);
    }
    let mut count = args.u64(4).min(COUNT_MAX);
    if args.u32(5) & NONBLOCK != 0 {
        let empty = in_pipe.is_some_and(|pipe| pipe.waiting().is_empty() && !pipe.ended());
        let full = out_pipe.is_some_and(|pipe| pipe.waiting().room() == 0);
        if empty || full {
            return Err(Errno::EAGAIN);
        }
        if let Some(pipe) = out_pipe {
            count = count.min(pipe.waiting().room() as u64);
        }
    } else if let Some(pipe) = out_pipe {
        // What fits at once is enough: a call that moves some does not wait for more.
        let room = pipe.waiting().room() as u64;
        count = if room > 0 { count.min(room) } else { count };
    }
    let mut from_pos = Position::read(cx, &from, args.u64(1), 8)?;
    let mut to_pos = Position::read(cx, &to, args.u64(3), 8)?;
    let result = transfer(cx, &from, &mut from_pos.value, &to, &mut to_pos.value, count);
    from_pos.write(cx, &from)?;
    to_pos.write(cx, &to)?;
    result
}

/// `tee(2)`: copies what is in a pipe into another, and leaves it there.
pub fn tee(cx: &mut Context, args: Args) -> SysResult {
    const NONBLOCK: u32 = 2;
    if args.u32(3) & !15 != 0 {
        return Err(Errno::EINVAL);
    }
    if args.u64(2) == 0 {
        return Ok(0);
    }
    let (from, to) = ends(cx, args.int(0), args.int(1))?;
    let (Some(one), Some(other)) = (pipe_of(&from), pipe_of(&to)) else {
        return Err(Errno::EINVAL);
    };
    if one.is_same(other) {
        return Err(Errno::EINVAL);
    }
    let nonblocking = args.u32(3) & NONBLOCK != 0;
    for (end, open) in [(one, &from), (other, &to)] {
        let waits = match Rc::ptr_eq(open, &from) {
            true => end.waiting().is_empty(),
            false => end.waiting().room() == 0,
        };
        if !waits {
            continue;
        }
        if Rc::ptr_eq(open, &from) && end.ended() {
            return Ok(0);
        }
        if nonblocking {
            return Err(Errno::EAGAIN);
        }
        let parked = cx.parked();
        open.file.queues(&mut |queue| queue.push(&parked));
        return Err(Errno::PARK);
    }
    let count = (one.waiting().len().min(other.waiting().room()) as u64).min(args.u64(2));
    let mut bytes = alloc::vec![0; count as usize];
    one.waiting().pull(&mut bytes, false);
    to.file.write(cx, &to, &mut 0, &bytes).map(|count| count as u64)
}

/// `vmsplice(2)`: the program's memory and a pipe; pages are copied.
pub fn vmsplice(cx: &mut Context, args: Args) -> SysResult {
    if args.u32(3) & !15 != 0 {
        return Err(Errno::EINVAL);
    }
    let open = cx.io_file(args.int(0))?;
    if pipe_of(&open).is_none() {
        return Err(Errno::EBADF);
    }
    let [fd, parts, count, ..] = args.0;
    let same = Args([fd, parts, count, 0, 0, 0]);
    if open.writable() { super::io::writev(cx, same) } else { super::io::readv(cx, same) }
}

/// `copy_file_range(2)`.
pub fn copy_file_range(cx: &mut Context, args: Args) -> SysResult {
    if args.u32(5) != 0 {
        return Err(Errno::EINVAL);
    }
    let (from, to) = ends(cx, args.int(0), args.int(2))?;
    for open in [&from, &to] {
        match open.inode().map(|inode| inode.kind()) {
            Some(FileType::Regular) => {}
            Some(FileType::Directory) => return Err(Errno::EISDIR),
            _ => return Err(Errno::EINVAL),
        }
    }
    if to.flags.get() & flags::APPEND != 0 {
        return Err(Errno::EBADF);
    }
    let mut from_pos = Position::read(cx, &from, args.u64(1), 8)?;
    let mut to_pos = Position::read(cx, &to, args.u64(3), 8)?;
    let count = args.u64(4).min(COUNT_MAX);
    let same = match (from.inode(), to.inode()) {
        (Some(one), Some(other)) => Rc::ptr_eq(one, other),
        _ => false,
    };
    if same
        && from_pos.value < to_pos.value.saturating_add(count)
        && to_pos.value < from_pos.value.saturating_add(count)
    {
        return Err(Errno::EINVAL);
    }
    let result = transfer(cx, &from, &mut from_pos.value, &to, &mut to_pos.value, count);
    from_pos.write(cx, &from)?;
    to_pos.write(cx, &to)?;
    result
}
