//! The page of all system calls, made from the table.

use alloc::format;
use alloc::string::{String, ToString};

use super::{Level, ROWS};

/// A Markdown page with a line for each call.
pub fn markdown() -> String {
    let there = ROWS.iter().filter(|row| row.handler.is_some()).count();
    let mut page = format!(
        "# System calls\n\nGenerated from the table in `src/syscall/table.rs`. There are {there} of \
         {}; the others return `ENOSYS`, and `--report` counts them.\n\n\
         | call | i386 | x86-64 | support |\n|---|---|---|---|\n",
        ROWS.len()
    );
    for row in ROWS {
        let number = |number: Option<u16>| number.map_or("–".into(), |number| number.to_string());
        let level = match row.level {
            Level::Full => "full".into(),
            Level::Part(missing) => format!("partial: {missing}"),
            Level::No => String::from("–"),
        };
        let (i386, amd64) = (number(row.i386), number(row.amd64));
        page.push_str(&format!("| `{}` | {i386} | {amd64} | {level} |\n", row.name));
    }
    page
}
