//! `Range` (RFC 9110, section 14): a part of a file.

use hyper::HeaderMap;
use hyper::header::{IF_NONE_MATCH, IF_RANGE, RANGE};
use weir_core::files::ByteRange;

/// What of a file is to be sent.
#[derive(Debug, PartialEq, Eq)]
pub enum Wanted {
    /// All of it.
    Whole,
    /// This part.
    Part(ByteRange),
    /// A part that it does not have.
    Nothing,
    /// The client has it.
    Known,
}

/// What the headers ask for of a file of this tag and size. Several ranges at once are answered with the whole, which the
/// RFC allows.
pub fn wanted(headers: &HeaderMap, tag: &str, bytes: u64) -> Wanted {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let names_it = |list: &str| {
        list.split(',').map(str::trim).any(|one| one == "*" || one.trim_start_matches("W/") == tag)
    };
    if text(IF_NONE_MATCH).is_some_and(names_it) {
        return Wanted::Known;
    }
    // The part of another content is of no use to anybody.
    let is_current = text(IF_RANGE).is_none_or(|told| told == tag);
    match text(RANGE).filter(|_| is_current).and_then(|range| range.trim().strip_prefix("bytes=")) {
        Some(range) if !range.contains(',') => part(range, bytes),
        _ => Wanted::Whole,
    }
}

fn part(range: &str, bytes: u64) -> Wanted {
    let Some((first, last)) = range.split_once('-') else { return Wanted::Whole };
    let (first, last) = (first.trim(), last.trim());
    let range = match (first.parse::<u64>(), last.parse::<u64>()) {
        (Ok(first), Ok(last)) if first <= last => {
            ByteRange { start: first, end: last.saturating_add(1).min(bytes) }
        }
        (Ok(first), Err(_)) if last.is_empty() => ByteRange { start: first, end: bytes },
        (Err(_), Ok(length)) if first.is_empty() => {
            ByteRange { start: bytes.saturating_sub(length), end: bytes }
        }
        _ => return Wanted::Whole,
    };
    match range.start < range.end {
        true => Wanted::Part(range),
        false => Wanted::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    fn asked(pairs: &[(&'static str, &'static str)]) -> Wanted {
        let headers =
            pairs.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value)));
        wanted(&headers.collect(), "\"t\"", 100)
    }

    #[test]
    fn one_range_is_a_part() {
        let part = |start, end| Wanted::Part(ByteRange { start, end });
        for (range, expected) in [
            ("bytes=0-0", part(0, 1)),
            ("bytes=10-19", part(10, 20)),
            ("bytes=90-", part(90, 100)),
            ("bytes=90-1000", part(90, 100)),
            ("bytes=-5", part(95, 100)),
            ("bytes=-500", part(0, 100)),
            ("bytes=100-", Wanted::Nothing),
            ("bytes=-0", Wanted::Nothing),
            ("bytes=0-1,5-6", Wanted::Whole),
            ("bytes=5-1", Wanted::Whole),
            ("lines=1-2", Wanted::Whole),
            ("bytes=a-b", Wanted::Whole),
        ] {
            assert_eq!(asked(&[("range", range)]), expected, "{range}");
        }
    }

    #[test]
    fn conditions_go_before_ranges() {
        assert_eq!(asked(&[("if-none-match", "\"a\", W/\"t\"")]), Wanted::Known);
        assert_eq!(asked(&[("if-none-match", "\"a\"")]), Wanted::Whole);
        assert_eq!(asked(&[("range", "bytes=0-1"), ("if-range", "\"a\"")]), Wanted::Whole);
        assert_ne!(asked(&[("range", "bytes=0-1"), ("if-range", "\"t\"")]), Wanted::Whole);
    }
}
