//! What every sink must do, whatever it stores in.

#![expect(clippy::expect_used, reason = "a suite tells by panicking")]

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::future::join_all;

use super::cases::{self, Case, plain};
use crate::event::{EventId, Offset, Record};
use crate::log::Partition;
use crate::sink::{Batch, BatchId, Receipt, Sink, SinkName, Verdict};

/// Reads back what a sink has stored, past the sink.
#[async_trait]
pub trait Probe: Send + Sync {
    /// Every row or document there is, in any order; an event that is stored twice comes twice.
    async fn stored(&self) -> Vec<(EventId, Columns)>;

    /// How an event that was sent so reads here. A store may have forms of its own, of JSON above all; `None` where it
    /// holds no such event, which is then to be refused.
    async fn reading(&self, sent: &Columns) -> Option<Columns> {
        Some(sent.clone())
    }

    /// A body on the stream `events` that this store will never take.
    fn refused_body(&self) -> Bytes {
        Bytes::from_static(br#"{"page":"p","event":"#)
    }

    /// Whether the store tells the sink how many of a batch's events it had before.
    fn tells_duplicates(&self) -> bool {
        true
    }

    /// How far the sink knows an event again.
    fn reach(&self) -> Reach {
        Reach::Store
    }
}

/// Where an event that is delivered again has no second effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// In whatever batch it comes.
    Store,
    /// In its own batch, however often that comes; in another one it is stored beside itself.
    Batch,
    /// Nowhere: as often as it is delivered it is stored, always in the same form.
    Nowhere,
}

/// An event as it reads in a store. JSON and times as text, so that a lost digit shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "they are the columns that every table has")]
pub struct Columns {
    pub stream: String,
    pub log_id: Option<String>,
    pub page: Option<String>,
    pub event: Option<String>,
    pub label: Option<String>,
    pub target: Option<String>,
    pub section: Option<String>,
    pub param: Option<String>,
    pub user_id: Option<String>,
    pub device_uuid: Option<String>,
    pub app_version: Option<String>,
    pub os_version: Option<String>,
    pub user_agent: Option<String>,
    pub client_ip: Option<String>,
    pub occurred_at: String,
    pub received_at: String,
    pub extra: Option<String>,
}

/// A batch of these records, named after `partition` and their offsets.
pub fn batch(partition: &str, records: Vec<Record>) -> Batch {
    let offsets = || records.iter().map(|record| record.offset);
    let id = BatchId {
        sink: SinkName("contract".into()),
        partition: Partition(partition.into()),
        first: offsets().min().unwrap_or_default(),
        end: offsets().max().unwrap_or_default().next(),
        part: String::new(),
    };
    Batch { id, records: Arc::new(records), unreadable: Arc::default() }
}

/// Runs the suite on a sink whose store is empty.
pub async fn contract(sink: &impl Sink, probe: &impl Probe) {
    sink.check().await.expect("the store is there");
    sink.check().await.expect("a second check finds what the first one made");
    what_is_delivered_reads_as_it_was_sent(sink, probe).await;
    a_batch_delivered_again_has_no_second_effect(sink, probe).await;
    an_event_in_another_batch_has_no_second_effect(sink, probe).await;
    an_event_twice_in_one_batch_is_stored_once(sink, probe).await;
    one_bad_event_does_not_concern_the_others(sink, probe).await;
    batches_may_come_in_any_order(sink, probe).await;
    batches_may_come_all_at_once(sink, probe).await;
}

/// What a receipt must tell, of so many events that were there before.
fn told(probe: &impl Probe, duplicates: u64) -> u64 {
    if probe.tells_duplicates() { duplicates } else { 0 }
}

/// What is told of events that were in other batches before.
fn told_of_others(probe: &impl Probe, duplicates: u64) -> u64 {
    if probe.reach() == Reach::Store { told(probe, duplicates) } else { 0 }
}

async fn what_is_delivered_reads_as_it_was_sent(sink: &impl Sink, probe: &impl Probe) {
    let groups = [
        ("texts", cases::texts()),
        ("values", cases::values()),
        ("moments", cases::moments()),
        ("origins", cases::origins()),
        ("other", cases::other_streams()),
        ("large", cases::large()),
    ];
    let mut readings = Vec::new();
    for (name, group) in &groups {
        let reading = join_all(group.iter().map(|case| probe.reading(&case.expected))).await;
        let receipt = deliver(sink, name, group).await;
        assert_eq!(receipt.duplicates, 0, "{name}: all are new");
        assert_eq!(refused(&receipt), places_of_none(&reading), "{name}: {receipt:?}");
        readings
            .extend(group.iter().zip(reading).map(|(case, reading)| (*name, case.record.event.id, reading)));
    }
    let stored = once_each(probe).await;
    for (name, id, reading) in readings {
        let found = stored.get(&id);
        assert!(found == reading.as_ref(), "{name}: {}", difference(found, reading.as_ref()));
    }
}

/// The indices of the events that are refused for good; no other exception is allowed.
fn refused(receipt: &Receipt) -> Vec<usize> {
    let refused = receipt.exceptions.iter().map(|exception| {
        assert!(matches!(exception.verdict, Verdict::Refused(_)), "{exception:?}");
        exception.index
    });
    refused.collect()
}

fn places_of_none(readings: &[Option<Columns>]) -> Vec<usize> {
    let none = readings.iter().enumerate().filter(|(_, reading)| reading.is_none());
    none.map(|(place, _)| place).collect()
}

