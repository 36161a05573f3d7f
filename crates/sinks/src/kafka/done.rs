//! Which batches are in Kafka already: kept in Kafka, in the metadata of a committed offset, which is part of the
//! transaction that brings the batch. So a batch is there exactly if its name is.
//!
//! **Constraint.** What a name stands for is the batch and the very messages it sent. Where the same batch makes other
//! messages, because settings were changed in between, it is another one, and is sent.

use std::collections::VecDeque;
use std::fmt;

use sha2::{Digest, Sha256};
use weir_core::sink::Batch;

use super::message::Message;

/// How many names are kept. A batch is asked for again only while it is not settled, and no more than some are under way.
/// Brokers allow 4,096 bytes (`offset.metadata.max.bytes`).
const NAMES_MAX: usize = 200;
const VERSION: &str = "1 ";
const NAME_BYTES: usize = 16;

/// The name of a batch that was sent: 64 bits of a digest, in hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Name(String);

impl Name {
    pub fn of(batch: &Batch, messages: &[Message]) -> Self {
        let mut digest = Sha256::new();
        digest.update(batch.id.to_string());
        for record in messages.iter().filter_map(|message| batch.records.get(message.index)) {
            digest.update(record.event.id.0);
        }
        Self(digest.finalize().iter().take(NAME_BYTES / 2).map(|byte| format!("{byte:02x}")).collect())
    }
}

/// The latest batches, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Done(VecDeque<Name>);

impl Done {
    /// Reads the form that [`fmt::Display`] writes; nothing is an empty one.
    pub fn parse(text: &str) -> Option<Self> {
        if text.is_empty() {
            return Some(Self::default());
        }
        let names = text.strip_prefix(VERSION)?;
        let is_hexadecimal = names.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_hexadecimal || names.len() % NAME_BYTES != 0 {
            return None;
        }
        let count = names.len() / NAME_BYTES;
        Some(Self((0..count).map(|at| Name(names[at * NAME_BYTES..][..NAME_BYTES].to_owned())).collect()))
    }

    pub fn has(&self, name: &Name) -> bool {
        self.0.contains(name)
    }

    /// With one more; the oldest goes where there are too many.
    pub fn and(&self, name: Name) -> Self {
        let mut names = self.0.clone();
        if names.len() >= NAMES_MAX {
            names.pop_front();
        }
        names.push_back(name);
        Self(names)
    }
}

impl fmt::Display for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(VERSION)?;
        self.0.iter().try_for_each(|name| f.write_str(&name.0))
    }
}

#[cfg(test)]
mod tests {
    use super::super::message::Headers;
    use super::*;
    use std::sync::Arc;
    use weir_core::testkit::record;
    use weir_core::testkit::sink::batch;

    fn messages(places: &[usize]) -> Vec<Message> {
        let topic: Arc<str> = "t".into();
        let message = |index: &usize| Message {
            index: *index,
            topic: topic.clone(),
            key: None,
            headers: Headers::default(),
            value: bytes::Bytes::new(),
        };
        places.iter().map(message).collect()
    }

    fn of(offsets: std::ops::Range<u64>) -> Batch {
        batch("p", offsets.map(|offset| record(offset, "events", 1)).collect())
    }

    #[test]
    fn a_name_stands_for_the_batch_and_the_messages_that_it_sent() {
        let name = Name::of(&of(0..3), &messages(&[0, 1, 2]));
        assert_eq!(name, Name::of(&of(0..3), &messages(&[0, 1, 2])));
        assert_ne!(name, Name::of(&of(0..3), &messages(&[0, 2])), "one fewer was sent");
        let mut part = of(0..3);
        part.id.part = ".0".to_owned();
        assert_ne!(name, Name::of(&part, &messages(&[0, 1, 2])), "a part of it");
        let mut records = of(0..3).records.to_vec();
        records[1].event.id = record(9, "events", 1).event.id;
        assert_ne!(
            name,
            Name::of(&batch("p", records), &messages(&[0, 1, 2])),
            "another log at the same offsets"
        );
        // Frozen: a batch that an earlier version sent must be known.
        assert_eq!(name.0, "ccfa1b367212e4e9");
    }

    #[test]
    fn the_latest_are_known_and_fit_into_what_a_broker_takes() {
        let name = |number: usize| Name(format!("{number:016x}"));
        let mut done = Done::default();
        for number in 0..NAMES_MAX + 5 {
            done = done.and(name(number));
        }
        assert!(!done.has(&name(4)) && done.has(&name(5)) && done.has(&name(NAMES_MAX + 4)));
        let text = done.to_string();
        assert!(text.len() <= 4_096, "{}", text.len());
        assert_eq!(Done::parse(&text), Some(done));
    }

    #[test]
    fn what_somebody_else_wrote_is_not_read() {
        assert_eq!(Done::parse(""), Some(Done::default()));
        for bad in ["2 ", "x", "1 0123", "1 000000000000000é", "10123456789abcdef"] {
            assert_eq!(Done::parse(bad), None, "{bad}");
        }
    }
}
