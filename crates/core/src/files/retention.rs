//! Retention: which files go, and by which rule.
//!
//! **Constraint.** A plan follows from the files and the rules alone. The oldest go first, and never what is younger than the
//! rule's `min_age`: a limit that cannot be kept without that is not kept.

use std::time::Duration;

use super::catalog::{Owner, Totals};
use super::file::StoredFile;
use crate::time::Timestamp;

/// What some files may come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RetentionLimits {
    /// Bytes of them all.
    pub max_bytes: Option<u64>,
    /// How many.
    pub max_count: Option<u64>,
    /// How old one may be.
    pub max_age: Option<Duration>,
    /// What is younger stays, whatever the other limits say.
    pub min_age: Duration,
}

/// Limits of somebody's files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetentionRule {
    /// As in the settings: `files.retention`, `files.retention.groups.NAME`.
    pub name: Box<str>,
    /// Whose.
    pub owner: Owner,
    /// What they may come to.
    pub limits: RetentionLimits,
}

/// Why a file goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// The limit, as in the settings: `files.retention.max_age`.
    pub rule: Box<str>,
    /// What it is and what was found.
    pub words: Box<str>,
}

/// Looks at one owner's kept files, the oldest first, and says of each whether it goes.
#[derive(Debug)]
pub struct Judge<'a> {
    rule: &'a RetentionRule,
    /// What is left, should everything go that was judged so.
    left: Totals,
    now: Timestamp,
}

impl<'a> Judge<'a> {
    /// By this rule, of files that add up to `totals`.
    pub fn new(rule: &'a RetentionRule, totals: Totals, now: Timestamp) -> Self {
        Self { rule, left: totals, now }
    }

    /// Why the file goes. `None`: it stays, and so does every younger one.
    pub fn judge(&mut self, file: &StoredFile) -> Option<Reason> {
        let RetentionLimits { max_bytes, max_count, max_age, min_age } = self.rule.limits;
        let stored_at = file.facts.stored_at;
        if stored_at > self.now.before(min_age) {
            return None;
        }
        let Totals { files, bytes } = self.left;
        let reason = if max_age.is_some_and(|age| stored_at < self.now.before(age)) {
            self.reason("max_age", format!("it was stored at {stored_at}"))
        } else if max_count.is_some_and(|count| files > count) {
            self.reason("max_count", format!("there were {files} files"))
        } else if max_bytes.is_some_and(|limit| bytes > limit) {
            self.reason("max_bytes", format!("the files had {bytes} bytes"))
        } else {
            return None;
        };
        self.left = Totals { files: files.saturating_sub(1), bytes: bytes.saturating_sub(file.facts.bytes) };
        Some(reason)
    }

    fn reason(&self, limit: &str, words: String) -> Reason {
        Reason { rule: format!("{}.{limit}", self.rule.name).into(), words: words.into() }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::files::{ContentHash, Fate, FileFacts};

    const NOW: i64 = 1_767_225_600_000_000;

    fn file(age_s: u64, bytes: u64) -> StoredFile {
        let stored_at = Timestamp::from_micros(NOW).before(Duration::from_secs(age_s));
        let facts = FileFacts {
            key: "f".into(),
            name: "f".into(),
            group: None,
            trace: None,
            user: None,
            content_type: None,
            hash: ContentHash([0; 32]),
            bytes,
            stored_at,
        };
        StoredFile { id: 1, facts, content_id: 1, fate: Fate::Kept }
    }

    fn rule(limits: RetentionLimits) -> RetentionRule {
        RetentionRule { name: "files.retention".into(), owner: Owner::All, limits }
    }

    fn totals(files: &[StoredFile]) -> Totals {
        Totals { files: files.len() as u64, bytes: files.iter().map(|file| file.facts.bytes).sum() }
    }

    /// What goes of these files, the oldest first.
    fn going(limits: RetentionLimits, files: &[StoredFile]) -> Vec<Reason> {
        let rule = rule(limits);
        let mut judge = Judge::new(&rule, totals(files), Timestamp::from_micros(NOW));
        files.iter().map_while(|file| judge.judge(file)).collect()
    }

    #[test]
    fn each_limit_takes_the_oldest_and_says_which_it_was() {
        let files: Vec<StoredFile> = [50, 40, 30, 20, 10].map(|age_s| file(age_s, 100)).into();
        let seconds = Duration::from_secs;
        for (limits, count, rule) in [
            (RetentionLimits { max_age: Some(seconds(25)), ..RetentionLimits::default() }, 3, "max_age"),
            (RetentionLimits { max_count: Some(4), ..RetentionLimits::default() }, 1, "max_count"),
            (RetentionLimits { max_bytes: Some(250), ..RetentionLimits::default() }, 3, "max_bytes"),
        ] {
            let going = going(limits, &files);
            assert_eq!(going.len(), count, "{rule}");
            assert_eq!(&*going[0].rule, format!("files.retention.{rule}"));
        }
        let young =
            RetentionLimits { max_count: Some(0), min_age: seconds(35), ..RetentionLimits::default() };
        assert_eq!(going(young, &files).len(), 2, "what is younger stays");
        assert_eq!(going(RetentionLimits::default(), &files), []);
    }

    proptest! {
        #[test]
        fn limits_are_kept_as_far_as_min_age_allows_and_no_more_goes_than_needed(
            mut ages in proptest::collection::vec(0_u64..1_000, 0..40),
            bytes in 1_u64..1_000,
            max_bytes in proptest::option::of(0_u64..20_000),
            max_count in proptest::option::of(0_u64..40),
            max_age_s in proptest::option::of(0_u64..1_000),
            min_age_s in 0_u64..1_000,
        ) {
            ages.sort_unstable_by(|one, other| other.cmp(one));
            let files: Vec<StoredFile> = ages.iter().map(|age_s| file(*age_s, bytes)).collect();
            let (max_age, min_age) = (max_age_s.map(Duration::from_secs), Duration::from_secs(min_age_s));
            let count = going(RetentionLimits { max_bytes, max_count, max_age, min_age }, &files).len();
            let is_kept = |left: &[StoredFile]| {
                let Totals { files, bytes } = totals(left);
                max_bytes.is_none_or(|limit| bytes <= limit)
                    && max_count.is_none_or(|limit| files <= limit)
                    && left.first().is_none_or(|file| {
                        max_age.is_none_or(|age| file.facts.stored_at >= Timestamp::from_micros(NOW).before(age))
                    })
            };
            prop_assert!(ages[..count].iter().all(|age_s| *age_s >= min_age_s));
            prop_assert!(is_kept(&files[count..]) || ages.get(count).is_none_or(|age_s| *age_s < min_age_s));
            prop_assert!(count == 0 || !is_kept(&files[count - 1..]));
        }
    }
}
