//! A name for every request, which its log lines and its answer carry.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

use hyper::HeaderMap;
use hyper::header::{HeaderName, HeaderValue};

/// The header that carries it, both ways.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const REQUEST_ID_MAX_BYTES: usize = 64;

/// Names requests: a number drawn at start, and a count. Unique, not secret.
pub struct RequestIds {
    process: u32,
    count: AtomicU64,
}

impl RequestIds {
    /// Begins with a number of its own.
    pub fn new() -> Self {
        // Only the upper half: enough to tell processes apart.
        Self { process: (RandomState::new().hash_one(()) >> 32) as u32, count: AtomicU64::new(0) }
    }

    /// The client's `x-request-id` where it is a plain word, else the next of ours.
    pub fn of(&self, headers: &HeaderMap) -> HeaderValue {
        headers.get(REQUEST_ID).filter(|id| is_plain(id.as_bytes())).cloned().unwrap_or_else(|| self.next())
    }

    fn next(&self) -> HeaderValue {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        let mut text = [b'-'; 21];
        let digit = |number: u64, place: usize| DIGITS[(number >> (4 * place)) as usize & 15];
        for place in 0..8 {
            text[7 - place] = digit(u64::from(self.process), place);
        }
        for place in 0..12 {
            text[20 - place] = digit(count, place);
        }
        // Hexadecimal digits and a dash are a valid header.
        HeaderValue::from_bytes(&text).unwrap_or_else(|_| HeaderValue::from_static("-"))
    }
}

fn is_plain(id: &[u8]) -> bool {
    let allowed = |byte: &u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':' | b'/' | b'+' | b'=')
    };
    (1..=REQUEST_ID_MAX_BYTES).contains(&id.len()) && id.iter().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(id: &[u8]) -> String {
        let mut headers = HeaderMap::new();
        headers.insert("x-request-id", HeaderValue::from_bytes(id).unwrap());
        RequestIds::new().of(&headers).to_str().unwrap().to_owned()
    }

    #[test]
    fn a_plain_word_is_kept_and_anything_else_replaced() {
        assert_eq!(of(b"abc-123_X.y:z/+="), "abc-123_X.y:z/+=");
        for bad in [&b""[..], b"a b", b"a\"b", b"a\xffb", &[b'a'; 65]] {
            assert_eq!(of(bad).len(), 21);
        }
    }

    #[test]
    fn no_two_are_equal() {
        let (one, other) = (RequestIds::new(), RequestIds::new());
        let ids: std::collections::HashSet<HeaderValue> =
            (0..1000).flat_map(|_| [one.next(), other.next()]).collect();
        assert_eq!(ids.len(), 2000);
    }
}
