//! What every log must do, whatever it is made of.

#![expect(clippy::expect_used, reason = "a suite tells by panicking")]

mod marks;

use std::time::Duration;

use bytes::Bytes;

use crate::event::{Event, EventId, Offset, Origin, Record, Stream};
use crate::log::{Append, Entry, EventLog, LogError, Partition, ReadLimit, Slice};
use crate::testkit::world::TestClock;
use crate::time::Timestamp;

const ALL: ReadLimit = ReadLimit { max_events: usize::MAX, max_bytes: usize::MAX };
const PATIENCE: Duration = Duration::from_secs(20);

/// Runs the suite: `open` gives a new, empty log each time; `reopen` takes one through a clean restart.
pub async fn contract<L: Append + EventLog>(open: impl AsyncFn() -> L, reopen: impl AsyncFn(L) -> L) {
    an_empty_log_gives_nothing(&open().await).await;
    what_is_appended_is_read_back(&open().await).await;
    any_text_and_any_size_is_kept_as_it_came(&open().await).await;
    a_read_keeps_its_limits_and_gives_at_least_one(&open().await).await;
    reading_begins_anywhere(&open().await).await;
    concurrent_entries_stand_whole_one_after_the_other(&open().await).await;
    waiting_ends_when_there_is_something(&open().await).await;
    seeking_finds_the_first_event_not_earlier(&open().await).await;
    releasing_takes_nothing_that_is_not_released(&open().await).await;
    a_restart_changes_nothing(open().await, &reopen).await;
    marks::a_mark_tells_what_was_accepted_before_it(open().await, &reopen).await;
}

/// An entry's parts, made up from a stream's name and a number of events.
#[derive(Clone, Debug)]
pub struct Sample {
    /// The stream.
    pub stream: Stream,
    /// When it was received.
    pub received_at: Timestamp,
    /// Who sent it.
    pub origin: Origin,
    /// The events.
    pub events: Vec<Event>,
}

impl Sample {
    /// `count` small events on `stream`, of one origin.
    pub fn new(stream: &str, count: usize) -> Self {
        let stream = Stream::new(stream).expect("the test names a valid stream");
        let origin = Origin {
            credential: "key:test".to_owned(),
            user_agent: Some("contract/1".to_owned()),
            ..Origin::default()
        };
        let events = (0..count).map(|number| Self::event(&stream, &number.to_string()));
        Self {
            events: events.collect(),
            received_at: Timestamp::from_micros(TestClock::BEGIN),
            origin,
            stream,
        }
    }

    /// The same, received `seconds` after the test clock's beginning.
    pub fn at(self, seconds: u64) -> Self {
        let received_at = Timestamp::from_micros(TestClock::BEGIN).after(Duration::from_secs(seconds));
        Self { received_at, ..self }
    }

