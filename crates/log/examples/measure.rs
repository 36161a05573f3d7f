//! How fast the log is on this machine, against what its disk can do at best.
//!
//! `cargo run --release -p weir-log --example measure [FOLDER]`

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a program for people, which may stop at any failure"
)]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use weir_core::event::{Event, EventId, Offset, Origin, Stream};
use weir_core::log::{Append, Entry, EventLog, Partition, ReadLimit};
use weir_core::observe::Observer;
use weir_core::time::Timestamp;
use weir_log::segment::{Durability, LogSettings, SegmentLog};

const RUN: Duration = Duration::from_secs(5);

#[derive(Default)]
struct Syncs {
    count: AtomicU64,
    micros: AtomicU64,
    bytes: AtomicU64,
}

impl Observer for Syncs {
    fn synced(&self, bytes: u64, took: Duration) {
        self.count.fetch_add(1, Ordering::Relaxed);
        self.micros.fetch_add(took.as_micros() as u64, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }
}

fn main() {
    let folder =
        std::env::args().nth(1).unwrap_or_else(|| std::env::temp_dir().to_string_lossy().into_owned());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    for durability in [Durability::Fsync, Durability::Os] {
        for (tasks, events, reading) in
            [(1, 1, false), (256, 1, false), (256, 1, true), (16, 1000, false), (16, 1000, true)]
        {
            runtime.block_on(appending(Path::new(&folder), durability, tasks, events, reading));
        }
    }
    runtime.block_on(reading(Path::new(&folder)));
}

fn event(number: u64) -> Event {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&number.to_le_bytes());
    let body = format!(r#"{{"page":"home","event":"view","label":"{}"}}"#, "x".repeat(200 - 40));
    Event {
        id: EventId(id),
        occurred_at: Timestamp::from_micros(0),
        client_id: None,
        user_id: None,
        body: Bytes::from(body),
    }
}

fn open(dir: &Path, durability: Durability) -> (Arc<SegmentLog>, Arc<Syncs>) {
    let syncs = Arc::new(Syncs::default());
    let settings = LogSettings { durability, ..LogSettings::new(dir, Partition("measure".into())) };
    let (log, _) = SegmentLog::open(settings, syncs.clone()).unwrap();
    (Arc::new(log), syncs)
}

async fn append_until(log: Arc<SegmentLog>, events: u64, until: Instant) -> u64 {
    let stream = Stream::new("events").unwrap();
    let origin = Origin {
        credential: "key:default".to_owned(),
        user_agent: Some("measure/1".to_owned()),
        ..Origin::default()
    };
    let events: Vec<Event> = (0..events).map(event).collect();
    let mut appended = 0;
    while Instant::now() < until {
        let entry = Entry {
            stream: &stream,
            received_at: Timestamp::from_micros(1),
            origin: &origin,
            events: &events,
        };
        log.append(entry).await.unwrap();
        appended += events.len() as u64;
    }
    appended
}

/// A sink that takes everything and keeps nothing.
async fn follow(log: Arc<SegmentLog>, seen: Arc<AtomicU64>) {
    let partition = log.partitions().remove(0);
    let limit = ReadLimit { max_events: 10_000, max_bytes: 4 << 20 };
    let mut at = Offset(0);
    while log.wait(&partition, at).await.is_ok() {
        let Ok(slice) = log.read(&partition, at, limit).await else { return };
        seen.fetch_add(slice.records.len() as u64, Ordering::Relaxed);
        at = slice.end;
        if log.release(&partition, at).await.is_err() {
            return;
        }
    }
}

async fn appending(folder: &Path, durability: Durability, tasks: usize, events: u64, reading: bool) {
    let dir = tempfile::tempdir_in(folder).unwrap();
    let (log, syncs) = open(dir.path(), durability);
    let seen = Arc::new(AtomicU64::new(0));
    let follower = reading.then(|| tokio::spawn(follow(Arc::clone(&log), Arc::clone(&seen))));
    let begun = Instant::now();
    let appends: Vec<_> =
        (0..tasks).map(|_| tokio::spawn(append_until(Arc::clone(&log), events, begun + RUN))).collect();
    let mut appended = 0;
    for append in appends {
        appended += append.await.unwrap();
    }
    let seconds = begun.elapsed().as_secs_f64();
    let count = syncs.count.load(Ordering::Relaxed).max(1);
    let mean_ms = syncs.micros.load(Ordering::Relaxed) as f64 / count as f64 / 1000.0;
    let bytes = syncs.bytes.load(Ordering::Relaxed) as f64;
    let rate = appended as f64 / events as f64 / seconds;
    println!(
        "{durability:?}: {tasks} tasks × {events} events{}: {rate:.0} appends/s, {:.0} events/s, {:.0} MB/s; write+sync mean \
         {mean_ms:.3} ms, {:.1} KB a group; ÷ (tasks ÷ mean) = {:.2}{}",
        if reading { ", read along" } else { "" },
        appended as f64 / seconds,
        bytes / seconds / 1e6,
        bytes / count as f64 / 1e3,
        rate / (tasks as f64 / mean_ms * 1000.0),
        if reading {
            format!("; read {:.0}/s", seen.load(Ordering::Relaxed) as f64 / seconds)
        } else {
            String::new()
        },
    );
    log.close().await;
    if let Some(follower) = follower {
        follower.await.unwrap();
    }
}

/// A backlog read back, and the time to open a log that holds it.
async fn reading(folder: &Path) {
    for events in [1, 1000] {
        let dir = tempfile::tempdir_in(folder).unwrap();
        let (log, _) = open(dir.path(), Durability::Os);
        let appends: Vec<_> = (0..64)
            .map(|_| tokio::spawn(append_until(Arc::clone(&log), events, Instant::now() + RUN)))
            .collect();
        for append in appends {
            append.await.unwrap();
        }
        drop(log);
        let begun = Instant::now();
        let (log, _) = open(dir.path(), Durability::Fsync);
        println!("opened {:.2} GB in {:?}", log.stats().bytes as f64 / 1e9, begun.elapsed());
        let partition = log.partitions().remove(0);
        let (mut at, begun) = (Offset(0), Instant::now());
        let limit = ReadLimit { max_events: 1000, max_bytes: 4 << 20 };
        loop {
            let slice = log.read(&partition, at, limit).await.unwrap();
            if slice.end == at {
                break;
            }
            at = slice.end;
        }
        let seconds = begun.elapsed().as_secs_f64();
        let bytes = log.stats().bytes as f64;
        println!(
            "read back entries of {events}: {:.0} events/s, {:.0} MB/s",
            at.0 as f64 / seconds,
            bytes / seconds / 1e6
        );
    }
}
