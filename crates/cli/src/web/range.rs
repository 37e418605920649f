//! Parts of files, as browsers ask for them.

/// What `Range` asks for (RFC 9110, section 14.1.2).
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Range {
    /// From one byte to another, or to the end.
    From(u64, Option<u64>),
    /// So many bytes of the end.
    Last(u64),
}

impl Range {
    /// Where it starts in a file of this size, and how long it is; none if it is outside.
    pub fn within(self, size: u64) -> Option<(u64, u64)> {
        let (start, end) = match self {
            Range::From(start, end) => (start, end.map_or(size, |last| last.saturating_add(1))),
            Range::Last(count) => (size.saturating_sub(count), size),
        };
        let end = end.min(size);
        (start < end).then(|| (start, end - start))
    }
}

/// One range; none of what is malformed or has several, which a server may ignore.
pub fn parse_range(text: &str) -> Option<Range> {
    let (first, last) = text.strip_prefix("bytes=")?.split_once('-')?;
    match (first, last) {
        ("", last) => Some(Range::Last(last.parse().ok()?)),
        (first, "") => Some(Range::From(first.parse().ok()?, None)),
        (first, last) => {
            let (first, last) = (first.parse().ok()?, last.parse().ok()?);
            (first <= last).then_some(Range::From(first, Some(last)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Range, parse_range};

    #[test]
    fn ranges() {
        assert_eq!(parse_range("bytes=0-9"), Some(Range::From(0, Some(9))));
        assert_eq!(parse_range("bytes=5-"), Some(Range::From(5, None)));
        assert_eq!(parse_range("bytes=-5"), Some(Range::Last(5)));
        for bad in ["bytes=9-0", "bytes=0-1,3-4", "lines=0-9", "bytes=", "bytes=-", "bytes=a-b"] {
            assert_eq!(parse_range(bad), None, "{bad}");
        }
        assert_eq!(Range::From(5, Some(u64::MAX)).within(10), Some((5, 5)));
        assert_eq!(Range::From(10, None).within(10), None);
        assert_eq!(Range::Last(20).within(10), Some((0, 10)));
        assert_eq!(Range::Last(0).within(10), None);
    }
}
