//! Disks that are full, broken, frozen: nothing is acknowledged that is not durable, and work goes on by itself.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::support::*;
use weir_core::log::{Append, EventLog, LogError};
use weir_core::testkit::world::SeededRandom;
use weir_log::segment::faults::{Faults, FaultyDisk};
use weir_log::segment::{LogSettings, SegmentLog};

fn faulty(settings: LogSettings) -> (SegmentLog, Arc<Faults>) {
    let faults = Arc::new(Faults::default());
    let (log, _) = open_on(settings, Arc::new(FaultyDisk(Arc::clone(&faults))));
    (log, faults)
}

fn reason(outcome: Result<weir_core::log::Span, LogError>) -> String {
    match outcome {
        Err(LogError::Retry { reason, after }) => {
            assert!(after > Duration::ZERO);
            reason
        }
        other => panic!("it should have been refused for now: {other:?}"),
    }
}

/// Appends what has been refused until it is taken.
async fn until_taken(log: &SegmentLog, stream: &str, first: u64, count: usize) {
    eventually("the log takes events again", async || append(log, stream, first, count).await.is_ok()).await;
}

async fn recovers_from(fault: impl Fn(&Faults) -> &AtomicBool) {
    let dir = tempfile::tempdir().unwrap();
    let (log, faults) = faulty(settings(dir.path()));
    append(&log, "events", 0, 3).await.unwrap();
    append(&log, "store", 3, 1).await.unwrap();
    let before = log.extent(&log.partitions()[0]);

    fault(&faults).store(true, Ordering::SeqCst);
    let reason = reason(append(&log, "store", 100, 5).await);
    assert!(reason.contains("rror"), "it tells the cause: {reason}");
    assert!(log.stats().writable.is_err());
    append(&log, "store", 100, 5).await.unwrap_err();
    assert_eq!(log.extent(&log.partitions()[0]), before, "nothing of it is seen");
    assert_eq!(read_all(&log).await.names(), ["0", "1", "2", "3"], "what is there can be read");

    fault(&faults).store(false, Ordering::SeqCst);
    eventually("it is well without being asked", async || log.stats().writable.is_ok()).await;
    append(&log, "events", 4, 2).await.unwrap();
    assert_eq!(read_all(&log).await.names(), ["0", "1", "2", "3", "4", "5"]);
    drop(log);

    let (log, report) = open(settings(dir.path()));
    let all = read_all(&log).await;
    assert_eq!(all.names(), ["0", "1", "2", "3", "4", "5"], "so it is after a restart");
    assert_eq!(all.by_stream(), accepted(&log));
    assert!(report.damaged.is_empty());
}

#[tokio::test]
async fn a_write_that_fails_is_not_acknowledged_and_work_goes_on() {
    recovers_from(|faults| &faults.writes_fail).await;
}

#[tokio::test]
async fn a_write_that_stops_half_way_is_not_acknowledged_and_work_goes_on() {
    recovers_from(|faults| &faults.writes_stop_half_way).await;
}

#[tokio::test]
async fn a_sync_that_fails_is_not_acknowledged_and_work_goes_on_in_another_file() {
    recovers_from(|faults| &faults.syncs_fail).await;
}

#[tokio::test]
async fn a_disk_that_became_read_only_is_waited_for() {
    recovers_from(|faults| &faults.read_only).await;
}

#[tokio::test]
async fn after_a_failed_sync_the_same_file_is_never_written_again() {
    let dir = tempfile::tempdir().unwrap();
    let (log, faults) = faulty(settings(dir.path()));
    append(&log, "events", 0, 3).await.unwrap();
    faults.syncs_fail.store(true, Ordering::SeqCst);
    append(&log, "events", 3, 1).await.unwrap_err();
    let before = std::fs::read(&segment_files(dir.path())[0]).unwrap();
    faults.syncs_fail.store(false, Ordering::SeqCst);
    until_taken(&log, "events", 3, 1).await;
    assert_eq!(std::fs::read(&segment_files(dir.path())[0]).unwrap(), before);
    assert_eq!(segment_files(dir.path()).len(), 2);
}

