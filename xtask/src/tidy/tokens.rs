//! Just enough of Rust's lexis to tell code from comments and strings.

/// The text with the insides of comments, strings and characters blanked out;
/// lines stay where they are.
pub fn code_only(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut after_word = false;
    while let Some(first) = rest.chars().next() {
        let skipped = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            block_comment(rest)
        } else if let Some(len) = string(rest, after_word) {
            len
        } else {
            out.push(first);
            after_word = is_word(first);
            rest = &rest[first.len_utf8()..];
            continue;
        };
        out.extend(rest[..skipped].chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        rest = &rest[skipped..];
        after_word = false;
    }
    out
}

/// Whether a line of code has the keyword `unsafe`, also as an attribute's
/// `unsafe(...)`.
pub fn unsafe_code(line: &str) -> Option<&'static str> {
    words(line).any(|word| word == "unsafe").then_some("unsafe")
}

/// Whether a line of code depends on the operating system.
pub fn system_name(line: &str) -> Option<&'static str> {
    if line.contains("std::os::") {
        return Some("std::os::");
    }
    let named = ["target_os", "target_family", "target_vendor"];
    if let Some(name) = named.into_iter().find(|name| words(line).any(|word| word == *name)) {
        return Some(name);
    }
    let cfg = line.contains("cfg(") || line.contains("cfg!(") || line.contains("cfg_attr(");
    let families = ["unix", "windows"];
    families.into_iter().find(|family| cfg && words(line).any(|word| word == *family))
}

fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c| !is_word(c))
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn block_comment(text: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    let bytes = text.as_bytes();
    while at + 1 < bytes.len() {
        match &bytes[at..at + 2] {
            b"/*" => (depth, at) = (depth + 1, at + 2),
            b"*/" => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    text.len()
}

/// The length of the string or character that `text` starts with, prefix and
/// all. `after_word`: what looks like a prefix is the end of a name.
fn string(text: &str, after_word: bool) -> Option<usize> {
    if text.starts_with('"') {
        return Some(quoted(text, 1));
    }
    if text.starts_with('\'') {
        return character(text);
    }
    if after_word {
        return None;
    }
    let prefix = ["br", "cr", "r", "b", "c"].into_iter().find(|prefix| text.starts_with(prefix))?;
    let rest = &text[prefix.len()..];
    let hashes = rest.bytes().take_while(|byte| *byte == b'#').count();
    if !rest[hashes..].starts_with('"') {
        return None;
    }
    if !prefix.ends_with('r') {
        return (hashes == 0).then(|| quoted(text, prefix.len() + 1));
    }
    let start = prefix.len() + hashes + 1;
    let end = format!("\"{}", "#".repeat(hashes));
    Some(text[start..].find(&end).map_or(text.len(), |found| start + found + end.len()))
}

/// The end of a string whose text starts at `at`.
fn quoted(text: &str, mut at: usize) -> usize {
    let bytes = text.as_bytes();
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    text.len()
}

/// A character, but not a lifetime.
fn character(text: &str) -> Option<usize> {
    let mut chars = text.char_indices().skip(1);
    let (_, first) = chars.next()?;
    if first == '\\' {
        return text.get(3..)?.find('\'').map(|found| found + 4);
    }
    let (at, second) = chars.next()?;
    (second == '\'').then_some(at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_strings_are_not_code() {
        let text = "a // unsafe\n/* unsafe /* */ unsafe */ b \"unsafe \\\" unsafe\" r#\"unsafe \" unsafe\"# '\"' c";
        let code = code_only(text);
        assert_eq!(code.split_whitespace().collect::<Vec<_>>(), ["a", "b", "c"]);
        assert_eq!(code.lines().count(), 2);
    }

    #[test]
    fn lifetimes_and_names_are_code() {
        assert_eq!(
            code_only("fn f<'a>(x: &'a str, ptr: u8) {}"),
            "fn f<'a>(x: &'a str, ptr: u8) {}"
        );
        assert_eq!(code_only(r"['\'', '\u{1}', b'x', 'unsafe"), "[    ,        , b   , 'unsafe");
    }

    #[test]
    fn unsafe_is_a_word() {
        assert!(unsafe_code("unsafe { x }").is_some());
        assert!(unsafe_code("#[unsafe(no_mangle)]").is_some());
        assert!(unsafe_code("#![forbid(unsafe_code)]").is_none());
    }

    #[test]
    fn systems() {
        assert_eq!(system_name("#[cfg(target_os = )]"), Some("target_os"));
        assert_eq!(system_name("#[cfg(not(windows))]"), Some("windows"));
        assert_eq!(system_name("for window in windows {"), None);
        assert_eq!(system_name("use std::os::fd::AsFd;"), Some("std::os::"));
    }
}
