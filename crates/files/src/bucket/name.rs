//! What a content is called in a bucket.
//!
//! **Constraint.** Names sort as contents do, by hash and then by number: the server lists by name.

use weir_core::files::{ContentHash, ContentRef};

const ENDING: &str = ".zst";
const HASH_DIGITS: usize = 64;
/// Puts numbers below zero before the others.
const SIGN: u64 = 1 << 63;

pub(super) fn of(content: ContentRef) -> String {
    format!("{}-{:016x}{ENDING}", content.hash, content.id.cast_unsigned() ^ SIGN)
}

/// Whose name it is; nothing where it is none of ours.
pub(super) fn read(name: &str) -> Option<ContentRef> {
    let (hash, id) = name.strip_suffix(ENDING)?.split_at_checked(HASH_DIGITS)?;
    let hash: ContentHash = hash.parse().ok()?;
    let id = u64::from_str_radix(id.strip_prefix('-')?, 16).ok()?;
    Some(ContentRef { hash, id: (id ^ SIGN).cast_signed() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back_and_sort_as_contents_do() {
        let content = |first, id| {
            let mut hash = [7; 32];
            hash[0] = first;
            ContentRef { hash: ContentHash(hash), id }
        };
        let rising =
            [content(1, i64::MIN), content(1, -1), content(1, 0), content(1, i64::MAX), content(200, -5)];
        assert!(rising.is_sorted());
        assert!(rising.map(of).is_sorted());
        assert_eq!(rising.map(|content| read(&of(content))), rising.map(Some));
        assert_eq!(read("something else"), None);
    }
}