async fn a_batch_delivered_again_has_no_second_effect(sink: &impl Sink, probe: &impl Probe) {
    let cases = plain("again", 100);
    assert_eq!(deliver(sink, "again", &cases).await.duplicates, 0);
    for _ in 0..3 {
        let receipt = deliver(sink, "again", &cases).await;
        assert_eq!((receipt.duplicates, receipt.exceptions), (told(probe, 100), Vec::new()));
    }
    assert_stored(probe, &cases).await;
}

async fn an_event_in_another_batch_has_no_second_effect(sink: &impl Sink, probe: &impl Probe) {
    let cases = plain("overlap", 30);
    assert_eq!(deliver(sink, "overlap", &cases[..20]).await.duplicates, 0);
    assert_eq!(deliver(sink, "overlap", &cases[10..]).await.duplicates, told_of_others(probe, 10));
    assert_stored(probe, &cases).await;
}

async fn an_event_twice_in_one_batch_is_stored_once(sink: &impl Sink, probe: &impl Probe) {
    let mut cases = plain("twice", 10);
    let mut repeat = Case::new("twice", 3, "");
    repeat.record.offset = Offset(10);
    cases.push(repeat);
    let receipt = deliver(sink, "twice", &cases).await;
    assert_eq!((receipt.duplicates, receipt.exceptions), (1, Vec::new()));
    assert_stored(probe, &cases).await;
}

async fn one_bad_event_does_not_concern_the_others(sink: &impl Sink, probe: &impl Probe) {
    const BAD: usize = 417;
    let mut cases = plain("bad", 1_000);
    cases[BAD].record.event.body = probe.refused_body();
    for duplicates in [0, 999] {
        let receipt = deliver(sink, "bad", &cases).await;
        assert_eq!(receipt.duplicates, told(probe, duplicates));
        let [exception] = receipt.exceptions.as_slice() else {
            panic!("exactly one is refused, not {:?}", receipt.exceptions);
        };
        let Verdict::Refused(refusal) = &exception.verdict else {
            panic!("sending it again cannot help: {:?}", exception.verdict);
        };
        assert_eq!(exception.index, BAD);
        assert!(!refusal.reason.is_empty() && !refusal.detail.is_empty(), "{refusal:?}");
    }
    let bad = cases.remove(BAD);
    assert!(!once_each(probe).await.contains_key(&bad.record.event.id));
    assert_stored(probe, &cases).await;
}

async fn batches_may_come_in_any_order(sink: &impl Sink, probe: &impl Probe) {
    let cases = plain("order", 100);
    for part in cases.chunks(7).rev() {
        let receipt = deliver(sink, "order", part).await;
        assert_eq!((receipt.duplicates, receipt.exceptions), (0, Vec::new()));
    }
    assert_stored(probe, &cases).await;
}

async fn batches_may_come_all_at_once(sink: &impl Sink, probe: &impl Probe) {
    let cases = plain("at once", 600);
    // Each event is in two of the batches, so that repeats meet one another.
    let parts = cases.chunks(50).chain(cases[25..].chunks(50)).chain([&cases[..25]]);
    let receipts = join_all(parts.map(|part| deliver(sink, "at once", part))).await;
    assert!(receipts.iter().all(|receipt| receipt.exceptions.is_empty()), "{receipts:?}");
    assert_eq!(receipts.iter().map(|receipt| receipt.duplicates).sum::<u64>(), told_of_others(probe, 600));
    assert_stored(probe, &cases).await;
}

async fn deliver(sink: &impl Sink, partition: &str, cases: &[Case]) -> Receipt {
    let records = cases.iter().map(|case| case.record.clone()).collect();
    let delivered = sink.deliver(&batch(partition, records)).await;
    delivered.expect("the store is well")
}

async fn assert_stored(probe: &impl Probe, cases: &[Case]) {
    let stored = once_each(probe).await;
    for case in cases {
        let expected = probe.reading(&case.expected).await;
        let found = stored.get(&case.record.event.id);
        assert!(found == expected.as_ref(), "{}", difference(found, expected.as_ref()));
    }
}

async fn once_each(probe: &impl Probe) -> BTreeMap<EventId, Columns> {
    let mut distinct = BTreeMap::new();
    for (id, columns) in probe.stored().await {
        let may_repeat = match probe.reach() {
            Reach::Store => false,
            Reach::Batch => is_in_two_batches(&columns),
            Reach::Nowhere => is_in_two_batches(&columns) || is_delivered_again(&columns),
        };
        if let Some(before) = distinct.insert(id, columns) {
            assert!(may_repeat, "{id} is stored twice");
            assert!(distinct.get(&id) == Some(&before), "{id} is stored in two forms");
        }
    }
    distinct
}

/// Whether it is of a scenario that delivers events in more than one batch.
fn is_in_two_batches(columns: &Columns) -> bool {
    matches!(columns.event.as_deref(), Some("overlap" | "at once"))
}

/// Whether it is of a scenario that delivers a batch more than once.
fn is_delivered_again(columns: &Columns) -> bool {
    matches!(columns.event.as_deref(), Some("again" | "bad"))
}

/// Large events would drown the message.
fn difference(found: Option<&Columns>, expected: Option<&Columns>) -> String {
    let short = |columns: Option<&Columns>| {
        let text = columns.map_or_else(|| "nothing".to_owned(), |columns| format!("{columns:?}"));
        text.chars().take(2_000).collect::<String>()
    };
    format!("found {}\nexpected {}", short(found), short(expected))
}
