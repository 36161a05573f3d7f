//! Released, kept for a while, trimmed; and the budget that makes room or refuses.

use std::path::Path;
use std::time::Duration;

use crate::support::*;
use weir_core::event::Offset;
use weir_core::log::{EventLog, LogError, ReadLimit};
use weir_log::segment::{LogSettings, SegmentLog};

fn keeping_nothing(dir: &Path) -> LogSettings {
    LogSettings { retention: Duration::ZERO, retention_max_bytes: 0, ..settings(dir) }
}

async fn fill(log: &SegmentLog, entries: u64) {
    let end = log.extent(&log.partitions()[0]).end.0;
    for number in 0..entries {
        append(log, "events", end + number * 100, 100).await.unwrap();
    }
}

async fn release(log: &SegmentLog, before: u64) {
    log.release(&log.partitions()[0], Offset(before)).await.unwrap();
}

fn start(log: &SegmentLog) -> u64 {
    log.extent(&log.partitions()[0]).start.0
}

#[tokio::test]
async fn what_is_released_is_trimmed_by_whole_segments() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = open(keeping_nothing(dir.path()));
    fill(&log, 40).await;
    let files = segment_files(dir.path()).len();
    release(&log, 2050).await;
    eventually("segments go", async || start(&log) > 1000).await;
    assert!(start(&log) <= 2050 && segment_files(dir.path()).len() < files);
    let all = read_from(&log, 2050, 1000).await;
    assert_eq!((all.records.len(), all.lost_events()), (4000 - 2050, 0));
    let limit = ReadLimit { max_events: 1, max_bytes: 1 };
    let old = log.read(&log.partitions()[0], Offset(0), limit).await;
    assert!(matches!(old, Err(LogError::Trimmed { start: oldest }) if oldest.0 == start(&log)));
}

#[tokio::test]
async fn what_is_not_released_is_never_trimmed() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = open(keeping_nothing(dir.path()));
    fill(&log, 20).await;
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert_eq!(start(&log), 0);
    assert_eq!(read_all(&log).await.records.len(), 2000);
}

#[tokio::test]
async fn counts_and_offsets_go_on_when_everything_is_trimmed_and_over_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = open(keeping_nothing(dir.path()));
    fill(&log, 5).await;
    append(&log, "store", 500, 7).await.unwrap();
    release(&log, 507).await;
    eventually("the last segment is ended and trimmed", async || start(&log) == 507).await;
    assert_eq!(segment_files(dir.path()).len(), 1);
    let before = log.extent(&log.partitions()[0]);
    assert_eq!((before.end, accepted(&log)["events"], accepted(&log)["store"]), (Offset(507), 500, 7));
    drop(log);
    for closing in [true, false] {
        let log = open(keeping_nothing(dir.path())).0;
        assert_eq!(log.extent(&log.partitions()[0]), before);
        if closing {
            log.close().await;
        }
    }
}

#[tokio::test]
async fn released_events_are_kept_for_the_retention_and_then_by_size() {
    let dir = tempfile::tempdir().unwrap();
    let kept = LogSettings { retention_max_bytes: 200 << 10, ..settings(dir.path()) };
    let (log, _) = open(LogSettings { retention: Duration::from_secs(86_400 * 365 * 50), ..kept });
    fill(&log, 60).await;
    let before = log.stats().bytes;
    assert!(before > 400 << 10);
    release(&log, 6000).await;
    eventually("the oldest go", async || log.stats().bytes < before).await;
    eventually("down to the limit", async || log.stats().bytes <= (200 << 10) + (64 << 10)).await;
    assert!(log.stats().bytes > 100 << 10, "and no further");
    assert!(read_from(&log, start(&log), 1000).await.records.len() > 1000, "what is kept can be replayed");
}

#[tokio::test]
async fn a_used_up_budget_refuses_until_something_is_released() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = open(LogSettings { max_bytes: 512 << 10, ..settings(dir.path()) });
    let mut end = 0;
    let reason = loop {
        match append(&log, "events", end, 100).await {
            Ok(span) => end = span.end.0,
            Err(LogError::Retry { reason, .. }) => break reason,
            Err(error) => panic!("{error}"),
        }
    };
    assert!(reason.contains("max_bytes"), "{reason}");
    assert!(log.stats().writable.is_err());
    assert!(log.stats().bytes <= 512 << 10);
    let on_disk: u64 = segment_files(dir.path()).iter().map(|file| file.metadata().unwrap().len()).sum();
    assert!(on_disk <= 520 << 10, "reserved space counts: {on_disk}");
    assert!(append(&log, "events", end, 1).await.is_ok() || log.stats().budget_left_bytes < 2000);
    release(&log, end).await;
    eventually("there is room again", async || log.stats().writable.is_ok()).await;
    append(&log, "events", end, 100).await.unwrap();
    assert!(start(&log) > 0, "what was kept for replay went first");
}

#[tokio::test]
async fn a_sink_that_keeps_up_never_meets_the_budget() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = open(LogSettings { max_bytes: 256 << 10, ..settings(dir.path()) });
    for number in 0..200 {
        let span = append(&log, "events", number * 100, 100).await.unwrap();
        release(&log, span.end.0).await;
    }
    assert!(log.stats().bytes <= 256 << 10);
}

#[tokio::test]
async fn the_oldest_event_that_is_kept_tells_its_age() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = open(settings(dir.path()));
    assert_eq!(log.stats().oldest_at, None);
    fill(&log, 1).await;
    assert!(log.stats().oldest_at.is_some());
    log.close().await;
    drop(log);
    let (log, _) = open(settings(dir.path()));
    assert_eq!(log.stats().oldest_at, Some(sample("events", 0, 1).received_at));
}
