//! What the tests of the log share.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use weir_core::event::{Offset, Record, Stream};
use weir_core::log::{Append, EventLog, LogError, Partition, ReadLimit, Span};
use weir_core::observe::Observer;
use weir_core::testkit::log::Sample;
use weir_log::segment::disk::Disk;
use weir_log::segment::{LogSettings, OpenReport, SegmentLog};

/// Counts what the log tells.
#[derive(Default)]
pub struct Counting {
    pub corrupt_blocks: AtomicU64,
    pub syncs: AtomicU64,
}

impl Observer for Counting {
    fn synced(&self, _bytes: u64, _took: Duration) {
        self.syncs.fetch_add(1, Ordering::Relaxed);
    }

    fn corrupt_block(&self) {
        self.corrupt_blocks.fetch_add(1, Ordering::Relaxed);
    }
}

/// A folder in memory where there is such a thing: for tests that open thousands of logs and need no real disk.
pub fn quick_dir() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a folder")
}

/// Small segments, nothing trimmed, no floor.
pub fn settings(dir: &Path) -> LogSettings {
    LogSettings {
        segment_bytes: 64 << 10,
        free_min_bytes: 0,
        ..LogSettings::new(dir, Partition("test".into()))
    }
}

pub fn open(settings: LogSettings) -> (SegmentLog, OpenReport) {
    SegmentLog::open(settings, Arc::new(Counting::default())).expect("the log opens")
}

pub fn open_on(settings: LogSettings, disk: Arc<dyn Disk>) -> (SegmentLog, OpenReport) {
    SegmentLog::open_on(settings, Arc::new(Counting::default()), disk).expect("the log opens")
}

/// Appends events named by their numbers from `first` on, in one entry.
pub async fn append(log: &SegmentLog, stream: &str, first: u64, count: usize) -> Result<Span, LogError> {
    log.append(sample(stream, first, count).entry()).await
}

pub fn sample(stream: &str, first: u64, count: usize) -> Sample {
    let mut sample = Sample::new(stream, 0);
    let names = (first..first + count as u64).map(|number| number.to_string());
    sample.events = names.map(|name| Sample::event(&sample.stream, &name)).collect();
    sample
}

/// What reading a whole log gave.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Everything {
    pub records: Vec<Record>,
    pub lost: BTreeMap<String, u64>,
    pub end: u64,
}

impl Everything {
    pub fn offsets(&self) -> Vec<u64> {
        self.records.iter().map(|record| record.offset.0).collect()
    }

    pub fn names(&self) -> Vec<String> {
        self.records.iter().map(|record| record.event.client_id.as_deref().unwrap_or("").to_owned()).collect()
    }

    pub fn lost_events(&self) -> u64 {
        self.lost.values().sum()
    }

    /// Intact and lost events of each stream.
    pub fn by_stream(&self) -> BTreeMap<String, u64> {
        let mut sums = self.lost.clone();
        for record in &self.records {
            *sums.entry(record.stream.as_str().to_owned()).or_default() += 1;
        }
        sums
    }
}

/// Reads from `from` to the end, so many events at a time.
pub async fn read_from(log: &SegmentLog, from: u64, max_events: usize) -> Everything {
    let partition = log.partitions().remove(0);
    let limit = ReadLimit { max_events, max_bytes: 4 << 20 };
    let mut all = Everything { end: from, ..Everything::default() };
    loop {
        let slice = log.read(&partition, Offset(all.end), limit).await.expect("a read");
        if slice.end.0 == all.end {
            return all;
        }
        assert!(slice.end.0 - all.end <= max_events as u64, "a slice spans no more than was asked for");
        let told: u64 = slice.lost.iter().map(|lost| lost.count).sum();
        assert_eq!(all.end + told + slice.records.len() as u64, slice.end.0, "every offset is accounted for");
        assert!(slice.lost.is_empty() || slice.records.is_empty(), "a gap has a slice of its own");
        for lost in slice.lost {
            *all.lost.entry(lost.stream.as_str().to_owned()).or_default() += lost.count;
        }
        all.records.extend(slice.records);
        all.end = slice.end.0;
    }
}

pub async fn read_all(log: &SegmentLog) -> Everything {
    read_from(log, log.extent(&log.partitions()[0]).start.0, 1000).await
}

pub fn accepted(log: &SegmentLog) -> BTreeMap<String, u64> {
    let accepted = log.extent(&log.partitions()[0]).accepted;
    accepted.into_iter().map(|(stream, count): (Stream, u64)| (stream.as_str().to_owned(), count)).collect()
}

/// The segment files, oldest first.
pub fn segment_files(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).expect("a folder").map(|entry| entry.expect("an entry").path());
    let mut files: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|e| e == "seg")).collect();
    files.sort();
    files
}

/// Copies a log's files as they are now, without its lock.
pub fn copy_log(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_file() && path.file_name().is_some_and(|name| name != "lock") {
            // A file may be renamed or trimmed away between the listing and the copy.
            let _ = std::fs::copy(&path, to.join(path.file_name().expect("a name")));
        }
    }
}

/// Waits until `condition` holds; panics after half a minute.
pub async fn eventually(what: &str, condition: impl AsyncFn() -> bool) {
    for _ in 0..3000 {
        if condition().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("did not come about: {what}");
}