    /// An event that its sender calls `name`.
    pub fn event(stream: &Stream, name: &str) -> Event {
        Event {
            id: EventId::named(stream, "key:test", name),
            occurred_at: Timestamp::from_micros(TestClock::BEGIN - 5),
            client_id: Some(name.into()),
            user_id: None,
            body: Bytes::from(format!(r#"{{"page":"home","event":"view","log_id":"{name}"}}"#)),
        }
    }

    /// As `append` takes it.
    pub fn entry(&self) -> Entry<'_> {
        Entry {
            stream: &self.stream,
            received_at: self.received_at,
            origin: &self.origin,
            events: &self.events,
        }
    }

    /// Panics unless `record` is this sample's event number `index`.
    pub fn assert_holds(&self, record: &Record, index: usize) {
        assert_eq!(record.event, self.events[index]);
        assert_eq!(record.stream, self.stream);
        assert_eq!(*record.origin, self.origin);
        assert_eq!(record.received_at, self.received_at);
    }
}

fn only(log: &impl EventLog) -> Partition {
    log.partitions().first().expect("a log has a partition").clone()
}

async fn read(log: &impl EventLog, from: u64, limit: ReadLimit) -> Slice {
    let slice = log.read(&only(log), Offset(from), limit).await.expect("a read");
    let mut expected = from;
    for record in &slice.records {
        assert_eq!(record.offset, Offset(expected), "offsets rise without gaps");
        expected += 1;
    }
    assert_eq!(slice.end, Offset(expected));
    assert!(slice.lost.is_empty(), "nothing was damaged: {:?}", slice.lost);
    slice
}

async fn read_all(log: &impl EventLog, from: u64) -> Vec<Record> {
    let mut records: Vec<Record> = Vec::new();
    loop {
        let slice = read(log, from + records.len() as u64, ALL).await;
        if slice.records.is_empty() {
            return records;
        }
        records.extend(slice.records);
    }
}

async fn an_empty_log_gives_nothing<L: Append + EventLog>(log: &L) {
    let extent = log.extent(&only(log));
    assert_eq!((extent.start, extent.end), (Offset(0), Offset(0)));
    assert!(extent.accepted.is_empty());
    assert!(read(log, 0, ALL).await.records.is_empty());
    let place = log.seek(&only(log), Timestamp::from_micros(0)).await.expect("a seek");
    assert_eq!(place, Offset(0));
}

async fn what_is_appended_is_read_back<L: Append + EventLog>(log: &L) {
    let samples = [Sample::new("events", 1), Sample::new("store", 3), Sample::new("events", 1000)];
    let mut end = 0;
    for sample in &samples {
        let span = log.append(sample.entry()).await.expect("an append");
        assert_eq!(span.first, Offset(end));
        end += sample.events.len() as u64;
        assert_eq!(span.end, Offset(end));
        assert_eq!(log.extent(&only(log)).end, span.end, "visible once it is acknowledged");
    }
    let records = read_all(log, 0).await;
    let expected = samples.iter().flat_map(|sample| (0..sample.events.len()).map(move |i| (sample, i)));
    assert_eq!(records.len(), 1004);
    for (record, (sample, index)) in records.iter().zip(expected) {
        sample.assert_holds(record, index);
    }
    let accepted = log.extent(&only(log)).accepted;
    assert_eq!(accepted[&samples[0].stream], 1001);
    assert_eq!(accepted[&samples[1].stream], 3);
}

async fn any_text_and_any_size_is_kept_as_it_came<L: Append + EventLog>(log: &L) {
    let mut sample = Sample::new("a.B-c_9", 4);
    sample.origin = Origin {
        credential: "jwt:Ægir 🜁".to_owned(),
        user_id: Some(String::new()),
        device_uuid: Some("기기".to_owned()),
        app_version: Some("\u{0}".to_owned()),
        os_version: None,
        user_agent: Some("x".repeat(100_000)),
        client_ip: Some("::1".to_owned()),
    };
    sample.events[0].client_id = None;
    sample.events[0].user_id = Some("".into());
    sample.events[0].occurred_at = Timestamp::from_micros(i64::MIN);
    sample.events[1].client_id = Some("".into());
    sample.events[1].user_id = Some("ユーザー".into());
    sample.events[1].occurred_at = Timestamp::from_micros(i64::MAX);
    sample.events[1].body = Bytes::from_static("{\"\u{1F980}\":\"\u{10FFFF}\"}".as_bytes());
    sample.events[2].client_id = Some("y".repeat(70_000).into());
    sample.events[2].body = Bytes::from_static(b"{}");
    sample.events[3].body = Bytes::from(format!(r#"{{"a":"{}"}}"#, "z".repeat(1 << 20)));
    log.append(sample.entry()).await.expect("an append");
    log.append(Sample::new("events", 1).entry()).await.expect("an append");
    let records = read_all(log, 0).await;
    assert_eq!(records.len(), 5);
    for (index, record) in records[..4].iter().enumerate() {
        sample.assert_holds(record, index);
    }
}

async fn a_read_keeps_its_limits_and_gives_at_least_one<L: Append + EventLog>(log: &L) {
    let sample = Sample::new("events", 100);
    for _ in 0..3 {
        log.append(sample.entry()).await.expect("an append");
    }
    for (max_events, max_bytes, expected) in [
        (7, usize::MAX, 7),
        (150, usize::MAX, 150),
        (usize::MAX, sample.events[0].body.len() * 2, 2),
        (usize::MAX, 1, 1),
        (0, 0, 1),
    ] {
        let limit = ReadLimit { max_events, max_bytes };
        assert_eq!(read(log, 0, limit).await.records.len(), expected, "{limit:?}");
    }
}

async fn reading_begins_anywhere<L: Append + EventLog>(log: &L) {
    let sample = Sample::new("events", 37);
    for _ in 0..10 {
        log.append(sample.entry()).await.expect("an append");
    }
    for from in (0..370).rev() {
        let limit = ReadLimit { max_events: 3, max_bytes: usize::MAX };
        let records = read(log, from, limit).await.records;
        assert_eq!(records.len() as u64, 3.min(370 - from));
        sample.assert_holds(&records[0], (from % 37) as usize);
    }
    assert!(read(log, 370, ALL).await.records.is_empty());
}

async fn concurrent_entries_stand_whole_one_after_the_other<L: Append + EventLog>(log: &L) {
    let samples: Vec<Sample> = (1..=60).map(|count| Sample::new(&format!("s{}", count % 3), count)).collect();
    let appends = samples.iter().map(|sample| log.append(sample.entry()));
    let spans = futures::future::join_all(appends).await;
    let records = read_all(log, 0).await;
    assert_eq!(records.len(), 60 * 61 / 2);
    for (span, sample) in spans.into_iter().zip(&samples) {
        let span = span.expect("an append");
        assert_eq!(span.end.0 - span.first.0, sample.events.len() as u64);
        for index in 0..sample.events.len() {
            sample.assert_holds(&records[span.first.0 as usize + index], index);
        }
    }
    let accepted = log.extent(&only(log)).accepted;
    assert_eq!(accepted.values().sum::<u64>(), records.len() as u64);
}

async fn waiting_ends_when_there_is_something<L: Append + EventLog>(log: &L) {
    let sample = Sample::new("events", 2);
    let partition = only(log);
    let waiting = log.wait(&partition, Offset(1));
    let appending = async {
        tokio::task::yield_now().await;
        log.append(sample.entry()).await
    };
    let both = tokio::time::timeout(PATIENCE, futures::future::join(waiting, appending)).await;
    let (waited, appended) = both.expect("the wait ends");
    waited.expect("a wait");
    appended.expect("an append");
    log.wait(&partition, Offset(0)).await.expect("there is something already");
}

async fn seeking_finds_the_first_event_not_earlier<L: Append + EventLog>(log: &L) {
    let samples: Vec<Sample> = [10, 20, 20, 15, 40].map(|second| Sample::new("events", 4).at(second)).into();
    for sample in &samples {
        log.append(sample.entry()).await.expect("an append");
    }
    for (second, expected) in [(0, 0), (10, 0), (11, 4), (20, 4), (21, 16), (40, 16), (41, 20)] {
        let time = Sample::new("events", 0).at(second).received_at;
        let place = log.seek(&only(log), time).await.expect("a seek");
        assert_eq!(place, Offset(expected), "{second} s");
    }
}

async fn releasing_takes_nothing_that_is_not_released<L: Append + EventLog>(log: &L) {
    let sample = Sample::new("events", 10);
    for _ in 0..3 {
        log.append(sample.entry()).await.expect("an append");
    }
    for before in [15, 15, 3] {
        log.release(&only(log), Offset(before)).await.expect("a release");
        let extent = log.extent(&only(log));
        assert!(extent.start <= Offset(15), "{extent:?}");
        assert_eq!((extent.end, extent.accepted[&sample.stream]), (Offset(30), 30));
        assert_eq!(read_all(log, 15).await.len(), 15);
    }
    match log.read(&only(log), Offset(0), ALL).await {
        Ok(slice) => sample.assert_holds(&slice.records[0], 0),
        Err(error) => assert!(matches!(error, LogError::Trimmed { start } if start <= Offset(15))),
    }
}

async fn a_restart_changes_nothing<L: Append + EventLog>(log: L, reopen: &impl AsyncFn(L) -> L) {
    let sample = Sample::new("events", 10);
    log.append(sample.entry()).await.expect("an append");
    log.append(Sample::new("store", 1).entry()).await.expect("an append");
    let before = log.extent(&only(&log));
    let log = reopen(log).await;
    assert_eq!(log.extent(&only(&log)), before);
    let span = log.append(sample.entry()).await.expect("an append");
    assert_eq!(span.first, Offset(11));
    let log = reopen(log).await;
    let records = read_all(&log, 0).await;
    assert_eq!(records.len(), 21);
    sample.assert_holds(&records[9], 9);
    sample.assert_holds(&records[20], 9);
    assert_eq!(log.extent(&only(&log)).accepted[&sample.stream], 20);
}