#[tokio::test]
async fn a_failure_in_an_empty_segment_leaves_no_trace() {
    let dir = tempfile::tempdir().unwrap();
    let (log, faults) = faulty(settings(dir.path()));
    faults.syncs_fail.store(true, Ordering::SeqCst);
    append(&log, "events", 0, 1).await.unwrap_err();
    faults.syncs_fail.store(false, Ordering::SeqCst);
    until_taken(&log, "events", 7, 1).await;
    drop(log);
    let (log, _) = open(settings(dir.path()));
    assert_eq!(read_all(&log).await.names(), ["7"]);
    assert_eq!(segment_files(dir.path()).len(), 1);
}

#[tokio::test]
async fn a_full_disk_refuses_and_goes_on_when_there_is_room() {
    let dir = tempfile::tempdir().unwrap();
    let (log, faults) = faulty(settings(dir.path()));
    faults.leave_room(Some(100 << 10));
    let mut taken = 0;
    let refused = loop {
        match append(&log, "events", taken, 50).await {
            Ok(_) => taken += 50,
            outcome => break reason(outcome),
        }
    };
    assert!(refused.contains("o space left"), "{refused}");
    assert!(taken > 500, "what room there was is used: {taken}");
    faults.leave_room(Some(10 << 20));
    until_taken(&log, "events", taken, 50).await;
    drop(log);
    let (log, _) = open(settings(dir.path()));
    let expected: Vec<String> = (0..taken + 50).map(|number| number.to_string()).collect();
    assert_eq!(read_all(&log).await.names(), expected);
}

#[tokio::test]
async fn a_log_on_a_full_disk_opens_and_can_be_read() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = open(settings(dir.path()));
    append(&log, "events", 0, 10).await.unwrap();
    drop(log);
    let faults = Arc::new(Faults::default());
    faults.leave_room(Some(0));
    faults.writes_fail.store(true, Ordering::SeqCst);
    let (log, _) = open_on(settings(dir.path()), Arc::new(FaultyDisk(Arc::clone(&faults))));
    assert_eq!(read_all(&log).await.records.len(), 10);
    append(&log, "events", 10, 1000).await.unwrap_err();
    faults.leave_room(None);
    faults.writes_fail.store(false, Ordering::SeqCst);
    until_taken(&log, "events", 10, 1000).await;
    assert_eq!(read_all(&log).await.records.len(), 1010);
}

#[tokio::test]
async fn below_the_floor_of_free_space_events_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (log, faults) = faulty(LogSettings { free_min_bytes: 1 << 20, ..settings(dir.path()) });
    append(&log, "events", 0, 1).await.unwrap();
    faults.leave_room(Some(1 << 19));
    eventually("it is noticed", async || log.stats().writable.is_err()).await;
    let refused = reason(append(&log, "events", 1, 1).await);
    assert!(refused.contains("free_min_bytes"), "{refused}");
    faults.leave_room(Some(1 << 21));
    until_taken(&log, "events", 1, 1).await;
    assert!(log.stats().writable.is_ok());
}

#[tokio::test]
async fn whoever_waits_for_a_frozen_disk_gets_an_answer() {
    let dir = tempfile::tempdir().unwrap();
    let patient = LogSettings { append_timeout: Duration::from_millis(300), ..settings(dir.path()) };
    let (log, faults) = faulty(patient);
    append(&log, "events", 0, 1).await.unwrap();
    faults.freeze();
    let (one, other) = tokio::join!(append(&log, "events", 1, 1), append(&log, "events", 2, 1));
    assert!(reason(one).contains("not answered"));
    assert!(reason(other).contains("not answered"));
    assert!(reason(append(&log, "events", 3, 1).await).contains("not answered"), "at once, without waiting");
    assert_eq!(read_all(&log).await.names(), ["0"]);
    faults.thaw();
    until_taken(&log, "events", 9, 1).await;
    let names = read_all(&log).await.names();
    assert_eq!((names.first().unwrap().as_str(), names.last().unwrap().as_str()), ("0", "9"));
}

