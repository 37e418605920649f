//! A call as `strace` shows it, from the kinds of its arguments.

use alloc::format;
use alloc::string::String;

use super::{Arg, CallState};
use crate::errno::SysResult;
use crate::kernel::Context;

/// Bytes of a buffer or a string that are shown.
const SHOWN: usize = 48;

/// The line of a call that ended.
pub fn line(cx: &Context, call: &CallState, result: SysResult) -> String {
    let mut text = format!("[{}] ", cx.thread.tid);
    match call.row {
        Some(row) => {
            text.push_str(row.name);
            text.push('(');
            for (index, kind) in row.args.iter().enumerate() {
                if index > 0 {
                    text.push_str(", ");
                }
                text.push_str(&argument(cx, call, index, *kind, result));
            }
        }
        None => {
            let [a, b, c, ..] = call.args.0;
            text.push_str(&format!("syscall_{}({a:#x}, {b:#x}, {c:#x}, …", call.number));
        }
    }
    text.push_str(") = ");
    text.push_str(&match result {
        Ok(value) if value >= 1 << 20 => format!("{value:#x}"),
        Ok(value) => format!("{value}"),
        Err(errno) => format!("-1 {errno}"),
    });
    text
}

fn argument(cx: &Context, call: &CallState, index: usize, kind: Arg, result: SysResult) -> String {
    let value = call.args.0[index];
    match kind {
        Arg::Dir if value as i32 == crate::fs::walk::AT_FDCWD => "AT_FDCWD".into(),
        Arg::Int | Arg::Fd | Arg::Dir | Arg::Pid | Arg::Clock => format!("{}", value as i32),
        Arg::Sig => crate::signal::name(value as i32),
        Arg::Long => format!("{}", value as i64),
        Arg::Uint | Arg::Size | Arg::Off | Arg::OffPair => format!("{value}"),
        Arg::Mode | Arg::Open => format!("{value:#o}"),
        Arg::Hex => format!("{value:#x}"),
        Arg::Ptr if value == 0 => "NULL".into(),
        Arg::Ptr => format!("{value:#x}"),
        Arg::Path | Arg::Str => match cx.read_path(value) {
            Ok(text) => quoted(&text, text.len()),
            Err(_) => format!("{value:#x}"),
        },
        Arg::In => buffer(cx, value, call.args.0[(index + 1).min(5)]),
        Arg::Out => match result {
            Ok(count) => buffer(cx, value, count),
            Err(_) => format!("{value:#x}"),
        },
    }
}

fn buffer(cx: &Context, addr: u64, len: u64) -> String {
    match cx.read_vec(addr, len.min(SHOWN as u64)) {
        Ok(bytes) => quoted(&bytes, len as usize),
        Err(_) => format!("{addr:#x}"),
    }
}

fn quoted(bytes: &[u8], len: usize) -> String {
    let shown = &bytes[..bytes.len().min(SHOWN.max(200))];
    let more = if shown.len() < len { "..." } else { "" };
    format!("\"{}\"{more}", shown.escape_ascii())
}
