//! A batch sorted into objects.
//!
//! **Constraint.** An object's name and bytes follow from its events alone, the name from their places in the log, ids
//! and times. So a repeat, also one of only some of a batch's objects, writes the same names and the same bytes; and
//! what another log holds at the same places gets other names.

use std::collections::BTreeMap;
use std::io::Write;

use bytes::Bytes;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};
use weir_core::event::Record;
use weir_core::line::Last;
use weir_core::sink::{Batch, BatchId, Exception, Verdict};

use super::line;
use super::name::{NameTemplate, Slot};
use super::settings::Compression;
use crate::seen::Seen;

const ZSTD_LEVEL: i32 = 3;
/// About what a line has beside the event's own bytes.
const KNOWN_BYTES: usize = 240;

/// An object to be written.
#[derive(Debug)]
pub(super) struct Object {
    pub name: String,
    pub body: Bytes,
    /// The places in the batch of its events.
    pub events: Vec<usize>,
}

/// A batch as it is to be written.
#[derive(Debug)]
pub(super) struct Sorted {
    pub objects: Vec<Object>,
    /// Events that stand in the batch already.
    pub repeats: u64,
    /// The events that are no JSON objects.
    pub refused: Vec<Exception>,
}

/// An object in the making.
struct Draft {
    lines: Vec<u8>,
    events: Vec<usize>,
}

impl Draft {
    /// With room for these, as mostly a batch is of one hour.
    fn of(records: &[Record]) -> Self {
        let bytes = records.iter().map(|record| record.event.body.len() + KNOWN_BYTES).sum();
        Self { lines: Vec::with_capacity(bytes), events: Vec::with_capacity(records.len()) }
    }
}

pub(super) fn sort(
    batch: &Batch,
    template: &NameTemplate,
    compression: Compression,
) -> std::io::Result<Sorted> {
    let mut drafts: BTreeMap<Slot, Draft> = BTreeMap::new();
    let mut seen = Seen::with_capacity(batch.records.len());
    let (mut repeats, mut refused, mut last) = (0, Vec::new(), Last::default());
    for (index, record) in batch.records.iter().enumerate() {
        if !seen.is_first(record.event.id) {
            repeats += 1;
            continue;
        }
        let draft = drafts.entry(template.slot(record)).or_insert_with(|| Draft::of(&batch.records[index..]));
        match line::write(&mut draft.lines, record, &mut last) {
            Ok(()) => draft.events.push(index),
            Err(refusal) => {
                seen.forget(record.event.id);
                refused.push(Exception { index, verdict: Verdict::Refused(refusal) });
            }
        }
    }
    let finished = drafts.into_iter().filter(|(_, draft)| !draft.events.is_empty()).map(|(slot, draft)| {
        let hash = digest(&batch.id, draft.events.iter().filter_map(|index| batch.records.get(*index)));
        let body = compressed(draft.lines, compression)?.into();
        Ok(Object { name: template.fill(&slot, &hash), body, events: draft.events })
    });
    Ok(Sorted { objects: finished.collect::<std::io::Result<_>>()?, repeats, refused })
}

