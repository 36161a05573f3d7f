//! Processes that end at any moment: by being dropped, or as a copy of the files taken in mid-load shows.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use crate::support::*;
use weir_core::event::Offset;
use weir_core::log::EventLog;
use weir_core::testkit::world::SeededRandom;
use weir_log::segment::{LogSettings, inspect, verify};

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_taken_at_any_moment_holds_all_that_was_acknowledged_before() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = open(settings(dir.path()));
    let log = Arc::new(log);
    let acknowledged = Arc::new(Mutex::new(BTreeSet::new()));
    let appenders: Vec<_> = (0..8_u64)
        .map(|task| {
            let (log, acknowledged) = (Arc::clone(&log), Arc::clone(&acknowledged));
            tokio::spawn(async move {
                let dice = SeededRandom::new(task);
                for round in 0..150 {
                    let first = task * 1_000_000 + round * 100;
                    let count = 1 + dice.below(20) as usize;
                    let span =
                        append(&log, ["events", "store"][(task % 2) as usize], first, count).await.unwrap();
                    acknowledged.lock().unwrap().insert((span.first.0, first));
                }
            })
        })
        .collect();
    for round in 0..12 {
        tokio::time::sleep(Duration::from_millis(7)).await;
        let before = acknowledged.lock().unwrap().clone();
        let copy = tempfile::tempdir().unwrap();
        copy_log(dir.path(), copy.path());
        let (copied, report) = open(settings(copy.path()));
        let all = read_all(&copied).await;
        assert_eq!(all.lost_events(), 0, "round {round}: {report:?}");
        let names = all.names();
        for (offset, name) in before {
            assert_eq!(names[offset as usize], name.to_string(), "round {round}");
        }
        assert_eq!(all.by_stream(), accepted(&copied));
    }
    for appender in appenders {
        appender.await.unwrap();
    }
}

#[tokio::test]
async fn appends_whose_caller_went_away_are_there_whole_or_not_at_all() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = open(settings(dir.path()));
    for number in 0..50 {
        let gone = append(&log, "events", number * 10, 10);
        let _ = tokio::time::timeout(Duration::from_micros(number * 3), gone).await;
    }
    append(&log, "store", 1, 1).await.unwrap();
    drop(log);
    let (log, _) = open(settings(dir.path()));
    let all = read_all(&log).await;
    assert_eq!(all.records.len() % 10, 1);
    assert_eq!(all.lost_events(), 0);
}

#[tokio::test]
async fn a_log_that_is_dropped_again_and_again_goes_on_where_it_was() {
    let dir = tempfile::tempdir().unwrap();
    for round in 0..30 {
        let (log, report) = open(settings(dir.path()));
        assert_eq!(report.end, round * 3);
        assert!(report.torn.is_none() && report.damaged.is_empty());
        append(&log, "events", round * 3, 3).await.unwrap();
        assert_eq!(read_all(&log).await.records.len() as u64, (round + 1) * 3);
    }
    assert_eq!(segment_files(dir.path()).len(), 1, "a restart does not take a segment of its own");
    assert!(verify(dir.path(), |_, _| {}).unwrap().is_sound());
}

#[tokio::test]
async fn only_the_last_segment_is_read_at_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = open(settings(dir.path()));
    for number in 0..40 {
        append(&log, "events", number * 100, 100).await.unwrap();
    }
    let end = log.extent(&log.partitions()[0]).end;
    log.close().await;
    drop(log);
    // Blocks of older segments are not looked at: this is found when it is read, not before.
    let files = segment_files(dir.path());
    let mut bytes = std::fs::read(&files[0]).unwrap();
    bytes[9000] ^= 1;
    std::fs::write(&files[0], bytes).unwrap();
    let (log, report) = open(settings(dir.path()));
    assert!(report.damaged.is_empty());
    assert_eq!(log.extent(&log.partitions()[0]).end, end);
    assert_eq!(read_all(&log).await.lost_events(), 100);
}

#[tokio::test]
async fn inspect_tells_what_is_there() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = open(LogSettings { segment_bytes: 64 << 10, ..settings(dir.path()) });
    for number in 0..20 {
        append(&log, "events", number * 100, 100).await.unwrap();
    }
    assert!(inspect(dir.path()).is_err(), "it is in use");
    log.close().await;
    drop(log);
    let found = inspect(dir.path()).unwrap();
    assert!(found.closed_well && found.segments.len() > 2 && found.set_aside.is_empty());
    let second = &found.segments[1];
    assert_eq!(Some(second.first_offset), found.segments[0].end_offset);
    assert_eq!(second.accepted_before["events"], second.first_offset);
    assert!(!second.head_damaged);
}

#[tokio::test]
async fn offsets_that_were_seen_elsewhere_do_not_come_again() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = open(settings(dir.path()));
    append(&log, "events", 0, 3).await.unwrap();
    log.close().await;
    drop(log);

    let (log, report) = open(LogSettings { continue_at: Offset(10), ..settings(dir.path()) });
    assert_eq!((report.left_out, log.extent(&log.partitions()[0]).end), (7, Offset(10)));
    drop(log);

    let (log, _) = open(LogSettings { continue_at: Offset(10), ..settings(dir.path()) });
    assert_eq!(append(&log, "events", 10, 2).await.unwrap().first, Offset(10));
    drop(log);

    let (log, report) = open(LogSettings { continue_at: Offset(10), ..settings(dir.path()) });
    let all = read_all(&log).await;
    assert_eq!((report.left_out, all.offsets(), all.end), (0, vec![0, 1, 2, 10, 11], 12));
    assert_eq!((all.lost_events(), accepted(&log)["events"]), (7, 12), "whoever has seen them counted them");
}
