//! Character classes of the C locale.

use crate::table::Id;

/// What `isalpha` and its like say of a character, and what `tolower` and `toupper` make of it.
/// A number that is no character is in no class.
pub(crate) fn class(id: Id, c: u32) -> u32 {
    let Ok(byte) = u8::try_from(c) else {
        return if matches!(id, Id::ToLower | Id::ToUpper) { c } else { 0 };
    };
    u32::from(match id {
        Id::IsUpper => byte.is_ascii_uppercase(),
        Id::IsAlpha => byte.is_ascii_alphabetic(),
        Id::IsSpace => matches!(byte, b'\t'..=b'\r' | b' '),
        Id::IsGraph => byte.is_ascii_graphic(),
        Id::IsPrint => matches!(byte, b' '..=b'~'),
        Id::IsDigit => byte.is_ascii_digit(),
        Id::IsXdigit => byte.is_ascii_hexdigit(),
        Id::IsAlnum => byte.is_ascii_alphanumeric(),
        Id::ToLower => return byte.to_ascii_lowercase().into(),
        _ => return byte.to_ascii_uppercase().into(),
    })
}
