//! What an input could not read, as messages of its dead-letter topic.
//!
//! **Constraint.** The value is what was sent, so that it can be sent again, with the key and the headers it had; where it
//! stood, and why it is no event, stands in headers behind them. What is too long for a message is there without its value.

use std::sync::Arc;

use bytes::Bytes;
use weir_core::log::{Source, Unreadable};

use super::message::{Form, Headers, Message};

impl Form {
    /// One message each; none where the topic depends on events.
    pub fn letters(&self, unreadable: &[Unreadable]) -> Vec<Message> {
        let Some(topic) = self.topic.literal().filter(|_| !unreadable.is_empty()) else { return Vec::new() };
        let topic: Arc<str> = topic.into();
        unreadable.iter().enumerate().map(|(index, one)| self.letter(index, &topic, one)).collect()
    }

    fn letter(&self, index: usize, topic: &Arc<str>, one: &Unreadable) -> Message {
        let Source { topic: from, partition, offset, key, headers } = &one.source;
        let mut all = Headers::default();
        headers.iter().for_each(|(name, text)| all.add(name, text));
        all.add("dead_letter_topic", from);
        all.add("dead_letter_partition", &partition.to_string());
        all.add("dead_letter_offset", &offset.to_string());
        all.add("dead_letter_reason", &one.refusal.reason);
        all.add("dead_letter_detail", &one.refusal.detail);
        let value = one.record.as_ref().map(|record| record.event.body.clone()).unwrap_or_default();
        let mut letter = Message { index, topic: topic.clone(), key: key.clone(), headers: all, value };
        if letter.bytes() > self.message_max_bytes {
            letter.value = Bytes::new();
        }
        letter
    }
}
