//! Calls by the table.

use crate::class::class;
use crate::guest::{Guest, set_word, slice_mut, string};
use crate::out::Out;
use crate::table::{Function, Id};
use crate::{Stop, format, heap, number, string as strings};

/// Calls a function with its arguments, of which there are as many as it has parameters (what
/// lies behind is not looked at), and gives its result; 0 if it has none.
///
/// # Errors
/// What stops the guest.
pub fn call<G: Guest>(
    function: Function,
    arguments: [u32; 4],
    guest: &mut G,
) -> Result<u64, G::Error> {
    let [a, b, c, d] = arguments;
    Ok(u64::from(match function.id {
        Id::Malloc => heap::allocate(guest, a)?,
        Id::CxaAllocate => heap::allocate(guest, a)?,
        Id::Realloc => heap::reallocate(guest, a, b)?,
        Id::Calloc => {
            let Some(size) = a.checked_mul(b) else { return Ok(0) };
            let pointer = heap::allocate(guest, size)?;
            if pointer != 0 {
                strings::fill(guest.parts().0, pointer, 0, size)?;
            }
            pointer
        }
        Id::Free => {
            heap::free(guest, a)?;
            0
        }
        Id::Strdup | Id::UnderscoreStrdup => {
            let size = strings::length(guest.parts().0, a)? + 1;
            let pointer = heap::allocate(guest, size)?;
            if pointer != 0 {
                strings::copy(guest.parts().0, pointer, a, size)?;
            }
            pointer
        }
        Id::Clock => return Ok(guest.parts().1.clock(1).unwrap_or(u64::MAX)),
        id => plain(id, [a, b, c, d], guest)?,
    }))
}

/// Functions that work on the memory alone.
fn plain<G: Guest>(id: Id, [a, b, c, d]: [u32; 4], guest: &mut G) -> Result<u32, Stop> {
    let (memory, system) = guest.parts();
    match id {
        Id::Printf | Id::Vprintf => {
            Ok(format::format(&mut Out::to_system(memory, system), a, b)? as u32)
        }
        Id::Sprintf | Id::Vsprintf => {
            let room = u32::MAX - a;
            Ok(terminated(Out::to_memory(memory, system, a, room), a, room, b, c)? as u32)
        }
        Id::Snprintf | Id::Vsnprintf => {
            let mut out = Out::to_memory(memory, system, a, b.saturating_sub(1));
            match b {
                0 => Ok(format::format(&mut out, c, d)? as u32),
                _ => Ok(terminated(out, a, b - 1, c, d)? as u32),
            }
        }
        Id::Puts => {
            system.write(string(memory, a)?);
            system.write(b"\n");
            Ok(1)
        }
        Id::Putchar => {
            system.write(&[a as u8]);
            Ok(a & 0xff)
        }
        Id::Memcmp => strings::compare_bytes(memory, a, b, c),
        Id::Memcpy | Id::Memmove | Id::MemcpyBig => strings::copy(memory, a, b, c),
        Id::Memset => strings::fill(memory, a, b, c),
        Id::Memchr => strings::find_byte(memory, a, b, c),
        Id::Strchr => strings::find_char(memory, a, b),
        Id::Strcmp => strings::compare(memory, a, b, u32::MAX),
        Id::Strncmp => strings::compare(memory, a, b, c),
        Id::Strncasecmp => strings::compare_caseless(memory, a, b, c),
        Id::Strcpy => strings::copy_string(memory, a, b),
        Id::Strncpy => strings::copy_prefix(memory, a, b, c),
        Id::Strlen => strings::length(memory, a),
        Id::Strspn => strings::span(memory, a, b, true),
        Id::Strcspn => strings::span(memory, a, b, false),
        Id::Strstr => strings::find_string(memory, a, b),
        Id::Atoi => Ok(number::parse(memory, a, 10)?.signed() as u32),
        Id::Strtol | Id::Strtoul => {
            let parsed = number::parse(memory, a, c)?;
            if b != 0 {
                set_word(memory, b, a + parsed.len)?;
            }
            let value = if id == Id::Strtol { parsed.signed() as u32 } else { parsed.unsigned() };
            Ok(value)
        }
        Id::Exit => Err(Stop::Exit(a as i32)),
        Id::Abort | Id::StackOverflow | Id::NullFunc => Err(Stop::Abort),
        Id::CxaThrow => Err(Stop::Thrown),
        Id::CxaBeginCatch => Ok(0),
        Id::ClockGettime => {
            let Some(now) = system.clock(a) else { return Ok(u32::MAX) };
            // struct timespec: 64 bits of seconds, 32 of nanoseconds, 4 bytes of nothing.
            let target = slice_mut(memory, b, 16)?;
            target[..8].copy_from_slice(&(now / 1_000_000_000).to_le_bytes());
            target[8..].copy_from_slice(&(now % 1_000_000_000).to_le_bytes());
            Ok(0)
        }
        // Above and in `call` are all others.
        id => Ok(class(id, a)),
    }
}

/// Formats into the memory and puts a NUL behind what found room.
fn terminated(
    mut out: Out<'_>,
    at: u32,
    room: u32,
    text: u32,
    arguments: u32,
) -> Result<i32, Stop> {
    let result = format::format(&mut out, text, arguments)?;
    let len = out.count.min(room.into()) as u32;
    slice_mut(out.memory, at + len, 1)?[0] = 0;
    Ok(result)
}