#[tokio::test]
async fn a_full_queue_lets_callers_wait_and_then_refuses() {
    let dir = tempfile::tempdir().unwrap();
    let small = LogSettings {
        queue_max_bytes: 4000,
        append_timeout: Duration::from_millis(300),
        ..settings(dir.path())
    };
    let (log, faults) = faulty(small);
    faults.freeze();
    let samples: Vec<_> = (0..50).map(|number| sample("events", number, 5)).collect();
    let appends = samples.iter().map(|sample| log.append(sample.entry()));
    for outcome in futures::future::join_all(appends).await {
        reason(outcome);
    }
    faults.thaw();
    until_taken(&log, "events", 50, 1).await;
}

#[tokio::test]
async fn bytes_that_cannot_be_read_take_no_more_than_their_blocks() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = open(settings(dir.path()));
    for number in 0..60 {
        append(&log, "events", number * 10, 10).await.unwrap();
    }
    log.close().await;
    drop(log);
    let (log, faults) = faulty(settings(dir.path()));
    faults.spoil(&segment_files(dir.path())[0], 20_000, 20_100);
    let all = read_all(&log).await;
    assert_eq!(all.end, 600);
    assert!((10..=50).contains(&all.lost_events()), "{:?}", all.lost);
    assert_eq!(all.by_stream(), accepted(&log));
}

#[tokio::test]
async fn a_disk_that_cannot_be_read_for_a_while_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (log, faults) = faulty(settings(dir.path()));
    append(&log, "events", 0, 10).await.unwrap();
    append(&log, "events", 10, 10).await.unwrap();
    faults.reads_fail.store(true, Ordering::SeqCst);
    let limit = weir_core::log::ReadLimit { max_events: 5, max_bytes: 1 << 20 };
    let outcome = log.read(&log.partitions()[0], weir_core::event::Offset(0), limit).await;
    assert!(matches!(outcome, Err(LogError::Retry { .. })), "{outcome:?}");
    faults.reads_fail.store(false, Ordering::SeqCst);
    assert_eq!(read_all(&log).await.records.len(), 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_outlives_a_loss_of_power_under_any_faults() {
    for seed in 0..40 {
        let dice = SeededRandom::new(seed);
        let dir = quick_dir();
        let mut acknowledged: Vec<(u64, String)> = Vec::new();
        let mut number = 0;
        for _ in 0..4 {
            let (log, faults) = faulty(settings(dir.path()));
            for _ in 0..dice.below(30) {
                let fault = [&faults.writes_fail, &faults.syncs_fail, &faults.writes_stop_half_way];
                fault[dice.below(3) as usize].store(dice.chance(10), Ordering::SeqCst);
                let samples: Vec<_> = (0..1 + dice.below(6))
                    .map(|_| {
                        let count = 1 + dice.below(60);
                        number += count;
                        sample(["events", "store"][dice.below(2) as usize], number - count, count as usize)
                    })
                    .collect();
                let appends = samples.iter().map(|sample| log.append(sample.entry()));
                for (span, sample) in futures::future::join_all(appends).await.into_iter().zip(&samples) {
                    let Ok(span) = span else { continue };
                    let names =
                        sample.events.iter().map(|event| event.client_id.as_deref().unwrap().to_owned());
                    acknowledged.extend((span.first.0..).zip(names));
                }
            }
            drop(log);
            faults.lose_power(|| dice.chance(50)).unwrap();
            let (log, _) = open(settings(dir.path()));
            let all = read_all(&log).await;
            let found: BTreeMap<u64, String> = all.offsets().into_iter().zip(all.names()).collect();
            for (offset, name) in &acknowledged {
                assert_eq!(found.get(offset), Some(name), "seed {seed}: offset {offset}");
            }
            assert_eq!(all.by_stream(), accepted(&log), "seed {seed}");
        }
    }
}
