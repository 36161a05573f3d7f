//! Retention by age: old rows go, a bounded number at a time, and batches are stored meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use weir_core::event::Record;
use weir_core::sink::Sink;
use weir_core::testkit::sink::batch;
use weir_core::time::Timestamp;
use weir_core::world::Clock;
use weir_sinks::sqlite::{SqliteSettings, SqliteSink};

use crate::sqlite::file::object;
use crate::sqlite::probe::SqliteProbe;

const DAY: Duration = Duration::from_secs(86_400);

/// Shows the time that it is set to.
struct SetClock(AtomicI64);

#[async_trait]
impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst))
    }

    async fn sleep(&self, _: Duration) {}
}

impl SetClock {
    fn set(&self, now: Duration) {
        self.0.store(now.as_micros().try_into().unwrap(), Ordering::SeqCst);
    }
}

fn received(day: u32, offset: u64) -> Record {
    let mut record = object(offset);
    record.received_at = Timestamp::default().after(DAY * day);
    record
}

/// The writer tidies after it has answered; its next answer to a batch comes after that.
async fn settle(sink: &SqliteSink) {
    for _ in 0..2 {
        sink.deliver(&batch("p", vec![received(9, 9)])).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_older_than_the_retention_go_and_younger_ones_stay() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.db");
    let clock = Arc::new(SetClock(AtomicI64::new(0)));
    clock.set(DAY * 5);
    let settings = SqliteSettings { retention: Some(DAY * 7), ..SqliteSettings::new(&path) };
    let sink = SqliteSink::start(settings, clock.clone()).unwrap();
    let records = (0..10).map(|day| received(day, u64::from(day))).collect();
    sink.deliver(&batch("p", records)).await.unwrap();
    let probe = SqliteProbe::new(&path, "events");
    settle(&sink).await;
    assert_eq!(probe.count(), 10);
    clock.set(DAY * 10);
    settle(&sink).await;
    assert_eq!(probe.count(), 7, "of days 0 to 9, those before day 3 are gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_rows_go_in_several_turns_without_anybody_asking() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.db");
    let clock = Arc::new(SetClock(AtomicI64::new(0)));
    let settings = SqliteSettings { retention: Some(DAY), ..SqliteSettings::new(&path) };
    let sink = SqliteSink::start(settings, clock.clone()).unwrap();
    sink.deliver(&batch("p", (0..25_000).map(|offset| received(0, offset)).collect())).await.unwrap();
    sink.deliver(&batch("p", vec![received(9, 25_000)])).await.unwrap();
    let probe = SqliteProbe::new(&path, "events");
    clock.set(DAY * 9);
    sink.check().await.unwrap();
    let deadline = std::time::Instant::now() + Duration::from_secs(60);
    while probe.count() > 1 {
        assert!(std::time::Instant::now() < deadline, "{} rows are left", probe.count());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(probe.count(), 1);
}
