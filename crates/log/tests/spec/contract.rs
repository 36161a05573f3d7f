//! The embedded log does what every log must, and keeps its own promises over a restart.

use std::sync::Mutex;

use crate::support::*;
use weir_core::event::Offset;
use weir_core::log::{Append, EventLog, LogError};
use weir_core::testkit::log::{Sample, contract};
use weir_log::segment::{Durability, LogSettings, OpenError, SegmentLog};

/// Runs the suite on logs in folders of their own.
async fn keeps_the_contract(change: impl Fn(LogSettings) -> LogSettings) {
    let folders = tempfile::tempdir().unwrap();
    let current = Mutex::new(0);
    let settings = |round: u32| change(settings(&folders.path().join(round.to_string())));
    let opened = async || {
        let round = {
            let mut current = current.lock().unwrap();
            *current += 1;
            *current
        };
        open(settings(round)).0
    };
    let reopened = async |log: SegmentLog| {
        log.close().await;
        drop(log);
        open(settings(*current.lock().unwrap())).0
    };
    contract(opened, reopened).await;
}

#[tokio::test]
async fn the_embedded_log_keeps_the_contract() {
    keeps_the_contract(|settings| settings).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn so_it_does_with_large_segments_and_without_syncing() {
    keeps_the_contract(|settings| LogSettings {
        segment_bytes: 64 << 20,
        durability: Durability::Os,
        ..settings
    })
    .await;
}

#[tokio::test]
async fn so_it_does_when_nothing_released_is_kept() {
    keeps_the_contract(|settings| LogSettings {
        retention: std::time::Duration::ZERO,
        retention_max_bytes: 0,
        ..settings
    })
    .await;
}

#[tokio::test]
async fn a_second_process_is_told_who_has_the_log() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = open(settings(dir.path()));
    let second = SegmentLog::open(settings(dir.path()), std::sync::Arc::new(Counting::default()));
    let Err(OpenError::Locked { pid, .. }) = second else { panic!("it is locked") };
    assert_eq!(pid, std::process::id().to_string());
    drop(log);
    open(settings(dir.path()));
}

#[tokio::test]
async fn an_entry_over_the_limit_is_refused_for_good() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = open(LogSettings { append_max_bytes: 10_000, ..settings(dir.path()) });
    let outcome = append(&log, "events", 0, 1000).await;
    assert!(matches!(outcome, Err(LogError::Refused(_))), "{outcome:?}");
    append(&log, "events", 0, 10).await.unwrap();
}

#[tokio::test]
async fn an_entry_larger_than_a_segment_gets_one_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = open(settings(dir.path()));
    append(&log, "events", 0, 1).await.unwrap();
    append(&log, "events", 1, 5000).await.unwrap();
    append(&log, "events", 5001, 1).await.unwrap();
    let all = read_all(&log).await;
    assert_eq!(all.names(), (0..5002).map(|number| number.to_string()).collect::<Vec<_>>());
    assert_eq!(segment_files(dir.path()).len(), 3);
}

#[tokio::test]
async fn a_closed_log_takes_nothing_and_lets_nobody_wait() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = open(settings(dir.path()));
    append(&log, "events", 0, 1).await.unwrap();
    let partition = log.partitions().remove(0);
    let (waited, ()) = tokio::join!(log.wait(&partition, Offset(1)), log.close());
    assert!(matches!(waited, Err(LogError::Closed)));
    assert!(matches!(append(&log, "events", 1, 1).await, Err(LogError::Closed)));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_waits_while_a_sync_runs_shares_the_next() {
    let dir = tempfile::tempdir().unwrap();
    let observer = std::sync::Arc::new(Counting::default());
    let (log, _) = SegmentLog::open(settings(dir.path()), observer.clone()).unwrap();
    let samples: Vec<Sample> = (0..500).map(|number| sample("events", number, 1)).collect();
    let appends = samples.iter().map(|sample| log.append(sample.entry()));
    for span in futures::future::join_all(appends).await {
        span.unwrap();
    }
    let syncs = observer.syncs.load(std::sync::atomic::Ordering::Relaxed);
    assert!(syncs < 250, "500 entries took {syncs} syncs");
}

#[tokio::test]
async fn many_segments_are_read_with_few_files_open() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = open(settings(dir.path()));
    for number in 0..60 {
        append(&log, "events", number * 400, 400).await.unwrap();
    }
    assert!(segment_files(dir.path()).len() > 40);
    assert_eq!(read_all(&log).await.records.len(), 60 * 400);
    let descriptors = std::fs::read_dir("/proc/self/fd").unwrap().flatten();
    let ours = descriptors
        .filter(|fd| std::fs::read_link(fd.path()).is_ok_and(|target| target.starts_with(dir.path())));
    assert!(ours.count() < 40);
}