/// Sixteen bytes in hexadecimal, that no other object has. The batch's own bounds are not in it: what remains of a
/// batch is sent under a name of its own.
fn digest<'a>(batch: &BatchId, records: impl Iterator<Item = &'a Record>) -> String {
    let mut digest = Sha256::new();
    let text = |digest: &mut Sha256, text: &str| {
        digest.update((text.len() as u64).to_le_bytes());
        digest.update(text);
    };
    text(&mut digest, &batch.sink.0);
    text(&mut digest, &batch.partition.0);
    for record in records {
        digest.update(record.offset.0.to_le_bytes());
        digest.update(record.event.id.0);
        digest.update(record.received_at.as_micros().to_le_bytes());
    }
    digest.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// No time and no name goes into the head, so that the same lines make the same bytes.
fn compressed(lines: Vec<u8>, compression: Compression) -> std::io::Result<Vec<u8>> {
    match compression {
        Compression::None => Ok(lines),
        Compression::Zstd => zstd::bulk::compress(&lines, ZSTD_LEVEL),
        Compression::Gzip => {
            let mut encoder =
                GzEncoder::new(Vec::with_capacity(lines.len() / 4), flate2::Compression::fast());
            encoder.write_all(&lines)?;
            encoder.finish()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objects::ObjectsSettings;
    use std::io::Read;
    use std::sync::Arc;
    use weir_core::testkit::record;
    use weir_core::testkit::sink::batch;

    fn template() -> NameTemplate {
        NameTemplate::parse(&ObjectsSettings::new("file:///x")).unwrap()
    }

    /// Events at these seconds after the epoch.
    fn events(seconds: impl IntoIterator<Item = u64>) -> Batch {
        let event = |at| {
            let mut record = record(at, "events", 0);
            record.event.body = format!("{{\"n\":{at}}}").into();
            record
        };
        batch("p", seconds.into_iter().map(event).collect())
    }

    fn records(batch: &mut Batch) -> &mut Vec<Record> {
        Arc::make_mut(&mut batch.records)
    }

    fn sorted(batch: &Batch) -> Sorted {
        sort(batch, &template(), Compression::None).unwrap()
    }

    fn names(batch: &Batch) -> Vec<String> {
        sorted(batch).objects.into_iter().map(|object| object.name).collect()
    }

    #[test]
    fn every_object_belongs_to_one_hour() {
        let Sorted { objects, .. } = sorted(&events([10, 3_599, 3_600, 7_000, 90_000]));
        let hours: Vec<(&str, &[usize])> = objects
            .iter()
            .map(|object| (object.name.split("/weir").next().unwrap(), &object.events[..]))
            .collect();
        assert_eq!(hours, [("1970/1/1/0", &[0, 1][..]), ("1970/1/1/1", &[2, 3]), ("1970/1/2/1", &[4])]);
        let lines = |object: &Object| object.body.split(|byte| *byte == b'\n').count() - 1;
        assert_eq!(objects.iter().map(lines).collect::<Vec<_>>(), [2, 2, 1]);
    }

    #[test]
    fn a_name_follows_from_the_events_and_nothing_else() {
        let whole = events([1, 2, 4_000, 4_001]);
        assert_eq!(names(&whole), names(&whole));
        let mut rest = events([4_000, 4_001]);
        rest.id.part = "~what-remains".to_owned();
        assert_eq!(names(&rest), names(&whole)[1..], "what remains of a batch goes by the same names");
        let other = |change: fn(&mut Batch)| {
            let mut other = events([1, 2, 4_000, 4_001]);
            change(&mut other);
            names(&other).iter().zip(names(&whole)).filter(|(name, before)| *name == before).count()
        };
        assert_eq!(other(|batch| batch.id.sink.0 = "other".into()), 0);
        assert_eq!(other(|batch| batch.id.partition.0 = "other".into()), 0);
        assert_eq!(other(|batch| drop(records(batch).remove(0))), 1);
        assert_eq!(
            other(|batch| {
                let at = batch.records[1].received_at;
                records(batch)[0].received_at = at;
            }),
            1
        );
        assert_eq!(other(|batch| records(batch)[0].event.id = record(9, "events", 0).event.id), 1);
    }

    #[test]
    fn the_form_of_a_digest_is_kept() {
        // Frozen: a batch that was cut by an earlier version must find its objects again.
        let expected = "1970/1/1/0/weir_6a9dbd67f929f7d6b120edcb31908a33.json";
        assert_eq!(names(&events([1, 2])), [expected]);
    }

    #[test]
    fn the_same_events_make_the_same_bytes_however_compressed() {
        let batch = events(0..500);
        let plain = sorted(&batch).objects.remove(0).body;
        let compressed = |compression| {
            let once = sort(&batch, &template(), compression).unwrap().objects.remove(0).body;
            let again = sort(&batch, &template(), compression).unwrap().objects.remove(0).body;
            assert_eq!(once, again);
            once
        };
        let mut unpacked = Vec::new();
        flate2::read::GzDecoder::new(&*compressed(Compression::Gzip)).read_to_end(&mut unpacked).unwrap();
        assert_eq!(unpacked, plain);
        let unpacked = zstd::bulk::decompress(&compressed(Compression::Zstd), plain.len()).unwrap();
        assert_eq!(unpacked, plain);
    }

    #[test]
    fn an_event_that_comes_twice_is_written_once_and_one_that_is_no_object_not_at_all() {
        let mut batch = events([1, 2, 3, 4]);
        records(&mut batch)[1].event.body = "{".into();
        let twin = batch.records[0].event.id;
        records(&mut batch)[3].event.id = twin;
        let Sorted { objects, repeats, refused } = sorted(&batch);
        assert_eq!((objects.len(), &objects[0].events[..], repeats), (1, &[0, 2][..], 1));
        assert_eq!(refused.iter().map(|exception| exception.index).collect::<Vec<_>>(), [1]);
        let mut bad = events([1]);
        records(&mut bad)[0].event.body = "{".into();
        assert!(sorted(&bad).objects.is_empty());
    }
}
