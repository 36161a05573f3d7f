//! From a batch to the entries of streams.

use std::collections::BTreeMap;

use weir_core::event::Record;
use weir_core::line::Last;
use weir_core::sink::Exception;

use crate::brokers::{Format, Template, refusal, refused};
use crate::seen::Seen;

/// The fields `id` and `event` of one entry.
pub(super) struct EntryFields {
    pub id: String,
    pub event: Vec<u8>,
}

/// What is to be added, by key.
#[derive(Default)]
pub(super) struct Entries {
    pub by_key: BTreeMap<String, Vec<EntryFields>>,
    /// Events that stand twice in the batch.
    pub twins: u64,
    /// Events that are none, by rising index.
    pub refused: Vec<Exception>,
}

impl Entries {
    pub fn write(records: &[Record], key: &Template, format: Format) -> Self {
        let mut entries = Self::default();
        let (mut seen, mut last) = (Seen::with_capacity(records.len()), Last::default());
        for (index, record) in records.iter().enumerate() {
            if !seen.is_first(record.event.id) {
                entries.twins += 1;
                continue;
            }
            let mut event = Vec::with_capacity(record.event.body.len() + 256);
            let written = format.write(&mut event, record, &mut last).and_then(|_| {
                let key = key.fill_with_what_is_there(record);
                let key = key.map_err(|error| refusal("invalid_json", error.to_string()))?;
                match key.is_empty() {
                    true => Err(refusal("no_key", "what the sink's `key` names is absent in this event")),
                    false => Ok(key.into_owned()),
                }
            });
            match written {
                Ok(key) => {
                    let fields = EntryFields { id: record.event.id.to_string(), event };
                    entries.by_key.entry(key).or_default().push(fields);
                }
                Err(refusal) => {
                    seen.forget(record.event.id);
                    entries.refused.push(refused(index, refusal));
                }
            }
        }
        entries
    }
}
